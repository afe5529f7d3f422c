"""What a session ran on: the versions that its own code names, and where."""

from __future__ import annotations

import re

from ..nouns import Checked, Device

FEW = 6
"""Up to how many packages all are named, and not those of the session's own imports alone."""
_IMPORT = re.compile(r"^\s*(?:from|import)\s+(.+)", re.MULTILINE)


def of(checked: Checked) -> dict[str, str]:
    """Return Python, the packages that the session imported, and the machine, by name.

    Of many packages those count that its snippets import by name; the rest is theirs.
    """
    outcome = checked.outcome
    named = dict(outcome.environment)
    if named.get("device") == Device.CPU.value:
        del named["device"]
    there = {n: v for n, v in outcome.traced.distributions.items() if v and n not in named}
    code = "\n".join(snippet.code for snippet in checked.session.snippets)
    words = {word for line in _IMPORT.findall(code) for word in re.findall(r"\w+", line)}
    own = {n: v for n, v in there.items() if re.sub(r"[-.]+", "_", n).lower() in words}
    python = {"python": named.pop("python")} if "python" in named else {}
    return python | (there if len(there) <= FEW else own) | named
