"""Conditions in the title of a claim: how the computed value must relate to the stated one.

Strategy: a title is phrases joined by commas; each phrase is looked up in one table of patterns.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from ..nouns import Condition
from . import reading

PHRASES: list[tuple[str, Callable[[re.Match[str]], dict[str, Any]]]] = [
    (r"within (?P<figure>.+)", lambda m: {"within": reading.only(m["figure"])}),
    (r"(?P<it>at least|at most|more than|less than|between)", lambda m: {"relation": m["it"]}),
    (r"= ?(?P<figure>.+)", lambda m: {"equals": reading.only(m["figure"])}),
    (r"is true", lambda m: {"is_true": True}),
    (r"refuted", lambda m: {"refuted": True}),
    (r"true for (?P<probe>\S+)", lambda m: {"refuted": True, "true_for": m["probe"]}),
]
"""Each phrase of a title, and what it sets."""


class ConditionError(ValueError):
    """A title that cannot be read."""


def parse(title: str) -> Condition:
    """Read a claim's title.

    >>> parse("refuted, true for weight_bytes").true_for
    'weight_bytes'
    """
    fields: dict[str, Any] = {}
    for phrase in filter(None, re.split(r"[,;] ", title.strip())):
        fields |= _phrase(phrase.strip())
    return msgspec.structs.replace(Condition(), **fields)


def _phrase(phrase: str) -> dict[str, Any]:
    for pattern, fields in PHRASES:
        match = re.fullmatch(pattern, phrase)
        if match:
            try:
                return fields(match)
            except reading.FigureError as error:
                raise ConditionError(f"{phrase!r}: {error}") from error
    raise ConditionError(
        f"{phrase!r} is no condition; known are: within 1%, within 0.2 GB, at least, at most, "
        "more than, less than, between, = 4, is true, refuted, true for PROBE"
    )
