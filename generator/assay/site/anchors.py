"""Names for addresses: words joined by hyphens, each thing with its own."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..ids import numbered

_SPELLED = {"+": " plus ", "#": " sharp ", "&": " and ", "%": " percent ", "@": " at "}


def anchors(kind: str, texts: Iterable[str]) -> dict[str, str]:
    """Return an anchor for each of *texts*, no two alike; *kind* is what all begin with, if any.

    >>> anchors("", ["C", "C++", "Память", "?"])
    {'C': 'c', 'C++': 'c-plus-plus', 'Память': 'память', '?': 'x'}
    """
    each = list(dict.fromkeys(texts))
    stems = ("-".join(filter(None, (kind, _dashed(text) or "x"))) for text in each)
    return dict(zip(each, numbered(stems), strict=True))


def _dashed(text: str) -> str:
    spelled = "".join(_SPELLED.get(letter, letter) for letter in text)
    return re.sub(r"[^\w]+", "-", spelled).strip("-").lower()
