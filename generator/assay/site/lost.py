"""The page of an address that there is not: a search, and ways in.

Law: its links work from whatever address it is shown at, and without scripts; the search is one.
"""

from __future__ import annotations

import html
import re

_HEAD = re.compile(r"<h1>404[^<]*</h1>")


def with_search(page: str, base: str, index: str) -> str:
    """Return the page for lost addresses with a search in it; *base* is where the site begins.

    *index* is the address of the list of terms.
    """
    said = (
        "<h1>There is no such page</h1>\n"
        "<p>It may have been renamed. Search for it, or look through "
        f'<a href="{html.escape(index)}">all terms from A to Z</a>.</p>\n'
        f'<form class="assay-lost" action="{html.escape(base)}" method="get" role="search">'
        '<label for="assay-lost">Search</label> '
        '<input id="assay-lost" name="q" type="search"> <button>Search</button></form>'
    )
    return _HEAD.sub(lambda _: said, page, count=1)
