"""What on a page can be linked to: headings by their slugs, and ids that its author gives.

Law: a slug is accepted as MkDocs makes it and as code hosts do, since a page is read on both.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

_GIVEN = re.compile(
    r"""\{:?[^{}\n]*?\#(?P<attribute>[\w:.-]+)[^{}\n]*\}|\b(?:id|name)\s*=\s*["'](?P<html>[^"']+)"""
)


def anchors(text: str, headings: Iterable[str]) -> frozenset[str]:
    """Return what links to a page of *text* and *headings* may name, in small letters."""
    titles = [re.sub(r"\{:?\s*[#.][^{}]*\}\s*$", "", title) for title in headings]
    given = (match["attribute"] or match["html"] for match in _GIVEN.finditer(text))
    found = (*given, *_of_site(titles), *_of_host(titles))
    return frozenset(anchor.lower() for anchor in found)


def _of_site(titles: Iterable[str]) -> Iterator[str]:
    """Yield the anchors that Python-Markdown gives; the second of two alike ends in ``_1``."""
    seen: dict[str, int] = {}
    for title in titles:
        plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
        words = re.sub(r"[^\w\s-]", "", plain).strip().lower()
        slug = re.sub(r"[-\s]+", "-", words)
        count = seen[slug] = seen.get(slug, -1) + 1
        yield f"{slug}_{count}" if count else slug


def _of_host(titles: Iterable[str]) -> Iterator[str]:
    """Yield the anchors that a code host gives; the second of two alike ends in ``-1``.

    >>> list(_of_host(["What's new?  In 2.0"]))
    ['whats-new--in-20']
    """
    seen: dict[str, int] = {}
    for title in titles:
        slug = re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")
        count = seen[slug] = seen.get(slug, -1) + 1
        yield f"{slug}-{count}" if count else slug
