"""One question in one call: whether a computed value is as stated."""

from __future__ import annotations

from ..nouns import Computed, Value
from . import conditions, match


def holds(computed: Computed, stated: str, title: str = "") -> bool:
    """Whether *computed* is as the text *stated* says, under the condition of a claim's *title*.

    A refutation is not looked at: it takes two values. Raises :class:`conditions.ConditionError`
    for a title that cannot be read.

    >>> holds(64_242_089_984, "64.24 GB"), holds(64_242_089_984, "64.24 GiB")
    (True, False)
    """
    condition = conditions.parse(title)
    kind = "float" if isinstance(computed, float) else type(computed).__name__
    text = computed if isinstance(computed, str) else repr(computed)
    value = Value(kind=kind, text=text)  # type: ignore[arg-type]
    try:
        figure = None
        if not match.is_text(value, condition):
            figure = match.stated_figure(stated, condition)
        match.compare(value, stated, figure, condition)
    except match.Mismatch:
        return False
    return True
