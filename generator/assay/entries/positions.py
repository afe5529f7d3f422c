"""Offsets of a text to places and back: the one piece of arithmetic that every stage shares."""

from __future__ import annotations

import re
from bisect import bisect_right

from ..nouns import Place


class Lines:
    """The line starts of one file's text."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def place(self, offset: int) -> Place:
        """Return the place of the character at *offset*."""
        line = bisect_right(self.starts, offset)
        return Place(self.path, line, offset - self.starts[line - 1] + 1)

    def offset(self, place: Place) -> int:
        """Return the offset of the character at *place*."""
        return self.starts[place.line - 1] + place.column - 1
