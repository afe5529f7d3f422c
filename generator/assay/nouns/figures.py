"""Figures as people write them, and what a claim asks of one."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from msgspec import Struct


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


class Condition(Struct, frozen=True):
    """What a claim's title asks for, parsed; all defaults mean: match to the stated digits."""

    relation: Literal["matches", "at least", "at most", "more than", "less than", "between"] = (
        "matches"
    )
    within: Figure | None = None
    equals: Figure | None = None
    is_true: bool = False
    refuted: bool = False
    true_for: str | None = None
    """For a refuted figure: the probe for which the statement would be true."""
