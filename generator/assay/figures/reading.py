"""Figures as people write them: sign, separators, decimals, exponents, scale words, units, ranges.

Strategy: one pattern finds a number with its tail; the tail is read by tables. A number whose
reading is doubtful is never guessed at: it is a :class:`FigureError` that says how to write it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, localcontext

from ..nouns import Figure
from . import units

PRECISION, MOST_DIGITS = 500, 100
"""Digits of the arithmetic, and of a number: no digit that is written gets lost."""

SCALES = {
    "thousand": Decimal(10) ** 3,
    "million": Decimal(10) ** 6,
    "billion": Decimal(10) ** 9,
    "trillion": Decimal(10) ** 12,
}

WORDS = {
    word: Decimal(number)
    for number, words in {
        "0": ("no", "zero"),
        "0.25": ("quarter",),
        "0.5": ("half",),
        "1": ("one", "once"),
        "2": ("two", "twice", "double"),
        "3": ("three",),
        "4": ("four",),
        "5": ("five",),
        "6": ("six",),
        "7": ("seven",),
        "8": ("eight",),
        "9": ("nine",),
        "10": ("ten",),
        "11": ("eleven",),
        "12": ("twelve",),
    }.items()
    for word in words
}

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻−", "0123456789+--")
_SEPARATORS = str.maketrans("", "", ",\u2009\u202f\u00a0")

_DIGITS = r"(?:(?:\d{1,3}(?:[,\u2009\u202f\u00a0]\d{3})+|\d+)(?:\.\d+)?|\.\d+)"
_POWER = r"(?:\^\{?[+\-−]?\d+\}?|[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)"
_NUMBER = re.compile(
    rf"""
    (?<![\w.^_]) (?<!\d[,\-–—−]) (?<![A-Za-z]-)
    (?P<sign>(?<![\w)])[+\-−])?
    (?P<digits>{_DIGITS})
    (?: (?P<e>[eE][+\-−]?\d+) | \s?[×x·*]\s?10(?P<ten>{_POWER}) | (?P<power>{_POWER}) )?
    (?P<stray>,\d+)?
    (?:[ \u00a0](?P<scale>thousand|million|billion|trillion)\b)?
    """,
    re.VERBOSE,
)
_COMPARISON = "as|the|what|more|less|fewer|larger|smaller|faster|slower|bigger|longer|its|that"
_UNIT = re.compile(
    rf"""(?P<gap>[ \u00a0\u202f\u2009\-]?)
    (?P<unit> % | percent\b | per\ cent\b | ×(?!\s*\d) | x(?!\w)(?!\s*\d)
      | times\b(?=\ (?:{_COMPARISON})\b|\W*$)
      | (?! (?:x|times|st|nd|rd|th)\b ) [A-Za-zµμ°]+ (?: (?:/|\ per\ )[A-Za-zµμ]+ )? )""",
    re.VERBOSE,
)
_RANGE = re.compile(r"\s?(?:–|—|-|−|\bto\b)\s?")
_BARE = re.compile(r"[+\-−]?\d{1,6}(?:\s?(?:–|—|-|−|to)\s?\d{1,6})?")
_WORDED = re.compile(
    rf"\b(?P<word>{'|'.join(WORDS)})[ -](?:times|fold)\b"
    rf"(?=\ (?:{_COMPARISON})\b)",
    re.IGNORECASE,
)


class FigureError(ValueError):
    """Text that should hold a figure and does not, or not one that can be read in one way."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint
        self.start = self.end = 0


def find(text: str, doubtful: list[FigureError] | None = None) -> Iterator[Figure]:
    """Yield the figures of *text* in order, a range as one figure.

    What cannot be read is gathered into *doubtful*, or raised where no list is given.

    >>> [f.text for f in find("from 15.9 to 16.1 GB in 3 steps")]
    ['15.9 to 16.1 GB', '3']
    """
    at = 0
    while (match := _NUMBER.search(text, at)) is not None:
        at = match.end()
        try:
            figure = _as_range(text, _read(text, match))
        except FigureError as error:
            error.start, error.end = match.span()
            if doubtful is None:
                raise
            doubtful.append(error)
            continue
        yield figure
        at = max(figure.end, at)


def only(text: str) -> Figure:
    """Return the one figure of *text*; raise :class:`FigureError` for none or several."""
    found = list(find(text))
    if not found:
        raise FigureError(
            "the text holds no figure",
            'write the figure inside the brackets, or bind a word with "= 4" or "is true"',
        )
    if len(found) > 1:
        shown = ", ".join(repr(figure.text) for figure in found)
        raise FigureError(f"the text holds {len(found)} figures: {shown}", "bind each on its own")
    return found[0]


def worded(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of factors in words: "four times as", "two-fold larger"."""
    for match in _WORDED.finditer(text):
        yield match.span()


def word_value(text: str) -> Decimal | None:
    """Return the number that the only number word of *text* says, or None.

    >>> word_value("four times the weights")
    Decimal('4')
    """
    said = [WORDS[word] for word in re.findall(r"[a-z]+", text.lower()) if word in WORDS]
    return said[0] if len(said) == 1 else None


def is_measured(figure: Figure) -> bool:
    """Whether the figure states more than a small count: a unit, decimals, an exponent, groups."""
    return figure.unit != "" or _BARE.fullmatch(figure.text) is None


def _read(text: str, match: re.Match[str]) -> Figure:
    digits = match["digits"].translate(_SEPARATORS)
    if len(digits) > MOST_DIGITS:
        raise FigureError(f"a number of {len(digits)} digits is out of range", "round it")
    if match["stray"]:
        raise FigureError(
            f"{match[0]!r} can be read in two ways",
            "a comma groups thousands, a point starts the decimals: write 1,234 or 1.234",
        )
    sign = -1 if match["sign"] in {"-", "−"} else 1
    with localcontext() as context:
        context.prec = PRECISION
        value, step = Decimal(digits), Decimal(1).scaleb(min(0, -_decimals(digits)))
        value, step, rounded = _raised(value, step, match)
        if match["scale"]:
            scale = SCALES[match["scale"]]
            value, step, rounded = value * scale, step * scale, True
        value *= sign
    unit, end = _unit(text, match.end())
    return Figure(
        value=value,
        step=step,
        unit=unit,
        text=text[match.start() : end],
        start=match.start(),
        end=end,
        scaled=rounded,
    )


def _decimals(digits: str) -> int:
    return len(digits.partition(".")[2])


def _raised(value: Decimal, step: Decimal, match: re.Match[str]) -> tuple[Decimal, Decimal, bool]:
    """Apply ``e-8``, ``×10⁻⁸`` or a bare power such as ``10⁻⁸`` and ``2³⁰``."""
    if match["power"]:
        exponent = _exponent(match["power"])
        if abs(exponent) * len(match["digits"]) > PRECISION:
            raise FigureError("the power is out of range", "write the figure out")
        raised = value**exponent
        exact = exponent >= 0 and value != 10
        return raised, Decimal(1) if exact else raised, not exact
    written = match["e"] or match["ten"]
    if not written:
        return value, step, False
    shift = _exponent(written.lstrip("eE"))
    return value.scaleb(shift), step.scaleb(shift), True


def _exponent(written: str) -> int:
    digits = written.translate(_SUPERSCRIPTS).strip("^{}")
    if len(digits) > 6 or abs(int(digits)) > 400:
        raise FigureError(f"the exponent {digits[:9]} is out of range", "write the figure out")
    return int(digits)


def _unit(text: str, at: int) -> tuple[str, int]:
    """Return the unit that stands at *at* and where it ends; no unit is ``("", at)``."""
    match = _UNIT.match(text, at)
    if match is None:
        return "", at
    written = match["unit"]
    if match["gap"] == "-" and written in {"bit", "bits"}:
        return "", at  # "8-bit" names a format
    for candidate in (written, re.split(r"/| per ", written)[0]):
        if _is_unit(candidate):
            return candidate, match.start("unit") + len(candidate)
    return "", at


def _is_unit(word: str) -> bool:
    """A size in a doubtful spelling is one too: it is reported as unknown, not read as prose."""
    return units.factor(word) is not None or units.looks_like_one(word)


def _as_range(text: str, low: Figure) -> Figure:
    between = _RANGE.match(text, low.end)
    if between is None or low.unit in units.FACTOR_UNITS:
        return low
    match = _NUMBER.match(text[between.end() :])
    if match is None:
        return low
    high = _read(text[between.end() :], match)
    if low.unit not in {"", high.unit}:
        return low
    end = between.end() + high.end
    return Figure(
        value=low.value,
        high=high.value,
        step=min(low.step, high.step),
        unit=high.unit,
        text=text[low.start : end],
        start=low.start,
        end=end,
        scaled=low.scaled or high.scaled,
    )
