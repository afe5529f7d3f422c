"""A report as JSON, schema 2: the structs here are the schema.

Values are exact: a computed number is not rounded to what the page states.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from ..entries import sentences
from ..findings import quotes
from ..findings.endings import End, end_of
from ..nouns import Checked, Computed, Edit, Finding, Place, Report, Snippet, Verdict
from ..plain import in_json
from ..sessions.records import code_of
from . import again
from .summary import Summary, summary

SCHEMA = 2
_STATUS = {
    End.RAN: "ok",
    End.RAISED_AS_EXPECTED: "ok",
    End.NOT_RUN: "not run",
    End.AWAITED: "not run",
}


class Located(Struct, frozen=True, kw_only=True):
    """A stretch of a file; its end is exclusive."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int


class ClaimRow(Located, frozen=True, kw_only=True):
    """A claim, what it states and what was computed."""

    id: str
    entry: str
    probe: str
    sentence: str
    stated: str
    condition: str
    computed: Computed
    unit: str
    verdict: str
    reason: str
    device: str
    reused: bool
    code: str
    """Digest of the code that its session runs."""
    versions: dict[str, str]
    """Python and the packages that its session imported."""
    date: str
    """The day on which its session ran."""


class StatementRow(Located, frozen=True, kw_only=True):
    """A statement from elsewhere, and what the claims in it come to."""

    entry: str
    verdict: str
    quote: str
    source: str
    address: str
    read: str
    claims: tuple[str, ...]
    """The ids of the claims in it."""


class SnippetRow(Struct, frozen=True, kw_only=True):
    """A snippet, and how it ended."""

    path: str
    line: int
    id: str
    session: str
    status: str
    seconds: float
    reused: bool
    ran_since: str
    """Why no kept result was used, where it ran."""
    unkept: tuple[str, ...]
    """Why its session's result is not kept, each reason in words that follow "it"."""


class EditRow(Located, frozen=True, kw_only=True):
    """A stretch of a file, its end exclusive, and the text that belongs there."""

    text: str


class FindingRow(Located, frozen=True, kw_only=True):
    """Something that is wrong, and what mends it."""

    code: str
    severity: str
    page: str
    message: str
    hint: str
    stated: str
    computed: str
    fix: tuple[EditRow, ...]


class Document(Struct, frozen=True, kw_only=True):
    """A whole report."""

    schema: int
    ok: bool
    claims: tuple[ClaimRow, ...]
    statements: tuple[StatementRow, ...]
    snippets: tuple[SnippetRow, ...]
    findings: tuple[FindingRow, ...]
    summary: Summary


def as_json(report: Report) -> str:
    """Return the report as one JSON object."""
    document = Document(
        schema=SCHEMA,
        ok=report.ok,
        claims=tuple(claims(report)),
        statements=tuple(_statements(report)),
        snippets=tuple(_snippet(s, c) for c in report.checked for s in c.session.snippets),
        findings=tuple(map(_finding, report.findings)),
        summary=summary(report),
    )
    return in_json(msgspec.json.format(msgspec.json.encode(document), indent=2).decode()) + "\n"


def claims(report: Report) -> Iterator[ClaimRow]:
    """Return a row for each claim of the report."""
    said = {entry.path: sentences.of_claims(entry) for entry in report.entries}
    for verdict in report.verdicts:
        yield _claim(verdict, said[verdict.claim.place.path][verdict.claim.span.start].whole)


def _claim(verdict: Verdict, sentence: str) -> ClaimRow:
    answer = verdict.answer
    return ClaimRow(
        id=verdict.id,
        entry=verdict.entry,
        probe=verdict.probe,
        **_where(verdict.claim.place, verdict.claim.end),
        sentence=sentence,
        stated=verdict.claim.text,
        condition=verdict.condition.said,
        computed=verdict.computed,
        unit=verdict.unit,
        verdict=verdict.status.value,
        reason=verdict.reason,
        device=verdict.device.value,
        reused=answer.reused if answer else False,
        code=code_of(answer.session.job) if answer else "",
        versions=_versions(answer) if answer else {},
        date=answer.outcome.when if answer else "",
    )


def _statements(report: Report) -> Iterator[StatementRow]:
    for entry, statements in quotes.of_pages(report.entries, report.verdicts):
        for one in statements:
            yield StatementRow(
                **_where(one.quote.place, one.quote.end),
                entry=entry.slug,
                verdict=one.judgement.key,
                quote=one.quote.text,
                source=one.quote.source,
                address=one.quote.address,
                read=str(one.quote.read or ""),
                claims=tuple(verdict.id for verdict in one.verdicts),
            )


def _versions(checked: Checked) -> dict[str, str]:
    outcome = checked.outcome
    python = outcome.environment.get("python")
    packages = {name: v for name, v in outcome.traced.distributions.items() if v}
    return ({"python": python} if python else {}) | packages


def _snippet(snippet: Snippet, checked: Checked) -> SnippetRow:
    ran, number = checked.outcome.snippets, checked.session.snippets.index(snippet)
    return SnippetRow(
        path=snippet.place.path,
        line=snippet.place.line,
        id=snippet.id,
        session=snippet.session,
        status="stale" if checked.changed else _STATUS.get(end_of(snippet, checked), "failed"),
        seconds=round(ran[number].seconds, 6) if number < len(ran) else 0.0,
        reused=checked.reused,
        ran_since=checked.ran_since,
        unkept=checked.unkept,
    )


def _finding(finding: Finding) -> FindingRow:
    return FindingRow(
        code=finding.code,
        severity=finding.severity,
        **_where(finding.place, finding.end or finding.place),
        page=finding.checked_with,
        message=finding.message,
        hint=again.hint(finding),
        stated=finding.stated,
        computed=finding.computed,
        fix=tuple(map(_edit, finding.fix)),
    )


def _edit(edit: Edit) -> EditRow:
    return EditRow(
        **_where(edit.start, edit.end),
        text=edit.text,
    )


def _where(start: Place, end: Place) -> dict[str, Any]:
    return {
        "path": start.path,
        "line": start.line,
        "column": start.column,
        "end_line": end.line,
        "end_column": end.column,
    }
