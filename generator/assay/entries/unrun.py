"""Fences of Python that do not run, as hints need them: which of them binds a name."""

from __future__ import annotations

import re

_FENCE = re.compile(
    r"^[ \t]*(?P<mark>`{3,}|~{3,})[ \t]*(?:python|py)\b(?P<info>[^\n]*)\n"
    r"(?P<code>.*?)^[ \t]*(?P=mark)",
    re.MULTILINE | re.DOTALL,
)


def binding(text: str, name: str) -> int:
    r"""Return the line of the first fence in *text* that binds *name* and does not run; 0 if none.

    >>> binding("# A\n\n```python\nx = 1\n```\n", "x")
    3
    """
    binds = re.compile(rf"^[ \t]*{re.escape(name)}[ \t]*=(?!=)", re.MULTILINE)
    for fence in _FENCE.finditer(text):
        if "exec" not in fence["info"] and binds.search(fence["code"]):
            return text.count("\n", 0, fence.start("mark")) + 1
    return 0
