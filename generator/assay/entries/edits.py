"""Edits of a text, by the stretches that they replace."""

from __future__ import annotations

from collections.abc import Iterable

from ..nouns import Span


def applied(text: str, start: int, edits: Iterable[tuple[Span, str]]) -> str:
    """Return *text* from *start* on with *edits*, none of which overlap; margins are kept.

    >>> applied("- a b", 0, [(Span(2, 3), "x"), (Span(4, 5), "y")])
    '- x y'
    """
    parts, at = [], start
    for span, new in sorted(edits, key=lambda edit: edit[0].start):
        parts += [text[at : span.start], _within_margin(text, span.start, new)]
        at = span.end
    return "".join([*parts, text[at:]])


def _within_margin(text: str, at: int, new: str) -> str:
    """Indent the further lines of *new* as the line that it stands on is indented."""
    margin = text[text.rfind("\n", 0, at) + 1 : at]
    return new.replace("\n", f"\n{margin}") if margin and not margin.strip() else new
