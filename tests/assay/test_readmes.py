"""Ten READMEs of packages that are installed here, each checked as a repository's own would be."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from .lab import Project

FOLDER = Path(__file__).with_name("readmes")
READMES = sorted(file for file in FOLDER.glob("*.md") if file.name != "README.md")
CODE = re.compile(r'^```python exec="on"\n(?P<code>.*?)^```$', re.MULTILINE | re.DOTALL)

pytestmark = pytest.mark.prove


@pytest.mark.parametrize("readme", READMES, ids=lambda file: file.stem)
def test_a_readme_is_bound_with_little(tmp_path: Path, readme: Path) -> None:
    """A README without settings holds, with three claims or more and a line of code for each."""
    pytest.importorskip(readme.stem)
    project = Project(tmp_path / "project", tmp_path / "store")
    project.root.mkdir()
    shutil.copy(readme, project.root / "README.md")
    report = project.report("README.md")
    assert report["findings"] == []
    assert [claim["verdict"] for claim in report["claims"]] == ["verified"] * len(report["claims"])
    lines = [
        line for match in CODE.finditer(readme.read_text()) for line in match["code"].split("\n")
    ]
    own = [line for line in lines if line and not re.match(r"(?:from|import)\s", line)]
    assert len(report["claims"]) >= max(3, len(own))


@pytest.mark.parametrize("readme", READMES, ids=lambda file: file.stem)
def test_no_figure_of_a_readme_can_be_wrong_unseen(tmp_path: Path, readme: Path) -> None:
    """Each figure of a README, made wrong, fails the check at its claim."""
    pytest.importorskip(readme.stem)
    text = readme.read_text(encoding="utf-8")
    project = Project(tmp_path / "project", tmp_path / "store")
    project.root.mkdir()
    claims = list(re.finditer(r"\[([^\]]*?)(\d)([^\]\d]*)\]\(claim:", text))
    assert len(claims) >= 3
    for claim in claims:
        other = str((int(claim[2]) + 3) % 10)
        wrong = text[: claim.start(2)] + other + text[claim.end(2) :]
        (project.root / "README.md").write_text(wrong, encoding="utf-8")
        assert project.assay("check", "README.md").returncode == 1, claim[0]


def test_there_are_ten() -> None:
    """Ten packages are described."""
    assert len(READMES) == 10
