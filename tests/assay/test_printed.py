"""What snippets print is text, unless their fence or the settings say otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from .lab import Project, page, pages_of

PRINTS = 'print("**strong** <b onclick=x()>bold</b>")'
HTML = "<strong>strong</strong> <b>bold</b>"
TEXT = "&#42;&#42;strong&#42;&#42;"


@pytest.mark.parametrize(
    ("path", "options", "shown"),
    [
        ("docs/a.md", {}, TEXT),
        ("docs/old/a.md", {}, HTML),
        ("docs/old/new/a.md", {}, TEXT),
        ("docs/older/a.md", {}, TEXT),
        ("docs/old/text.md", {"output": "text"}, TEXT),
        ("docs/old/result.md", {"result": "text"}, TEXT),
        ("docs/markdown.md", {"output": "markdown"}, HTML),
    ],
)
def test_the_nearest_word_on_output_counts(
    tmp_path: Path, path: str, options: dict[str, str], shown: str
) -> None:
    """A fence's own option counts before the nearest folder's setting, and text is the default."""
    settings = '[output]\n"docs/old" = "markdown"\n"docs/old/new" = "text"\n'
    project = Project(tmp_path, tmp_path / "store")
    project.write({"assay.toml": settings, path: page(PRINTS, **options)})
    assert shown in pages_of(project.check(), project)[path]


def test_a_kind_of_output_that_is_none_is_refused(tmp_path: Path) -> None:
    """A slip in the settings ends assay, and names what it may be."""
    project = Project(tmp_path, tmp_path / "store")
    project.write({"assay.toml": '[output]\n"docs" = "markdwon"\n'})
    done = project.assay("check")
    assert done.returncode == 2
    assert "markdwon" in done.stderr


def test_what_is_left_out_is_named_below_the_snippet(tmp_path: Path) -> None:
    """A reader learns that more was printed than is shown, and a writer is warned of it."""
    project = Project(tmp_path, tmp_path / "store")
    project.write({"docs/a.md": page(PRINTS, html="1")})
    report = project.check()
    assert [(f.code, f.severity) for f in report.findings] == [("A705", "warning")]
    woven = pages_of(report, project)["docs/a.md"]
    assert "left out of what it printed: <code>onclick=</code>" in woven
