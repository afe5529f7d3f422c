"""What a reader sees first of a term: its definition, its key facts, its equation with a legend.

Law: the parts are stretches of the page's own text, in its order; nothing is moved or left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

from ..nouns import Entry, Span
from .inline import coded

_DEFINITION = re.compile(
    r"\s*(?![#>`~|$<+*-]|\d+[.)] |!!!|\?\?\?|===|--8<--)\S.*?"
    r"(?=\n[ \t]*(?:\n|```|~~~|\$\$|#|[*+-] |>)|\Z)",
    re.DOTALL,
)
_EQUATION = re.compile(r"\s*\$\$.*?\$\$[ \t]*(?=\n|\Z)", re.DOTALL)
_LEGEND = re.compile(r"\n\s*[*+-] .*?(?=\n[ \t]*\n(?![*+-] |[ \t])|\Z)", re.DOTALL)


def cuts(entry: Entry) -> tuple[int, int]:
    """Return where the definition ends, and where the equation with its legend does.

    A page that begins with neither has both at its start.
    """
    text, at = entry.text, entry.body
    definition = _DEFINITION.match(text, at)
    end = definition.end() if definition else at
    equation = _EQUATION.match(text, end)
    if equation is None:
        return end, end
    legend = _LEGEND.match(text, equation.end())
    return end, legend.end() if legend else equation.end()


class KeyFact(Struct, frozen=True):
    """A key fact as HTML."""

    label: str
    figure: str
    note: str


def facts(entry: Entry, changes: Iterable[tuple[Span, str]]) -> tuple[KeyFact, ...]:
    """Return the key facts of *entry*; *changes* are what its claims and formulas become."""
    made = sorted(changes, key=lambda change: change[0].start)
    return tuple(
        KeyFact(*(_html(entry.text, span, made) for span in (fact.label, fact.figure, fact.note)))
        for fact in entry.facts
    )


def _html(text: str, span: Span | None, changes: list[tuple[Span, str]]) -> str:
    if span is None:
        return ""
    parts, at = [], span.start
    for where, new in changes:
        if span.start <= where.start and where.end <= span.end:
            parts += [_words(text[at : where.start]), new]
            at = where.end
    return "".join([*parts, _words(text[at : span.end])]).strip()


def _words(text: str) -> str:
    return coded(re.sub(r"\s+", " ", text))
