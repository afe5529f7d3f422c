"""A fault of assay's own on one page is a finding there, and every other page is still checked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from assay.findings import rules
from assay.nouns import Finding, Place

from .conftest import Make
from .lab import lines_of, page


def failing(facts: rules.Facts) -> Iterator[Finding]:
    """Find something on each page, and fail on one."""
    for entry in facts.chosen:
        if entry.slug == "bad":
            raise ValueError("no such thing")
        yield Finding(code="A201", place=Place(entry.path), message="found")


def test_a_rule_that_fails_on_a_page_is_told_there(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it finds on the other pages stays, and so does what other rules find."""
    monkeypatch.setattr(rules, "OF_PAGES", (*rules.OF_PAGES, failing))
    pages = {f"docs/{name}.md": page("x = 1", "It is [2](claim:x).") for name in ("a", "bad", "c")}
    codes: dict[str, set[str]] = {path: set() for path in pages}
    for line in lines_of(make(pages).check()):
        codes[line.split(":")[0]].add(line.split()[1])
    assert codes == {
        "docs/a.md": {"A201", "A104"},
        "docs/bad.md": {"A003", "A104"},
        "docs/c.md": {"A201", "A104"},
    }


def test_code_that_names_its_own_files_ends_no_check(make: Make) -> None:
    """A traceback may hold any file name and any line."""
    code = 'exec(compile("\\n" * {line} + "1/0", "snippet:{number}", "exec"))'
    pages = {
        f"docs/p{number}{line}.md": page(code.format(number=number, line=line))
        for number in (0, 7)
        for line in (0, 900)
    }
    report = make({**pages, "docs/zz.md": page("x = 1", "It is [2](claim:x).")}).check()
    found = lines_of(report)
    assert {line.split()[0].split(":")[0] for line in found} == {*pages, "docs/zz.md"}
    assert {line.split()[1] for line in found} == {"A301", "A104"}
