"""A report as GitHub workflow commands, which show up as annotations on the changed lines."""

from __future__ import annotations

from ..nouns import Finding, Report
from ..plain import message, visible
from . import again
from .text import summary_lines


def as_github(report: Report) -> str:
    """Return the findings as annotations, then the lines that sum up."""
    lines = [
        f"::{f.severity} file={_property(f.place.path)},line={f.place.line},"
        f"col={f.place.column},{_end(f)}title={_property('assay ' + f.code)}::{_data(_one_line(f))}"
        for f in report.findings
    ]
    return "\n".join([*lines, message("\n".join(summary_lines(report)))]) + "\n"


def _end(finding: Finding) -> str:
    end = finding.end
    return f"endLine={end.line},endColumn={end.column}," if end else ""


def _one_line(finding: Finding) -> str:
    parts = [finding.message]
    if finding.stated or finding.computed:
        parts.append(f"stated {finding.stated!r}, computed {finding.computed!r}")
    return "; ".join(filter(None, [*parts, again.hint(finding)]))


def _data(text: str) -> str:
    lines = "\n".join(visible(line) for line in text.splitlines())
    return lines.replace("%", "%25").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
