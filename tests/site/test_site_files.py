"""The built site, read as files."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
TERMS = sorted(path.stem for path in (ROOT / "glossary").glob("*.md"))


class Page(HTMLParser):
    """What the tests ask of a page: its ids, its links, the addresses that it loads."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.ids, self.links, self.loads, self.claims = set(), [], [], []
        self.text = file.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids |= {found["id"]} if "id" in found else set()
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        if tag == "a" and "assay-claim" in (found.get("class") or "").split():
            self.claims.append(found)
        if tag in {"script", "img", "iframe"} and found.get("src"):
            self.loads.append(found["src"])
        if tag == "link" and found.get("rel") != "canonical" and found.get("href"):
            self.loads.append(found["href"])


@pytest.fixture(scope="module")
def pages(site):
    return {file: Page(file) for file in site.rglob("*.html") if file.name != "404.html"}


@pytest.mark.parametrize("term", TERMS)
def test_every_entry_has_a_page(site, term):
    """Each file of the glossary becomes a page of its own."""
    assert (site / "glossary" / term / "index.html").is_file()


def test_index_pages_exist(site):
    """Home, the A–Z, the ledger and its data are there."""
    for path in ("index.html", "glossary/index.html", "claims/index.html", "claims.json"):
        assert (site / path).is_file()


def test_every_claim_links_to_its_proof(pages):
    """The link of each claim goes to an id of the same page."""
    claims = [(file, page, claim) for file, page in pages.items() for claim in page.claims]
    assert len(claims) >= 60
    for file, page, claim in claims:
        assert claim["href"].startswith("#proof-"), file
        assert claim["href"][1:] in page.ids, (file, claim["href"])


def test_no_link_of_the_site_is_broken(site, pages):
    """Each link to a page or an id of the site finds it."""
    broken = []
    for file, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or link.startswith("//"):
                continue
            path = unquote(parts.path)
            target = (file.parent / path).resolve() if path else file
            target = target / "index.html" if target.is_dir() else target
            ids = pages[target].ids if target in pages else {parts.fragment}
            if not target.is_file() or (parts.fragment and parts.fragment not in ids):
                broken.append((file.relative_to(site).as_posix(), link))
    assert broken == []


def test_nothing_is_loaded_from_elsewhere(pages):
    """A page asks no other host for anything."""
    outside = {src for page in pages.values() for src in page.loads if urlsplit(src).netloc}
    assert outside == set()


def test_no_trace_of_the_machinery_is_published(pages):
    """No page shows a fence that was to be run, a claim that was not woven, or a traceback."""
    for file, page in pages.items():
        prose = re.sub(r"<(pre|code)\b.*?</\1>", "", page.text, flags=re.S)
        for trace in ('exec="', "](claim:", "](given:", "](opinion:", "Traceback (most recent"):
            assert trace not in prose, (file, trace)


def test_every_formula_became_mathml(pages):
    """No dollar sign of LaTeX is left in a page's text."""
    for file, page in pages.items():
        prose = re.sub(r"<(pre|code|script|math)\b.*?</\1>", "", page.text, flags=re.S)
        assert not re.search(r"\$[^$\s][^$]*\$", re.sub(r"<[^>]+>", "", prose)), file


def test_a_link_in_the_docs_publishes_nothing_from_outside(tmp_path):
    """The build ends, names the link, and leaves no site."""
    (tmp_path / "secret.txt").write_text("key", encoding="utf-8")
    root = tmp_path / "project"
    (root / "docs").mkdir(parents=True)
    (root / "docs" / "index.md").write_text("# Home\n", encoding="utf-8")
    (root / "docs" / "notes.txt").symlink_to(tmp_path / "secret.txt")
    (root / "assay.toml").write_text("", encoding="utf-8")
    settings = "site_name: x\nsite_dir: out/public\ntheme: material\nplugins: [assay]\n"
    (root / "mkdocs.yml").write_text(settings, encoding="utf-8")
    command = [sys.executable, "-m", "assay", "build"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 1
    assert "docs/notes.txt leads out of the project" in done.stderr
    (root / "mkdocs.yml").write_text(f"{settings}exclude_docs: notes.txt\n", encoding="utf-8")
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.stdout.endswith("pages in out/public/\n")
    assert (root / "out" / "public" / "index.html").is_file()
    assert not (root / "out" / "public" / "notes.txt").exists()
    assert sorted(path.name for path in (root / "out").iterdir()) == ["public"]


HOOKS = {
    "does not parse": ("def on_config(:\n", r"hooks\.py:1: SyntaxError"),
    "imports what is not there": ("import nothing_like_it\n", r"hooks\.py:1: ModuleNotFoundError"),
    "fails on a page": (
        "def on_page_markdown(markdown, **_):\n    raise ValueError('why')\n",
        r"hooks\.py:2: ValueError: why",
    ),
}


@pytest.mark.parametrize("name", HOOKS)
def test_a_fault_of_a_hook_is_told_at_its_line(tmp_path, name):
    """It is a user's mistake: one line, no traceback, and the last site stays."""
    hook, said = HOOKS[name]
    config = "site_name: A\nplugins: [assay]\nhooks: [hooks.py]\n"
    for path, text in {
        "assay.toml": "",
        "mkdocs.yml": config,
        "docs/index.md": "# A\n",
        "hooks.py": hook,
    }.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "assay", "build"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert re.search(said, done.stderr)
    assert "Traceback" not in done.stderr
