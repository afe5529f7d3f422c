"""The order in which terms are read: what a term needs comes before it, a category in one run.

Law: the order follows from prerequisites and names alone. Terms that need each other in a circle,
which a check refuses, come last.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush

from msgspec import Struct

from ..nouns import Entry


class Step(Struct, frozen=True):
    """Where a term stands among those of its category."""

    number: int
    of: int


def ordered(terms: Sequence[Entry]) -> list[Entry]:
    """Return *terms* in the order in which they are read.

    A category is read on while it can be; then comes one that awaits no other, if there is one.
    """
    known = {entry.slug: entry for entry in sorted(terms, key=_name)}
    needs = {slug: _needs(entry) & known.keys() for slug, entry in known.items()}
    awaited: dict[str, set[str]] = defaultdict(set)
    for slug, needed in needs.items():
        own = _category(known[slug])
        awaited[own] |= {need for need in needed if _category(known[need]) != own}
    sorter = TopologicalSorter(needs)
    with suppress(CycleError):  # those outside of the circle are given all the same
        sorter.prepare()
    ready: dict[str, list[tuple[str, str]]] = defaultdict(list)
    current, found = "", dict[str, Entry]()
    while sorter.is_active():
        for slug in sorter.get_ready():
            heappush(ready[_category(known[slug])], (_name(known[slug]), slug))
        current = _next(current, ready, awaited)
        _, slug = heappop(ready[current])
        found[slug] = known[slug]
        sorter.done(slug)
        for others in awaited.values():
            others.discard(slug)
    return [*found.values(), *(entry for slug, entry in known.items() if slug not in found)]


def step(entry: Entry, category: Sequence[Entry]) -> Step:
    """Return where *entry* stands in its *category*, which is in the order of reading."""
    return Step([one.slug for one in category].index(entry.slug) + 1, len(category))


def _next(
    current: str, ready: dict[str, list[tuple[str, str]]], awaited: dict[str, set[str]]
) -> str:
    """Return the category that is read on: the *current* one, or one that awaits no other."""
    there = (category for category, terms in ready.items() if terms)
    return min(there, key=lambda name: (name != current, bool(awaited[name]), name))


def _needs(entry: Entry) -> frozenset[str]:
    return frozenset(entry.front.prerequisites if entry.front else ())


def _category(entry: Entry) -> str:
    return entry.front.category if entry.front else ""


def _name(entry: Entry) -> str:
    return entry.front.term.lower() if entry.front else entry.slug
