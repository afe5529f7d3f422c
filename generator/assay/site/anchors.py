"""Names for addresses: words joined by hyphens, each thing with its own."""

from __future__ import annotations

import re
from collections.abc import Iterable

_SPELLED = {"+": " plus ", "#": " sharp ", "&": " and ", "%": " percent ", "@": " at "}


def anchors(kind: str, texts: Iterable[str]) -> dict[str, str]:
    """Return an anchor for each of *texts*, no two alike; *kind* is what all begin with, if any.

    >>> anchors("", ["C", "C++", "Память", "?"])
    {'C': 'c', 'C++': 'c-plus-plus', 'Память': 'память', '?': 'x'}
    """
    found: dict[str, str] = {}
    taken: dict[str, int] = {}
    for text in texts:
        if text not in found:
            name = "-".join(filter(None, (kind, _dashed(text) or "x")))
            taken[name] = taken.get(name, 0) + 1
            found[text] = name if taken[name] == 1 else f"{name}-{taken[name]}"
    return found


def _dashed(text: str) -> str:
    spelled = "".join(_SPELLED.get(letter, letter) for letter in text)
    return re.sub(r"[^\w]+", "-", spelled).strip("-").lower()
