"""What a reader's device fetches: each kind of file has a budget, compressed as a host sends it."""

import gzip
import re

KB = 1000
BUDGETS = {"style": 30, "script": 50}


def packed(path):
    return len(gzip.compress(path.read_bytes(), 9)) / KB


def test_a_page_is_small(site):
    """A page takes 30 kB, and the list of all claims 100 kB."""
    ledger = site / "claims" / "index.html"
    sizes = {page.relative_to(site).as_posix(): packed(page) for page in site.rglob("*.html")}
    large = {name: size for name, size in sizes.items() if size > 30 and site / name != ledger}
    assert large == {}
    assert packed(ledger) <= 100


def test_the_search_index_is_small(site):
    """Whoever searches fetches it whole."""
    assert packed(site / "search" / "search_index.json") <= 200


def test_styles_and_scripts_of_a_page_are_small(site):
    """All files that a page of a term names, together."""
    folder = site / "glossary" / "adamw"
    text = (folder / "index.html").read_text()
    files = {
        "style": re.findall(r'<link[^>]*href="([^"]+\.css)"', text),
        "script": re.findall(r'<script[^>]*src="([^"]+\.js)"', text),
    }
    sizes = {kind: sum(packed(folder / name) for name in names) for kind, names in files.items()}
    assert all(files.values())
    assert {kind: size for kind, size in sizes.items() if size > BUDGETS[kind]} == {}
