"""The list of all claims, by page, each in its sentence.

Law: what awaits a GPU is not verified and stands apart, so no list mixes it with what is.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from ..entries import sentences
from ..nouns import Entry, Status, Verdict
from ..reports.summary import statuses

AWAITING = frozenset({Status.STALE, Status.UNMEASURED})


class Group(Struct, frozen=True, kw_only=True):
    """The claims of a page."""

    name: str
    path: str
    """The address of the page, from the site's root."""
    statuses: dict[Status, int]
    rows: tuple[tuple[sentences.Said, Verdict], ...]


def groups(
    pages: Iterable[tuple[Entry, str, tuple[Verdict, ...]]], *, awaiting: bool
) -> list[Group]:
    """Return the claims of *pages*, each with its address, that await a GPU, or the others."""
    chosen = (
        (entry, path, [v for v in verdicts if (v.status in AWAITING) is awaiting])
        for entry, path, verdicts in pages
    )
    return [_group(entry, path, verdicts) for entry, path, verdicts in chosen if verdicts]


def _group(entry: Entry, path: str, verdicts: list[Verdict]) -> Group:
    said = sentences.of_claims(entry)
    return Group(
        name=entry.front.term if entry.front else entry.slug,
        path=path,
        statuses=statuses(verdicts),
        rows=tuple((said[verdict.claim.span.start], verdict) for verdict in verdicts),
    )
