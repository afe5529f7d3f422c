"""The text of a claim is read whole: what is true of every text, tried by hypothesis."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from assay.figures import conditions, match, stated, wording, words
from assay.figures.names import of_project
from assay.figures.numbers import FigureError
from assay.figures.units import Lexicon
from assay.nouns import Condition, Value
from hypothesis import assume, given
from hypothesis import strategies as st

NUMBERS = st.integers(1, 999)
COMPARED: dict[str, Callable[[int, int], bool]] = {
    "at least {}": lambda value, n: value >= n,
    "≥ {}": lambda value, n: value >= n,
    "no less than {}": lambda value, n: value >= n,
    "{} or more": lambda value, n: value >= n,
    "{}+": lambda value, n: value >= n,
    "at most {}": lambda value, n: value <= n,
    "<= {}": lambda value, n: value <= n,
    "no more than {}": lambda value, n: value <= n,
    "{} at most": lambda value, n: value <= n,
    "{} or fewer": lambda value, n: value <= n,
    "more than {}": lambda value, n: value > n,
    "over {}": lambda value, n: value > n,
    ">{}": lambda value, n: value > n,
    "under {}": lambda value, n: value < n,
    "fewer than {}": lambda value, n: value < n,
    "<{}": lambda value, n: value < n,
    "about {}": lambda value, n: value == n,
    "{} or so": lambda value, n: value == n,
    "up to {}": lambda value, n: value == n,
    "exactly {}": lambda value, n: value == n,
    "a total of {}": lambda value, n: value == n,
    "minus {}": lambda value, n: value == -n,
    "−{}": lambda value, n: value == -n,
    "–{}": lambda value, n: value == -n,
    "{} ± 5": lambda value, n: abs(value - n) <= 5,
    "between 0 and {}": lambda value, n: 0 <= value <= n,
}
UNKNOWN = [
    "not",
    "never",
    "barely",
    "per",
    "than",
    "less",
    "7",
    "7 GB",
    "twelve",
    "#",
    "/",
    "GB",
    "×",
]


def holds(value: int | float, text: str, title: str = "") -> bool | None:
    """Whether a claim holds; None where it is refused."""
    computed = Value(kind=type(value).__name__, text=repr(value))  # type: ignore[arg-type]
    try:
        match.compare(computed, stated.read(computed, text, conditions.parse(title)))
    except stated.Mismatch as mismatch:
        return False if mismatch.comparable else None
    return True


@given(text=st.text() | st.text("0123456789 ,.-–−±×x%kMBT°$€/:<>≥~+()aeglnost "))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes the reader fail, and no refusal is without advice."""
    refused = None
    try:
        wording.read(text, Lexicon())
    except FigureError as error:
        refused = error
    assert refused is None or (str(refused) and refused.hint)


@given(
    form=st.sampled_from(sorted(COMPARED)),
    number=NUMBERS,
    value=st.integers(-1005, 1005),
    noun=st.sampled_from(["", " layers", " of the layers"]),
)
def test_what_stands_around_a_figure_counts(form: str, number: int, value: int, noun: str) -> None:
    """A comparison, a qualifier and a sign mean what they say, beside any noun."""
    assert holds(value, form.format(number) + noun) is COMPARED[form](value, number)


@given(
    form=st.sampled_from(sorted(COMPARED)),
    number=NUMBERS,
    unknown=st.sampled_from(UNKNOWN),
    behind=st.booleans(),
)
def test_what_is_not_understood_is_refused(
    form: str, number: int, unknown: str, *, behind: bool
) -> None:
    """Whatever else stands in the brackets, one thing that is not understood refuses the claim."""
    text = form.format(number)
    assume((unknown, behind, form) != ("twelve", True, "{} or more"))
    assert holds(number, f"{text} layers {unknown}" if behind else f"{unknown} a {text}") is None


@given(number=NUMBERS, one=st.sampled_from(["at least", "at most", "more than", "less than"]))
def test_text_and_title_agree_or_are_refused(number: int, one: str) -> None:
    """A comparison may stand in the text, in the title, or in both if it is the same."""
    for other in ("at least", "at most", "more than", "less than"):
        same = holds(number, f"{one} {number}", other)
        assert same is (holds(number, str(number), one) if one == other else None)


@given(
    number=st.decimals(Decimal("0.1"), 999, places=1),
    letter=st.sampled_from([("k", 10**3), ("M", 10**6), ("B", 10**9), ("T", 10**12)]),
    noun=st.sampled_from(["tokens", "parameters", "steps"]),
)
def test_a_letter_needs_a_noun(number: Decimal, letter: tuple[str, int], noun: str) -> None:
    """7B parameters are seven billion, and 7B is refused."""
    value = float(number * letter[1])
    assert holds(value, f"{number}{letter[0]} {noun}") is True
    assert holds(float(number), f"{number}{letter[0]} {noun}") is False
    assert holds(value, f"{number}{letter[0]}") is None


SMALL = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"]
SMALL += [
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def spelt(number: int) -> str:
    """Write a number in words, by other rules than it is read."""
    for size, name in ((10**9, "billion"), (10**6, "million"), (1000, "thousand")):
        if number >= size:
            rest = number % size
            return f"{spelt(number // size)} {name}" + (f" {spelt(rest)}" if rest else "")
    if number >= 100:
        rest = number % 100
        return f"{spelt(number // 100)} hundred" + (f" and {spelt(rest)}" if rest else "")
    if number < 20:
        return SMALL[number - 1]
    return TENS[number // 10 - 2] + (f"-{SMALL[number % 10 - 1]}" if number % 10 else "")


@given(number=st.integers(1, 10**12 - 1))
def test_numbers_in_words_read_back(number: int) -> None:
    """Any whole number is read as English writes it, from all of its words."""
    text = spelt(number)
    (found,) = words.find(f"some {text} layers")
    assert (found.number.value, found.end - found.start) == (number, len(text))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("half", "0.5"), ("a third", "1/3"), ("two thirds", "2/3"), ("three quarters", "3/4"),
        ("a tenth", "1/10"), ("one and a half", "3/2"), ("two and a half million", "2500000"),
        ("half a million", "500000"), ("a dozen", "12"), ("two dozen", "24"), ("twice", "2"),
        ("tripled", "3"), ("tenfold", "10"), ("five hundred", "500"), ("eleven hundred", "1100"),
    ],
)  # fmt: skip
def test_fractions_and_factors_in_words(text: str, value: str) -> None:
    """Fractions, dozens and factors are numbers too."""
    (found,) = words.find(text)
    above, _, below = value.partition("/")
    wanted = Decimal(above) / Decimal(below or 1)
    assert abs(found.number.value - wanted) < Decimal("1e-20")


@pytest.mark.parametrize(
    "text", ["the third layer", "quarters", "a second", "nobody", "often", "a"]
)
def test_ordinals_and_other_words_are_no_numbers(text: str) -> None:
    """What only sounds like a number is a word."""
    assert list(words.find(text)) == []


def test_a_project_has_units_of_its_own() -> None:
    """A noun of the settings is a unit, makes rates, and is worth one."""
    names = of_project((), ("token", "EUR"))
    rates = {"30 tokens/s": 30.0, "30 tokens per minute": 0.5, "30 tokens/ms": 30_000.0}
    for text, number in (rates | {"30 EUR": 30.0}).items():
        value = Value(kind="float", text=str(number))
        match.compare(value, stated.read(value, text, Condition(), names))
        wrong = stated.read(value, text.replace("30", "31"), Condition(), names)
        with pytest.raises(stated.Mismatch):
            match.compare(value, wrong)


@pytest.mark.parametrize(
    "word", ["k", "k tokens", "bn", "lakh", "ppm", "kilotokens", "Mtokens", "orders of magnitude"]
)
def test_a_word_that_would_multiply_the_figure_is_refused(word: str) -> None:
    with pytest.raises(FigureError, match="would multiply"):
        wording.read(f"10000 {word}", Lexicon())


@pytest.mark.parametrize("text", ["10000 k-means runs", "10000 microbatches", "10000 rows of k"])
def test_other_words_behind_a_figure_stay_free(text: str) -> None:
    figure = wording.read(text, Lexicon()).figure
    assert figure is not None
    assert figure.value == 10000


def test_negative_is_a_minus_sign_right_before_a_figure() -> None:
    """Elsewhere it is a word."""
    figures = [
        wording.read(t, Lexicon()).figure for t in ("negative 5", "negative likelihood of 5")
    ]
    assert [figure.value for figure in figures if figure is not None] == [-5, 5]
