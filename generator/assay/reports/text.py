"""A report as people read it: findings, then the lines that sum up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..findings.codes import CODES
from ..nouns import Finding, Report
from ..plain import message, visible
from . import again
from .summary import counted, plural, statuses, summary


def as_text(report: Report) -> str:
    """Return the report as text for a terminal; what awaits a GPU stands folded at its end."""
    awaiting = [finding for finding in report.findings if _awaits(finding)]
    others = [finding for finding in report.findings if not _awaits(finding)]
    parts = [*shown(report, others), *_awaiting(awaiting), "\n".join(summary_lines(report))]
    return message("\n\n".join(parts)) + "\n"


def shown(report: Report, findings: Sequence[Finding]) -> list[str]:
    """Return *findings* of *report* one by one, each with its line of the page."""
    texts = {entry.path: entry.text for entry in report.entries}
    last = {finding.checked_with: number for number, finding in enumerate(findings)}
    return [
        finding_text(f, texts.get(f.place.path, ""), is_last=last[f.checked_with] == number)
        for number, f in enumerate(findings)
    ]


def summary_lines(report: Report) -> Iterator[str]:
    """Yield the lines that sum up: claims, sessions, names that kept numbers out, codes."""
    counts = summary(report)
    ran = f"{plural(counts.ran, 'session')} ran, {counts.reused} reused"
    ran += f", {counts.recorded} recorded" if counts.recorded else ""
    claims = f"{plural(counts.claims, 'claim')}: {counted(statuses(report.verdicts))}"
    yield f"{claims}; {ran}; {plural(counts.errors, 'error')}; {counts.seconds:.2f} s"
    yield from _unkept(report)
    kept = [e for e in report.exemptions if e.kept]
    if kept:
        yield f"names kept {sum(e.kept for e in kept)} numbers out of the figure check:"
        yield from (f"  {e.kept:>4}  {visible(e.reason)}  ({visible(e.pattern)})" for e in kept)
    for code in sorted({f.code for f in report.findings}):
        yield f"{code}: {CODES[code].summary}"


def _unkept(report: Report) -> Iterator[str]:
    """Name the sessions that will run again next time, by the reason."""
    sessions: dict[str, list[str]] = {}
    for checked in report.checked:
        for reason in checked.unkept:
            name = f"{checked.session.page} {checked.session.name}"
            sessions.setdefault(reason, []).append(name)
    for reason, names in sessions.items():
        yield visible(f"will run again, since it {reason}: {', '.join(names)}")


def _awaits(finding: Finding) -> bool:
    return finding.awaits is not None and finding.severity == "warning"


def _awaiting(findings: list[Finding]) -> Iterator[str]:
    """List what awaits a device apart: a line a claim, and the command that measures them."""
    for command in dict.fromkeys(map(again.hint, findings)):
        lines = [f"{_head(f)} ({visible(f.stated)})" for f in findings if again.hint(f) == command]
        yield "\n".join([*lines, f"  hint: {command}"])


def _head(finding: Finding) -> str:
    place = finding.place
    where = f"{place.path}:{place.line}:{place.column}"
    return visible(f"{where}: {finding.severity} {finding.code}: {finding.message}")


def finding_text(finding: Finding, text: str = "", *, is_last: bool = False) -> str:
    """Show a finding of the page *text*; the last of one says how that page is checked again."""
    place = finding.place
    lines = [_head(finding)]
    source = text.split("\n")
    if text and place.line <= len(source):
        lines += _caret(source[place.line - 1], place.line, place.column)
    if finding.stated or finding.computed:
        lines += [f"  stated    {_indented(finding.stated)}"]
        lines += [f"  computed  {_indented(finding.computed or '(nothing)')}"]
    hint = again.hint(finding)
    lines += [f"  hint: {visible(hint)}"] if hint else []
    if is_last:
        lines.append(f"  again: {visible(again.check(finding.checked_with))}")
    return "\n".join(lines)


def _caret(source: str, line: int, column: int) -> list[str]:
    """Show the source line around *column*, cut to a readable width, with a caret under it."""
    start = max(0, column - 40)
    shown = source[start : start + 90]
    lead, more = ("…" if start else ""), ("…" if start + 90 < len(source) else "")
    margin = f"  {line:>5} | "
    under = " " * (len(margin) - 2 + len(lead) + column - 1 - start)
    return [f"{margin}{lead}{visible(shown)}{more}", f"{under}  ^"]


def _indented(text: str) -> str:
    return "\n            ".join(visible(line) for line in text.split("\n"))
