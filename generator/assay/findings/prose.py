"""No unbound figures: every figure the reader sees is a claim, a given or an opinion.

Law: what counts as a name (and so may hold a number) is listed with its reason in the settings, and
each use of that list is counted for the report, so that nobody hides a figure there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from ..entries.parse import HOLE
from ..entries.positions import Lines
from ..figures import reading, units
from ..nouns import Block, Claim, Entry, Exemption, Finding, Given, Place

if TYPE_CHECKING:
    from ..settings import Name

_PARTS = r"section|sect\.|equation|eq\.|figure|table|algorithm|chapter|appendix|line"
BUILT_IN = (
    (r"\bv?\d+\.\d+\.\d+\S*", "a version"),
    (r"\b(?:Python|PyTorch|torch|CUDA|version) ≥? ?\d+(?:\.\d+)*\b", "a version"),
    (rf"(?i)(?:\b(?:{_PARTS})|§) ?\(?\d+(?:\.\d+)*\)?", "a part of a text"),
    (r"\barXiv:? ?\d{4}\.\d{4,5}(?:v\d+)?", "a paper's number"),
    (r"\b\d{4}-\d{2}(?:-\d{2})?\b", "a date"),
    (r"\bCC BY(?:-[A-Z]+)? \d\.\d\b", "a licence"),
)
"""Patterns of names that any text may hold, with the reason for each."""

_HOLDS_A_NUMBER = re.compile(r"(?i)\d|times|fold")
_NUMBERING = re.compile(r"\d+(?:\.\d+)*\.?\s")
_FOLLOWS = re.compile(HOLE + r"[ \u00a0\u202f\u2009-]?(?P<unit>%|×|(?!x\b)[A-Za-zµμ]+)")

Names = tuple[tuple[str, str], ...]


class Unbound(Struct, frozen=True):
    """The unbound figures of a page, and how many figures each pattern of names kept out."""

    findings: tuple[Finding, ...]
    kept: dict[str, int]


def names_of(settings: Iterable[Name]) -> Names:
    """Return the patterns of names that may hold a number: built in, then of the settings."""
    return (*BUILT_IN, *((name.pattern, name.reason) for name in settings))


def check(entry: Entry, names: Names) -> Unbound:
    """Return the unbound figures of *entry*, and how many figures each pattern of *names* kept."""
    lines = Lines(entry.path, entry.text)
    kept = dict.fromkeys((pattern for pattern, _ in names), 0)
    findings = [
        _unbound(lines.place(offset), text)
        for block in entry.blocks
        for text, offset in _figures(block, names, kept)
    ]
    findings += [_unit_outside(lines.place(o), u) for o, u in _stray_units(entry)]
    return Unbound(tuple(findings), kept)


def exemptions(names: Names, unbound: Sequence[Unbound]) -> tuple[Exemption, ...]:
    """Add up how many figures each pattern kept out of the check."""
    return tuple(
        Exemption(pattern, reason, sum(one.kept.get(pattern, 0) for one in unbound))
        for pattern, reason in names
    )


def mask(text: str, names: Names, kept: dict[str, int] | None = None) -> str:
    """Blank out the names in *text*, counting into *kept* those that hold a figure."""
    for pattern, _ in names:

        def blank(match: re.Match[str], pattern: str = pattern) -> str:
            if kept is not None and re.search(r"\d", match[0]):
                kept[pattern] += 1
            return HOLE * len(match[0])

        text = re.sub(pattern, blank, text)
    return text


def _figures(block: Block, names: Names, kept: dict[str, int]) -> Iterator[tuple[str, int]]:
    if not _HOLDS_A_NUMBER.search(block.text):
        return
    text = mask(block.text, names, kept)
    doubtful: list[reading.FigureError] = []
    numbering = _NUMBERING.match(text) if block.heading else None
    found = [
        (f.start, f.text)
        for f in reading.find(text, doubtful)
        if reading.is_measured(f) and not (numbering and f.start == 0 and not f.unit)
    ]
    found += [(error.start, text[error.start : error.end]) for error in doubtful]
    found += [(start, text[start:end]) for start, end in reading.worded(text)]
    for start, written in sorted(found):
        yield written, block.offsets[start]


def _unbound(place: Place, text: str) -> Finding:
    return Finding(
        code="A201",
        place=place,
        message=f"unbound figure {text!r}: it is neither claim, given nor opinion",
        hint=f"compute it and write [{text}](claim:name), cite it as [{text}](given:key), or say "
        f'whose it is: [{text}](opinion: "whose")',
    )


def _stray_units(entry: Entry) -> Iterator[tuple[int, str]]:
    """Yield the units that stand right behind a claim whose own text has none."""
    both: list[Claim | Given] = [*entry.claims, *entry.givens]
    bound = {item.span.start: item.text for item in both}
    for block in entry.blocks:
        for follows in _FOLLOWS.finditer(block.text):
            start, unit = block.offsets[follows.start()], follows["unit"]
            if start not in bound or units.factor(unit) is None:
                continue
            try:
                own = reading.only(bound[start]).unit
            except reading.FigureError:
                continue
            if not own:
                yield start, unit


def _unit_outside(place: Place, unit: str) -> Finding:
    return Finding(
        code="A202",
        place=place,
        message=f"the unit {unit!r} stands outside of the brackets, where nothing checks it",
        hint=f"move it inside: [... {unit}](...)",
    )
