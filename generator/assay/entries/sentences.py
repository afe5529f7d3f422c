"""The sentence that a claim stands in, as a reader reads it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from ..nouns import HOLE, Block, Claim, Entry, Given, Opinion

_END = re.compile(r"[.!?](?=\s+[\"“(]?[A-Z0-9\ufffc])\s+")


def of_claims(entry: Entry) -> dict[int, str]:
    """Return the sentence of each claim of *entry*, by the offset at which the claim stands."""
    bound: list[Claim | Given | Opinion] = [*entry.claims, *entry.givens, *entry.opinions]
    texts = {item.span.start: item.text for item in bound}
    found = dict(pair for block in entry.blocks for pair in _of_block(block, texts))
    return {claim.span.start: found.get(claim.span.start, claim.text) for claim in entry.claims}


def _of_block(block: Block, texts: dict[int, str]) -> Iterator[tuple[int, str]]:
    starts = [0, *(match.end() for match in _END.finditer(block.text))]
    said: dict[int, str] = {}
    for at in (match.start() for match in re.finditer(HOLE, block.text)):
        if block.offsets[at] not in texts:
            continue
        number = bisect_right(starts, at) - 1
        if number not in said:
            end = starts[number + 1] if number + 1 < len(starts) else len(block.text)
            said[number] = _read(block, starts[number], end, texts)
        yield block.offsets[at], said[number]


def _read(block: Block, start: int, end: int, texts: dict[int, str]) -> str:
    """Return a stretch of a block with the texts of claims in their places."""
    letters = (
        texts.get(block.offsets[at], "…") if letter == HOLE else letter
        for at, letter in enumerate(block.text[start:end], start)
    )
    return " ".join("".join(letters).split())
