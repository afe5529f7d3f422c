"""The commands that an author types: init, new, show, explain."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from assay import lint
from assay.findings.codes import CODES

from .conftest import Make
from .lab import Project, page

ENTRY = page(
    'sizes = {"a b": 1, "x": {"y": 2}}\nsteps = [3, 4]\n'
    'from types import SimpleNamespace\nplan = SimpleNamespace(total=64_242_089_984, _own=1)\n'
    'import math\nname = "adam"\n',
    '[64.2 GB](claim:plan.total "id=total") and [3](claim:steps[0] "setting").',
    id="plan",
)  # fmt: skip


@pytest.fixture
def empty(tmp_path: Path) -> Project:
    return Project(tmp_path / "my-words", tmp_path / "store")


# --- init ----------------------------------------------------------------------------------------


def test_a_new_glossary_holds_and_builds(empty: Project) -> None:
    """What init writes passes a check and a build as it stands, and has a home page."""
    empty.root.parent.joinpath("here").mkdir()
    done = empty.assay("init", str(empty.root), cwd=empty.root.parent / "here")
    assert done.returncode == 0, done.stderr
    check = empty.assay("check")
    assert (check.returncode, "2 claims: 2 verified" in check.stdout) == (0, True), check.stdout
    built = empty.assay("build")
    assert built.returncode == 0, built.stdout + built.stderr
    home = (empty.root / "site/index.html").read_text(encoding="utf-8")
    assert "My words" in home
    assert 'href="glossary/checksum/"' in home
    assert (empty.root / "site/search/search_index.json").is_file()
    assert "A304" not in check.stdout


def test_init_leaves_what_is_there(empty: Project) -> None:
    """A file that is there already is left as it is, and said to be; the rest is written."""
    empty.write({"mkdocs.yml": "site_name: mine\n", "assay.toml": "words = 10\n"})
    (empty.root / "assay.toml").write_text("words = 10\n")
    done = empty.assay("init", ".")
    assert "kept  mkdocs.yml" in done.stdout
    assert "wrote docs/index.md" in done.stdout
    assert (empty.root / "mkdocs.yml").read_text() == "site_name: mine\n"
    assert empty.assay("init", ".").stdout.count("kept ") == 7


def test_the_ci_file_of_a_new_glossary_is_what_its_host_reads(empty: Project) -> None:
    """The workflow has a token that can only read, and actions that are pinned by hash."""
    empty.root.mkdir()
    empty.assay("init", ".")
    workflow = yaml.safe_load((empty.root / ".github/workflows/check.yml").read_text())
    assert workflow["permissions"] == {"contents": "read"}
    steps = workflow["jobs"]["check"]["steps"]
    assert all(len(s["uses"].partition("@")[2]) == 40 for s in steps if "uses" in s)
    assert "assay check --format github" in [step.get("run") for step in steps]


# --- new -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("term", ["Lookahead", "8-bit: Öptimizer", "yes", "# a [b] 'c'"])
def test_a_draft_holds(make: Make, term: str) -> None:
    """What new writes passes a check as it stands, whatever the term's letters."""
    made = make({})
    assert made.assay("new", term).returncode == 0
    (entry,) = made.root.glob("glossary/*.md")
    report = made.report()
    assert (report["ok"], len(report["claims"])) == (True, 4), report["findings"]
    front = yaml.safe_load(entry.read_text(encoding="utf-8").split("---")[1])
    assert front["term"] == term


def test_a_draft_takes_the_commonest_category(make: Make) -> None:
    """The category is one that exists unless another is named."""
    made = make({})
    made.assay("new", "One", "--category", "Memory")
    done = made.assay("new", "Two")
    assert "category: Memory\n" in (made.root / "glossary/two.md").read_text()
    assert "wrote glossary/two.md" in done.stdout
    assert "did you mean 'Memory'?" in made.assay("new", "Three", "--category", "memory").stdout


def test_a_term_that_is_there_is_not_drafted_again(make: Make) -> None:
    """A term, an alias or a file that exists ends with status 2, and nothing is written."""
    made = make({})
    made.assay("new", "Adam")
    made.edit("glossary/adam.md", "prerequisites", "aliases: [Adaptive moments]\nprerequisites")
    before = (made.root / "glossary/adam.md").read_text()
    for term in ("adam", "Adaptive Moments", "ADAM!"):
        done = made.assay("new", term)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False)
        assert "glossary/adam.md" in done.stderr
    assert "write it in Latin letters" in made.assay("new", "学習率").stderr
    assert [f.name for f in made.root.glob("glossary/*")] == ["adam.md"]
    assert (made.root / "glossary/adam.md").read_text() == before


# --- show ----------------------------------------------------------------------------------------


def test_show_lists_what_a_claim_may_use(make: Make) -> None:
    """Names, and parts of lists, dicts and objects, stand there as a claim writes them."""
    done = make({"docs/a.md": ENTRY}).assay("show", "docs/a.md")
    rows = [line.split(None, 2) for line in done.stdout.splitlines() if line.startswith("claim:")]
    rest = done.stdout
    assert done.returncode == 0, done.stderr
    assert ["claim:plan.total", "int", "64242089984  stated as 64.2 GB"] in rows
    assert ["claim:steps[0]", "int", "3  stated as 3"] in rows
    assert 'claim:sizes["a b"]' in rest
    assert ["claim:name", "str", "adam"] in rows
    assert "_own" not in rest
    assert "math" not in rest


def test_what_show_lists_can_be_claimed(make: Make) -> None:
    """Each address that show prints is one that a claim of the page can be bound to."""
    made = make({"docs/a.md": ENTRY})
    addresses = [line.split("  ")[0] for line in made.assay("show", "a").stdout.splitlines()]
    claims = [f"[1](<{a}>)" for a in addresses if a.startswith("claim:")]
    assert len(claims) > 4
    (made.root / "docs/a.md").write_text(f"{ENTRY}\n{', '.join(claims)}\n", encoding="utf-8")
    codes = {finding.code for finding in made.check().findings}
    assert not codes & {"A105", "A106", "A107", "A109"}


def test_show_says_what_failed(make: Make) -> None:
    """A page whose session fails shows where, and ends with status 1; another, with 2."""
    made = make({"docs/a.md": page("x = 1\n1 / 0"), "docs/plain.md": "Nothing."})
    done = made.assay("show", "a")
    assert (done.returncode, "docs/a.md:3:1: " in done.stdout) == (1, True)
    assert made.assay("show", "plain").stdout == "docs/plain.md: no name that a claim may use\n"
    unknown = made.assay("show", "plian")
    assert (unknown.returncode, "did you mean 'plain'?" in unknown.stderr) == (2, True)


# --- explain -------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", CODES)
def test_every_code_can_be_explained(code: str) -> None:
    """A code has a text with its meaning, its reason and its cure."""
    from assay.reports import explained

    text = explained.code(code)
    meaning = CODES[code]
    assert all(part in text for part in (code, meaning.summary, meaning.why, meaning.cure))


def test_explain_finds_a_code_by_its_name(make: Make) -> None:
    """A code may be written small, or by its name; what is none of all is status 2 with a hint."""
    made = make({"docs/a.md": ENTRY})
    assert made.assay("explain", "a104").stdout == made.assay("explain", "figure-differs").stdout
    done = made.assay("explain", "a#totl")
    assert (done.returncode, "did you mean 'total'?" in done.stderr) == (2, True)


def test_explain_says_how_a_figure_came_about(make: Make) -> None:
    """Of a claim: sentence, values, rule, code, day, what would run it again, what is not shown."""
    made = make(
        {
            "docs/a.md": page("import helper\nx = helper.x", "It has [1.5 kB](claim:x)."),
            "snippets/helper.py": "x = 1500\n",
        }
    )
    done = made.assay("explain", "a#x")
    assert done.returncode == 0, done.stderr
    for part in (
        "It has 1.5 kB.",
        "computed  1.5 kB, from 1500",
        "compared  to the stated digits",
        "verdict   verified",
        "    x = helper.x",
        "files it read: snippets/helper.py",
        "not established:",
        "python 3.",
    ):
        assert part in done.stdout
    assert "kept, nothing it read has changed" in made.assay("explain", "docs/a.md#x").stdout


def test_explain_says_what_rests_on_what(make: Make) -> None:
    """Of an entry: its sessions with the claims on each."""
    done = make({"docs/a.md": ENTRY}).assay("explain", "a")
    assert "docs/a.md: 2 claims, 1 verified, 1 only assigned" in done.stdout
    assert "  #total: 64.2 GB, verified" in done.stdout


def test_nothing_that_explains_changes_a_result(make: Make) -> None:
    """Showing and explaining keep no other result than a check does."""
    made = make({"docs/a.md": ENTRY})
    made.assay("show", "a")
    made.assay("explain", "a#total")
    assert made.report()["summary"]["reused"] == 1
    json.dumps(made.report())


def test_the_title_of_an_image_is_read_and_dashes_part_the_words_of_a_quote() -> None:
    drawn = [lint('![a bar](https://e.org/b.png "99 GB high")')]
    drawn += [lint('![a bar][b]\n\n[b]: https://e.org/b.png "99 GB high"')]
    assert ["A201" in {finding.code for finding in found} for found in drawn] == [True, True]
    source = "\n>\n> [a page](https://e.org), read 2026-11-22"
    claim = '[6 GB](claim:x "refuted, true for y")'
    quoted = lint(f"> {'—'.join(['word'] * 30)} {claim}{source}")
    assert [finding.code for finding in quoted] == ["A208"]
