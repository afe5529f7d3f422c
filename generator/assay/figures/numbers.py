"""Numbers in digits: sign, separators, decimals, exponents, fractions, hexadecimal.

Law: no digit that is written is lost, and a number that can be read in two ways is never guessed
at: it is a :class:`FigureError` that says how to write it.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal, localcontext

from msgspec import Struct

PRECISION, MOST_DIGITS, MOST_EXPONENT = 500, 100, 400
"""Digits of the arithmetic, of a number, and the largest exponent."""

SCALES = {
    "thousand": Decimal(10) ** 3,
    "million": Decimal(10) ** 6,
    "billion": Decimal(10) ** 9,
    "trillion": Decimal(10) ** 12,
}
FRACTION_STEP = Decimal("0.01")
"""A fraction such as a third has no last digit: it is stated to one part in a hundred."""
GAP = r"(?:[^\S\n]|[\u200b-\u200d\u2060\ufeff]){0,3}"
"""What may stand between a number and what belongs to it, seen or not."""

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻−", "0123456789+--")
_SEPARATORS = str.maketrans("", "", ",_\u2009\u202f\u00a0")
_VULGAR = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞⅐⅑⅒"
_DIGITS = (
    r"(?:(?:\d{1,3}(?:,\d{3})+|\d{1,3}(?:_\d{3})+|\d{1,3}(?:[\u2009\u202f\u00a0]\d{3})+|\d+)"
    r"(?:\.\d+)?|\.\d+)"
)
_POWER = r"(?:\^\{?[+\-−]?\d+\}?|[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)"
_BODY = rf"""
    (?P<sign>(?<![\w)\]])[+\-−])?
    (?: (?P<hex>0x[0-9A-Fa-f]+\b)
      | (?P<digits>{_DIGITS})?(?P<vulgar>[{_VULGAR}])
      | (?P<plain>{_DIGITS})
        (?: (?P<e>[eE][+\-−]?\d+) | \s?[×x·*]\s?10(?P<ten>{_POWER}) | (?P<power>{_POWER}) )?
        (?P<stray>(?:[,.]\d+|_\d+)+)?
    )"""
NUMBER = re.compile(
    rf"(?:(?<![\w.^_])|(?<=\dx))(?<!\d[,\-–—−:/])(?<![A-Za-z][-‑]){_BODY}", re.VERBOSE
)
"""A number that no word, date or version holds."""
UPPER = re.compile(_BODY, re.VERBOSE)
"""A number at a place where one must stand: the upper end of a range."""


class FigureError(ValueError):
    """Text that should hold a figure and does not, or not one that can be read in one way."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint
        self.start = self.end = 0


class Number(Struct, frozen=True):
    """A number: its value, what one unit of its last digit is worth, whether it is rounded."""

    value: Decimal
    step: Decimal
    rounded: bool = False

    def times(self, scale: Decimal, *, rounded: bool = True) -> Number:
        """Return it with a scale word applied; a dozen is not rounded, a million is."""
        with localcontext() as context:
            context.prec = PRECISION
            step = self.step * scale if rounded else self.step
            return Number(self.value * scale, step, self.rounded or rounded)


def read(match: re.Match[str]) -> Number:
    """Return the number that :data:`NUMBER` matched."""
    if match["hex"]:
        return _signed(Number(Decimal(int(match["hex"][:MOST_DIGITS], 16)), Decimal(1)), match)
    if match["stray"]:
        raise FigureError(
            f"{match[0].strip()!r} can be read in two ways",
            "a comma groups thousands, a point starts the decimals: write 1,234 or 1.234",
        )
    with localcontext() as context:
        context.prec = PRECISION
        number = _vulgar(match) if match["vulgar"] else _raised(match)
    return _signed(number, match)


def fraction(value: Decimal) -> Number:
    """Return a fraction, such as a third, as a number."""
    return Number(value, abs(value) * FRACTION_STEP, rounded=True)


def _signed(number: Number, match: re.Match[str]) -> Number:
    if match["sign"] in {"-", "−"}:
        return Number(-number.value, number.step, number.rounded)
    return number


def _plain(written: str) -> Number:
    digits = written.translate(_SEPARATORS)
    if len(digits) > MOST_DIGITS:
        raise FigureError(f"a number of {len(digits)} digits is out of range", "round it")
    decimals = len(digits.partition(".")[2])
    return Number(Decimal(digits), Decimal(1).scaleb(-decimals))


def _vulgar(match: re.Match[str]) -> Number:
    written = unicodedata.normalize("NFKC", match["vulgar"]).split("\u2044")
    part = Decimal(written[0]) / Decimal(written[1])
    whole = _plain(match["digits"]).value if match["digits"] else Decimal(0)
    return fraction(whole + part)


def _raised(match: re.Match[str]) -> Number:
    """Apply ``e-8``, ``×10⁻⁸`` or a bare power such as ``10⁻⁸`` and ``2³⁰``."""
    plain = _plain(match["plain"])
    if match["power"]:
        exponent = _exponent(match["power"])
        if abs(exponent) * len(match["plain"]) > PRECISION:
            raise FigureError("the power is out of range", "write the figure out")
        raised = plain.value**exponent
        exact = exponent >= 0 and plain.value != 10
        return Number(raised, Decimal(1) if exact else raised, not exact)
    written = match["e"] or match["ten"]
    if not written:
        return plain
    shift = _exponent(written.lstrip("eE"))
    return Number(plain.value.scaleb(shift), plain.step.scaleb(shift), rounded=True)


def _exponent(written: str) -> int:
    digits = written.translate(_SUPERSCRIPTS).strip("^{}")
    if len(digits) > 6 or abs(int(digits)) > MOST_EXPONENT:
        raise FigureError(f"the exponent {digits[:9]} is out of range", "write the figure out")
    return int(digits)
