"""A site beside other plugins: what it is without assay, it is with assay too."""

import json
import os
import re
import subprocess
import sys
from html import unescape

import pytest

CONFIG = """\
site_name: Neighbours
site_url: https://example.org/
repo_url: https://example.org/repository
edit_uri: edit/main/docs/
theme:
  name: material
  font: false
  features: [content.action.edit, navigation.footer]
extra:
  height: "the height of a hill"
plugins:
{plugins}
markdown_extensions: [attr_list, md_in_html, tables, pymdownx.highlight, pymdownx.superfences]
nav:
  - Home: index.md
  - about.md
  - Guide: [guide/index.md, guide/start.md, guide/advanced.md, guide/deep/nested.md]
  - Reference: [reference/api.md, reference/units.md]
  - Blog: [blog/index.md]
  - tags.md
"""
PLUGINS = """\
  - search
  - tags
  - blog
  - git-revision-date-localized: {enable_creation_date: true, type: iso_date}
  - redirects: {redirect_maps: {old.md: about.md, guide/first.md: guide/start.md}}
  - macros
"""
WITH = {
    "without": PLUGINS,
    "first": f"  - assay\n{PLUGINS}",
    "last": f"{PLUGINS}  - assay\n",
}
CLAIM = """\
```python exec="on" id="{id}"
height = 8849 / 1000
```

It is [8.8](claim:height) high.
"""
FILES = {
    "assay.toml": "",
    "docs/index.md": "# Home\n\nWelcome.\n",
    "docs/about.md": """\
---
title: About us, in short
description: Who wrote this.
tags: [people, history]
---

# About

Some of it. See [the start](guide/start.md#then).
""",
    "docs/tags.md": "# Tags\n\n<!-- material/tags -->\n",
    "docs/guide/index.md": "# Guide\n\n{{ ways_in() }}\n",
    "docs/guide/start.md": "---\ntags: [history]\n---\n\n# Start\n\n"
    "## Then\n\nIt is {{ height }}.\n",
    "docs/guide/advanced.md": "# Advanced\n\n"
    "{% for name in ['one', 'two'] %}* {{ name }}\n{% endfor %}\n",
    "docs/guide/deep/nested.md": "---\nhide: [toc]\n---\n\n# Nested\n\n[up](../index.md)\n",
    "docs/reference/api.md": "# API\n\n```python\nprint('shown')\n```\n\n"
    "| a | b |\n|---|---|\n| c | d |\n",
    "docs/reference/units.md": f"""\
---
title: Units of height
description: How high it is.
tags: [people]
---

# Units

{CLAIM.format(id="units")}
A macro says {{{{ height }}}}.

```python exec="on" id="printed"
print(2 * chr(123) + " 6 * 7 " + 2 * chr(125))
```
""",
    "docs/blog/index.md": "# Blog\n\nNews.\n",
    "docs/blog/posts/first.md": """\
---
date: 2026-03-01
categories: [News]
tags: [history]
---

# A first post

In short.

<!-- more -->

At length.
""",
    "docs/blog/posts/second.md": f"""\
---
date: 2026-03-02
categories: [Heights]
description: A post that states something.
---

# A second post

{CLAIM.format(id="post")}
<!-- more -->

At length.
""",
    "glossary/height.md": """\
---
term: Height
category: Measures
summary: How high a thing is.
prerequisites: []
reviewed: {by: maintainer, on: 2026-03-01}
---

A measure.
""",
    "main.py": """\
def define_env(env):
    @env.macro
    def ways_in():
        return "By **foot**."
""",
}
STATING = "reference/units/index.html"
POST = "blog/2026/03/02/a-second-post/index.html"
PAGES = {
    "404.html", "index.html", "about/index.html", "tags/index.html", "old/index.html",
    "guide/index.html", "guide/start/index.html", "guide/advanced/index.html",
    "guide/deep/nested/index.html", "guide/first/index.html", "reference/api/index.html",
    "blog/index.html", "blog/2026/03/01/a-first-post/index.html", "blog/archive/2026/index.html",
    "blog/category/news/index.html", "blog/category/heights/index.html", STATING, POST,
}  # fmt: skip
STATE = {"reference/units/", "blog/2026/03/02/a-second-post/"}
"""Pages that hold a claim, so that their words differ."""
EXCERPTS = {"blog/index.html", "blog/archive/2026/index.html", "blog/category/heights/index.html"}
"""Pages that show the beginning of the post that states something."""
OURS = re.compile(
    r"(assets/(assay\.(css|js)|search\.js)|llms\.txt|(.*/)?(index|404)\.html\.md"
    r"|(claims|glossary|categories|reference/findings)\b.*)"
)
LOST = "404.html"
"""The page for lost addresses, which gets a search where there are terms to find."""
ORDERS = pytest.mark.parametrize("order", ["first", "last"])


def commit(root, month):
    dated = f"2026-0{month}-01T12:00:00+00:00"
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org"}
    who |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org"}
    env = os.environ | who | {"GIT_AUTHOR_DATE": dated, "GIT_COMMITTER_DATE": dated}
    for command in (["add", "-A"], ["commit", "-q", "-m", "some pages"]):
        subprocess.run(["git", *command], cwd=root, env=env, check=True)


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    """The site of a project with a history, built without assay, and with it first and last."""
    root = tmp_path_factory.mktemp("neighbours") / "project"
    root.mkdir()
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=root, check=True)
    for number, (path, text) in enumerate(FILES.items()):
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        if number % 4 == 3 or path == "main.py":
            commit(root, month=number // 4 + 1)
    env = os.environ | {
        "ASSAY_STORE": str(root.parent / "store"),
        "SOURCE_DATE_EPOCH": "1780000000",
    }
    built = {}
    for name, plugins in WITH.items():
        config = root / "mkdocs.yml"
        config.write_text(CONFIG.format(plugins=plugins), encoding="utf-8")
        built[name] = root.parent / name
        command = [sys.executable, "-m", "mkdocs", "build", "-q", "-d", str(built[name])]
        done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    return built


def files_of(site):
    return {file.relative_to(site).as_posix() for file in site.rglob("*") if file.is_file()}


def html(site, path):
    """Return a page without the lines that assay adds to each, and without empty ones."""
    text = (site / path).read_text(encoding="utf-8")
    own = ("assets/assay.", "assets/search.js", "Content-Security-Policy")
    return [line for line in text.splitlines() if line.strip() and not any(o in line for o in own)]


def entries(site):
    """Return what the search finds, by its address."""
    found = json.loads((site / "search/search_index.json").read_text(encoding="utf-8"))["docs"]
    return {entry["location"]: entry for entry in found}


def dates(page):
    return re.findall(r'git-revision-date-localized-plugin-iso_date" title="([^"]+)"', page)


@ORDERS
def test_no_file_of_the_site_is_lost_and_all_that_is_new_is_of_assay(sites, order):
    """With assay there are the same files, and beside them its assets, ledger, terms and codes."""
    before, after = files_of(sites["without"]), files_of(sites[order])
    assert {path for path in before if path.endswith(".html")} == PAGES
    assert before <= after
    assert [path for path in sorted(after - before) if not OURS.fullmatch(path)] == []


@ORDERS
@pytest.mark.parametrize("path", sorted(PAGES - {STATING, POST, LOST} - EXCERPTS))
def test_a_page_that_states_nothing_is_the_same(sites, order, path):
    """Titles, tags, dates, edit links, macros, posts and redirects are there, and nothing else."""
    assert html(sites[order], path) == html(sites["without"], path)


@ORDERS
@pytest.mark.parametrize("path", [STATING, POST])
def test_a_page_that_states_something_keeps_all_else(sites, order, path):
    """Title, description, edit link and dates of a page with claims are those without assay."""
    before, after = ("\n".join(html(sites[name], path)) for name in ("without", order))
    kept = [r"<title>[^<]+", r'<meta name="description"[^>]+', r'[^"]+/edit/main/[^"]+']
    for pattern in kept:
        assert re.search(pattern, before)
        assert re.findall(pattern, after) == re.findall(pattern, before)
    assert len(dates(before)) >= 1
    assert dates(after) == dates(before)


@ORDERS
def test_a_macro_stands_beside_a_claim(sites, order):
    """On one page, a claim is woven and a macro has its value."""
    page = (sites[order] / STATING).read_text(encoding="utf-8")
    assert re.search(r'class="assay-claim assay-verified"[^>]*>8\.8<', page)
    assert "A macro says the height of a hill." in page
    assert 'exec="on"' not in page


@ORDERS
@pytest.mark.parametrize("path", sorted({POST} | EXCERPTS))
def test_a_claim_of_a_post_is_woven(sites, order, path):
    """A post that states something is woven, and so is the beginning that lists of posts show."""
    page = (sites[order] / path).read_text(encoding="utf-8")
    assert "8.8</a> high." in page
    assert 'exec="on"' not in page
    assert 'href="claim:' not in page


@ORDERS
def test_what_a_snippet_printed_is_no_template(sites, order):
    """Braces that a snippet prints are shown, and no other plugin runs them."""
    page = unescape((sites[order] / STATING).read_text(encoding="utf-8"))
    assert re.search(r">\s*\{\{ 6 \* 7 \}\}\s*<", page)
    assert not re.search(r">\s*42\s*<", page)


@ORDERS
def test_the_search_keeps_what_it_finds(sites, order):
    """What the search finds without assay it finds with it, words, title and tags."""
    before, after = entries(sites["without"]), entries(sites[order])
    assert before.keys() <= after.keys()
    for location, entry in before.items():
        same = {"title", "tags"} if location in STATE else entry.keys()
        assert {k: entry.get(k) for k in same} == {k: after[location].get(k) for k in same}


@ORDERS
def test_a_term_has_the_date_and_the_edit_link_of_its_source(sites, order):
    """An entry of the glossary, which stands outside of the docs, has its own date and source."""
    page = (sites[order] / "glossary/height/index.html").read_text(encoding="utf-8")
    assert 'href="https://example.org/repository/edit/main/glossary/height.md"' in page
    assert dates(page)[0].startswith("April 1, 2026")
