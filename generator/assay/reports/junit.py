"""A report as JUnit's XML, which build servers show as tests: a page is a suite, a claim a case.

Law: a claim that does not hold, or has no answer, is a failure. What is found beside claims is a
case of its own; what awaits a device is skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.etree import ElementTree

from ..nouns import Finding, Place, Report
from ..plain import in_xml, visible
from . import again

Element = ElementTree.Element


def as_junit(report: Report) -> str:
    """Return the report as one XML document."""
    suites = [_suite(path, cases, report) for path, cases in _cases(report).items()]
    counts = {
        key: str(sum(int(suite.get(key, "0")) for suite in suites))
        for key in ("tests", "failures", "errors")
    }
    top = Element("testsuites", {"name": "assay", "time": f"{report.seconds:.3f}"} | counts)
    top.extend(suites)
    ElementTree.indent(top)
    return in_xml(ElementTree.tostring(top, "unicode", xml_declaration=True)) + "\n"


def _cases(report: Report) -> dict[str, list[Element]]:
    """Return the cases by the file that they belong to: claims, then what else was found."""
    found: dict[str, list[Element]] = {}
    at: dict[Place, list[Finding]] = {}
    for finding in report.findings:
        at.setdefault(finding.place, []).append(finding)
    for verdict in report.verdicts:
        place = verdict.claim.place
        own = [verdict.finding] if verdict.finding else []  # several that wait are found as one
        case = _case(place.path, verdict.id, at.pop(place, own))
        _append_text(case, "system-out", f"{verdict.claim.text}: {verdict.status.words}")
        found.setdefault(place.path, []).append(case)
    for place, others in at.items():
        name = f"{others[0].code} line {place.line} column {place.column}"
        found.setdefault(place.path, []).append(_case(place.path, name, others))
    return found


def _case(path: str, name: str, findings: Iterable[Finding]) -> Element:
    attributes = {"name": _plain(name), "classname": _plain(path), "time": "0.000"}
    case = Element("testcase", attributes)
    by_weight = sorted(findings, key=lambda finding: finding.severity)  # errors first
    for finding in by_weight[:1]:
        kind = "failure" if finding.severity == "error" else "skipped"
        if kind == "failure" or finding.awaits:
            about = {"type": finding.code, "message": _plain(finding.message)}
            _append_text(case, kind, "\n".join(map(_said, by_weight)), about)
    return case


def _suite(path: str, cases: list[Element], report: Report) -> Element:
    page = (c for c in report.checked if c.session.snippets[0].place.path == path)
    seconds = sum(ran.seconds for c in page if not c.reused for ran in c.outcome.snippets)
    counts = {
        "name": _plain(path),
        "file": _plain(path),
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "errors": "0",
        "skipped": str(sum(case.find("skipped") is not None for case in cases)),
        "time": f"{seconds:.3f}",
    }
    suite = Element("testsuite", counts)
    suite.extend(cases)
    return suite


def _said(finding: Finding) -> str:
    place = finding.place
    return "\n".join(filter(None, _lines(finding, f"{place.path}:{place.line}:{place.column}")))


def _lines(finding: Finding, where: str) -> Iterator[str]:
    yield f"{where}: {finding.severity} {finding.code}: {finding.message}"
    if finding.stated or finding.computed:
        yield f"stated {finding.stated}\ncomputed {finding.computed or '(nothing)'}"
    yield again.hint(finding)


def _append_text(case: Element, tag: str, text: str, about: dict[str, str] | None = None) -> None:
    element = ElementTree.SubElement(case, tag, about or {})
    element.text = "\n".join(map(_plain, text.split("\n")))


def _plain(text: str) -> str:
    """Return *text* without what no XML can hold."""
    return visible(text)
