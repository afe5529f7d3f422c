"""Offsets of a text to places and back: the one piece of arithmetic that every stage shares."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right

from ..nouns import Place, Span


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


class Source:
    """A text given to the parser, and where each of its characters stands in the file."""

    def __init__(self, text: str, offsets: list[int]) -> None:
        self.text = text
        self.offsets = [*offsets, (offsets[-1] + 1 if offsets else 0)]
        # Bytes beyond one a character, and the byte at which each character with some ends.
        self._extra, self._ends, extra = [0], [0], 0
        for match in re.finditer(r"[^\x00-\x7f]", text):
            extra += len(match[0].encode()) - 1
            self._extra.append(extra)
            self._ends.append(match.end() + extra)

    def chars(self, where: dict[str, int]) -> tuple[int, int]:
        """Return a range of bytes as one of characters."""
        return self._char(where["start"]), self._char(where["end"])

    def _char(self, byte: int) -> int:
        return byte - self._extra[bisect_right(self._ends, byte) - 1]

    def span(self, where: dict[str, int]) -> Span:
        start, end = self.chars(where)
        return Span(self.offsets[start], self.offsets[end - 1] + 1 if end > start else 0)

    def text_of(self, span: Span) -> str:
        first = bisect_left(self.offsets, span.start)
        return self.text[first : first + span.end - span.start]

    def offsets_of(self, value: str, where: dict[str, int]) -> list[int]:
        start, end = self.chars(where)
        if end - start == len(value):
            return self.offsets[start:end]
        return [self.offsets[start]] * len(value)  # an entity: ``&nbsp;``


def written(text: str, value: str, at: int) -> list[int] | None:
    """Return where each letter of *value*, which YAML read, stands in *text* behind *at*.

    A value may be folded over lines; None for one that is written with escapes.
    """
    folded = re.compile(r"\s+".join(map(re.escape, value.split()))).search(text, at)
    if folded is None:
        return None
    letters = (i for i in range(*folded.span()) if not text[i].isspace())
    offsets: list[int] = []
    for letter in value:
        at = at + 1 if letter.isspace() else next(letters)
        offsets.append(at)
    return offsets
