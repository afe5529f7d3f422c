"""The pages that assay makes: their addresses are its own, and no page of a project has one."""

from __future__ import annotations

TERMS = "glossary"
CATEGORIES = "categories"
LEDGER = "claims"
FINDINGS = "reference/findings.md"
PAGES = (f"{TERMS}/index.md", f"{LEDGER}.md", FINDINGS)


def has(address: str) -> bool:
    """Whether the page at *address*, from the root of the site, is one that assay makes.

    >>> has("claims.md"), has("categories/memory/index.md"), has("categories.md")
    (True, True, False)
    """
    return address in PAGES or address.startswith(f"{CATEGORIES}/")
