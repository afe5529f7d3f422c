"""What claims are known by: anchors, reports and citations use it, so it is permanent.

Law: a claim that gives no id owns its probe's name, and another on that probe gives one of its own
(id=NAME). So a claim's id depends on no sentence that is written before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from .nouns import Claim

_GIVEN = re.compile(r"(?:^|[,;] ?)id ?= ?([^,; ]+)")


class Id(Struct, frozen=True):
    """A claim's id; where another claim of the page owns the one that it asks for, *taken* is that.

    Its name is then made of what the claim states, and is none to link to.
    """

    name: str
    taken: str = ""


def of_claims(claims: Sequence[Claim]) -> list[Id]:
    """Return the id of each claim of a page, in its order."""
    given = [match[1] if (match := _GIVEN.search(claim.title)) else "" for claim in claims]
    asked = [own or _dashed(claim.address) for own, claim in zip(given, claims, strict=True)]
    by_probe = [number for number, own in enumerate(given) if not own]
    owners: dict[str, int] = {}
    for number in (*by_probe, *range(len(claims))):
        owners.setdefault(asked[number], number)
    late = [number for number, name in enumerate(asked) if owners[name] != number]
    stems = (f"{asked[number]}-{_dashed(claims[number].text)}" for number in late)
    free = iter(numbered([*owners, *stems])[len(owners) :])
    return [
        Id(name) if owners[name] == number else Id(next(free), name)
        for number, name in enumerate(asked)
    ]


def numbered(stems: Iterable[str]) -> list[str]:
    """Return a name for each stem, no two alike: the stem, or the stem with the next free number.

    >>> numbered(["x", "x", "x-2", "y"])
    ['x', 'x-2', 'x-2-2', 'y']
    """
    names: dict[str, None] = {}
    last: dict[str, int] = {}
    for stem in stems:
        name = stem
        while name in names:
            last[stem] = last.get(stem, 1) + 1
            name = f"{stem}-{last[stem]}"
        names[name] = None
    return list(names)


def _dashed(text: str) -> str:
    """Return words joined by hyphens, as a title may give them.

    >>> _dashed("sizes['Total'][0]"), _dashed("64.2 GB")
    ('sizes-total-0', '64-2-gb')
    """
    return re.sub(r"[^\w]+", "-", text).strip("-_").lower() or "claim"
