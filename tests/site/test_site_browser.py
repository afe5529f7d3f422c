"""The site in a real browser: two widths, two schemes, keyboard, and without scripts."""

import pytest
from axe_playwright_python.sync_playwright import Axe

PATHS = (
    "",
    "glossary/",
    "glossary/adamw/",
    "glossary/bytes-per-parameter/",
    "claims/",
    "how-we-check/",
    "reference/vram/",
)
WIDTHS = {"desktop": (1280, 900), "phone": (390, 844)}


@pytest.fixture
def open_page(browser, address):
    contexts = []

    def open_(path, width="desktop", scheme="light", **options):
        size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
        context = browser.new_context(viewport=size, color_scheme=scheme, **options)
        contexts.append(context)
        page = context.new_page()
        page.goto(address + path)
        return page

    yield open_
    for context in contexts:
        context.close()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_pass_the_accessibility_rules(open_page, path, scheme):
    """No rule of WCAG 2.2 AA is broken, as far as axe can tell, in either colour scheme."""
    page = open_page(path, scheme=scheme)
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    # Describing each node that passes would take longer than finding those that do not.
    results = Axe().run(page, options={"runOnly": rules, "resultTypes": ["violations"]})
    found = [
        (violation["id"], node["target"], node.get("any", [{}])[:1])
        for violation in results.response["violations"]
        for node in violation["nodes"]
    ]
    assert found == []


@pytest.mark.parametrize("path", PATHS)
def test_no_page_is_wider_than_a_phone(open_page, path):
    """Nothing makes a page scroll sideways at 390 pixels."""
    page = open_page(path, width="phone")
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(overflow) <= 0


@pytest.mark.parametrize("path", PATHS)
def test_a_page_speaks_to_no_other_host(open_page, address, path):
    """Every request goes to the site itself, and nothing fails in the console."""
    page = open_page("")
    requests, problems = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on(
        "console",
        lambda message: problems.append(message.text) if message.type == "error" else None,
    )
    page.goto(address + path)
    page.wait_for_load_state("networkidle")
    assert [url for url in requests if not url.startswith((address, "data:", "blob:"))] == []
    assert problems == []


def test_a_claim_leads_to_its_proof_and_back(open_page):
    """Following a claim by keyboard shows its row; the row leads back to the sentence."""
    page = open_page("glossary/adamw/")
    claim = page.locator("#claim-total")
    claim.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**#proof-total")
    row = page.locator("#proof-total")
    assert row.is_visible()
    assert "64.242089984 GB" in row.inner_text()
    assert "verified" in row.inner_text()
    row.locator("a").first.click()
    page.wait_for_url("**#claim-total")


def test_the_proof_is_there_without_scripts(open_page):
    """Claims, proofs and equations are on the page when scripts are off."""
    page = open_page("glossary/adamw/", java_script_enabled=False)
    assert page.locator("#proof-total").is_visible()
    assert page.locator("math").count() > 5
    assert page.locator("a.assay-claim").count() >= 6


def test_the_ledger_can_be_filtered(open_page):
    """Typing words leaves the rows that hold all of them, and says how many."""
    page = open_page("claims/")
    rows = page.locator("table.assay-ledger tbody tr:visible")
    everything = rows.count()
    page.get_by_label("Filter").fill("optimizer-state refuted")
    page.get_by_label("Filter").fill("64.24 GB")
    assert 0 < rows.count() < everything
    assert page.locator("#assay-shown").inner_text() == f"{rows.count()} of {everything}"


def test_search_finds_a_term_by_its_alias(open_page):
    """The search box finds AdamW by another name of it."""
    page = open_page("")
    page.get_by_role("textbox", name="Search").click()
    page.keyboard.type("decoupled", delay=20)
    page.locator(".md-search-result__item a", has_text="AdamW").first.wait_for(timeout=10_000)


def test_back_returns_to_the_sentence_and_its_address(open_page, address):
    """From a claim to its proof and back, five times along a page: the same place, the same URL."""
    page = open_page("glossary/vram/")
    claims = page.locator("a.assay-claim")
    for number in range(0, claims.count(), max(1, claims.count() // 5)):
        claim = claims.nth(number)
        claim.scroll_into_view_if_needed()
        page.wait_for_timeout(200)
        before = page.evaluate("scrollY")
        assert page.url == address + "glossary/vram/"
        claim.click()
        page.wait_for_url("**/#proof-*")
        page.go_back()
        page.wait_for_url(address + "glossary/vram/")
        page.wait_for_function("y => Math.abs(scrollY - y) < 3", arg=before)
