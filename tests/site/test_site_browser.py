"""The site in a real browser: two widths, two schemes, keyboard, and without scripts."""

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

PATHS = (
    "",
    "glossary/",
    "glossary/adamw/",
    "glossary/bytes-per-parameter/",
    "claims/",
    "claims/statements/",
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


def test_a_claim_opens_its_proof_by_keyboard_and_escape_closes_it(open_page):
    """The card stands under the sentence; focus stays on the figure; the address is the claim's."""
    page = open_page("glossary/adamw/")
    claim = page.locator("#claim-total")
    claim.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**#claim-total")
    card = page.locator(".assay-card")
    assert "64.242089984 GB" in card.inner_text()
    assert "assay check glossary/adamw.md" in card.inner_text()
    assert claim.get_attribute("aria-expanded") == "true"
    assert page.evaluate("document.activeElement.id") == "claim-total"
    page.keyboard.press("Escape")
    assert page.locator(".assay-card").count() == 0
    assert claim.get_attribute("aria-expanded") == "false"


def test_the_card_closes_by_its_button_and_gives_the_focus_back(open_page):
    """Who closed it goes on at the figure."""
    page = open_page("glossary/adamw/")
    page.locator("#claim-total").click()
    page.get_by_role("button", name="Close the proof").click()
    assert page.locator(".assay-card").count() == 0
    assert page.evaluate("document.activeElement.id") == "claim-total"


def test_one_proof_is_open_at_a_time_and_what_is_read_stays_in_place(open_page):
    """Opening a second closes the first, above it, and the second sentence does not move."""
    page = open_page("glossary/vram/")
    claims = page.locator("a.assay-claim")
    claims.nth(0).click()
    second = claims.nth(claims.count() // 2)
    second.scroll_into_view_if_needed()
    page.wait_for_timeout(200)
    top = "link => link.getBoundingClientRect().top"
    before = second.evaluate(top)
    second.click()
    assert page.locator(".assay-card").count() == 1
    page.wait_for_timeout(200)
    assert abs(second.evaluate(top) - before) < 2


def test_the_address_of_a_claim_opened_anew_shows_its_sentence_and_its_proof(open_page):
    """Both are on the first screen."""
    page = open_page("glossary/adamw/#claim-total")
    page.locator(".assay-card").wait_for()
    page.wait_for_timeout(300)
    for part in ("#claim-total", ".assay-card dl"):
        top = page.locator(part).bounding_box()["y"]
        assert 40 < top < 900, (part, top)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_an_open_proof_passes_the_accessibility_rules_and_fits(open_page, scheme, width):
    """The card, with its citation, breaks no rule and is not wider than the page."""
    page = open_page("glossary/adamw/#claim-total", width=width, scheme=scheme)
    page.get_by_role("button", name="Cite").click()
    assert "@misc" in page.locator(".assay-card pre").inner_text()
    page.wait_for_timeout(500)  # the theme's header fades
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    assert [one["id"] for one in Axe().run(page, options=options).response["violations"]] == []
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(overflow) <= 0


def test_the_proof_is_there_without_scripts(open_page):
    """Claims, proofs and equations are on the page when scripts are off."""
    page = open_page("glossary/adamw/", java_script_enabled=False)
    page.locator("#claim-total").click()
    page.wait_for_url("**#proof-total")
    assert page.locator("#proof-total").is_visible()
    page.locator("#proof-total").get_by_text("back to the sentence").click()
    page.wait_for_url("**#claim-total")
    assert page.locator("math").count() > 5
    assert page.locator("a.assay-claim").count() >= 6


def test_the_ledger_can_be_filtered(open_page):
    """Words and a state leave the rows that fit both, say how many, and stand in the address."""
    page = open_page("claims/")
    rows = page.locator("table.assay-ledger tbody tr:visible")
    assert rows.count() == 0, "groups are closed until something is asked"
    page.get_by_label("Filter").fill("AdamW GB")
    both = rows.count()
    page.get_by_role("button", name="refuted by a run").click()
    assert 0 < rows.count() < both
    everything = page.locator("table.assay-ledger tbody tr").count()
    assert page.locator("#assay-shown").inner_text() == f"{rows.count()} of {everything}"
    assert page.url.endswith("/claims/?words=AdamW+GB&state=refuted")
    shown = rows.count()
    page.reload()
    assert rows.count() == shown


def test_the_ledger_is_read_without_scripts(open_page):
    """A group opens by itself, and each row says its whole sentence."""
    page = open_page("claims/", java_script_enabled=False)
    page.locator("summary", has_text=re.compile("^AdamW:")).click()
    assert page.locator("table.assay-ledger tbody tr:visible").count() > 20
    assert page.locator(".assay-filter").is_hidden()


def test_search_finds_a_term_by_its_alias(open_page):
    """The search box finds AdamW by another name of it."""
    page = open_page("")
    page.get_by_role("textbox", name="Search").click()
    page.keyboard.type("decoupled", delay=20)
    page.locator(".md-search-result__item a", has_text="AdamW").first.wait_for(timeout=10_000)


@pytest.mark.parametrize("width", WIDTHS)
def test_opening_and_closing_a_proof_scrolls_by_nothing(open_page, address, width):
    """Five times along a page: the same place, the claim's own address, no entry in the history."""
    page = open_page("glossary/vram/", width=width)
    claims = page.locator("a.assay-claim")
    entries = page.evaluate("history.length")
    for number in range(0, claims.count(), max(1, claims.count() // 5)):
        claim = claims.nth(number)
        claim.scroll_into_view_if_needed()
        page.wait_for_timeout(200)
        before = page.evaluate("scrollY")
        claim.click()
        page.locator(".assay-card").wait_for()
        page.wait_for_timeout(100)
        assert page.evaluate("scrollY") == before
        assert page.url == f"{address}glossary/vram/#{claim.get_attribute('id')}"
        page.keyboard.press("Escape")
        page.wait_for_timeout(100)
        assert page.evaluate("scrollY") == before
    assert page.evaluate("history.length") == entries


def test_back_leaves_the_page_whose_proofs_were_opened(open_page, address):
    """Looking at proofs is no step to go back over."""
    page = open_page("glossary/")
    page.goto(address + "glossary/vram/")
    for number in (0, 1):
        page.locator("a.assay-claim").nth(number).click()
    page.go_back()
    page.wait_for_url(address + "glossary/")


ENTRIES = sorted(path.stem for path in (Path(__file__).parents[2] / "glossary").glob("*.md"))


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
def test_the_first_screen_of_an_entry_answers(browser, address, size):
    """It holds the whole definition, and below it a figure that is checked."""
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    late = {}
    for entry in ENTRIES:
        page.goto(f"{address}glossary/{entry}/")
        facts = page.locator(".assay-facts")
        definition = page.locator("p:has(+ .assay-facts)").bounding_box()
        figure = facts.locator(".assay-fact a.assay-claim").first.bounding_box()
        ends = [box["y"] + box["height"] for box in (definition, figure)]
        if max(ends) > size[1]:
            late[entry] = ends
    page.close()
    assert late == {}


def test_no_page_is_wider_than_a_small_phone(browser, address, site):
    """Nothing on the whole site scrolls sideways at 360 pixels."""
    page = browser.new_page(viewport={"width": 360, "height": 740})
    wide = {}
    for file in sorted(site.rglob("index.html")):
        path = file.relative_to(site).as_posix().removesuffix("index.html")
        page.goto(address + path)
        over = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if over > 0:
            wide[path] = over
    page.close()
    assert wide == {}


def test_a_lost_address_leads_to_the_search(open_page, address):
    """The form of the page for lost addresses asks the site's own search."""
    page = open_page("404.html")
    page.fill("#assay-lost", "optimizer state")
    page.press("#assay-lost", "Enter")
    found = page.locator(".md-search-result__item h1").first
    found.wait_for()
    assert found.inner_text() == "Optimizer state"
