"""Units of figures: which words are units, and what one of each is worth.

Law: the sizes are pint's, from a table that a test holds to it; nothing here does I/O. In prose and
without being asked for, a word is a unit only if it measures what training measures (CURATED).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, localcontext
from functools import cache

from msgspec import Struct

from ..nouns import Unit
from . import unit_table

PRECISION = 60
FACTORS = frozenset({"×", "x", "X", "times", "fold"})
PERCENT = frozenset({"%", "percent", "per cent", "percentage point", "percentage points"})
CURRENCY_SIGNS = "$€£¥₹"
CURRENCIES = frozenset({*CURRENCY_SIGNS, *"USD EUR GBP CHF JPY dollars euros".split()})

_SYMBOLS, _NAMES = "k M G T P E", "kilo mega giga tera peta exa"
_BINARY, _BINARY_NAMES = "Ki Mi Gi Ti Pi Ei", "kibi mebi gibi tebi pebi exbi"
CURATED: tuple[tuple[str, str], ...] = (
    ("B bit bits", f"- {_SYMBOLS} {_BINARY}"),
    ("byte bytes bit bits", f"- {_NAMES} {_BINARY_NAMES}"),
    ("Bps bps", f"{_SYMBOLS} {_BINARY}"),
    ("FLOP FLOPs FLOPS", f"- {_SYMBOLS} Z"),
    ("OPS", "G T P"),
    ("flop flops", f"- {_NAMES}"),
    ("s", "- m µ μ u n p"),
    ("second seconds", "- milli micro nano pico"),
    ("sec secs min mins minute minutes h hr hrs hour hours", "-"),
    ("day days week weeks month months year years", "-"),
    ("Hz W J V Wh", "- m k M G T"),
    ("hertz watt watts joule joules volt volts", "- milli kilo mega giga"),
    ("m", "- n µ μ u m c k"),
    ("meter meters metre metres", "- nano micro milli centi kilo"),
    ("g", "m k"),
    ("gram grams", "- milli kilo"),
    ("tonne tonnes inch inches mile miles °C °F", "-"),
)
"""Units of prose, and the prefixes with which each is one; ``-`` is no prefix."""

_SIZE = re.compile(
    rf"(?i:[kmgtpe]i?b)|[kmgtpeKMGTPE]i?Bs"
    rf"|(?i:(?:[kmgtpe]i?|{_NAMES.replace(' ', '|')})?b(?:it|yte)s?)"
)
_BITS = re.compile(r"\A([kMGTP]i?b)\Z")
"""A rate in Gb/s is one of bits; Gb alone may mean either."""
_COUNTED_IN_BITS = frozenset({"bit", "baud", "bits_per_pixel"})
_ONE, _BIT = Decimal(1), Decimal("0.125")
_LONGEST_PREFIX, LONGEST = 6, 40
_SYMBOL = re.compile(r"(?=.*[A-ZµμΩÅ])[A-Za-zµμΩÅ]{2,4}|[AHJNSVWΩ]")

PLAIN, PERCENTAGE = Unit(frozenset(), _ONE), Unit(frozenset(), Decimal("0.01"))
MILLE = Unit(frozenset(), Decimal("0.001"))


class Lexicon(Struct, frozen=True):
    """Which words are units: those of prose, the project's own, and in a claim more."""

    own: frozenset[str] = frozenset()
    """Nouns that the settings make units, such as token: a number of them is a figure."""
    every: bool = False
    """Whether symbols of any unit count, such as kN, as in the text of a claim."""
    asked: Unit | None = None
    """What a claim's title says that the value is in; words of its dimension are units too."""

    def unit(self, word: str) -> Unit | None:
        """Return what one of *word* is worth, or None if it is no unit.

        >>> Lexicon(own=frozenset({"token"})).unit("tokens/ms").factor
        Decimal('1E+3')
        """
        found = self._named(word)
        if found is None and self.asked is not None:
            other = known(word)
            found = other if other and other.dimension == self.asked.dimension else None
        return found

    def _named(self, word: str) -> Unit | None:
        for form in (word, word.removesuffix("s"), word.removesuffix("es")):
            if form in self.own:
                return Unit(frozenset({(form, _ONE)}), _ONE)
        found = curated(word)
        if found is None and self.every and _SYMBOL.fullmatch(word):
            found = known(word)
        return found or _rate(word, self._named)


PROSE = Lexicon()


@cache
def curated(unit: str) -> Unit | None:
    """Return a unit that counts as one in any prose, or a rate of two such units.

    >>> curated("GiB").factor
    Decimal('1073741824')
    """
    if unit == "" or unit in FACTORS:
        return PLAIN
    if unit in PERCENT:
        return PERCENTAGE
    if unit == "‰":
        return MILLE
    return words().get(unit) or _rate(unit, curated)


@cache
def known(unit: str) -> Unit | None:
    """Return any unit of the table, with any prefix, by symbol or name, or a rate of two.

    >>> known("km").size, known("km/s").size
    (Decimal('1000'), Decimal('1000'))
    """
    if looks_like_one(unit):
        return None  # to pint, Gb is a gilbert and Mb a megabarn
    found = words().get(unit) or _units().get(unit) or _prefixed(unit)
    return found or _rate(unit, known)


def looks_like_one(word: str) -> bool:
    """Whether *word* is a size in bytes or bits to a reader, in a spelling that says not which.

    >>> [looks_like_one(word) for word in ("KB", "gb", "GB", "steps")]
    [True, True, False, False]
    """
    return len(word) < 12 and word not in words() and _SIZE.fullmatch(word) is not None


def _rate(unit: str, named: Callable[[str], Unit | None]) -> Unit | None:
    above, slash, below = unit.partition("/") if "/" in unit else unit.partition(" per ")
    if not slash or not above or not below or len(unit) > LONGEST:
        return None
    first, second = named(_BITS.sub(r"\1it", above.strip())), named(below.strip())
    if first is None or second is None or "/" in below:
        return None
    powers = dict(first.dimension)
    for name, power in second.dimension:
        powers[name] = powers.get(name, Decimal(0)) - power
    dimension = frozenset((name, power) for name, power in powers.items() if power)
    with localcontext() as context:
        context.prec = PRECISION
        size, counts = first.size / second.size, first.counts / second.counts
    return Unit(dimension, _tidy(size), counts)


def _scaled(unit: Unit, by: Decimal) -> Unit:
    return Unit(unit.dimension, _tidy(unit.size * by), unit.counts, unit.zero)


def _tidy(number: Decimal) -> Decimal:
    whole = number.to_integral()
    return whole if whole == number else number.normalize()


def _prefixed(unit: str) -> Unit | None:
    """Return a unit with a prefix, the longest that leaves a unit."""
    for length in range(min(len(unit) - 1, _LONGEST_PREFIX), 0, -1):
        by, rest = prefixes().get(unit[:length]), _units().get(unit[length:])
        if by is not None and rest is not None and not rest.zero:
            return _scaled(rest, by)
    return None


@cache
def words() -> dict[str, Unit]:
    """Return the units of prose by word."""
    found: dict[str, Unit] = {}
    for names, with_prefixes in CURATED:
        for name in names.split():
            unit = _units()[name]
            for prefix in with_prefixes.split():
                by = _ONE if prefix == "-" else prefixes()[prefix]
                found[("" if prefix == "-" else prefix) + name] = _scaled(unit, by)
    return found


@cache
def prefixes() -> dict[str, Decimal]:
    """Return what each prefix multiplies by."""
    rows = (row.split() for row in unit_table.PREFIXES.split(";"))
    return {name: Decimal(size) for names, size in rows for name in names.split("=")}


@cache
def _units() -> dict[str, Unit]:
    """Return the units of the table by all their names, in the plural too; the first counts."""
    found: dict[str, Unit] = {}
    for line in unit_table.UNITS.replace("\n    ", " ").strip().split("\n"):
        dimension, _, rows = line.partition(": ")
        powers = frozenset(map(_power, dimension.split("*"))) - {("1", _ONE)}
        for row in rows.split("; "):
            names, size, *zero = row.split()
            unit = _unit(powers, names, Decimal(size), Decimal(zero[0] if zero else 0))
            found |= dict.fromkeys(names.split("="), unit)
    return {f"{name}s": unit for name, unit in found.items() if len(name) > 1} | found


def _power(written: str) -> tuple[str, Decimal]:
    name, _, power = written.partition("^")
    return name, Decimal(power or 1)


def _unit(
    dimension: frozenset[tuple[str, Decimal]], names: str, size: Decimal, zero: Decimal
) -> Unit:
    """Information is a dimension of its own: bits count bits, and all else of it bytes."""
    if ("information", _ONE) not in dimension:
        return Unit(dimension, size, _ONE, zero)
    counts = _BIT if names.partition("=")[0] in _COUNTED_IN_BITS else _ONE
    return Unit(dimension, size * _BIT, counts)
