"""What stands right before and behind a number: a currency, a scale, a letter such as k, a unit.

Law: a word behind a number is a unit only if the lexicon says so; one that looks like a unit and is
none is read as an unknown unit, never as a free word.
"""

from __future__ import annotations

import re
from decimal import Decimal

from msgspec import Struct

from ..nouns import Figure, Unit
from . import units
from .numbers import GAP, SCALES, Number
from .units import CURRENCIES, CURRENCY_SIGNS, Lexicon
from .words import Worded

_POWERS = {"k": 3, "K": 3, "M": 6, "B": 9, "T": 12}
LETTERS = {letter: Decimal(10) ** power for letter, power in _POWERS.items()}
"""What a letter right behind a number multiplies by, where a noun stands behind it."""
COMPARED = "as|the|what|more|less|fewer|larger|smaller|faster|slower|bigger|longer|higher|its"
NO_NOUNS = frozenset(
    "and or of in at on for to as with the an is are was were than more less fewer from by it its "
    "that this these those when where which while if but so not we you they vs versus into over "
    "under up each only per".split()
)

_WORD = r"[A-Za-zµμΩÅ°][A-Za-zµμΩÅ]*"
_SCALE = re.compile(rf"(?:{GAP}|-)(thousand|million|billion|trillion|dozen|hundred)\b")
_LETTER = re.compile(r"([kKMBTG])(?![\w/])")
"""To a reader, G is as often a gigabyte as a billion; it is never read as either."""
_NOUN = re.compile(rf"(?:{GAP}|[-‑])([a-z]{{2,}})")
_UNIT = re.compile(
    rf"""(?P<gap>{GAP}|[-‑]|\+{GAP})
    (?P<unit> [%‰{CURRENCY_SIGNS}] | percentage\ points? | percent\b | per\ cent\b
      | (?P<factor> [×xX](?!\w)(?!\s*[\dA-Z\ufffc]) | times\b | fold\b )
      | (?! (?:x|X|times|st|nd|rd|th)\b )
        {_WORD}(?![\w=]) (?:(?P<per>\ ?/\ ?|\ per\ )(?P<below>{_WORD}(?!\w)))? )""",
    re.VERBOSE,
)
_ARTICLE = re.compile(r"\s+(?:of\s+)?an?(?=\s)")
_TIMES = re.compile(rf"\ (?:{COMPARED}|[a-z]+er)\b")
_PART = (
    rf"(\d+(?:\.\d+)?){GAP}"
    r"(d|days?|h|hrs?|hours?|m|mins?|minutes?|s|secs?|seconds?)(?![A-Za-z])"
)
_COMPOUND = re.compile(rf"{_PART}(?:{GAP}(?:,|\band\b)?{GAP}{_PART}){{1,3}}|(\d+){GAP}h(\d\d)\b")
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


class Tail(Struct, frozen=True):
    """What stands behind a number, and where it ends."""

    end: int
    unit: str = ""
    measure: Unit | None = units.PLAIN
    scale: Decimal | None = None
    rounded: bool = True
    """A number with a scale word is rounded, but a dozen is twelve."""
    letter: str = ""
    """A letter that scales, such as k, and no noun behind it that would show that it does."""


def read(text: str, at: int, lexicon: Lexicon, currency: str = "") -> Tail:
    """Return the tail of a number that ends at *at* and has *currency* before it."""
    scale, letter, rounded = None, "", True
    if match := _SCALE.match(text, at):
        at, rounded = match.end(), match[1] in SCALES
        scale = SCALES.get(match[1]) or Decimal(12 if match[1] == "dozen" else 100)
    elif (match := _LETTER.match(text, at)) and (match[1] in LETTERS or lexicon.every):
        at, scale = match.end(), LETTERS.get(match[1])
        letter = "" if scale and (currency or _has_noun(text, at)) else match[1]
    if currency:
        return Tail(at, currency, lexicon.unit(currency), scale, rounded, letter)
    unit, measure, end = _unit(text, at, lexicon)
    return Tail(end, unit, measure, scale, rounded, "" if unit else letter)


def behind_words(text: str, said: Worded, lexicon: Lexicon) -> Tail:
    """Return the tail of a number in words: two gigabytes, half a gigabyte."""
    tail = read(text, said.end, lexicon)
    article = _ARTICLE.match(text, said.end)
    if tail.unit or article is None or said.number.value >= 1:
        return tail
    behind = read(text, article.end(), lexicon)
    return behind if behind.unit and behind.unit not in units.FACTORS else tail


def currency_before(text: str, at: int) -> str:
    """Return the currency sign right before *at*, or nothing."""
    before = text[max(0, at - 2) : at].rstrip("\u00a0 ")
    return before[-1:] if before[-1:] in CURRENCY_SIGNS else ""


def scaled(number: Number, tail: Tail) -> Number:
    """Return *number* with the scale of its tail applied."""
    return number if tail.scale is None else number.times(tail.scale, rounded=tail.rounded)


def _has_noun(text: str, at: int) -> bool:
    noun = _NOUN.match(text, at)
    return noun is not None and noun[1] not in NO_NOUNS


def _unit(text: str, at: int, lexicon: Lexicon) -> tuple[str, Unit | None, int]:
    """Return the unit that stands at *at*, what it is worth, and where it ends."""
    none: tuple[str, Unit | None, int] = ("", units.PLAIN, at)
    match = _UNIT.match(text, at)
    if match is None:
        return none
    written = match["unit"]
    if match["factor"]:
        touches = written not in {"times", *(("x", "X") if match["gap"] else ())}
        counts = touches or lexicon.every or _TIMES.match(text, match.end())
        return (written, units.PLAIN, match.end()) if counts else none
    if match["per"]:
        rate = f"{written[: match.start('per') - match.start('unit')]}/{match['below']}"
        found = lexicon.unit(rate)
        if found is not None or _is_rate(match["below"], lexicon):
            return written, found, match.end()
        written = written[: match.start("per") - match.start("unit")]
    if match["gap"] in {"-", "‑"} and written in {"bit", "bits"}:
        return none  # "8-bit" names a format
    end = match.start("unit") + len(written)
    found = lexicon.unit(written)
    if found is None and not _looks_like_one(written, lexicon):
        return none
    return written, found, end


def _is_rate(below: str, lexicon: Lexicon) -> bool:
    """Whether what stands behind the stroke makes an unknown noun a rate: tokens/s."""
    found = lexicon.unit(below)
    return lexicon.every or (found is not None and ("time", Decimal(1)) in found.dimension)


def _looks_like_one(word: str, lexicon: Lexicon) -> bool:
    """Whether a word is a unit to a reader, in a spelling that does not say which."""
    if word in CURRENCIES or units.looks_like_one(word) or "°" in word:
        return True
    return lexicon.every and len(word) == 1 and word.isupper()


def compound_time(text: str, at: int) -> Figure | None:
    """Return a time of several parts, such as 1 h 30 min or 0m1.234s, as one figure in seconds."""
    match = _COMPOUND.match(text, at)
    if match is None:
        return None
    parts = [(match[5], "h"), (match[6], "m")] if match[5] else re.findall(_PART, match[0])
    sizes = [_SECONDS[unit[0]] for _, unit in parts]
    if sizes != sorted(set(sizes), reverse=True):
        return None
    values = [Decimal(number) * size for (number, _), size in zip(parts, sizes, strict=True)]
    decimals = len(parts[-1][0].partition(".")[2])
    return Figure(
        value=sum(values, Decimal(0)),
        step=Decimal(1).scaleb(-decimals) * sizes[-1],
        unit="s",
        text=match[0],
        start=match.start(),
        end=match.end(),
        measure=units.curated("s"),
    )
