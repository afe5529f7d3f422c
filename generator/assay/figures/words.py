"""Numbers in words, as English writes them: twenty-one, two and a half million, a third, twice.

Law: a run of number words is read whole, to one number, or not at all. Ordinals are no numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal, localcontext

from msgspec import Struct

from .numbers import PRECISION, SCALES, Number, fraction

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
SMALL = {word: n for n, word in enumerate(_ONES)} | {w: 10 * n for n, w in enumerate(_TENS, 2)}
LARGE = {"hundred": 100, "dozen": 12} | {word: int(scale) for word, scale in SCALES.items()}
_PARTS = "third quarter fifth sixth seventh eighth ninth tenth"
PARTS = (
    {word: n for n, word in enumerate(_PARTS.split(), 3)}
    | {f"{word}s": n for n, word in enumerate(_PARTS.split(), 3)}
    | {"hundredth": 100, "hundredths": 100, "thousandth": 1000, "thousandths": 1000}
)
TIMES = {
    word: Decimal(value)
    for value, words in {
        "1": "once",
        "2": "twice both double doubled doubles doubling",
        "3": "thrice triple tripled triples tripling",
        "4": "quadruple quadrupled quadruples",
        "0.5": "half halves halved halving",
        "0": "no none nothing",
    }.items()
    for word in words.split()
}
"""Words that are a number by themselves."""

LONGEST = 24
"""How many words one number has at most; a longer run of number words is no number."""

_ONE = Decimal(1)
ANY = "|".join(sorted({*SMALL, *LARGE, *PARTS, *TIMES}, key=len, reverse=True))
_FOLD = "|".join([*SMALL, "hundred", "thousand"])
RUN = re.compile(
    rf"(?<![\w’'])(?:(?P<fold>{_FOLD})-?fold|(?:(?:an?|and)[ -]){{0,2}}(?:{ANY})"
    rf"(?:[\s-]+(?:and[\s-]+)?(?:an?[\s-]+)?(?:{ANY}))*)(?![\w’'])",
    re.IGNORECASE,
)


class Worded(Struct, frozen=True):
    """A number in words, and where it stands."""

    number: Number
    start: int
    end: int
    is_factor: bool = False
    """It multiplies: twice, tenfold, tripled."""


def find(text: str) -> Iterator[Worded]:
    """Yield the numbers in words of *text*, each read from as many words as make one.

    >>> [f"{w.number.value:f}" for w in find("two dozen, three quarters, half a million")]
    ['24', '0.75', '500000.0']
    """
    for run in RUN.finditer(text):
        if run["fold"]:
            fold = SMALL.get(run["fold"].lower()) or LARGE[run["fold"].lower()]
            yield Worded(Number(Decimal(fold), _ONE), run.start(), run.end(), is_factor=True)
            continue
        words = list(re.finditer(r"[a-z]+", run[0], re.IGNORECASE))
        at = 0
        while at < len(words) <= LONGEST:
            size, number = _longest([word[0].lower() for word in words[at:]])
            if number is not None:
                start, end = words[at].start(), words[at + size - 1].end()
                is_factor = size == 1 and words[at][0].lower() in TIMES
                yield Worded(number, run.start() + start, run.start() + end, is_factor)
            at += size


def value_of(words: Sequence[str]) -> Number | None:
    """Return the number that *words* say, read whole, or None."""
    if not words:
        return None
    if len(words) == 1 and words[0] in TIMES:
        value = TIMES[words[0]]
        return Number(value, _ONE) if value == int(value) else fraction(value)
    if words[-1] in LARGE:
        before = words[:-1] if words[-2:-1] not in (["a"], ["an"]) else words[:-2]
        part = _part(before)
        if part is not None:
            return part.times(Decimal(LARGE[words[-1]]))
    return _part(words) or _cardinal(words)


def _longest(words: list[str]) -> tuple[int, Number | None]:
    for size in range(len(words), 0, -1):
        number = value_of(words[:size])
        if number is not None:
            return size, number
    return 1, None


def _part(words: Sequence[str]) -> Number | None:
    """Read a fraction, with or without a whole number before it: two and a half, three quarters."""
    whole = Decimal(0)
    if "and" in words:
        at = len(words) - 1 - [*reversed(words)].index("and")
        before = _cardinal(words[:at])
        if before is None:
            return None
        whole, words = before.value, words[at + 1 :]
    if not words or (words[-1] not in PARTS and words[-1] not in {"half", "halves"}):
        return None
    count = 1 if words[:-1] in ([], ["a"], ["an"]) else _cardinal(words[:-1])
    if count is None or (words[:-1] == [] and words[-1] != "half"):
        return None  # the third is an ordinal, a third is a fraction
    with localcontext() as context:
        context.prec = PRECISION
        parts = count if isinstance(count, int) else count.value
        return fraction(whole + Decimal(parts) / PARTS.get(words[-1], 2))


def _cardinal(words: Sequence[str]) -> Number | None:
    """Read a whole number: one hundred and one, twelve thousand three hundred, two dozen."""
    if words[:1] in (["a"], ["an"]) and words[1:2] and words[1] in LARGE:
        words = ["one", *words[1:]]
    total, group, below = 0, None, 10**15
    for before, word in zip(["", *words], words, strict=False):
        if word == "and" and before in LARGE and before != "dozen":
            continue
        if word in SMALL and _fits(group, SMALL[word]):
            group = (group or 0) + SMALL[word]
        elif word in {"hundred", "dozen"} and (group is None or 0 < group < 100):
            group = (1 if group is None else group) * LARGE[word]
        elif word in SCALES and LARGE[word] < below and group != 0:
            total, below = total + (1 if group is None else group) * LARGE[word], LARGE[word]
            group = None
        else:
            return None
    if not words or words[-1] == "and":
        return None
    step = SCALES.get(words[-1], _ONE)
    return Number(Decimal(total + (group or 0)), step, words[-1] in SCALES)


def _fits(group: int | None, small: int) -> bool:
    """Whether a small number may follow: twenty takes one, and hundred takes twenty."""
    if group is None:
        return True
    room = 100 if group % 100 == 0 else 10 if group % 100 >= 20 and group % 10 == 0 else 0
    return 0 < small < room and group > 0
