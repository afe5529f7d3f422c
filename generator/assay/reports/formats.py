"""Reports: functions from a :class:`Report` to text. They print nothing and decide nothing."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from ..findings.codes import CODES
from ..nouns import Finding, Report, Verdict


def as_text(report: Report) -> str:
    """Return the report as people read it: findings, then one line that sums up."""
    texts = {entry.path: entry.text for entry in report.entries}
    awaiting = [finding for finding in report.findings if _awaits(finding)]
    parts = [
        _finding(finding, texts.get(finding.place.path, ""))
        for finding in report.findings
        if not _awaits(finding)
    ]
    return "\n\n".join([*parts, *_awaiting(awaiting), "\n".join(_summary_lines(report))]) + "\n"


def as_json(report: Report) -> str:
    """Return the report as one JSON object (schema 1)."""
    data = {
        "schema": 1,
        "ok": report.ok,
        "claims": [_claim(verdict) for verdict in report.verdicts],
        "snippets": list(_snippets(report)),
        "findings": [_as_data(finding) for finding in report.findings],
        "summary": summary(report),
    }
    return msgspec.json.format(msgspec.json.encode(data), indent=2).decode() + "\n"


def as_github(report: Report) -> str:
    """Return the findings as GitHub workflow commands, which show up as annotations."""
    lines = [
        f"::{f.severity} file={_property(f.place.path)},line={f.place.line},"
        f"col={f.place.column},title={_property('assay ' + f.code)}::{_data(_one_line(f))}"
        for f in report.findings
    ]
    return "\n".join([*lines, *_summary_lines(report)]) + "\n"


FORMATS: dict[str, Callable[[Report], str]] = {
    "text": as_text,
    "json": as_json,
    "github": as_github,
}


def summary(report: Report) -> dict[str, Any]:
    """Count what the report holds."""
    statuses = Counter(verdict.status for verdict in report.verdicts)
    return {
        "claims": len(report.verdicts),
        **{s: statuses[s] for s in ("holds", "fails", "unchecked", "stale", "unmeasured")},
        "refuted": sum(verdict.condition.refuted for verdict in report.verdicts),
        "entries": sum(entry.front is not None for entry in report.entries),
        "sessions": len(report.checked),
        "ran": sum(not (c.reused or c.record) and bool(c.outcome.when) for c in report.checked),
        "reused": sum(checked.reused for checked in report.checked),
        "recorded": sum(checked.record is not None for checked in report.checked),
        "gpus": dict(Counter(gpu for verdict in report.verdicts for gpu in verdict.gpus)),
        "errors": sum(finding.severity == "error" for finding in report.findings),
        "warnings": sum(finding.severity == "warning" for finding in report.findings),
        "seconds": round(report.seconds, 3),
        "names": [msgspec.to_builtins(exemption) for exemption in report.exemptions],
    }


def _awaits(finding: Finding) -> bool:
    return finding.code in {"A110", "A111"} and finding.severity == "warning"


def _awaiting(findings: list[Finding]) -> Iterator[str]:
    """List what awaits a GPU apart: a line a claim, and the command that measures them."""
    for command in dict.fromkeys(finding.hint for finding in findings):
        lines = [f"{_head(f)} ({f.stated})" for f in findings if f.hint == command]
        yield "\n".join([*lines, f"  hint: {command}"])


def _head(finding: Finding) -> str:
    place = finding.place
    where = f"{place.path}:{place.line}:{place.column}"
    return f"{where}: {finding.severity} {finding.code}: {finding.message}"


def _finding(finding: Finding, text: str) -> str:
    place = finding.place
    lines = [_head(finding)]
    source = text.split("\n")
    if text and place.line <= len(source):
        lines += _caret(source[place.line - 1], place.line, place.column)
    if finding.stated or finding.computed:
        lines += [f"  stated    {_indented(finding.stated)}"]
        lines += [f"  computed  {_indented(finding.computed or '(nothing)')}"]
    if finding.hint:
        lines.append(f"  hint: {finding.hint}")
    lines.append(f"  again: assay check {shlex.quote(place.path)}")
    return "\n".join(lines)


def _caret(source: str, line: int, column: int) -> list[str]:
    """Show the source line around *column*, cut to a readable width, with a caret under it."""
    start = max(0, column - 40)
    shown = source[start : start + 90]
    lead, more = ("…" if start else ""), ("…" if start + 90 < len(source) else "")
    margin = f"  {line:>5} | "
    under = " " * (len(margin) - 2 + len(lead) + column - 1 - start)
    return [f"{margin}{lead}{_visible(shown)}{more}", f"{under}  ^"]


def _visible(text: str) -> str:
    """Replace what a terminal would obey rather than show."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _indented(text: str) -> str:
    return "\n            ".join(_visible(line) for line in text.split("\n"))


def _summary_lines(report: Report) -> Iterator[str]:
    counts = summary(report)
    words = {
        "fails": "fail",
        "unchecked": "unchecked",
        "stale": "stale",
        "unmeasured": "unmeasured",
    }
    others = [f"{counts[status]} {word}" for status, word in words.items() if counts[status]]
    claims = ", ".join([f"{counts['holds']} of {counts['claims']} claims hold", *others])
    ran = f"{_count(counts['ran'], 'session')} ran, {counts['reused']} reused"
    ran += f", {counts['recorded']} recorded" if counts["recorded"] else ""
    yield f"{claims}; {ran}; {_count(counts['errors'], 'error')}; {counts['seconds']:.2f} s"
    kept = [e for e in report.exemptions if e.kept]
    if kept:
        total = sum(e.kept for e in kept)
        yield f"names kept {total} numbers out of the figure check:"
        yield from (f"  {e.kept:>4}  {e.reason}  ({e.pattern})" for e in kept)
    for code in sorted({f.code for f in report.findings}):
        yield f"{code}: {CODES[code]}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _claim(verdict: Verdict) -> dict[str, Any]:
    place = verdict.claim.place
    return {
        "entry": verdict.entry,
        "probe": verdict.probe,
        "path": place.path,
        "line": place.line,
        "column": place.column,
        "stated": verdict.claim.text,
        "condition": verdict.claim.title,
        "computed": verdict.computed,
        "unit": verdict.unit,
        "verdict": verdict.status,
        "reason": verdict.reason,
        "device": verdict.device,
        "reused": verdict.reused,
    }


def _snippets(report: Report) -> Iterator[dict[str, Any]]:
    for checked in report.checked:
        ran = checked.outcome.snippets
        for number, snippet in enumerate(checked.session.snippets):
            yield {
                "path": snippet.place.path,
                "line": snippet.place.line,
                "id": snippet.id,
                "status": "stale"
                if checked.changed
                else _status(checked.outcome.failure is None, number, ran, snippet.raises),
                "seconds": round(ran[number].seconds, 6) if number < len(ran) else 0.0,
                "reused": checked.reused,
            }


def _status(answered: bool, number: int, ran: Any, raises: str | None) -> str:
    if number >= len(ran):
        return "not run" if answered else "failed"
    raised = ran[number].raised
    expected = raises is None if raised is None else raises in raised.kinds
    return "ok" if expected else "failed"


def _as_data(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "path": finding.place.path,
        "line": finding.place.line,
        "column": finding.place.column,
        "message": finding.message,
        "hint": finding.hint,
        "stated": finding.stated,
        "computed": finding.computed,
    }


def _one_line(finding: Finding) -> str:
    parts = [finding.message]
    if finding.stated or finding.computed:
        parts.append(f"stated {finding.stated!r}, computed {finding.computed!r}")
    return "; ".join([*parts, finding.hint] if finding.hint else parts)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
