"""One question in one call: whether a computed value is as stated."""

from __future__ import annotations

from ..nouns import Computed, Value
from . import conditions, match, stated


def holds(computed: Computed, text: str, title: str = "") -> bool:
    """Whether *computed* is as *text* says, under the condition of a claim's *title*.

    A refutation is not looked at: it takes two values. Raises :class:`conditions.ConditionError`
    for a title that cannot be read.

    >>> holds(64_242_089_984, "64.24 GB"), holds(64_242_089_984, "64.24 GiB")
    (True, False)
    """
    condition = conditions.parse(title)
    kind = "float" if isinstance(computed, float) else type(computed).__name__
    written = computed if isinstance(computed, str) else repr(computed)
    value = Value(kind=kind, text=written)  # type: ignore[arg-type]
    try:
        match.compare(value, stated.read(value, text, condition))
    except stated.Mismatch:
        return False
    return True
