"""The sentence that a claim stands in, as a reader reads it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from ..nouns import HOLE, Block, Claim, Entry, Given, Opinion

_END = re.compile(r"[.!?](?=\s+[\"“(]?[A-Z0-9\ufffc])\s+")


class Said(NamedTuple):
    """A sentence in three parts: what stands before a claim's text, the text, what follows."""

    before: str
    text: str
    after: str

    @property
    def whole(self) -> str:
        """The sentence as it is read."""
        return "".join(self)


def of_claims(entry: Entry) -> dict[int, Said]:
    """Return the sentence of each claim of *entry*, by the offset at which the claim stands."""
    texts = _texts(entry)
    found = dict(pair for block in entry.blocks for pair in _of_block(block, texts))
    none = {c.span.start: Said("", texts[c.span.start], "") for c in entry.claims}
    return {start: found.get(start, said) for start, said in none.items()}


def first(entry: Entry) -> str:
    """Return the first sentence of *entry* that is no heading; empty on a page without one."""
    below = (block for block in entry.blocks if block.offsets[0] >= entry.body)
    prose = (block for block in below if not block.heading)
    block = next(prose, None)
    if block is None:
        return ""
    end = _END.search(block.text)
    return _read(block, 0, end.start() + 1 if end else len(block.text), _texts(entry)).strip()


def around(entry: Entry, at: int, texts: dict[int, str]) -> str:
    """Return the sentence of *entry* that stands around the offset *at*, behind a link's text.

    *texts* are those that stand in it, by the offset at which each is bound.
    """
    before = [block for block in entry.blocks if entry.body <= block.offsets[0] <= at]
    block = max(before, key=lambda one: one.offsets[0], default=None)
    if block is None:
        return ""
    letter = max(bisect_right(block.offsets, at) - 1, 0)
    starts = [0, *(match.end() for match in _END.finditer(block.text)), len(block.text)]
    number = min(bisect_right(starts, letter), len(starts) - 1)
    return _read(block, starts[number - 1], starts[number], texts).strip()


def _texts(entry: Entry) -> dict[int, str]:
    bound: list[Claim | Given | Opinion] = [*entry.claims, *entry.givens, *entry.opinions]
    return {item.span.start: " ".join(item.text.split()) for item in bound}


def _of_block(block: Block, texts: dict[int, str]) -> Iterator[tuple[int, Said]]:
    starts = [0, *(match.end() for match in _END.finditer(block.text)), len(block.text)]
    for at in (match.start() for match in re.finditer(HOLE, block.text)):
        if block.offsets[at] in texts:
            number = min(bisect_right(starts, at), len(starts) - 1)
            before = _read(block, starts[number - 1], at, texts).lstrip()
            after = _read(block, at + 1, starts[number], texts).rstrip()
            yield block.offsets[at], Said(before, texts[block.offsets[at]], after)


def _read(block: Block, start: int, end: int, texts: dict[int, str]) -> str:
    """Return a stretch of a block with the texts of claims in their places."""
    letters = (
        texts.get(block.offsets[at], "…") if letter == HOLE else letter
        for at, letter in enumerate(block.text[start:end], start)
    )
    return re.sub(r"\s+", " ", "".join(letters))
