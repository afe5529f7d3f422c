"""The order in which terms are read, and where a term is spoken of."""

from assay.entries import parse
from assay.site import backlinks, paths
from hypothesis import given
from hypothesis import strategies as st

FRONT = """---
term: {slug}
category: {category}
summary: A summary.
prerequisites: [{needs}]
reviewed: {{by: maintainers, on: 2026-11-22}}
---

"""


def entry(slug, category="A", needs=(), body="Text.\n"):
    text = FRONT.format(slug=slug, category=category, needs=", ".join(needs)) + body
    return parse.parse(f"glossary/{slug}.md", slug, text, {}, term=True, snippets="snippets")


@st.composite
def glossaries(draw):
    slugs = [f"t{n}" for n in range(draw(st.integers(0, 8)))]
    terms = []
    for number, slug in enumerate(slugs):
        needs = draw(st.lists(st.sampled_from(slugs[:number]), unique=True)) if number else []
        terms.append(entry(slug, draw(st.sampled_from("ABC")), needs))
    return draw(st.permutations(terms))


@given(glossaries())
def test_what_a_term_needs_comes_before_it(terms):
    """Every term stands there once, behind all of its prerequisites."""
    order = [one.slug for one in paths.ordered(terms)]
    assert sorted(order) == sorted(one.slug for one in terms)
    assert all(
        order.index(need) < order.index(one.slug)
        for one in terms
        for need in one.front.prerequisites
    )


def test_a_category_is_read_in_one_run():
    """The category that awaits another one comes after it, whatever they are called."""
    terms = [entry("x", "A", ["z"]), entry("y", "A"), entry("z", "B"), entry("w", "B")]
    assert [one.slug for one in paths.ordered(terms)] == ["w", "z", "x", "y"]


def test_terms_in_a_circle_come_last():
    """A check refuses them; the order is there all the same."""
    terms = [entry("a", needs=["b"]), entry("b", needs=["a"]), entry("c")]
    assert paths.ordered(terms)[0].slug == "c"


def test_a_step_counts_within_the_category():
    """It says where a term stands, and of how many."""
    first, second = entry("a"), entry("b")
    assert paths.step(second, [first, second]) == paths.Step(2, 2)


def test_a_mention_is_the_sentence_that_links(make):
    """The first sentence of a page that links to a term, and none that is quoted from elsewhere."""
    linking = "Unlike it. Now see [thing](thing.md), of [12 GB](claim:x). And [thing](thing.md).\n"
    quoted = "> See [thing](thing.md).\n>\n> [A page](https://example.org/), read 2026-11-22\n"
    code = '\n```python exec="on" id="c" device="cuda"\nx = 12 * 10**9\n```\n'
    pages = {
        "glossary/thing.md": FRONT.format(slug="thing", category="A", needs="") + "A thing.\n",
        "glossary/other.md": FRONT.format(slug="other", category="A", needs="") + linking + code,
        "glossary/third.md": FRONT.format(slug="third", category="A", needs="") + quoted,
    }
    found = backlinks.of(make(pages).check())["glossary/thing.md"]
    assert [(one.entry.slug, one.sentence) for one in found] == [
        ("other", "Now see thing, of not measured yet.")
    ]
