"""Addresses of pages: those of a project's files, and those that assay keeps for what it makes."""

from __future__ import annotations

TERMS = "glossary"
CATEGORIES = "categories"
LEDGER = "claims"
STATEMENTS = f"{LEDGER}/statements.md"
FINDINGS = "reference/findings.md"
PAGES = (f"{TERMS}/index.md", f"{LEDGER}.md", STATEMENTS, FINDINGS)


def address_of(path: str, slug: str, docs: str, glossary: str) -> str | None:
    """Return the address of a source file's page, from the site's root; None for one without.

    >>> address_of("terms/adam.md", "adam", "docs", "terms"), address_of("README.md", "", "d", "t")
    ('glossary/adam.md', None)
    """
    if path.startswith(f"{glossary}/"):
        return f"{TERMS}/{slug}.md"
    return path.removeprefix(f"{docs}/") if path.startswith(f"{docs}/") else None


def has(address: str) -> bool:
    """Whether *address* is that of a page that assay makes, or lies in a folder of such pages.

    >>> has("claims.md"), has("categories/memory/index.md"), has("categories.md")
    (True, True, False)
    """
    return address in PAGES or address.startswith(f"{CATEGORIES}/")
