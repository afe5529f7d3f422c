"""Hints: the nearest thing to what was written, and what cannot be seen in it.

Law: a hint costs little, however much was misspelt and however many things there are.
"""

from __future__ import annotations

import difflib
import unicodedata
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


def looks_alike(stated: str, computed: str) -> str:
    """Say in which character two texts differ that look the same, or "" if they do not.

    >>> looks_alike("5 μs", "5 µs")
    'they look the same: GREEK SMALL LETTER MU is stated, and it is MICRO SIGN'
    """
    if stated == computed or _shape(stated) != _shape(computed):
        return ""
    pairs = zip(stated + "\0", computed + "\0", strict=False)
    one, other = next((a, b) for a, b in pairs if a != b)
    return f"they look the same: {_name(one)} is stated, and it is {_name(other)}"


def _shape(text: str) -> str:
    lines = unicodedata.normalize("NFKC", text).split("\n")
    return "\n".join(" ".join(line.split()) for line in lines)


def _name(letter: str) -> str:
    return "nothing more" if letter == "\0" else unicodedata.name(letter, f"U+{ord(letter):04X}")
