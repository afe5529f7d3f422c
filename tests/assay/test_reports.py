"""Reports that other programs read: SARIF, JUnit, GitHub's annotations, JSON and its schema."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
import xmlschema
import yaml
from assay.nouns import Finding, Place, Report
from assay.reports import github
from assay.reports.badge import as_badge
from assay.reports.github import as_github
from assay.reports.junit import as_junit
from assay.reports.sarif import as_sarif

from .conftest import Make
from .lab import REPOSITORY, Project, page

SCHEMAS = Path(__file__).with_name("schemas")
FILES = {
    "docs/good.md": page("x = 1", "[1](claim:x)"),
    "docs/über & more.md": page("x = 1", '[2](claim:x) and [1](claim:x "id=<b>") 12 GB'),
    "docs/twice.md": page("x = 1", "[1](claim:x) and [1](claim:x)"),
    "docs/broken.md": page("1 / 0", "[1](claim:good/x), [2](claim:snippet-1:y), [3](claim:y)")
    .replace("1 / 0", "y = 1 / 0"),
    "docs/hostile.md": page("x = '\x1b[2J\x07'", "[a]]>&\ufffe\x02](claim:x)"),
    "docs/gpu.md": page("y = 1", "[1](claim:y)", device="cuda"),
    "docs/given.md": "It has [24 GB](given:card).",
    "glossary/givens/cards.toml": '[card]\nvalue = "23 GB"\nsource = "https://example.org"\n'
    'quote = "23 GB"\nread = 2026-01-01\n',
}  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with findings of every kind that reports treat apart."""
    root = tmp_path_factory.mktemp("reports")
    return Project(root / "project", root / "store").write(FILES)


@pytest.fixture(scope="module")
def report(project: Project) -> Report:
    return project.check()


@cache
def sarif_schema() -> Any:
    return json.loads((SCHEMAS / "sarif-2.1.0.json").read_text(encoding="utf-8"))


def run_of(report: Report) -> dict[str, Any]:
    log = json.loads(as_sarif(report))
    jsonschema.Draft4Validator(sarif_schema()).validate(log)
    (run,) = log["runs"]
    found: dict[str, Any] = run
    return found


def suites_of(report: Report) -> dict[str, ElementTree.Element]:
    text = as_junit(report)
    xmlschema.validate(text, SCHEMAS / "junit.xsd")
    return {suite.get("file", ""): suite for suite in ElementTree.fromstring(text)}


# --- SARIF ---------------------------------------------------------------------------------------


def test_sarif_is_valid_and_holds_every_finding(report: Report) -> None:
    """A SARIF log fits its schema and has a result a finding, with its code's rule."""
    run = run_of(report)
    rules = run["tool"]["driver"]["rules"]
    assert len(run["results"]) == len(report.findings) > 5
    for result, finding in zip(run["results"], report.findings, strict=True):
        assert result["ruleId"] == rules[result["ruleIndex"]]["id"] == finding.code
        assert result["level"] == finding.severity
        region = result["locations"][0]["physicalLocation"]["region"]
        assert (region["startLine"], region["startColumn"]) == (
            finding.place.line,
            finding.place.column,
        )


def test_sarif_without_a_finding_is_valid() -> None:
    """A report without a finding is a log with no result."""
    assert run_of(Report(entries=(), verdicts=(), checked=(), findings=()))["results"] == []


def test_sarif_names_files_from_the_root_and_claims_by_their_id(
    project: Project, report: Report
) -> None:
    """Paths are relative addresses, and a claim's result bears what the claim is known by."""
    text = as_sarif(report)
    assert str(project.root) not in text
    results = run_of(report)["results"]
    uris = {r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in results}
    assert "docs/%C3%BCber%20%26%20more.md" in uris
    claims = {
        place["fullyQualifiedName"]
        for result in results
        for place in result["locations"][0].get("logicalLocations", ())
    }
    assert {"über & more#x", "gpu#y"} <= claims


def test_a_fingerprint_does_not_move_with_its_line(make: Make) -> None:
    """What was dismissed stays dismissed when a sentence is written above it."""
    made = make({"docs/a.md": page("x = 1", "[2](claim:x) takes 12 GB, and 13 GB.")})
    before = [r["partialFingerprints"] for r in run_of(made.check())["results"]]
    made.edit("docs/a.md", "[2]", "A sentence.\n\n[2]")
    assert [r["partialFingerprints"] for r in run_of(made.check())["results"]] == before
    assert len({r["assay/v1"] for r in before}) == 3


def test_sarif_holds_the_edits_that_mend(report: Report) -> None:
    """The edit that mends a finding stands in the log as a fix."""
    fixes = [r["fixes"] for r in run_of(report)["results"] if r["ruleId"] == "A113"]
    (change,) = fixes[0][0]["artifactChanges"]
    assert change["replacements"][0]["insertedContent"]["text"] == ' "id=x-1"'


# --- JUnit ---------------------------------------------------------------------------------------


def test_junit_is_valid_and_has_a_case_a_claim(report: Report) -> None:
    """The XML has a suite a page and a case a claim, named by the claim's id."""
    suites = suites_of(report)
    for verdict in report.verdicts:
        path = verdict.claim.place.path.replace("\ufffe", "")
        names = [case.get("name") for case in suites[path]]
        assert verdict.id in names or "\x1b" in verdict.id


def test_junit_fails_what_does_not_hold(report: Report) -> None:
    """Failing and unanswered claims are failures, what awaits a device is skipped, no other is."""
    suites = suites_of(report)
    outcomes = {
        (path, case.get("name")): next((c.tag for c in case if c.tag != "system-out"), "passed")
        for path, suite in suites.items()
        for case in suite
    }
    for verdict in report.verdicts:
        found = outcomes[verdict.claim.place.path, verdict.id]
        expected = {"verified": "passed", "unmeasured": "skipped"}
        assert found == expected.get(verdict.status.value, "failure"), verdict
    assert [key for key in outcomes if key[0] == "docs/given.md"] == [
        ("docs/given.md", "A204 line 1 column 8")
    ]


def test_junit_counts_what_it_holds(report: Report) -> None:
    """The counts of a suite are those of its cases, and a report that holds has no failure."""
    top = ElementTree.fromstring(as_junit(report))
    for suite in top:
        assert suite.get("tests") == str(len(suite))
        assert suite.get("failures") == str(len(suite.findall("testcase/failure")))
        assert suite.get("skipped") == str(len(suite.findall("testcase/skipped")))
    assert int(top.get("failures", "")) > 0
    assert report.ok is False


# --- GitHub --------------------------------------------------------------------------------------


def many(errors: int, warnings: int) -> Report:
    """A report with so many findings, a file each."""
    severities = [("error", n) for n in range(errors)] + [("warning", n) for n in range(warnings)]
    findings = tuple(
        Finding(code="A201", place=Place(f"{s}-{n}.md"), message="|`x` <b>", severity=s)  # type: ignore[arg-type]
        for s, n in severities
    )
    return Report(entries=(), verdicts=(), checked=(), findings=findings)


def test_github_is_given_what_it_shows() -> None:
    """Ten errors and ten warnings are annotations; the rest is counted, and said where."""
    lines = as_github(many(12, 11)).splitlines()
    kinds = [line.partition(" ")[0] for line in lines if line.startswith("::")]
    assert kinds == ["::error"] * 10 + ["::warning"] * 10
    assert "3 findings more: see the job's summary, or assay check" in lines


def test_changed_files_are_annotated_first() -> None:
    """A finding of a changed file is shown, however many files come before it."""
    shown = as_github(github.changed_first(many(12, 0), {"error-11.md"})).splitlines()
    assert shown[0].startswith("::error file=error-11.md,")
    assert shown[1].startswith("::error file=error-0.md,")


def test_the_summary_of_a_job_lists_every_finding_as_text() -> None:
    """Each finding is a row, and no text of a page is markup or ends its cell."""
    summary = github.job_summary(many(12, 3))
    rows = [line for line in summary.splitlines() if line.startswith("| error") or "error-" in line]
    assert len(rows) == 12
    assert "\\|\\`x\\` \\<b\\>" in rows[0]


def test_a_check_for_github_knows_the_base_and_writes_the_summary(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a pull request the files that differ from its base come first, all in the summary."""
    made = make({f"docs/{n:02}.md": "12 GB" for n in range(12)})

    def git(*arguments: str) -> None:
        who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *who, *arguments], cwd=made.root, check=True, capture_output=True)

    git("init", "-b", "work")
    git("add", "-A")
    git("commit", "-m", "one")
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    made.edit("docs/11.md", "12 GB", "13 GB")
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_BASE_REF", "main")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    lines = made.assay("check", "--format", "github").stdout.splitlines()
    assert lines[0].startswith("::error file=docs/11.md,")
    assert sum(line.startswith("::") for line in lines) == 10
    assert sum(line.startswith("| docs/") for line in summary.read_text().splitlines()) == 12


# --- badges, hooks, the action -------------------------------------------------------------------


def test_a_badge_says_how_many_of_how_many_and_when(make: Make, report: Report) -> None:
    """The badge has what shields.io reads: n of m, the day, and a colour for what is wrong."""
    badge = json.loads(as_badge(report))
    assert set(badge) == {"schemaVersion", "label", "message", "color"}
    assert re.fullmatch(r"\d+ of \d+, \d{4}-\d\d-\d\d", badge["message"])
    assert badge["color"] == "red"
    made = make({"docs/good.md": FILES["docs/good.md"]})
    assert json.loads(as_badge(made.check()))["message"].startswith("1 of 1, ")
    assert json.loads(as_badge(made.check()))["color"] == "brightgreen"
    made.write({"docs/gpu.md": FILES["docs/gpu.md"]})
    assert json.loads(as_badge(made.check()))["color"] == "yellow"


def test_hooks_name_commands_that_are_there() -> None:
    """The hooks of pre-commit start the command line with options that it has."""
    hooks = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert [hook["id"] for hook in hooks] == ["assay", "assay-system"]
    for hook in hooks:
        assert {"id", "name", "description", "entry", "language", "types"} <= set(hook)
        assert hook["entry"].split() == ["assay", "check"]


def action() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((REPOSITORY / "action.yml").read_text(encoding="utf-8"))
    return found


def test_no_input_of_the_action_is_pasted_into_a_script() -> None:
    """Inputs reach the scripts as variables, so that none of them is obeyed."""
    assert action()["runs"]["using"] == "composite"
    for step in action()["runs"]["steps"]:
        assert "${{" not in step["run"]
        assert step["shell"] == "bash"


@pytest.mark.parametrize(("paths", "status"), [("", 1), ("docs/good.md\n\ndocs/gpu.md", 0)])
def test_the_action_checks(make: Make, tmp_path: Path, paths: str, status: int) -> None:
    """The script of the action checks the paths, writes the reports, and ends as the check does."""
    made = make(FILES)
    (script,) = [s["run"] for s in action()["runs"]["steps"] if s["name"] == "Check"]
    sarif = tmp_path / "report.sarif"
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    (bin_ / "assay").write_text(f'#!/bin/sh\nexec {sys.executable} -m assay "$@"\n')
    (bin_ / "assay").chmod(0o755)
    environment = made.environment() | {"PATHS": paths, "SARIF": str(sarif), "JUNIT": ""}
    environment["PATH"] = f"{bin_}:{environment['PATH']}"
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    done = subprocess.run(command, cwd=made.root, env=environment, capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    assert json.loads(sarif.read_text(encoding="utf-8"))["version"] == "2.1.0"
