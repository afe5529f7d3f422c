"""The text of a claim: its one figure, and each word around it.

Law: each word and sign in the brackets is understood, or the claim is refused with advice. What
cannot be read never counts as agreement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ..nouns import HOLE, Bound, Figure, Relation
from . import reading, tails, words
from .numbers import FigureError, Number
from .units import CURRENCY_SIGNS, Lexicon

_SEEN = "\x00"
"""Stands for what has been understood, while the rest is read."""

NOTHING: Mapping[str, Any] = {}
PHRASES: tuple[tuple[Mapping[str, Any], str], ...] = (
    (NOTHING, "about|around|roughly|approximately|approx.|circa|ca.|some|close to|or so|~|≈|∼|="),
    (NOTHING, "in the order of|on the order of|a total of|up to"),
    ({"bound": "below"}, "nearly|almost|not quite|just under|just below|just short of"),
    ({"bound": "below"}, "a little under|slightly under|a bit under|slightly below"),
    ({"bound": "above"}, "just over|just above|a little over|slightly over|a bit over"),
    ({"bound": "above"}, "slightly above|slightly more than|a little more than"),
    ({"bound": "exactly"}, "exactly|precisely"),
    ({"relation": "at least"}, "at least|no less than|not less than|no fewer than|not fewer than"),
    ({"relation": "at least"}, "a minimum of|at the least|or more|or greater|and up|≥|>=|+"),
    ({"relation": "at most"}, "at most|no more than|not more than|a maximum of|at the most"),
    ({"relation": "at most"}, "or less|or fewer|≤|<="),
    ({"relation": "more than"}, "more than|over|above|beyond|greater than|larger than"),
    ({"relation": "more than"}, "higher than|exceeds|exceeding|in excess of|>"),
    ({"relation": "less than"}, "less than|under|below|fewer than|smaller than|lower than|<"),
    ({"relation": "between"}, "between"),
    ({"minus": True}, "minus|negative"),
)
"""What is said around a figure, and what it makes of the claim."""

VAGUE = frozenset(
    "not never no neither nor without except barely hardly scarcely than more less fewer least "
    "most over under above below beyond within between per plus minus times fold minimum maximum "
    "min max versus vs x dozens tens hundreds thousands millions billions trillions infinite "
    "infinity".split()
) | {*words.SMALL, *words.LARGE, *words.TIMES}
"""Words that say something of a figure which is not understood where they stand."""

SCALING = frozenset(
    "k m b t bn mn tn mm mio mrd mia lakh lakhs crore crores milliard milliards billiard "
    "quadrillion quintillion sextillion septillion tenths hundredths thousandths millionths "
    "billionths trillionths fortnight fortnights gross myriad myriads quire quires ream "
    "reams factorial ppm ppb ppt permille pct bp bps pp squared cubed "
    "тыс млн млрд 千 万 億 亿".split()
)
"""Words that multiply the figure right before them, and are not read as that."""

_SCALED_NOUN = re.compile(
    r"(?:kilo|mega|giga|tera|peta|exa|zetta|yotta|[kKMGTPE])-?(?:tok(?:en)?|param(?:eter)?|sample"
    r"|step|op|flop|word|pixel|byte|bit|cycle|image)s?"
)
"""kilotokens, Mparams."""
_BEHIND = frozenset({"or so", "or more", "or greater", "and up", "or less", "or fewer", "+"})
_EITHER = frozenset({"at least", "at most", "at the least", "at the most", "exactly"})
_MEANT = {phrase: effect for effect, phrases in PHRASES for phrase in phrases.split("|")}
_PHRASE = re.compile(
    "|".join(
        (r"(?<![\w’'-])" if p[0].isalpha() else "")
        + re.escape(p).replace(r"\ ", r"\s+")
        + (r"(?![\w’'-])" if p[-1].isalpha() else "")
        for p in sorted(_MEANT, key=len, reverse=True)
    ),
    re.IGNORECASE,
)
_TOKEN = re.compile(
    rf"""(?P<free>[^\W\d_]+(?:[-‑'’.][^\W\d_]+)*)
    | (?P<fine>[\s{HOLE}{_SEEN},.;:!?()"'“”‘’«»…\u200b-\u200d\u2060\ufeff]|\s[–—](?=\s))
    | (?P<sign>\d+|\S)""",
    re.VERBOSE,
)
_JOINS = re.compile(rf"{_SEEN}[-‑–][^\W\d_]|(?:^|[\s(])–{_SEEN}")
"""A hyphen behind the figure, as in 12-layer, or a dash before it that is its minus sign."""
_PLUS_MINUS = re.compile(r"\s*(?:±|\+/[-−]|\bplus\s+or\s+minus\b)\s*")
_ADJACENT = re.compile(rf"[\s{_SEEN}]*(?:\b(?:the|an?)\s+)?[{CURRENCY_SIGNS}(\"“]*")
_PLUS = re.compile(r"\d\+")
_RAISED = re.compile(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]")
_OF = re.compile(r"\s*(?:in|of|out\s+of|to|:)\s*(?:every\s*)?")
_OUT = "take it out of the brackets"
_SHARE = "state a share as 25 % or 0.25, or bind each of the two on its own"
_CURES = {"/": "write a fraction as a decimal or in words: 0.25, a quarter"}
_PRODUCT = re.compile(r"\s*(?:[×xX*]|\bby\b)\s*")


class Wording(Struct, frozen=True):
    """What the text of a claim says."""

    figure: Figure | None = None
    relation: Relation = "matches"
    bound: Bound = ""
    within: Figure | None = None
    in_words: bool = False
    """The figure is written in words."""


def read(text: str, lexicon: Lexicon) -> Wording:
    """Read the text of a claim whole; raise :class:`FigureError` for what is not understood.

    >>> read("at least 12 GB of memory", Lexicon()).relation
    'at least'
    """
    lexicon = replace(lexicon, every=True)
    found = list(reading.find(text, lexicon=lexicon))
    rest = _blanked(text, found)
    in_words = [] if found else list(_worded(text, lexicon, _phrases_blanked(rest)))
    rest = _blanked(rest, in_words)
    said, rest = _phrases(rest, (found or in_words)[:1])
    figure, within = _one(text, found or in_words)
    if within is not None:
        rest = _PLUS_MINUS.sub(lambda match: _SEEN * len(match[0]), rest)
    _check_rest(rest, lexicon)
    if figure is not None and (said.pop("minus", False) or _has_dash(text, figure)):
        figure = replace(figure, value=-figure.value)
    if figure is not None and _PLUS.search(figure.text):
        said = {"relation": "at least"} | said  # 12+ GB
    if figure is not None and (figure.high is not None) < (said.get("relation") == "between"):
        raise FigureError("'between' needs two figures", "write between 10 and 20 %")
    return Wording(figure=figure, within=within, in_words=bool(in_words), **said)


def only(text: str, lexicon: Lexicon) -> Figure:
    """Return the one figure of *text*, about which nothing else is said."""
    wording = read(text, lexicon)
    if wording.figure is None:
        raise FigureError("the text holds no figure", "write a figure, such as 0.2 GB")
    if wording != Wording(figure=wording.figure, in_words=wording.in_words):
        raise FigureError(f"{text.strip()!r} says more than a figure", "write the figure alone")
    return wording.figure


def _worded(text: str, lexicon: Lexicon, rest: str) -> Iterator[Figure]:
    for said in words.find(rest):
        tail = tails.behind_words(text, said, lexicon)
        number = tails.scaled(said.number, tail)
        yield _figure(text, number, tail, said.start)


def _figure(text: str, number: Number, tail: tails.Tail, start: int) -> Figure:
    return Figure(
        value=number.value,
        step=number.step,
        unit=tail.unit,
        text=text[start : tail.end],
        start=start,
        end=tail.end,
        scaled=number.rounded,
        measure=tail.measure,
    )


def _blanked(text: str, figures: list[Figure]) -> str:
    for figure in figures:
        text = text[: figure.start] + _SEEN * (figure.end - figure.start) + text[figure.end :]
    return text


def _phrases_blanked(text: str) -> str:
    return _PHRASE.sub(lambda match: _SEEN * len(match[0]), text)


def _phrases(text: str, figures: list[Figure]) -> tuple[dict[str, Any], str]:
    """Return what the phrases around the figure make of the claim, and what is left."""
    said: dict[str, Any] = {}
    at = figures[0].start if figures else len(text)
    for match in _PHRASE.finditer(text):
        phrase = re.sub(r"\s+", " ", match[0].lower())
        effect, behind = _MEANT[phrase], match.start() > at
        if phrase not in _EITHER and behind != (phrase in _BEHIND):
            continue  # where it stands it says something else
        if effect and not behind and not _ADJACENT.fullmatch(text, match.end(), at):
            continue
        if said.keys() - {"minus"} and effect.keys() - {"minus"}:
            raise FigureError(f"{match[0]!r} comes on top of another comparison", "say one thing")
        said |= effect
        text = text[: match.start()] + _SEEN * len(match[0]) + text[match.end() :]
    return said, text


def _one(text: str, figures: list[Figure]) -> tuple[Figure | None, Figure | None]:
    """Return the one figure that is stated, and how far the value may lie from it."""
    if len(figures) == 2:
        first, second = figures
        between = text[first.end : second.start]
        if _PLUS_MINUS.fullmatch(between):
            if not first.unit and second.unit != "%":
                first = replace(first, unit=second.unit, measure=second.measure)
            return first, second
        if _PRODUCT.fullmatch(between):
            hint = "bind each of the two on its own"
            raise FigureError(f"{text.strip()!r} is a product of two figures", hint)
    if len(figures) > 1:
        shown = ", ".join(repr(figure.text) for figure in figures)
        hint = (
            _SHARE
            if _OF.fullmatch(text, figures[0].end, figures[1].start)
            else "bind each on its own"
        )
        raise FigureError(f"the text holds {len(figures)} figures: {shown}", hint)
    return (figures[0] if figures else None), None


def _check_rest(rest: str, lexicon: Lexicon) -> None:
    """Refuse what is left and not understood: a sign, a digit, a word that compares."""
    for token in _TOKEN.finditer(rest):
        where, written = token.span(), token[0]
        if token["sign"]:
            if _JOINS.search(rest, max(0, where[0] - 1), where[1] + 1):
                continue
            raise FigureError(f"the sign {written!r} is not understood", _CURES.get(written, _OUT))
        if written == "!" and rest[: where[0]].endswith(_SEEN):
            raise FigureError("the sign '!' behind a figure is a factorial", _OUT)
        if token["free"]:
            _check_word(written, rest, where, lexicon)


def _check_word(word: str, rest: str, where: tuple[int, int], lexicon: Lexicon) -> None:
    if _SEEN in (rest[where[0] - 1 : where[0]], rest[where[1] : where[1] + 1]):
        hint = "write a unit that is known, or a space and a word"
        raise FigureError(f"{word!r} touches the figure, and is no known unit", hint)
    if _RAISED.search(word):
        raise FigureError(f"{word!r} holds a power, and is no known unit", _OUT)
    of_magnitude = re.match(r"orders?\s+of\s+magnitude\b", rest[where[0] :])
    if (_scales(word) or of_magnitude) and re.search(rf"{_SEEN}[\s‑-]*\Z", rest[: where[0]]):
        raise FigureError(
            f"the word {word!r} would multiply the figure, and is not read",
            "write thousand, million, billion, % or ×, or the number in full",
        )
    parts = {word.lower(), *re.split(r"[-‑'’]", word.lower())}
    if parts & VAGUE or lexicon.unit(word) or word.lower().endswith(("n't", "n’t")):
        raise FigureError(
            f"the word {word!r} is not understood beside a figure",
            "take it out of the brackets, or write 'at least', 'under', 'nearly', 'about'",
        )


def _scales(word: str) -> bool:
    return word.lower() in SCALING or _SCALED_NOUN.fullmatch(word) is not None


def _has_dash(text: str, figure: Figure) -> bool:
    """Whether an en dash right before the figure is its minus sign: –5."""
    return re.search(r"(?:^|[\s(])–\Z", text[: figure.start]) is not None
