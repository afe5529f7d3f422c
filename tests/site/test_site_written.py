"""What authors write: whatever would run in a browser is a finding, at its source or on its page.

Each text is put into each kind of Markdown around it, and rendered with many extensions.
"""

import subprocess
import sys

import markdown
import pytest
from assay import lint, markup

RUN = "window.ran=1"
TEXTS = (
    f"<img src=x onerror={RUN}>",
    f"<script>{RUN}</script>",
    f"[x](javascript:{RUN})",
    f"![x](javascript:{RUN})",
    f"[x]: javascript:{RUN}\n\n[x]",
    f"<javascript:{RUN}>",
    f"<a href='javascript:{RUN}'>x</a>",
    f"<svg onload={RUN}>",
    f"<math><a href=javascript:{RUN}>y</a>",
    f"<iframe src=javascript:{RUN}>",
    f"<details open ontoggle={RUN}>",
    f"<input autofocus onfocus={RUN}>",
    f"x{{: onclick={RUN} }}",
    f"{{: onclick='{RUN}' }}",
    f"/// html | img[src=x onerror={RUN}]\n///",
    f"/// html | script\n{RUN}\n///",
)
AROUND = (
    *(
        "{}",
        "* {}",
        "    {}",
        "* a\n\n    {}",
        "1. a\n   {}",
        "- [ ] {}",
        "\t{}",
        "   * {}",
        "> {}",
    ),
    *('!!! note "{}"\n    x', "!!! note\n    {}", '=== "{}"\n\n    x', '=== "x"\n\n    {}'),
    *('???+ note "{}"\n    y', "/// note | {}\nx\n///", "# {}", "a\n: {}"),
    "| a |\n|---|\n| {} |",
    *("[^1]: {}\n\n[^1]", "*[A]: {}\n\nA", "**{}**", "^^{}^^", "~~{}~~", "++{}++", "==\n{}\n=="),
    *("<div markdown>\n{}\n</div>", '<div markdown="1">\n\n{}\n\n</div>', "<div>\n\n{}", "<p>\n{}"),
    *("</div>{}", "<pre>{}</pre>", "<pre>\n\n{}\n\n</pre>", "<b {}>", '<b title="{}">', "<b\n{}>"),
    *("<!-- {} -->", "<!--\n\n{}\n\n-->", "<!-- a -- {} -->", "<![CDATA[{}]]>", "<?{}?>"),
    *("~~~ {}\na\n~~~", "```{}\na\n```", "``` {{ {} }}\na\n```", "```\na\n``` {}", "a<b {}"),
    *("[{}](https://a.org)", '[a](https://a.org "{}")', "![{}](a.png)", "[a][{}]", "[a]: <{}>"),
    *("[a]: x '{}'\n\n[a]", "`{}`", "``{}`", "`` ` `` {}", "a `b` {} `c", "`#!python {}`"),
    *("\\{}", "&lt;{}", "$ {} $", "text\n    {}", "text\n\n    code\n\n{}", "{} {{: .x }}"),
    *("<kbd>`{}</kbd>", "<details><summary>{}</summary></details>", "<!DOCTYPE {}>"),
)
EXTENSIONS = (
    *("abbr", "admonition", "attr_list", "def_list", "footnotes", "md_in_html", "tables", "toc"),
    *("pymdownx.details", "pymdownx.highlight", "pymdownx.superfences", "pymdownx.tabbed"),
    *("pymdownx.caret", "pymdownx.tilde", "pymdownx.mark", "pymdownx.magiclink", "pymdownx.keys"),
    *("pymdownx.smartsymbols", "pymdownx.tasklist", "pymdownx.inlinehilite", "pymdownx.escapeall"),
    *("pymdownx.blocks.html", "pymdownx.blocks.admonition"),
)


def written():
    """Every text in everything around it, as it is, with a backslash, and over two lines."""
    for around in AROUND:
        for text in TEXTS:
            forms = (text, text.replace("<", "\\<"), text.replace(" ", "\n", 1))
            yield from dict.fromkeys(around.format(form) for form in forms)


@pytest.fixture(scope="module")
def rendered():
    """What was written, as HTML, and whether it was named at its source."""
    made = {}
    for text in written():
        codes = {finding.code for finding in lint(text)}
        named = bool(codes & {"A313", "A701", "A702", "A703"})
        made[text] = markdown.markdown(text, extensions=list(EXTENSIONS)), named
    return made


def test_what_would_run_is_named_at_its_source(rendered):
    """But for a few texts that a backslash or a line end makes live, which their pages show."""
    live = {text for text, (html, _) in rendered.items() if any(markup.live(html))}
    unnamed = {text for text in live if not rendered[text][1]}
    assert len(live) > 400
    assert len(unnamed) <= 15, unnamed


def test_what_is_not_named_runs_in_no_browser(rendered, browser):
    """Neither named at its source nor on its page: then a browser runs none of it."""
    harmless = [h for h, named in rendered.values() if not named and not any(markup.live(h))]
    assert len(harmless) > 500
    page = browser.new_page()
    attributes = """() => [...document.querySelectorAll("*")].flatMap((e) => [...e.attributes])
      .filter((a) => /^on/i.test(a.name) || (/^\\s*javascript:/i.test(a.value)
        && !["title", "alt"].includes(a.name))).map((a) => a.name)"""
    for html in harmless:
        page.set_content(f"<body>{html}", wait_until="domcontentloaded")
        assert page.evaluate("window.ran") is None, html
        assert page.evaluate(attributes) == [], html
    page.close()


def test_a_page_that_would_run_something_ends_the_build(tmp_path):
    """What is live on the rendered page alone is a finding of that page, and no site is made."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "assay.toml").touch()
    plugins = "site_name: A\ntheme: {name: material, font: false}\nplugins: [assay]\n"
    (tmp_path / "mkdocs.yml").write_text(plugins, encoding="utf-8")
    text = "# A\n\n<div>\n\n\\<img src=x onerror=alert(1)>\n"
    (tmp_path / "docs" / "index.md").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "assay", "build"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "docs/index.md:1:1: error A706" in done.stderr
    assert not (tmp_path / "site").exists()
