"""Figures in a text: a number with its sign, scale, unit and range, as people write them.

Strategy: one pattern finds a number (numbers.py), tables read what stands around it (tails.py).
What cannot be read in one way is a :class:`FigureError`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import localcontext

from msgspec import Struct
from msgspec.structs import replace

from ..nouns import Figure
from . import numbers, tails, units, words
from .numbers import GAP, NUMBER, UPPER, FigureError, Number
from .units import PROSE, Lexicon

_RANGE = re.compile(rf"{GAP}(?:–|—|-|−|‑|\b(?:to|through)\b){GAP}[{units.CURRENCY_SIGNS}]?")
_AND = re.compile(rf"{GAP}\band\b{GAP}[{units.CURRENCY_SIGNS}]?")
_BETWEEN = re.compile(r"\bbetween\s$", re.IGNORECASE)
_SMALL = re.compile(r"[+\-−]?\d{1,3}(?:\s?(?:–|—|-|−|to)\s?\d{1,3})?")
_YEAR = re.compile(r"(?:19|20)\d\d(?:\s?(?:–|—|-|to)\s?(?:(?:19|20)?\d\d))?")
_WORD_BEHIND = re.compile(r"(?!x\d)[^\W\d_]")
_NOUN_BEHIND = re.compile(r"-[a-z]{3,}")
_PLURAL = re.compile(r"\s(?!(?:is|was|has|this|as|us|its|does|thus|plus|versus)\b)[a-z-]+s\b")
_WORDED = re.compile(
    rf"[ -](?:times|fold)\b(?=\ (?:{tails.COMPARED})\b)|(?=\s+as\s+(?!(?:an?|the)\b)[a-z])"
)

_LETTERS = {"k": "thousand", "K": "thousand", "M": "million", "B": "billion", "T": "trillion"}


class _Quantity(Struct, frozen=True):
    """A number and its tail, before it is known whether it begins a range."""

    number: Number
    tail: tails.Tail
    start: int


def find(
    text: str, doubtful: list[FigureError] | None = None, lexicon: Lexicon = PROSE
) -> Iterator[Figure]:
    """Yield the figures of *text* in order, a range as one figure.

    What cannot be read is gathered into *doubtful*, or raised where no list is given.

    >>> [f.text for f in find("from 15.9 to 16.1 GB in 3 steps")]
    ['15.9 to 16.1 GB', '3']
    """
    at = 0
    while (match := NUMBER.search(text, at)) is not None:
        at = match.end()
        try:
            figure = tails.compound_time(text, match.start()) or _figure(text, match, lexicon)
        except FigureError as error:
            error.start, error.end = match.span()
            if doubtful is None:
                raise
            doubtful.append(error)
            continue
        yield figure
        at = max(figure.end, at)


def worded(text: str, lexicon: Lexicon = PROSE) -> Iterator[tuple[int, int]]:
    """Yield the spans of figures in words: "four times as", "fivefold", "two gigabytes"."""
    for said in words.find(text):
        tail = tails.behind_words(text, said, lexicon)
        factor = _WORDED.match(text, said.end)
        written = text[said.start : said.end].lower()
        if written == "both":
            continue
        if written.endswith("fold"):
            yield said.start, said.end
        elif factor and said.number.value > 1:
            yield said.start, factor.end()
        elif tail.unit not in {"", *units.FACTORS} and said.number.value > 1:
            yield said.start, tail.end


def is_measured(figure: Figure, text: str) -> bool:
    """Whether a figure of *text* states more than a small count, a year or a name."""
    if figure.unit or figure.scaled:
        return True
    whole = figure.step == 1 and figure.text.lstrip("+-−").isdecimal()
    if figure.text[:2] == "0x" or (whole and _WORD_BEHIND.match(text, figure.end)):
        return False
    if _YEAR.fullmatch(figure.text) and not _is_no_year(figure, text):
        return False
    return _SMALL.fullmatch(figure.text) is None


def _is_no_year(figure: Figure, text: str) -> bool:
    """Whether what looks like a year is none: 2048 tokens, =2000, 1920x1080."""
    before, behind = text[: figure.start].rstrip()[-1:], text[figure.end : figure.end + 1]
    return (
        figure.text == "2048"
        or before in tuple("=×~≈<>≥≤*")
        or behind in tuple("x×*")
        or _NOUN_BEHIND.match(text, figure.end) is not None
        or _PLURAL.match(text, figure.end) is not None
    )


def _figure(text: str, match: re.Match[str], lexicon: Lexicon) -> Figure:
    low = _quantity(text, match, lexicon)
    high = _high(text, low, lexicon)
    last = high or low
    if last.tail.letter and lexicon.every:
        raise _two_ways(text[last.start : last.tail.end], last.tail.letter)
    if high is None:
        return _single(text, low)
    if low.tail.scale is None and not low.tail.unit and not low.number.rounded:
        low = replace(low, tail=replace(high.tail, end=low.tail.end))  # 5 to 10k steps
    number, upper = tails.scaled(low.number, low.tail), tails.scaled(high.number, high.tail)
    figure = _single(text, replace(high, start=low.start))
    return replace(
        figure,
        value=number.value,
        high=upper.value,
        step=min(number.step, upper.step),
        scaled=number.rounded or upper.rounded,
    )


def _single(text: str, quantity: _Quantity) -> Figure:
    with localcontext() as context:
        context.prec = numbers.PRECISION
        number = tails.scaled(quantity.number, quantity.tail)
    tail = quantity.tail
    return Figure(
        value=number.value,
        step=number.step,
        unit=tail.unit,
        text=text[quantity.start : tail.end],
        start=quantity.start,
        end=tail.end,
        scaled=number.rounded,
        measure=None if tail.letter else tail.measure,
    )


def _quantity(text: str, match: re.Match[str], lexicon: Lexicon) -> _Quantity:
    currency = tails.currency_before(text, match.start())
    start = text.rindex(currency, 0, match.start()) if currency else match.start()
    tail = tails.read(text, match.end(), lexicon, currency)
    return _Quantity(numbers.read(match), tail, start)


def _two_ways(written: str, letter: str) -> FigureError:
    number, meant = written.rstrip(letter), _LETTERS.get(letter)
    hint = f"write {number} {meant}, or a noun right behind it: {written} tokens"
    return FigureError(
        f"{written!r} can be read in two ways", hint if meant else f"write {number} GB"
    )


def _high(text: str, low: _Quantity, lexicon: Lexicon) -> _Quantity | None:
    """Return the upper end of the range that *low* begins, if it begins one."""
    if low.tail.unit in units.FACTORS:
        return None
    between = _RANGE.match(text, low.tail.end)
    if between is None and _BETWEEN.search(text, max(0, low.start - 9), low.start):
        between = _AND.match(text, low.tail.end)
    match = UPPER.match(text, between.end()) if between else None
    if match is None:
        return None
    high = _quantity(text, match, lexicon)
    return high if low.tail.unit in {"", high.tail.unit} else None
