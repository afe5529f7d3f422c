"""Small beginnings: which pages are checked, what counts, what is known, and a dry run."""

from __future__ import annotations

import json
import re

import pytest
from assay.nouns import Report

from .conftest import Make
from .lab import Project, page

FIGURE = "It takes 12 GB.\n"
SITE = {
    "mkdocs.yml": "site_name: Small\nplugins: [search, assay]\n",
    "docs/index.md": "# Home\n\nSee [news](blog/news.md), [guide](guide.md) and [plan](plan.md).\n",
    "docs/guide.md": "# Guide\n\n" + page("x = 1", "[1](claim:x)"),
    "docs/plan.md": "# Plan\n\nNothing runs here.\n",
    "docs/blog/news.md": f"# News\n\n{FIGURE}",
}


def unbound(report: Report) -> dict[str, str]:
    """Return the severities of unbound figures by page."""
    return {f.place.path: f.severity for f in report.findings if f.code == "A201"}


def kept(report: Report) -> dict[str, int]:
    return {e.pattern: e.kept for e in report.exemptions if e.kept}


# --- which pages, and how figures count ----------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "looked_at"),
    [
        ("", {"docs/a.md", "docs/blog/b.md", "docs/blog/old/c.md"}),
        ('exclude = ["docs/blog/"]', {"docs/a.md"}),
        ('pages = ["docs/blog/**"]', {"docs/blog/b.md", "docs/blog/old/c.md"}),
        ('pages = ["docs/blog"]\nexclude = ["old/"]', {"docs/blog/b.md"}),
        ('exclude = ["*", "!docs/a.md"]', {"docs/a.md"}),
    ],
)
def test_settings_choose_the_pages(make: Make, settings: str, looked_at: set[str]) -> None:
    """Patterns, as in .gitignore, say which pages are checked; without them all are."""
    files = dict.fromkeys(("docs/a.md", "docs/blog/b.md", "docs/blog/old/c.md"), FIGURE)
    report = make({"assay.toml": settings, **files}).check()
    assert set(unbound(report)) == looked_at


def test_an_excluded_page_that_is_named_is_said_to_be_excluded(make: Make) -> None:
    """Naming an excluded page checks nothing, ends with status 0, and says why."""
    made = make({"assay.toml": 'exclude = ["docs/a.md"]', "docs/a.md": FIGURE, "docs/b.md": "x"})
    done = made.assay("check", "docs/a.md")
    assert (done.returncode, "the settings exclude these files" in done.stderr) == (0, True)


def test_a_level_holds_by_folder(make: Make) -> None:
    """The nearest folder says whether an unbound figure is an error, a warning or nothing."""
    levels = 'unbound = {"." = "warning", "docs/guide" = "error", "docs/blog/" = "off"}'
    paths = ("docs/a.md", "docs/guide/b.md", "docs/guides.md", "docs/blog/old/c.md")
    report = make({"assay.toml": levels, **dict.fromkeys(paths, FIGURE)}).check()
    expected = {"docs/a.md": "warning", "docs/guide/b.md": "error", "docs/guides.md": "warning"}
    assert unbound(report) == expected
    assert kept(report) == {'unbound = "off"': 1}


def test_a_level_that_is_none_is_refused(make: Make) -> None:
    """A level that is misspelt ends the work with the key that is wrong."""
    done = make({"assay.toml": 'unbound = "of"', "docs/a.md": "x"}).assay("check")
    assert (done.returncode, "unbound" in done.stderr) == (2, True)


# --- the baseline --------------------------------------------------------------------------------


def test_a_baseline_lets_what_is_known_pass_and_nothing_new(make: Make) -> None:
    """Figures that are known pass, wherever they move on their page; one more of them is new."""
    made = make({"assay.toml": "", "docs/a.md": f"{FIGURE}Or 12 GB, or 5 ms.\n"})
    done = made.assay("check", "--write-baseline")
    assert (done.returncode, "holds 3 unbound figures" in done.stderr) == (0, True), done.stdout
    assert 'baseline = "assay-baseline.json"' in done.stderr
    assert len(unbound(made.check())) == 1
    (made.root / "assay.toml").write_text('baseline = "assay-baseline.json"\n')
    assert made.check().ok
    assert kept(made.check()) == {"baseline": 3}
    made.edit("docs/a.md", "Or 12 GB, or 5 ms.", "First.\n\n5 ms, 12 GB and 12 GB.")
    assert [f.place.line for f in made.check().findings] == [4]
    made.write({"docs/b.md": FIGURE})
    assert unbound(made.check()) == {"docs/a.md": "error", "docs/b.md": "error"}


def test_a_baseline_of_one_page_keeps_that_of_others(make: Make) -> None:
    """Writing the baseline of a named page changes nothing of another."""
    settings = {"assay.toml": 'baseline = "known.json"'}
    made = make(settings | {"docs/a.md": FIGURE, "docs/b.md": "It takes 5 ms.\n"})
    made.assay("check", "--write-baseline")
    made.edit("docs/b.md", "5 ms", "6 ms")
    made.assay("check", "--write-baseline", "docs/b.md")
    known = json.loads((made.root / "known.json").read_text())
    assert known["unbound"] == {"docs/a.md": {"12 GB": 1}, "docs/b.md": {"6 ms": 1}}


def test_a_baseline_that_cannot_be_read_ends_the_work(make: Make) -> None:
    """A broken baseline is no baseline that lets everything pass, but status 2 and a cure."""
    files = {"assay.toml": 'baseline = "b.json"', "b.json": "{", "docs/a.md": FIGURE}
    done = make(files).assay("check")
    assert (done.returncode, "--write-baseline" in done.stderr) == (2, True)


# --- adopt ---------------------------------------------------------------------------------------


def test_adopt_counts_by_kind_and_writes_nothing(make: Make) -> None:
    """A dry run says what a check would find, by code and folder, runs nothing, writes nothing."""
    files = SITE | {
        "docs/shell.md": '```bash exec="on"\nls\n```\n',
        "docs/ran.md": page("open('/ran', 'w')", "`16 GB`"),
        "docs/blog/many.md": "12.5 GB\n\n" * 12,
    }
    made = make(files)
    before = {path: path.read_bytes() for path in made.root.rglob("*") if path.is_file()}
    done = made.assay("adopt")
    assert done.returncode == 0, done.stderr
    for line in (
        "7 pages",
        "1 claim, 1 figure in code spans and formulas",
        "3 fences with exec, of which 2 run as they are",
        "     1  A310  A fence has an option or a language that is not known.",
        "    13  unbound figures in docs/blog/",
        'exclude = ["docs/shell.md"]  # as without assay, until their fences are changed',
        '"docs/blog" = "off"',
    ):
        assert line in done.stdout.splitlines(), done.stdout
    assert {path: path.read_bytes() for path in made.root.rglob("*") if path.is_file()} == before


def test_the_settings_of_adopt_are_a_start(make: Make) -> None:
    """Written as they are suggested, the settings let the same pages pass."""
    made = make(SITE | {"docs/blog/many.md": "12.5 GB\n\n" * 12, "docs/a.md": FIGURE})
    assert made.assay("check").returncode == 1
    suggested = made.assay("adopt").stdout.partition("to start from:\n")[2]
    (made.root / "assay.toml").write_text(suggested)
    done = made.assay("check", "--write-baseline")
    assert (done.returncode, made.check().ok) == (0, True), done.stdout
    assert kept(made.check()) == {'unbound = "off"': 13, "baseline": 1}


def test_adopt_without_a_page_says_what_to_name(make: Make) -> None:
    """A folder without pages is status 2."""
    done = make({"README.md": "x"}).assay("adopt")
    assert (done.returncode, "assay adopt README.md" in done.stderr) == (2, True)


# --- the site ------------------------------------------------------------------------------------


def built(project: Project) -> dict[str, str]:
    """Build the site; return its pages by path."""
    done = project.assay("build")
    assert done.returncode == 0, done.stdout + done.stderr
    site = project.root / "site"
    return {f.relative_to(site).as_posix(): f.read_text("utf-8") for f in site.rglob("*.html")}


def test_a_site_without_terms_gets_no_pages_of_a_glossary(make: Make) -> None:
    """No A–Z, no list of codes, no proofs where there are none; MkDocs orders the pages."""
    made = make(SITE | {"assay.toml": 'exclude = ["docs/blog/"]'})
    pages = built(made)
    assert "claims/index.html" in pages
    assert not {"glossary/index.html", "reference/findings/index.html"} & pages.keys()
    assert 'id="proofs"' in pages["guide/index.html"]
    assert 'id="proofs"' not in pages["plan/index.html"]
    (made.root / "docs/guide.md").write_text("# Guide\n")
    assert "claims/index.html" not in built(made)


def test_an_excluded_page_is_published_as_it_is(make: Make) -> None:
    """A page that settings exclude stands in the site as without assay, its figures unread."""
    pages = built(make(SITE | {"assay.toml": 'exclude = ["docs/blog/"]'}))
    assert "It takes 12 GB." in pages["blog/news/index.html"]
    assert "assay-" not in re.sub(r"<(?:script|link)[^>]*>", "", pages["blog/news/index.html"])


def test_an_excluded_page_shows_no_link_that_looks_checked(make: Make) -> None:
    """What would look like a claim on a page that no check reads ends the build."""
    files = SITE | {"assay.toml": 'exclude = ["docs/blog/"]', "docs/blog/b.md": "[5](claim:x)\n"}
    done = make(files).assay("build")
    assert (done.returncode, "A602" in done.stdout + done.stderr) == (1, True)


def test_a_missing_extension_is_added_or_named(make: Make) -> None:
    """What woven pages need is there without being configured; what an option needs is named."""
    made = make(SITE | {"assay.toml": 'exclude = ["docs/blog/"]'})
    assert "{: #proofs" not in built(made)["guide/index.html"]
    code = page("x = 1", "[1](claim:x)", source="tabbed-left")
    (made.root / "docs/guide.md").write_text(f"# Guide\n\n{code}")
    done = made.assay("build")
    assert done.returncode == 1
    assert "pymdownx.tabbed" in done.stderr
    assert "docs/guide.md:3" in done.stderr


def test_an_image_beside_an_entry_is_on_the_site(make: Make) -> None:
    """An image in the glossary's folder is shown by the same address on a host and on the site."""
    entry = (
        "---\nterm: Seen\ncategory: C\nsummary: S.\nprerequisites: []\n"
        "reviewed: {by: m, on: 2026-11-22}\n---\n\nSee ![a line](img/line.svg).\n"
    )
    svg = '<svg xmlns="http://www.w3.org/2000/svg"/>'
    files = SITE | {"glossary/seen.md": entry, "glossary/img/line.svg": svg}
    made = make(files | {"docs/blog/news.md": "x", "glossary/img/unused.svg": svg})
    pages = built(made)
    assert 'src="../img/line.svg"' in pages["glossary/seen/index.html"]
    assert (made.root / "site/glossary/img/line.svg").read_text() == svg
    assert not (made.root / "site/glossary/img/unused.svg").exists()


def test_figures_that_no_check_reads_are_counted(make: Make) -> None:
    """A figure in a code span or a formula binds nothing; every report says how many there are."""
    text = "`16 GB`, `lr=0.1`, `x` and $\\beta_2 = 0.95$; `f(1)`.\n\n    8 GB of an example\n"
    made = make({"docs/a.md": text})
    assert kept(made.check(["docs/a.md"]))["code and math"] == 3
    assert "figures in code spans and formulas" in made.assay("check").stdout


def test_fences_of_an_excluded_page_run_as_without_assay(make: Make) -> None:
    """On a page that settings exclude, what markdown-exec runs it runs; on no other page."""
    fence = '# A page\n\n```bash exec="on"\necho printed by a shell\n```\n'
    files = {
        "assay.toml": 'exclude = ["docs/old.md"]',
        "mkdocs.yml": "site_name: S\nplugins: [search, markdown-exec, assay]\n"
        "markdown_extensions: [pymdownx.superfences]\n",
        "docs/index.md": "# Home\n",
        "docs/old.md": fence,
    }
    made = make(files)
    assert "<p>printed by a shell" in built(made)["old/index.html"]
    (made.root / "assay.toml").write_text("")
    done = made.assay("build")
    assert (done.returncode, "A310" in done.stdout) == (1, True)
