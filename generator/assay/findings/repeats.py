"""What another run of the same sessions gives otherwise.

Law: only what a page states or shows counts: a value that differs beyond the stated digits is no
fault, and a statement that holds in one run alone is no fact.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from ..nouns import Checked, Finding, Key, Report

CURE = (
    "seed what is drawn, sort what comes out of a set, leave out clocks and addresses, "
    "or state fewer digits"
)


def found(first: Report, second: Report) -> Iterator[Finding]:
    """Yield what *second*, a report of other runs of the same sessions, finds and *first* does not.

    What is printed and not stated is a warning: the page shows what one run printed.
    """
    known = {(finding.code, finding.place) for finding in first.findings}
    for finding in second.findings:
        if finding.severity == "error" and (finding.code, finding.place) not in known:
            message = f"another run differs: {finding.message}"
            yield replace(finding, code="A114", message=message, hint=CURE, fix=())
    once = {checked.session.key: checked for checked in first.checked}
    for checked in second.checked:
        yield from _printed(once[checked.session.key], checked)


def differing(first: Report, second: Report) -> frozenset[Key]:
    """Return the sessions that gave something otherwise: none of them may be kept."""
    once = {checked.session.key: _given(checked) for checked in first.checked}
    return frozenset(
        checked.session.key
        for checked in second.checked
        if _given(checked) != once[checked.session.key]
    )


def _given(checked: Checked) -> object:
    outcome = checked.outcome
    ran = [(one.output, one.raised and one.raised.kinds) for one in outcome.snippets]
    return ran, outcome.values, outcome.failure and outcome.failure.kind


def _printed(first: Checked, second: Checked) -> Iterator[Finding]:
    for snippet, one, other in zip(
        first.session.snippets, first.outcome.snippets, second.outcome.snippets, strict=False
    ):
        if one.output != other.output and not snippet.prints:
            yield Finding(
                code="A114",
                place=snippet.place,
                message=f"snippet {snippet.id!r} prints otherwise in another run",
                hint=CURE,
                severity="warning",
            )
