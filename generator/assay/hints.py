"""Hints: the nearest thing to what was written.

Law: a hint costs little, however much was misspelt and however many things there are.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from itertools import islice

MOST, LONGEST = 50, 100
"""How many candidates are looked at closely, and how long a word may be to be looked at."""


def nearest(word: str, among: Iterable[str]) -> str:
    """Return "did you mean ...?" for the nearest of *among*, or "" if none is near."""
    known = [one for one in among if len(one) <= LONGEST]
    if len(word) > LONGEST:
        return ""
    if len(known) > MOST:
        known = list(islice(_alike(word, known), MOST))
    near = difflib.get_close_matches(word, known, 1)
    return f"did you mean {near[0]!r}?" if near else ""


def _alike(word: str, known: list[str]) -> Iterator[str]:
    """Yield those that share both halves' ends with *word* first: a slip changes one place."""
    half = max(1, len(word) // 2)
    front, back = word[:half], word[-half:]
    yield from (one for one in known if one.startswith(front) and one.endswith(back[-1:]))
    yield from (one for one in known if one.endswith(back) and not one.startswith(front))
    yield from (one for one in known if one.startswith(front) and not one.endswith(back[-1:]))
