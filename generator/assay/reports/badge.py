"""A report as a badge: the endpoint of shields.io, with how many claims are good, and the day."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from ..nouns import Report


class Badge(Struct, frozen=True, kw_only=True, rename="camel"):
    """What shields.io reads: https://shields.io/badges/endpoint-badge."""

    schema_version: int = 1
    label: str = "claims"
    message: str
    color: str


def as_badge(report: Report) -> str:
    """Return how many claims are as they should be, of how many, and the last day of a run."""
    good = sum(verdict.status.is_good for verdict in report.verdicts)
    day = max((checked.outcome.when for checked in report.checked), default="")
    message = ", ".join(filter(None, [f"{good} of {len(report.verdicts)}", day]))
    whole = "brightgreen" if good == len(report.verdicts) else "yellow"
    badge = Badge(message=message, color=whole if report.ok else "red")
    return msgspec.json.encode(badge).decode() + "\n"
