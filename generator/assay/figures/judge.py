"""One question in one call: whether computed values are as a claim states.

Law: what cannot be read, or cannot be compared, never counts as agreement.
"""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from ..nouns import Computed, Condition, Value
from . import conditions, match, stated
from .names import Names
from .stated import NAMES, Mismatch, Stated


class Judged(Struct, frozen=True):
    """What a claim states, as far as it can be read, and why it does not hold, if it does not."""

    said: Stated | None
    problem: Mismatch | None = None


def judge(values: Sequence[Value], text: str, condition: Condition, names: Names = NAMES) -> Judged:
    """Judge *text* by the first of *values*; by the second, if there is one, it is otherwise."""
    said = None
    try:
        said = stated.read(values[0], text, condition, names)
        if condition.refuted:
            _refuted(values, said)
        else:
            match.compare(values[0], said)
            _false_for(values[1:], said)
    except Mismatch as problem:
        return Judged(said, problem)
    return Judged(said)


def _refuted(values: Sequence[Value], said: Stated) -> None:
    """Raise :class:`Mismatch` unless a statement is false here, and true where it says it is."""
    if _agrees(values[0], said):
        raise Mismatch("the statement that the page refutes is true", "A108")
    for value in values[1:]:
        if not _agrees(value, said):
            reason = f"it would not be true for {said.condition.true_for} either"
            raise Mismatch(f"{reason}, which is {match.shown(value)}", "A108")


def _false_for(values: Sequence[Value], said: Stated) -> None:
    """Raise :class:`Mismatch` where a statement is true also for what would make it false."""
    for value in values:
        if _agrees(value, said):
            reason = f"it would be true for {said.condition.false_for} too"
            raise Mismatch(f"{reason}, which is {match.shown(value)}", "A108")


def _agrees(value: Value, said: Stated) -> bool:
    """Whether *value* is as stated; what cannot be compared at all raises."""
    try:
        match.compare(value, said)
    except Mismatch as mismatch:
        if mismatch.comparable:
            return False
        raise
    return True


def holds(computed: Computed, text: str, title: str = "") -> bool:
    """Whether *computed* is as *text* says, under the condition of a claim's *title*.

    A refutation is not looked at: it takes two values. Raises :class:`TypeError` for a value that
    is no number, text or truth value, and :class:`conditions.ConditionError` for a title that
    cannot be read.

    >>> holds(64_242_089_984, "64.24 GB"), holds(64_242_089_984, "64.24 GiB")
    (True, False)
    """
    value, condition = _value(computed), replace(conditions.parse(title), refuted=False)
    return judge([value], text, condition).problem is None


def _value(computed: object) -> Value:
    if isinstance(computed, bool):
        return Value(kind="bool", text=str(computed))
    if isinstance(computed, str):
        return Value(kind="str", text=computed)
    if isinstance(computed, numbers.Integral):
        return Value(kind="int", text=str(int(computed)))
    if isinstance(computed, Decimal):
        return Value(kind="float", text=str(computed))
    if isinstance(computed, numbers.Real):
        return Value(kind="float", text=repr(float(computed)))
    raise TypeError(f"a {type(computed).__name__} is no number, text or truth value: {computed!r}")
