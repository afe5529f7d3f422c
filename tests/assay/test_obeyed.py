"""A report in a terminal or in a CI log is read, and never obeyed, whatever it quotes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from assay.nouns import Report
from assay.reports import FORMATS

from .lab import Project, page

OBEYED = re.compile(r"^\s*::|##\[|##vso\[|##teamcity\[|[\x00-\x09\x0b-\x1f\x7f-\x9f]", re.MULTILINE)
"""What GitHub, Azure Pipelines, TeamCity and terminals take for a command."""
FORGED = (
    *("::error file=README.md::forged", "  ::set-output name=a::b", "##[error]forged"),
    *("##vso[task.setvariable variable=a]b", "##teamcity[message text='a']", "::stop-commands::x"),
    *("\x1b]0;title\x07", "\x9b31m", "a\rb", "\x1b[2K"),
)
LINES = "a\n" + "\n".join(FORGED)
PAGES = {
    "docs/printed.md": page(f"print({LINES!r})  #> a"),
    "docs/raised.md": page(f"raise type({LINES!r}, (Exception,), {{}})({LINES!r})"),
    "docs/named.md": page("a = 1", "[12 GB](claim:a) ", session="##[error]x", id="::error::x"),
    "docs/stated.md": page(f"a = {LINES!r}", "[a](claim:a)"),
    "docs/##[error]a.md": "It takes 12 GB.\n",
    "::error::a.md": "It takes 12 GB.\n",
    "docs/source.md": "::error::12 GB, ##[error] 12 GB\n",
    "assay.toml": 'also = ["::error::a.md"]\n',
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    root = tmp_path_factory.mktemp("obeyed")
    return Project(root, root / "store").write(PAGES).check()


@pytest.mark.parametrize("name", sorted(FORMATS.keys() - {"badge"}))  # it quotes nothing
def test_no_line_of_a_report_is_a_command_that_it_quotes(report: Report, name: str) -> None:
    """Of each format, the lines are the report's own; what it quotes is still to be read."""
    text = FORMATS[name](report)
    own = r"(?m)^::(?:error|warning) file=[^:]*::.*$"
    quoted = re.sub(own, "", text) if name == "github" else text
    assert len(report.findings) >= len(PAGES) - 1
    assert OBEYED.findall(quoted) == []
    assert "forged" in text


def test_json_says_what_was_there(report: Report) -> None:
    """Written by their numbers, the characters are the same ones to whoever reads the JSON."""
    found = json.loads(FORMATS["json"](report))
    assert any("##[error]forged" in (f["computed"] or "") for f in found["findings"])
    assert any("\x1b" in (f["computed"] or "") for f in found["findings"])


def test_an_error_of_the_command_line_is_no_command(tmp_path: Path) -> None:
    """What a broken settings file says is quoted line by line, and obeyed by none."""
    project = Project(tmp_path, tmp_path / "store").write({"assay.toml": '"\\n::error::a" = 1\n'})
    done = project.assay("check")
    assert done.returncode == 2
    assert OBEYED.findall(done.stdout + done.stderr) == []
