"""The claims as CSV: what a spreadsheet opens, and what it must not compute."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from .lab import Project, page, pages_of


def rows(project: Project) -> list[dict[str, str]]:
    """Return the lines of the site's claims.csv."""
    text = pages_of(project.check(), project)["claims.csv"]
    return list(csv.DictReader(io.StringIO(text, newline="")))


def of(tmp_path: Path, code: str, prose: str) -> list[dict[str, str]]:
    """Return the lines for a page with one snippet."""
    project = Project(tmp_path / "project", tmp_path / "store")
    return rows(project.write({"docs/a.md": page(code, prose)}))


def test_each_claim_is_a_line_with_its_sentence(tmp_path: Path) -> None:
    """The sentence, what was stated and what was computed stand beside one another."""
    found = of(tmp_path, "size = 64_242_089_984", 'It takes [64.2 GB](claim:size), "so, so".')
    assert [(r["id"], r["sentence"], r["stated"], r["verdict"]) for r in found] == [
        ("size", 'It takes 64.2 GB, "so, so".', "64.2 GB", "verified")
    ]
    assert found[0]["path"] == "docs/a.md"


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    """A text that a spreadsheet would compute stays text; a negative number stays a number."""
    code = "word = '=HYPERLINK(1)'\ncold = -40"
    found = of(tmp_path, code, "[=HYPERLINK(1)](claim:word)\n\n[-40](claim:cold)")
    assert [row["computed"] for row in found] == ["'=HYPERLINK(1)", "-40"]
    assert all(cell[:1] not in {"=", "+", "@"} for row in found for cell in row.values())


def test_a_sentence_that_states_a_figure_twice_marks_each_in_its_place(tmp_path: Path) -> None:
    """The link of each claim stands where the claim stands, though both texts are alike."""
    project = Project(tmp_path / "project", tmp_path / "store")
    prose = "From [8](claim:a) to [8](claim:b)."
    project.write({"docs/a.md": page("a = b = 8", prose)})
    listed = pages_of(project.check(), project)["claims.md"]
    assert '<td>From <a class="assay-stated" href="../a/#claim-a">8</a> to 8.</td>' in listed
    assert '<td>From 8 to <a class="assay-stated" href="../a/#claim-b">8</a>.</td>' in listed
