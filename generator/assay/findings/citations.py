"""Figures that are cited, and figures that somebody owns.

Law: a given states what its source states, and an opinion says whose it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..figures import match
from ..figures.names import Names
from ..figures.numbers import FigureError
from ..figures.stated import figure_of
from ..hints import nearest
from ..nouns import Citation, Edit, Entry, Finding, Given, Place


def givens(entry: Entry, citations: Mapping[str, Citation], names: Names) -> Iterator[Finding]:
    """Yield what is wrong with the givens of *entry*."""
    found = (_given(given, citations, entry, names) for given in entry.givens)
    yield from (finding for finding in found if finding is not None)


def _given(
    given: Given, citations: Mapping[str, Citation], entry: Entry, names: Names
) -> Finding | None:
    citation = citations.get(given.key)
    if citation is None:
        hint = nearest(given.key, citations) or "add it to givens/*.toml, with its source"
        message = f"{given.key!r} is not among the givens"
        return Finding(code="A203", place=given.place, message=message, hint=hint)
    try:
        stated, cited = figure_of(given.text, names), figure_of(citation.value, names)
    except FigureError as error:
        return Finding(code="A101", place=given.place, message=str(error), hint=error.hint)
    if match.is_same(stated, cited):
        return None
    return Finding(
        code="A204",
        place=given.place,
        message=f"the source of {given.key!r} says otherwise",
        hint=f"write {citation.value}, as in {citation.source}",
        stated=stated.text,
        computed=citation.value,
        end=given.end,
        fix=_restated(given, citation.value, entry),
    )


def _restated(given: Given, value: str, entry: Entry) -> tuple[Edit, ...]:
    """Return the edit that states *value*, if the text stands in the source as it is read."""
    if not entry.text.startswith(given.text, given.span.start + 1):
        return ()
    path, line, column = given.place.path, given.place.line, given.place.column + 1
    end = Place(path, line, column + len(given.text))
    return (Edit(Place(path, line, column), end, value),)


def opinions(entry: Entry) -> Iterator[Finding]:
    """Yield the opinions that name no owner."""
    for opinion in entry.opinions:
        if not opinion.owner.strip():
            message = f"the opinion {opinion.text!r} does not say whose it is"
            hint = f'write [{opinion.text}](opinion: "common advice for fine-tuning")'
            yield Finding(code="A205", place=opinion.place, message=message, hint=hint)
