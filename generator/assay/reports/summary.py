"""What a report counts. Each number says what it counts, and nothing is added up with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from msgspec import Struct

from ..findings import quotes
from ..nouns import Exemption, Place, Report, Status, Verdict


class Summary(Struct, frozen=True, kw_only=True):
    """The counts of a report."""

    claims: int
    verdicts: dict[str, int]
    """Claims by their status; every status is there."""
    statements: dict[str, int]
    """Statements from elsewhere by what their claims come to."""
    entries: int
    sessions: int
    ran: int
    reused: int
    recorded: int
    gpus: dict[str, int]
    """Claims by the GPU that answered for them."""
    errors: int
    warnings: int
    seconds: float
    names: tuple[Exemption, ...]


def summary(report: Report) -> Summary:
    """Count what *report* holds."""
    severities = Counter(finding.severity for finding in report.findings)
    ran = [c for c in report.checked if not (c.reused or c.record) and c.outcome.when]
    return Summary(
        claims=len(report.verdicts),
        verdicts={status.value: n for status, n in statuses(report.verdicts).items()},
        statements=dict(Counter(_judged(report))),
        entries=sum(entry.front is not None for entry in report.entries),
        sessions=len(report.checked),
        ran=len(ran),
        reused=sum(checked.reused for checked in report.checked),
        recorded=sum(checked.record is not None for checked in report.checked),
        gpus=dict(Counter(gpu for verdict in report.verdicts for gpu in verdict.gpus)),
        errors=severities["error"],
        warnings=severities["warning"],
        seconds=round(report.seconds, 3),
        names=report.exemptions,
    )


def _judged(report: Report) -> Iterator[str]:
    for _, statements in quotes.of_pages(report.entries, report.verdicts):
        yield from (one.judgement.key for one in statements)


def claims_by_place(report: Report) -> dict[Place, str]:
    """Return what each claim is known by among all pages, ``ENTRY#ID``, by where it stands."""
    return {v.claim.place: f"{v.entry}#{v.id}" for v in report.verdicts}


def statuses(verdicts: Iterable[Verdict]) -> dict[Status, int]:
    """Count *verdicts* by status, from the best status to the worst."""
    counts = Counter(verdict.status for verdict in verdicts)
    return {status: counts[status] for status in Status}


def counted(counts: dict[Status, int]) -> str:
    """Say how many claims have which status.

    >>> counted({Status.VERIFIED: 2, Status.FAILS: 0, Status.STALE: 1})
    '2 verified, 1 stale'
    """
    return ", ".join(f"{n} {status.words}" for status, n in counts.items() if n) or "no claims"


def plural(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> plural(1, "session"), plural(0, "error")
    ('1 session', '0 errors')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"
