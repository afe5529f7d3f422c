"""What another run of the same sessions gives otherwise.

Law: only what a page states or shows counts: a value that differs beyond the stated digits is no
fault, and a statement that holds in one run alone is no fact.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from ..nouns import Checked, Finding, Report, Session
from . import rules

CURE = (
    "seed what is drawn, sort what comes out of a set, leave out clocks and addresses, "
    "or state fewer digits"
)


def told(first: Report, second: Report) -> Report:
    """Return *first* with what *second*, of other runs of the same sessions, says otherwise."""
    keys = {session.key for session in differing(first, second)}
    checked = (
        replace(c, unkept=(*c.unkept, "differs between runs")) if c.session.key in keys else c
        for c in first.checked
    )
    findings = rules.ordered((*first.findings, *found(first, second)))
    return replace(first, checked=tuple(checked), findings=findings)


def found(first: Report, second: Report) -> Iterator[Finding]:
    """Yield what *second* finds and *first* does not.

    What is printed and not stated is a warning: the page shows what one run printed.
    """
    known = {(finding.code, finding.place) for finding in first.findings}
    for finding in second.findings:
        if finding.severity == "error" and (finding.code, finding.place) not in known:
            message = f"another run differs: {finding.message}"
            yield replace(finding, code="A114", message=message, hint=CURE, fix=())
    for one, other in _pairs(first, second):
        yield from _printed(one, other)


def differing(first: Report, second: Report) -> tuple[Session, ...]:
    """Return the sessions that gave something otherwise: none of them may be kept."""
    pairs = _pairs(first, second)
    return tuple(one.session for one, other in pairs if _given(one) != _given(other))


def _pairs(first: Report, second: Report) -> Iterator[tuple[Checked, Checked]]:
    again = {checked.session.key: checked for checked in second.checked}
    return ((one, again[one.session.key]) for one in first.checked)


def _given(checked: Checked) -> object:
    outcome = checked.outcome
    ran = [(one.output, one.figures, one.raised and one.raised.kinds) for one in outcome.snippets]
    return ran, outcome.values, outcome.failure and outcome.failure.kind


def _printed(first: Checked, second: Checked) -> Iterator[Finding]:
    for snippet, one, other in zip(
        first.session.snippets, first.outcome.snippets, second.outcome.snippets, strict=False
    ):
        if one.figures != other.figures:
            yield Finding(
                code="A114",
                place=snippet.place,
                message=f"snippet {snippet.id!r} draws otherwise in another run",
                hint=CURE,
                severity="warning",
            )
        if one.output != other.output and not snippet.prints:
            yield Finding(
                code="A114",
                place=snippet.place,
                message=f"snippet {snippet.id!r} prints otherwise in another run",
                hint=CURE,
                severity="warning",
            )
