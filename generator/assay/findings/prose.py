"""No unbound figures: every figure the reader sees is a claim, a given or an opinion.

Law: what counts as a name (and so may hold a number) is listed with its reason in the settings, and
each use of that list is counted for the report, so that nobody hides a figure there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from ..entries.positions import Lines
from ..figures import reading, stated, tails, words
from ..figures.names import Names, of_project
from ..figures.numbers import FigureError
from ..nouns import HOLE, Block, Claim, Entry, Exemption, Finding, Given, Place

if TYPE_CHECKING:
    from ..settings import Settings

_HOLDS_A_NUMBER = re.compile(rf"\d|[½⅓⅔¼¾]|(?i:{words.ANY})")
_MARKS = re.compile(r"==|\^\^|~~|\+\+")  # of pymdown-extensions: no signs to a reader
_NUMBERING = re.compile(r"\d+(?:\.\d+)*\.?\s")
_ITEM = re.compile(r"\d+(?:\.\d+)+(?:\.\s|\s+[A-Z])")
_LIST = re.compile(r"\d+(?:,\d{1,2}){2,}")
"""Three numbers or more with commas between are a list, as of notes: 2,3,7."""
"""The number of a heading, and of an item: 6.7. Decide."""
_FOLLOWS = re.compile(HOLE)


class Unbound(Struct, frozen=True):
    """The unbound figures of a page, and how many figures each pattern of names kept out."""

    findings: tuple[Finding, ...]
    kept: dict[str, int]
    texts: dict[Place, str] = {}
    """Each figure as it is written, by where it stands."""


def names_of(settings: Settings) -> Names:
    """Return the names that may hold a number, built in and of the settings, and own units."""
    return of_project(((name.pattern, name.reason) for name in settings.names), settings.units)


def check(entry: Entry, names: Names) -> Unbound:
    """Return the unbound figures of *entry*, and how many figures each pattern of *names* kept."""
    lines = Lines(entry.path, entry.text)
    kept = dict.fromkeys((pattern for pattern, _ in names.patterns), 0)
    texts = {
        lines.place(offset): text
        for block in entry.blocks
        for text, offset in _placed(block, names, kept)
    }
    findings = [_unbound(place, text) for place, text in texts.items()]
    findings += [_unit_outside(lines.place(o), u) for o, u in _stray_units(entry, names)]
    return Unbound(tuple(findings), kept | {"code and math": _unread(entry, names)}, texts)


def _unread(entry: Entry, names: Names) -> int:
    """Count the figures of code spans and formulas, in which nothing is bound."""
    texts = (*entry.codes, *(formula.latex for formula in entry.formulas))
    blocks = (Block(text=text, offsets=tuple(range(len(text)))) for text in texts)
    return sum(1 for block in blocks for _ in figures(block, names))


def exemptions(names: Names, unbound: Sequence[Unbound]) -> tuple[Exemption, ...]:
    """Add up how many figures each pattern kept out of the check."""
    return tuple(
        Exemption(pattern, reason, sum(one.kept.get(pattern, 0) for one in unbound))
        for pattern, reason in names.patterns
    )


def figures(
    block: Block, names: Names, kept: dict[str, int] | None = None
) -> Iterator[tuple[str, int]]:
    """Yield the figures of *block* that are bound to nothing, each with where it starts there."""
    if not _HOLDS_A_NUMBER.search(block.text):
        return
    text = _MARKS.sub("  ", names.mask(block.text, kept))
    doubtful: list[FigureError] = []
    numbering = (_NUMBERING if block.heading else _ITEM).match(text)
    found = [
        (f.start, f.text)
        for f in reading.find(text, doubtful, names.lexicon)
        if reading.is_measured(f, text) and not (numbering and f.start == 0 and not f.unit)
    ]
    unread = [(error.start, text[error.start : error.end]) for error in doubtful]
    found += [(start, number) for start, number in unread if not _LIST.fullmatch(number)]
    found += [(start, text[start:end]) for start, end in reading.worded(text, names.lexicon)]
    for start, written in sorted(found):
        yield written, start


def _placed(block: Block, names: Names, kept: dict[str, int]) -> Iterator[tuple[str, int]]:
    return ((text, block.offsets[start]) for text, start in figures(block, names, kept))


def _unbound(place: Place, text: str) -> Finding:
    return Finding(
        code="A201",
        place=place,
        message=f"unbound figure {text!r}: it is neither claim, given nor opinion",
        hint=f"compute it and write [{text}](claim:name), cite it as [{text}](given:key), or say "
        f'whose it is: [{text}](opinion: "whose")',
    )


def _stray_units(entry: Entry, names: Names) -> Iterator[tuple[int, str]]:
    """Yield the units that stand right behind a claim whose own text has none."""
    both: list[Claim | Given] = [*entry.claims, *entry.givens]
    bound = {item.span.start: item.text for item in both}
    for block in entry.blocks:
        for follows in _FOLLOWS.finditer(block.text):
            start = block.offsets[follows.start()]
            unit = tails.read(block.text, follows.end(), names.lexicon).unit
            if not unit or start not in bound:
                continue
            try:
                own = stated.figure_of(bound[start], names).unit
            except FigureError:
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
