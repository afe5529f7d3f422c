"""What a site tells machines: addresses, descriptions, terms, and each page as Markdown."""

import json
import os
import re
import subprocess
import sys

import pytest

CONFIG = """\
site_name: Things
site_description: About things.
site_url: https://example.org/things/
repo_url: https://github.com/example/things
theme: {name: material, font: false, features: [content.action.edit]}
plugins: [search, assay]
"""
HOME = """\
---
title: All things
---

# Things

Here they are. One has [12 GB](claim:weight/weight).
"""
ENTRY = """\
---
term: Weight
category: Parts
summary: How heavy a thing is. No </script> ends it.
aliases: [mass]
code_names: [n_bytes]
facts:
  - {label: One thing, figure: '[12 GB](claim:weight "id=fact-weight")', note: in all}
prerequisites: []
reviewed: {by: maintainers, on: 2026-11-22}
---

Weight is what a thing has. See [home](../docs/index.md).

```python exec="on" source="folded" id="w"
weight = 12 * 10**9
other = 6 * 10**9
```

It is [12 GB](claim:weight).

> "It weighs [6 GB](claim:weight "refuted, true for other, id=six")"
>
> [A page](https://example.org/page), read 2026-11-22
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    root = tmp_path_factory.mktemp("things")
    files = {
        "assay.toml": "",
        "mkdocs.yml": CONFIG,
        "docs/index.md": HOME,
        "glossary/weight.md": ENTRY,
    }
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    store = {"ASSAY_STORE": str(root / ".store")}
    done = subprocess.run(
        [sys.executable, "-m", "assay", "build"],
        cwd=root,
        env=os.environ | store,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return root / "site"


@pytest.fixture(scope="module")
def page(built):
    return (built / "glossary" / "weight" / "index.html").read_text()


def test_the_sitemap_has_an_address_of_each_page(built):
    """They begin with the site's own."""
    found = re.findall(r"<loc>(.*?)</loc>", (built / "sitemap.xml").read_text())
    assert {"https://example.org/things/", "https://example.org/things/glossary/weight/"} <= {
        *found
    }


def test_a_page_names_its_own_address_and_title(page):
    """No two addresses stand for one page, and the title is the term's."""
    assert '<link rel="canonical" href="https://example.org/things/glossary/weight/">' in page
    assert "<title>Weight - Things</title>" in page


def test_a_page_that_states_something_is_described_by_its_first_sentence(built):
    """Unless it says so itself; else all of them would share the description of the site."""
    assert (
        '<meta name="description" content="Here they are.">' in (built / "index.html").read_text()
    )


def test_a_term_is_defined_for_machines(page):
    """The data hold the term, its other names and its set, and nothing in them ends the script."""
    found = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.S)
    data = json.loads(found[0])
    assert data["@type"] == "DefinedTerm"
    assert (data["name"], data["alternateName"]) == ("Weight", ["mass", "n_bytes"])
    assert data["description"] == "How heavy a thing is. No </script> ends it."
    assert data["url"] == "https://example.org/things/glossary/weight/"
    assert data["inDefinedTermSet"]["url"] == "https://example.org/things/glossary/"


def test_each_page_is_there_as_markdown_with_its_claims(built):
    """The text holds no fence that runs, and a table with the value, the state and the day."""
    text = (built / "glossary" / "weight" / "index.html.md").read_text()
    assert "exec=" not in text
    assert "facts:" not in text
    assert "[home](../../index.html.md)" in text
    assert "[12 GB](index.html#claim-weight)" in text
    row = r"\| It is 12 GB\. \| 12 GB \| 12 GB \| verified \| \d{4}-\d{2}-\d{2} \|"
    assert re.search(row, text)
    assert "| 6 GB | 12 GB | refuted by a run |" in text


def test_the_list_for_machines_names_every_page(built):
    """Each with its summary, and its address on the web."""
    text = (built / "llms.txt").read_text()
    address = "https://example.org/things/glossary/weight/index.html.md"
    assert text.startswith("# Things\n\n> About things.\n")
    assert f"- [Weight]({address}): How heavy a thing is." in text


def test_a_page_says_where_an_error_is_told_and_where_it_is_edited(page):
    """Both are addresses of the repository."""
    assert "https://github.com/example/things/issues/new?title=Wrong+figure" in page.replace(
        "&#63;", "?"
    )
    assert 'href="https://github.com/example/things/edit/master/glossary/weight.md"' in page


def test_a_lost_address_is_searched_under_the_site_s_own_path(built):
    """Its assets and its form do not depend on where it is shown."""
    text = (built / "404.html").read_text()
    assert 'action="/things/"' in text
    assert 'href="/things/glossary/"' in text


def test_all_statements_stand_on_one_page(built):
    """Each with its verdict, its source, what the run says and of what it would be true."""
    text = (built / "claims" / "statements" / "index.html").read_text()
    assert "1 statements" not in text
    for part in (
        "Refuted by a run",
        '<mark class="assay-false">6 GB</mark>',
        '<a href="https://example.org/page">A page</a> · read 2026-11-22',
        "<dt>The run says</dt><dd>12 GB</dd>",
        "<dt>It would be true of</dt><dd><code>other</code></dd>",
    ):
        assert part in text
