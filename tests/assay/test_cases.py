"""The cases of `cases/`: each topic is checked as one project, and each case looks at its files."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
from assay.findings.codes import CODES
from assay.nouns import Finding, Report

from .casefiles import Case, is_met, read, topics, written
from .lab import Project

CASES = [case for topic in topics() for case in read(topic)]
WITHOUT_A_CASE = {
    "A001": "a file that cannot be read is no text: test_files.py",
    "A002": "a file that is not UTF-8 is no text: test_files.py",
}


@pytest.fixture(scope="session")
def report_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Report]:
    """Check a topic as one project, once."""

    @cache
    def checked(topic: str) -> Report:
        root = tmp_path_factory.mktemp(topic)
        project = Project(root, root / "store")
        for case in CASES:
            if case.topic == topic:
                project.write(case.files)
        return project.check(keep=False)

    return checked


def findings_of(case: Case, report: Report) -> list[Finding]:
    return [finding for finding in report.findings if finding.place.path in case.files]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_case(case: Case, report_of: Callable[[str], Report]) -> None:
    """Checking the files of a case gives the findings that it lists, in order, and no others."""
    found = findings_of(case, report_of(case.topic))
    got = [
        want if is_met(want, finding) else written(finding)
        for want, finding in zip(case.findings, found, strict=False)
    ]
    got += [written(finding) for finding in found[len(got) :]]
    assert got == case.findings, case.title


@pytest.mark.parametrize("topic", topics())
def test_places_point_at_what_is_meant(topic: str, report_of: Callable[[str], Report]) -> None:
    """A finding about a claim, given or opinion stands at its `[`, an unbound figure at itself."""
    report = report_of(topic)
    texts = {entry.path: entry.text.split("\n") for entry in report.entries}
    for finding in report.findings:
        place = finding.place
        rest = texts.get(place.path, [""] * place.line)[place.line - 1][place.column - 1 :]
        if finding.code in {"A202", "A203", "A204", "A205"} or "A101" <= finding.code <= "A110":
            assert rest.startswith("["), written(finding)
        if finding.code == "A201" and not rest.startswith("<"):
            word = finding.message.split("'")[1].split()[0]
            assert word.startswith(rest.split()[0][:1]), written(finding)


@pytest.mark.parametrize("topic", topics())
def test_cases_of_a_topic_stay_apart(topic: str, report_of: Callable[[str], Report]) -> None:
    """No two cases of a topic write the same file, and every finding belongs to a case."""
    paths = [path for case in CASES if case.topic == topic for path in case.files]
    assert len(paths) == len(set(paths)), "give each case of a topic files of its own"
    assert {f.place.path for f in report_of(topic).findings} <= set(paths)


def test_every_code_has_a_case() -> None:
    """Each code that a check can find is found in some case."""
    covered = {line.split(" ", 2)[1] for case in CASES for line in case.findings}
    assert covered | WITHOUT_A_CASE.keys() == CODES.keys()
    assert not covered & WITHOUT_A_CASE.keys()
