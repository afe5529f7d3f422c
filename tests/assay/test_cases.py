"""The cases of `cases/`: each topic is checked as one project, and each case looks at its files."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import pytest
from assay.findings.codes import CODES
from assay.nouns import Finding, Report

from .casefiles import (
    PAGE,
    Case,
    is_met,
    met_by_page,
    read,
    rewrite,
    topics,
    updated_findings,
    updated_page,
    written,
)
from .lab import Project, pages_of

CASES = [case for topic in topics() for case in read(topic)]
WITHOUT_A_CASE = {
    **dict.fromkeys(
        ("A601", "A602", "A603", "A604", "A605"),
        "of rendered pages: tests/site/test_site_readback.py",
    ),
    "A706": "of rendered pages: tests/site/test_site_hostile.py",
    "A516": "it takes a setting: test_entry_facts.py",
    "A114": "test_twice.py, since it takes a second run",
    "A003": "a fault of assay, on no page that is known: test_faults.py",
    "A001": "a file that cannot be read is no text: test_files.py",
    "A002": "a file that is not UTF-8 is no text: test_files.py",
}


class Checked(NamedTuple):
    """A topic, checked as one project."""

    project: Project
    report: Report

    def findings_of(self, case: Case) -> list[Finding]:
        return [f for f in self.report.findings if f.place.path in case.files]

    def pages(self) -> dict[str, str]:
        return pages_of(self.report, self.project)


Check = Callable[[str], Checked]
Pages = Callable[[str], dict[str, str]]


@pytest.fixture(scope="session")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Check:
    """Check a topic as one project, once."""

    @cache
    def check(topic: str) -> Checked:
        root = tmp_path_factory.mktemp(topic)
        project = Project(root, root / "store")
        for case in CASES:
            if case.topic == topic:
                project.write(case.files)
        return Checked(project, project.check(keep=False))

    return check


@pytest.fixture(scope="session")
def woven(checked: Check) -> Pages:
    """Weave the pages of a topic, once."""
    return cache(lambda topic: checked(topic).pages())


@pytest.fixture
def is_update(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_case(case: Case, checked: Check, is_update: bool) -> None:
    """Checking the files of a case gives the findings that it lists, in order, and no others."""
    expected, found = case.findings, checked(case.topic).findings_of(case)
    if is_update and (right := updated_findings(expected, found)) != expected:
        rewrite(case, {"findings": right})
        expected = right
    got = [
        want if is_met(want, finding) else written(finding)
        for want, finding in zip(expected, found, strict=False)
    ]
    got += [written(finding) for finding in found[len(got) :]]
    assert got == expected, case.title


@pytest.mark.parametrize("case", [c for c in CASES if c.pages], ids=lambda case: case.id)
def test_case_is_woven(case: Case, woven: Pages, is_update: bool) -> None:
    """The pages woven from a case hold the lines that it lists, in order, and none that it bans."""
    for path, lines in case.pages.items():
        expected, page = lines, woven(case.topic)[path]
        if is_update and (right := updated_page(expected, page)) != expected:
            rewrite(case, {f"{PAGE}{path}": right})
            expected = right
        assert met_by_page(expected, page) == expected, case.title
        assert expected, (
            f"{path}: a block without a line is met by any page; write it with --update"
        )


@pytest.mark.parametrize("topic", topics())
def test_places_point_at_what_is_meant(topic: str, checked: Check) -> None:
    """A finding about a claim, given or opinion stands at its `[`, an unbound figure at itself."""
    report = checked(topic).report
    cases = (case for case in CASES if case.topic == topic)
    texts = {path: text.split("\n") for case in cases for path, text in case.files.items()}
    for finding in report.findings:
        place = finding.place
        rest = texts.get(place.path, [""] * place.line)[place.line - 1][place.column - 1 :]
        if finding.code in {"A202", "A203", "A204", "A205"} or "A101" <= finding.code <= "A110":
            assert rest.startswith("["), written(finding)
        if finding.code == "A201" and not rest.startswith("<"):
            word = finding.message.split("'")[1].split()[0]
            assert word.startswith(rest.split()[0][:1]), written(finding)


@pytest.mark.parametrize("topic", topics())
def test_cases_of_a_topic_stay_apart(topic: str, checked: Check) -> None:
    """No two cases of a topic write the same file, and every finding belongs to a case."""
    paths = [path for case in CASES if case.topic == topic for path in case.files]
    assert len(paths) == len(set(paths)), "give each case of a topic files of its own"
    assert {f.place.path for f in checked(topic).report.findings} <= set(paths)


def test_every_code_has_a_case() -> None:
    """Each code that a check can find is found in some case."""
    covered = {line.split(" ", 2)[1] for case in CASES for line in case.findings}
    assert covered | WITHOUT_A_CASE.keys() == CODES.keys()
    assert not covered & WITHOUT_A_CASE.keys()
