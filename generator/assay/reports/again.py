"""The commands that a reader types next."""

from __future__ import annotations

import shlex

from ..nouns import Device, Finding, Session


def check(page: str) -> str:
    """Return the command that checks *page* again."""
    return f"assay check {shlex.quote(page)}"


def measure(device: Device, page: str) -> str:
    """Return the command that measures the sessions of *page* on *device*."""
    return f"assay record --device {device.value} {shlex.quote(page)}"


def measure_session(session: Session) -> str:
    """Return the command that measures *session*."""
    return measure(session.job.device, session.snippets[0].place.path)


def hint(finding: Finding) -> str:
    """Return what mends *finding*: its hint, or the command that measures what it awaits."""
    return measure(finding.awaits, finding.checked_with) if finding.awaits else finding.hint
