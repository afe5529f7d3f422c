"""The order in which terms are read: what a term needs comes before it, a category in one run.

Law: the order follows from prerequisites and names alone. Terms that need each other in a circle,
which a check refuses, come last.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec import Struct

from ..nouns import Entry


class Step(Struct, frozen=True):
    """Where a term stands among those of its category."""

    number: int
    of: int


def ordered(terms: Sequence[Entry]) -> list[Entry]:
    """Return *terms* in the order in which they are read."""
    known = {entry.slug for entry in terms}
    left = {entry.slug: entry for entry in sorted(terms, key=_name)}
    found: list[Entry] = []
    while left:
        ready = [entry for entry in left.values() if not _needs(entry) & left.keys() & known]
        category = _category(found[-1]) if found else ""
        following = min(ready, key=lambda e: _rank(e, category, left.values()), default=None)
        if following is None:
            return [*found, *left.values()]
        found.append(left.pop(following.slug))
    return found


def step(entry: Entry, category: Sequence[Entry]) -> Step:
    """Return where *entry* stands in its *category*, which is in the order of reading."""
    return Step([one.slug for one in category].index(entry.slug) + 1, len(category))


def _rank(entry: Entry, current: str, left: Collection[Entry]) -> tuple[bool, bool, str, str]:
    """Return a key that stays in a category, or goes to one that can be read to its end."""
    own = _category(entry)
    rest = [one for one in left if _category(one) == own]
    awaited = {slug for one in rest for slug in _needs(one)} - {one.slug for one in rest}
    return own != current, bool(awaited & {one.slug for one in left}), own, _name(entry)


def _needs(entry: Entry) -> frozenset[str]:
    return frozenset(entry.front.prerequisites if entry.front else ())


def _category(entry: Entry) -> str:
    return entry.front.category if entry.front else ""


def _name(entry: Entry) -> str:
    return entry.front.term.lower() if entry.front else entry.slug
