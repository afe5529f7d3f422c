"""What snippets print is text, unless their fence or the settings say otherwise."""

from __future__ import annotations

from pathlib import Path

import markdown
import pyromark
import pytest
from assay.nouns import Options
from assay.plain import escaped
from assay.site.printed import framed
from hypothesis import example, given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

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


EXTENSIONS = (
    *("abbr", "admonition", "attr_list", "def_list", "footnotes", "md_in_html", "tables", "smarty"),
    *("pymdownx.superfences", "pymdownx.smartsymbols", "pymdownx.magiclink", "pymdownx.keys"),
)
AROUND = ("{}", "- a\n\n    {}", "!!! note\n\n    {}", "a[^1]\n\n[^1]: b\n\n    {}", "> {}")
SIGNS = "ab_*`~#<>&\"'\\/()[]{}!|:-+=.^$\n\r\t \x1b\u202e"


@given(st.text(SIGNS, min_size=1), st.sampled_from(AROUND))
@example("``````````\n<script>x</script>", AROUND[1])
@example("{: onclick=x }\n\n[a]: javascript:x", AROUND[0])
def test_no_markdown_reads_more_than_text_in_output(printed: str, around: str) -> None:
    """Whatever is printed, and wherever it stands, two parsers show it letter by letter."""
    text = around.format(framed(printed, Options()))
    pages = [markdown.markdown(text, extensions=list(EXTENSIONS))]
    pages += [pyromark.html(text)] if around in AROUND[:2] else []
    for html in pages:
        shown = LexborHTMLParser(html).css(".assay-output pre code")
        assert [code.text() for code in shown] == [escaped(printed.strip("\n")) + "\n"]


@given(st.text("<>/ab=\"'-! \n&;svgonclick", min_size=1))
def test_cleaned_html_holds_nothing_live(printed: str) -> None:
    """Of any HTML, nothing is left that a browser would run, and no part of the site."""
    shown = LexborHTMLParser(markdown.markdown(framed(printed, Options(html=True))))
    inside = shown.css(".assay-output *")
    names = [name for node in inside for name in node.attributes]
    assert not [name for name in names if name.startswith(("on", "id", "data-"))]
    assert not {node.tag for node in inside} & {"script", "style", "svg", "iframe", "form"}
