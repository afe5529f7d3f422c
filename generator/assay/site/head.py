"""What the head of a page tells machines: the term that it defines.

Law: it repeats what the page says; nothing here is seen, and nothing here runs.
"""

from __future__ import annotations

import html
import json
from urllib.parse import urljoin

from ..nouns import Entry
from .pages import Site

_END = "</head>"


def with_head(page: str, site: Site, entry: Entry, name: str, canonical: str) -> str:
    """Return the rendered *page* of a term with what describes it in its head."""
    if entry.front is None or _END not in page:
        return page
    said = {"og:type": "article", "og:title": entry.front.term, "og:site_name": name}
    said |= {"og:description": entry.front.summary} | ({"og:url": canonical} if canonical else {})
    metas = (f'<meta property="{k}" content="{html.escape(v)}">' for k, v in said.items())
    data = json.dumps(_defined(site, entry, name, canonical), ensure_ascii=False)
    data = data.replace("<", r"\u003c")  # no text of a page ends the script
    parts = (
        *metas,
        f'<script type="application/ld+json">{data}</script>',
    )
    before, end, after = page.partition(_END)
    return f"{before}{chr(10).join(parts)}\n{end}{after}"


def _defined(site: Site, entry: Entry, name: str, canonical: str) -> dict[str, object]:
    assert entry.front is not None
    front, here = entry.front, site.addresses[entry.path]
    index = urljoin(canonical, site.url(here, "glossary/index.md")) if canonical else ""
    known = {"@type": "DefinedTermSet", "name": name} | ({"url": index} if index else {})
    said: dict[str, object] = {
        "@context": "https://schema.org",
        "@type": "DefinedTerm",
        "name": front.term,
        "description": front.summary,
        "alternateName": [*front.aliases, *front.code_names],
        "inDefinedTermSet": known,
    }
    return said | ({"url": canonical} if canonical else {})
