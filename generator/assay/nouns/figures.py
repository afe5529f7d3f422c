"""Figures as people write them, and what a claim asks of one."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from msgspec import Struct

HOLE = "\ufffc"
"""Stands in a block for what is not prose: code, math, a claim; and for a name."""
Relation = Literal["matches", "at least", "at most", "more than", "less than", "between"]
Bound = Literal["", "below", "above", "exactly"]


class Unit(Struct, frozen=True):
    """What one of a unit is worth, in SI base units; information is in bytes."""

    dimension: frozenset[tuple[str, Decimal]]
    """The powers of the base units that make it up, as in length and time^-1."""
    size: Decimal
    counts: Decimal = Decimal(1)
    """What a computed plain number counts in, by the same measure: a byte, a bit, a second."""
    zero: Decimal = Decimal(0)
    """For a temperature: what is added to count from absolute zero."""

    @property
    def factor(self) -> Decimal:
        """What one of it is, in what a plain number counts."""
        return self.size / self.counts

    @property
    def is_temperature(self) -> bool:
        """Whether a number of it says too little: degrees of which scale, counted from where."""
        return self.dimension == {("temperature", Decimal(1))}


class Figure(Struct, frozen=True):
    """A number as people write it.

    *value* (and *high*, for a range) is the number in the unit as written, scale words and
    exponents applied; *step* is what one unit of its last stated digit is worth.
    """

    value: Decimal
    step: Decimal
    unit: str
    text: str
    start: int
    end: int
    high: Decimal | None = None
    scaled: bool = False
    """Written with a scale word or an exponent, hence rounded even where the value is whole."""
    measure: Unit | None = None
    """What one of its unit is worth; None where the unit is not known."""


class Condition(Struct, frozen=True):
    """What a claim's title asks for, parsed; all defaults mean: match to the stated digits."""

    relation: Relation = "matches"
    within: Figure | None = None
    equals: Figure | None = None
    is_true: bool = False
    refuted: bool = False
    true_for: str | None = None
    """For a refuted statement: the probe for which it would be true."""
    false_for: str | None = None
    """For a confirmed statement: the probe for which it would be false."""
    bound: Bound = ""
    """Where the value lies beside rounding to the figure: "nearly 12 GB" is below it."""
    unit: str = ""
    """What the computed number counts in, if the title says so: in °C."""
    said: str = ""
    """The title, but for the id."""
    setting: bool = False
    """The code only assigns the value: an experiment's input, no result."""
