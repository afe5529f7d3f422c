"""The pytest plugin, run as pytest runs it: by its entry point, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from xml.etree import ElementTree

import assay
import pytest

from .conftest import Make
from .lab import Project, page

PAGES = {
    "docs/good.md": page("x = 1\ny = 2", "[1](claim:x) and [2](claim:y)"),
    "docs/bad.md": page("x = 1", "Here [2](claim:x), and 12 GB."),
    "docs/gpu.md": page("x = 1", "[1](claim:x)", device="cuda"),
    "docs/asks.md": page("1 / 0", "[1](claim:bad/x)"),
    "NOTES.md": "It takes 12 GB.",
}


def run_pytest(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest over a project."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(
        command, cwd=project.root, env=project.environment(), capture_output=True, text=True
    )


def outcomes(project: Project, *arguments: str) -> dict[str, str]:
    """Return how each test ended."""
    done = run_pytest(project, "--assay", "-v", *arguments)
    lines = (line.split() for line in done.stdout.splitlines() if ".md::" in line)
    return {
        word: next(w for w in words if w in {"PASSED", "FAILED", "SKIPPED"})
        for words in lines
        if {"PASSED", "FAILED", "SKIPPED"} & set(words)
        for word in words
        if ".md::" in word
    }


EXPECTED = {
    "docs/asks.md::bad-x": "PASSED",
    "docs/asks.md::(page)": "FAILED",
    "docs/bad.md::x": "FAILED",
    "docs/bad.md::(page)": "FAILED",
    "docs/good.md::x": "PASSED",
    "docs/good.md::y": "PASSED",
    "docs/good.md::(page)": "PASSED",
    "docs/gpu.md::x": "SKIPPED",
    "docs/gpu.md::(page)": "PASSED",
}


def test_a_claim_is_a_test(make: Make) -> None:
    """Each claim is a test named by its id, and each page has one for all else."""
    assert outcomes(make(PAGES)) == EXPECTED


def test_the_tests_are_those_of_xdist_too(make: Make) -> None:
    """Under xdist each claim ends as it does without."""
    assert outcomes(make(PAGES), "-n", "2") == EXPECTED


def test_a_failure_stands_at_the_line_of_its_claim(make: Make) -> None:
    """What fails is shown with path, line, column, caret and cure, and no line of Python."""
    done = run_pytest(make(PAGES), "--assay", "docs/bad.md")
    assert done.returncode == 1
    assert "docs/bad.md:5:6: error A104: " in done.stdout
    assert "docs/bad.md:5:24: error A201: " in done.stdout
    assert "Traceback" not in done.stdout
    assert "pytest_plugin.py" not in done.stdout


def test_a_word_chooses_the_claims(make: Make) -> None:
    """`-k` and an id choose what is run, and pages that are not chosen do not run."""
    made = make(PAGES)
    assert outcomes(made, "-k", "good and y") == {"docs/good.md::y": "PASSED"}
    assert outcomes(made, "docs/good.md::x") == {"docs/good.md::x": "PASSED"}


def test_junit_and_exit_status_come_for_nothing(make: Make) -> None:
    """pytest's own XML names each claim, and a glossary that holds ends with status 0."""
    made = make(PAGES)
    xml = made.root.parent / "report.xml"
    assert run_pytest(made, "--assay", "docs/good.md", f"--junit-xml={xml}").returncode == 0
    cases = ElementTree.parse(xml).iter("testcase")
    assert [case.get("name") for case in cases] == ["x", "y", "(page)"]


def test_a_file_that_is_named_is_a_page(make: Make) -> None:
    """A Markdown file outside of the docs is tested where it is named."""
    made = make(PAGES)
    assert outcomes(made, "NOTES.md") == {"NOTES.md::(page)": "FAILED"}


def test_nothing_is_collected_unasked(make: Make) -> None:
    """Without --assay no page is a test; `assay = true` in the configuration asks as well."""
    made = make(PAGES)
    assert run_pytest(made).returncode == run_pytest(made, "docs").returncode == 5
    (made.root / "pytest.ini").write_text("[pytest]\nassay = true\n")
    assert run_pytest(made, "docs/good.md").returncode == 0


def test_the_plugin_costs_nothing_unasked() -> None:
    """Loading the plugin imports nothing of assay but the plugin."""
    code = (
        "import sys, assay.pytest_plugin\n"
        "print([m for m in sys.modules if m.startswith('assay.') or m == 'msgspec'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['assay.pytest_plugin']"
    found = metadata.entry_points(group="pytest11", name="assay")
    assert {point.value for point in found} == {"assay.pytest_plugin"}


def test_the_public_face_is_whole() -> None:
    """Each name of the public face can be imported, and no other is found there."""
    assert all(getattr(assay, name) is not None for name in assay.__all__)
    assert sorted(assay._HOMES) == sorted(assay.__all__)
    with pytest.raises(AttributeError, match="no_such"):
        _ = assay.no_such
