"""Conditions in the title of a claim: how the computed value must relate to the stated one.

Law: a title is phrases joined by commas, each of one kind; a second of a kind, or two that cannot
both be meant, are refused. Each phrase is looked up in one table of patterns.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from ..nouns import Condition, Figure
from . import units, wording
from .numbers import FigureError
from .units import PROSE

PHRASES: list[tuple[str, str, Callable[[re.Match[str]], dict[str, Any]]]] = [
    ("within", r"within (?P<figure>.+)", lambda m: {"within": _tolerance(m["figure"])}),
    (
        "relation",
        r"(?P<it>at least|at most|more than|less than|between)",
        lambda m: {"relation": m["it"]},
    ),
    ("equals", r"= ?(?P<figure>.+)", lambda m: {"equals": wording.only(m["figure"], PROSE)}),
    ("is true", r"is true", lambda m: {"is_true": True}),
    ("refuted", r"refuted", lambda m: {"refuted": True}),
    ("true for", r"true for (?P<it>\S+)", lambda m: {"refuted": True, "true_for": m["it"]}),
    ("false for", r"false for (?P<it>\S+)", lambda m: {"false_for": m["it"]}),
    ("id", r"id ?= ?\w+(?:[-.]\w+)*", lambda m: {}),  # ids.py reads it
    ("in", r"in (?P<it>.+)", lambda m: {"unit": m["it"].strip()}),
    ("setting", r"setting", lambda m: {"setting": True}),
]
"""The kinds of phrases, how each is written, and what it sets."""

_MEANT = {
    r"is false": "bind what is to be true, and write is true",
    r"is true": "write it small: is true",
    r">=|≥|=>": "write at least",
    r"<=|≤|=<": "write at most",
    r">": "write more than",
    r"<": "write less than",
    r"(at least|at most|more than|less than|between) .+": "the figure stands in the text alone; "
    "write the words without it",
    r".*(±|\+/-|\+-).*": "write within, as in: within 0.5",
}
"""What is often tried, and what to write instead."""

CONTRADICTIONS: tuple[tuple[str, ...], ...] = (
    ("within", "relation"),
    ("is true", "within", "relation", "equals", "in"),
    ("setting", "refuted", "true for", "false for"),
    ("false for", "refuted", "true for"),
)
"""Kinds of which the first goes with none of the others."""


class ConditionError(ValueError):
    """A title that cannot be read."""


def parse(title: str) -> Condition:
    """Read a claim's title.

    >>> parse("refuted, true for weight_bytes").true_for
    'weight_bytes'
    """
    fields: dict[str, Any] = {}
    kinds: dict[str, str] = {}
    for phrase in filter(None, re.split(r"[,;] ", " ".join(title.split()))):
        kind, found = _phrase(phrase.strip())
        _agree(kinds, kind, phrase.strip())
        kinds[kind] = phrase.strip()
        fields |= found
    if "refuted" in fields and "true_for" not in fields:
        raise ConditionError(
            "'refuted' alone holds for almost any wrong figure; say what the statement would be "
            "true for: refuted, true for PROBE"
        )
    said = ", ".join(phrase for kind, phrase in kinds.items() if kind != "id")
    return msgspec.structs.replace(Condition(), said=said, **fields)


def _agree(kinds: dict[str, str], kind: str, phrase: str) -> None:
    """Refuse a phrase that says again, or otherwise, what another has said."""
    against = {kind}
    for first, *others in CONTRADICTIONS:
        against |= set(others) if kind == first else {first} if kind in others else set()
    for other in against & kinds.keys():
        raise ConditionError(f"{kinds[other]!r} and {phrase!r} cannot both be meant")


def _tolerance(written: str) -> Figure:
    figure = wording.only(written, PROSE)
    if figure.high is not None or figure.value <= 0:
        raise FigureError(f"{written!r} is no tolerance", "write within 1%, or within 0.2 GB")
    if figure.unit in units.PERCENT and figure.value >= 100:
        raise FigureError(f"{written!r} holds for nearly anything", "write within 1%")
    return figure


def _phrase(phrase: str) -> tuple[str, dict[str, Any]]:
    for kind, pattern, fields in PHRASES:
        match = re.fullmatch(pattern, phrase)
        if match:
            try:
                return kind, fields(match)
            except FigureError as error:
                raise ConditionError(f"{phrase!r}: {error}: {error.hint}") from error
    for pattern, meant in _MEANT.items():
        if re.fullmatch(pattern, phrase, re.IGNORECASE):
            raise ConditionError(f"{phrase!r} is no condition: {meant}")
    raise ConditionError(
        f"{phrase!r} is no condition; known are: within 1%, within 0.2 GB, at least, at most, "
        "more than, less than, between, = 4, is true, refuted, true for PROBE, false for PROBE, "
        "id=NAME, in UNIT, setting"
    )
