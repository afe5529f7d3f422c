"""The links of a built site: the check finds what leads nowhere, and this site has none of it."""

import pytest
from assay.site import linkcheck

from .conftest import assay

INDEX = '<h1 id="top-of-all">A</h1><a href="{link}">x</a><img src="a.png">'
GOOD = (
    *("", "#top-of-all", "b/", "b/index.html", "b/#caf%C3%A9", "b#café", "a.png?v=1", "page"),
    *("https://example.org/none", "mailto:a@example.org", "/base/b/", "/elsewhere/", "#top"),
)
BAD = {
    "c/": "file c",
    "../b/": "file ../b",
    "b/#tea": "place 'tea' in b/index.html",
    "#none": "place 'none' in index.html",
    "/base/none": "file none",
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "index.html").write_text('<a name="x"></a><p id="café">b</p>')
    (tmp_path / "page.html").write_text("<p>page</p>")
    (tmp_path / "a.png").write_bytes(b"")
    return tmp_path


@pytest.mark.parametrize("link", GOOD)
def test_a_link_that_leads_somewhere_is_none_to_mend(folder, link):
    """Files, folders, places, other hosts and what lies beside the site."""
    (folder / "index.html").write_text(INDEX.format(link=link))
    assert linkcheck.broken(folder, "/base/") == []


@pytest.mark.parametrize(("link", "missing"), BAD.items())
def test_a_link_that_leads_nowhere_is_told_with_what_is_missing(folder, link, missing):
    """No file, no place, nothing outside of the site's folder."""
    (folder / "index.html").write_text(INDEX.format(link=link))
    assert [(b.page, b.link, b.missing) for b in linkcheck.broken(folder, "/base/")] == [
        ("index.html", link, missing)
    ]


def test_links_that_a_program_printed_are_its_own(folder):
    """They stand in a frame that says so; a place in it can be linked to all the same."""
    output = '<div class="assay-output"><a href="none" id="line">x</a></div>'
    (folder / "index.html").write_text(INDEX.format(link="#line") + output)
    assert linkcheck.broken(folder, "/base/") == []


def test_a_page_that_is_passed_may_have_what_links_it_likes(folder):
    """It is published as it is, and others may lead to it."""
    (folder / "index.html").write_text(INDEX.format(link="c/"))
    assert linkcheck.broken(folder, passed={"index.html"}) == []


def test_a_build_with_a_link_that_leads_nowhere_leaves_the_site_as_it_was(tmp_path):
    """What a template or raw HTML links to is found too, which MkDocs does not look at."""
    root = tmp_path / "project"
    (root / "docs").mkdir(parents=True)
    (root / "assay.toml").write_text("")
    (root / "mkdocs.yml").write_text(
        "site_name: x\ntheme: {name: material, font: false}\nplugins: [assay]\n"
    )
    home = root / "docs" / "index.md"
    home.write_text("# Home\n\nGood.\n")
    assert assay("build", cwd=root).returncode == 0
    home.write_text('# Home\n\nNew. <a href="nowhere/">x</a>\n')
    done = assay("build", cwd=root)
    assert done.returncode == 1, done.stdout
    assert "index.html: the link 'nowhere/' leads nowhere: there is no file nowhere" in done.stderr
    assert "Good." in (root / "site" / "index.html").read_text()


def test_no_link_of_this_site_leads_nowhere(site):
    """All pages, with what the theme and the templates add."""
    assert linkcheck.broken(site) == []
