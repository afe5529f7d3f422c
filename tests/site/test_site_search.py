"""The search: for each query of ``searches.txt`` the term that is meant, or that there is none."""

from pathlib import Path

import pytest

LINES = Path(__file__).with_name("searches.txt").read_text().splitlines()
PAIRS = dict(line.rsplit(" | ", 1) for line in LINES if line and not line.startswith("#"))
FOUND, NONE = (
    {query: entry for query, entry in PAIRS.items() if (entry == "-") is is_none}
    for is_none in (False, True)
)
RANK = """async (queries) => {
  const index = assayTerms(await (await fetch("glossary/terms.json")).json());
  return queries.map((query) =>
    assayRank(index, query).slice(0, 3).map((one) => [one.term.url.split("/")[1], one.exact]));
}"""


@pytest.fixture(scope="module")
def ranked(browser, address):
    page = browser.new_page()
    page.goto(address)
    found = page.evaluate(RANK, list(PAIRS))
    page.close()
    return dict(zip(PAIRS, found, strict=True))


def test_there_are_enough_queries():
    """Few would show little."""
    assert len(FOUND) >= 60


def test_nine_in_ten_queries_find_their_entry_first(ranked):
    """And all of them among the first three."""
    places = {q: [name for name, _ in ranked[q]] for q in FOUND}
    assert {q: (FOUND[q], p) for q, p in places.items() if FOUND[q] not in p} == {}
    late = {q: p for q, p in places.items() if p[0] != FOUND[q]}
    assert len(late) <= len(FOUND) / 10, late


def test_every_name_of_an_entry_finds_it_first(browser, address):
    """Terms, aliases and names in code, as they are written."""
    page = browser.new_page()
    page.goto(address)
    missed = page.evaluate("""async () => {
      const data = await (await fetch("glossary/terms.json")).json();
      const index = assayTerms(data);
      return data.flatMap((one) => [one.name, ...one.names]
        .map((name) => [name, one.name, assayRank(index, name)[0].term.name]))
        .filter(([name, own, first]) => own !== first);
    }""")
    page.close()
    assert missed == []


@pytest.mark.parametrize("query", NONE)
def test_what_has_no_entry_is_said_to_have_none(browser, address, query):
    """The page says so, and shows what is nearest as what it is."""
    page = browser.new_page()
    page.goto(address)
    page.keyboard.press("/")
    page.fill("[data-md-component=search-query]", query)
    found = page.locator(".assay-found p")
    found.wait_for()
    assert found.inner_text().startswith(f"No entry yet: {query}.")
    page.close()


def test_an_exact_name_stands_above_all_other_results(browser, address):
    """With the name that matched, and a link by keyboard."""
    page = browser.new_page()
    page.goto(address)
    page.keyboard.press("/")
    page.fill("[data-md-component=search-query]", "adamw_8bit")
    link = page.locator(".assay-found li").first
    link.wait_for()
    assert link.inner_text().startswith("8-bit optimizer, for adamw_8bit")
    page.close()
