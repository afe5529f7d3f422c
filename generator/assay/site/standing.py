"""How a page stands: what its claims came to, on what they ran and when.

Law: no word stands for two states, and what needs a reader's eye comes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from ..nouns import Checked, Key, Status, Verdict
from ..reports import provenance
from ..reports.summary import statuses

_SAID = {
    Status.VERIFIED: ("claim verified", "claims verified"),
    Status.REFUTED: ("claim refuted", "claims refuted"),
    Status.SETTING: ("set by the code", "set by the code"),
}
_LISTED = 3
"""Versions that are named; a proof names all of its own."""


class Standing(Struct, frozen=True):
    """What the line below a term says."""

    counts: tuple[tuple[Status, str], ...]
    """The states that there are, the worst first, each with how many claims are in it."""
    ran: tuple[str, ...]
    """Packages with their versions, machines, and the day of the last run."""


def of(verdicts: tuple[Verdict, ...], checks: Mapping[Key, Checked]) -> Standing:
    """Return how the page of *verdicts* stands."""
    counts = {status: number for status, number in statuses(verdicts).items() if number}
    sessions = dict.fromkeys(verdict.session for verdict in verdicts)
    ran = [checks[key] for key in sessions if key in checks and not checks[key].is_awaited]
    return Standing(
        tuple((status, _said(status, counts[status])) for status in sorted(counts, key=_order)),
        tuple(_ran(ran)),
    )


def _order(status: Status) -> tuple[bool, int]:
    """Return a key that puts the worst first, and last what is no result."""
    return status is Status.SETTING, -list(Status).index(status)


def _said(status: Status, number: int) -> str:
    one, many = _SAID.get(status, (status.words, status.words))
    return f"{number} {one if number == 1 else many}"


def _ran(checks: Iterable[Checked]) -> Iterator[str]:
    each = [one for checked in checks for one in (checked, *checked.others)]
    named = dict(item for one in each for item in provenance.of(one).items())
    python = named.pop("python", "")
    machines = dict.fromkeys(one.outcome.environment.get("gpu") or "CPU" for one in each)
    packages = [f"{name} {version}" for name, version in named.items() if version[:1].isdigit()]
    yield from packages[:_LISTED] or ([f"Python {python}"] if python else [])
    yield from machines
    if days := [one.outcome.when for one in each if one.outcome.when]:
        yield max(days)
