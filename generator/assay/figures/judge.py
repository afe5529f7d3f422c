"""One question in one call: whether a computed value is as stated."""

from __future__ import annotations

import numbers
from decimal import Decimal

from ..nouns import Computed, Value
from . import conditions, match, stated


def holds(computed: Computed, text: str, title: str = "") -> bool:
    """Whether *computed* is as *text* says, under the condition of a claim's *title*.

    A refutation is not looked at: it takes two values. Raises :class:`TypeError` for a value that
    is no number, text or truth value, and :class:`conditions.ConditionError` for a title that
    cannot be read.

    >>> holds(64_242_089_984, "64.24 GB"), holds(64_242_089_984, "64.24 GiB")
    (True, False)
    """
    condition = conditions.parse(title)
    value = _value(computed)
    try:
        match.compare(value, stated.read(value, text, condition))
    except stated.Mismatch:
        return False
    return True


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
