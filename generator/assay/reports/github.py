"""A report as GitHub workflow commands, which show up as annotations on the changed lines.

Law: GitHub shows the first few annotations of a step and drops the others, so no more are written,
those of changed files first; the job's summary lists every finding.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from msgspec.structs import replace

from ..nouns import Finding, Report
from ..plain import message, visible
from . import again
from .summary import plural
from .text import summary_lines

SHOWN = 10
"""How many errors, and how many warnings, GitHub shows of one step."""


def as_github(report: Report) -> str:
    """Return the first findings as annotations, then the lines that sum up."""
    shown, left = _shown(report)
    more = (
        [f"{plural(left, 'finding')} more: see the job's summary, or assay check"] if left else []
    )
    summary = message("\n".join(summary_lines(report)))
    return "\n".join([*map(_annotation, shown), *more, summary]) + "\n"


def changed_first(report: Report, changed: Collection[str]) -> Report:
    """Return *report* with the findings of *changed* files first, else in their order."""
    findings = sorted(report.findings, key=lambda finding: finding.place.path not in changed)
    return replace(report, findings=tuple(findings))


def job_summary(report: Report) -> str:
    """Return every finding as Markdown, for the summary of a job."""
    head = next(summary_lines(report))
    lines = [
        f"### assay: {'everything holds' if report.ok else 'something does not hold'}",
        "",
        head,
    ]
    if report.findings:
        lines += ["", "| where | what | cure |", "|---|---|---|", *map(_row, report.findings)]
    return "\n".join(lines) + "\n\n"


def _shown(report: Report) -> tuple[list[Finding], int]:
    """Return the findings that GitHub shows, and how many more there are."""
    kinds = ("error", "warning")
    shown = [
        f for kind in kinds for f in [f for f in report.findings if f.severity == kind][:SHOWN]
    ]
    return [f for f in report.findings if f in shown], len(report.findings) - len(shown)


def _annotation(finding: Finding) -> str:
    place = finding.place
    where = f"file={_property(place.path)},line={place.line},col={place.column},{_end(finding)}"
    title = _property(f"assay {finding.code}")
    return f"::{finding.severity} {where}title={title}::{_data('; '.join(_said(finding)))}"


def _end(finding: Finding) -> str:
    end = finding.end
    return f"endLine={end.line},endColumn={end.column}," if end else ""


def _said(finding: Finding) -> Iterator[str]:
    yield finding.message
    if finding.stated or finding.computed:
        yield f"stated {finding.stated!r}, computed {finding.computed!r}"
    if hint := again.hint(finding):
        yield hint


def _row(finding: Finding) -> str:
    place = f"{finding.place.path}:{finding.place.line}:{finding.place.column}"
    message, *values, hint = [*_said(finding), ""] if not again.hint(finding) else _said(finding)
    what = f"{finding.severity} {finding.code}: " + "; ".join([message, *values])
    return f"| {_cell(place)} | {_cell(what)} | {_cell(hint)} |"


def _cell(text: str) -> str:
    """Return text that is shown as it stands within a table's cell."""
    shown = visible(" ".join(text.split()))
    for sign in "\\`*_[]<>|&#":
        shown = shown.replace(sign, f"\\{sign}")
    return shown


def _data(text: str) -> str:
    lines = "\n".join(visible(line) for line in text.splitlines())
    return lines.replace("%", "%25").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
