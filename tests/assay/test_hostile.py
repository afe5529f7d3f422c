"""Whatever a page holds is a finding of that page: nothing raises, and nothing takes for ever."""

from __future__ import annotations

import runpy
from decimal import Decimal

import pytest
from assay.entries import frontmatter
from assay.entries.parse import parse
from assay.entries.reader import DEEPEST
from assay.figures import match, reading, stated, units
from assay.figures.names import Names
from assay.findings import formulas, prose, structure
from assay.nouns import Condition, Entry, Finding, Settings, Value

from .lab import REPOSITORY

FRONT = """---
term: A
category: B
summary: C
prerequisites: []
reviewed: {by: m, on: 2026-11-22}
---
"""


def read(text: str, *, term: bool = False) -> Entry:
    return parse("a.md", "a", text, {}, term=term, snippets="snippets")


def findings(text: str, *, term: bool = False) -> list[Finding]:
    """All that is said of a page before anything runs."""
    entry = read(text, term=term)
    return [*entry.findings, *prose.check(entry, Names()).findings, *formulas.check(entry)]


def codes(text: str, *, term: bool = False) -> list[str]:
    return [finding.code for finding in findings(text, term=term)]


def indented(levels: int) -> str:
    return "\n".join("    " * level + "a\n" for level in range(levels))


PAGES = {
    "a marked section": ("a <![foo]> b <![if x]> c <![CDATA[ d", []),
    "a marked section of a block": ("<div>\n<![foo]>\n</div>", []),
    "indentation": (indented(260), ["A313"]),
    "an exponent of 4,301 digits": ("1e" + "9" * 4301, ["A201"]),
    "a power of 2,536 digits": ("9" * 2536 + "^399", ["A201"]),
    "a number of 100,000 digits": ("7" * 100_000, ["A201"]),
    "braces": ("$" + "{" * 5400 + "}" * 5400 + "$", ["A509"]),
    "parentheses": ("$" + "(" * 60 + "$", ["A509"]),
    "hats": ("$$" + "\\hat " * 9000 + "x$$", ["A509"]),
    "units of no fixed size": ("Around for 5 decades, 3 dB, 20 dBm, 2 octaves, 1 Np, 3 doct.", []),
    "a long word": ("5 " + "k" * 40_000, []),
}


@pytest.mark.parametrize("name", PAGES)
def test_any_page_is_read_to_its_end(name: str) -> None:
    """What cannot be read is said once, and what stands below it is read."""
    text, expected = PAGES[name]
    assert sorted(codes(text + "\n\nIt takes 12 GB.\n")) == sorted([*expected, "A201"])


def test_text_is_read_as_deep_as_anyone_writes() -> None:
    """A figure is found however deep it is indented, up to a limit that is said."""
    text = indented(DEEPEST) + "\n" + "    " * (DEEPEST - 2) + "12 GB\n"
    assert codes(text) == ["A201"]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("prerequisites: []", "prerequisites: " + "[" * 2000, "A401"),
        ("prerequisites: []", "prerequisites: " + "[" * 400 + "]" * 400, "A401"),
        ("term: A", "term: ''", "A402"),
        ("term: A", "term: '  '", "A402"),
        ("category: B", "category: ''", "A402"),
        ("category: B", "category: B\naliases: [B, '']", "A402"),
        ("summary: C", "summary: ''", "A402"),
    ],
)
def test_front_matter_that_says_nothing_is_refused(old: str, new: str, code: str) -> None:
    """Front matter that nests deeply, or has an empty value, is a finding at its place."""
    (finding,) = findings(FRONT.replace(old, new) + "\nText.\n", term=True)
    assert finding.code == code
    assert finding.place.line == 1 + FRONT[: FRONT.index(old)].count("\n") + new.count("\n")


def chain(length: int) -> list[Entry]:
    """Terms of which each needs the one before it."""
    fronts = [FRONT.replace("term: A", f"term: A{n}") for n in range(length)]
    needs = [f"[t{n - 1}]" if n else "[]" for n in range(length)]
    named = {f"t{n}": fronts[n].replace("[]", needs[n]) for n in range(length)}
    return [parse(f"{n}.md", n, text, {}, term=True, snippets="s") for n, text in named.items()]


def test_a_chain_of_prerequisites_may_be_long() -> None:
    """Terms may need each other in a chain of any length."""
    entries = chain(1200)
    paths = [entry.path for entry in entries]
    assert structure.check(entries, {}, paths, Settings()) == []
    assert structure.check(entries[::-1], {}, paths, Settings()) == []


@pytest.mark.parametrize("text", ["1E+1000000", "abc", "-1E-99999999", "nan", "9" * 5000])
def test_any_computed_number_is_compared_or_refused(text: str) -> None:
    """A number that is larger than anything, or none at all, cannot be compared; nothing raises."""
    for kind in ("float", "int"):
        value = Value(kind=kind, text=text)  # type: ignore[arg-type]
        with pytest.raises(stated.Mismatch):
            match.compare(value, stated.read(value, "42", Condition()))
        match.computed(value)
        match.shown(value)


def test_what_is_written_at_any_length_is_a_figure_or_none() -> None:
    """Limits of numbers are limits, not losses: what is in range keeps every digit."""
    (figure,) = reading.find("9" * 100)
    assert figure.value == Decimal("9" * 100)
    assert units.curated("G" * 100_000 + "B") is None


def test_the_limits_of_front_matter_leave_room() -> None:
    """Front matter as people write it nests less deeply than the limit."""
    source = "a: " + "[" * (frontmatter.DEEPEST - 1) + "]" * (frontmatter.DEEPEST - 1)
    _, _, (finding,) = frontmatter.read("a.md", source)
    assert "nests" not in finding.message


GROWTH = runpy.run_path(str(REPOSITORY / "benchmarks" / "growth.py"))


@pytest.mark.parametrize("name", GROWTH["PAGES"])
def test_reading_takes_no_more_than_in_proportion(name: str) -> None:
    """Four times as much takes nowhere near sixteen times as long, in the best of some tries."""
    assert min(GROWTH["growth"](name, 2)[1] for _ in range(3)) < 9
