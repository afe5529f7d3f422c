"""The Markdown extensions that woven pages need: one is added, or the build says what to add.

Law: what an author's own pages need is the author's to choose; only what assay writes is looked at.
"""

from __future__ import annotations

from typing import Any

from mkdocs.exceptions import PluginError

from ..nouns import Report

NEEDED = ("attr_list", "md_in_html", "tables", "fenced_code")
"""Of headings with an id, of Markdown within HTML, of tables and of code."""
SUPERFENCES = "pymdownx.superfences"
_TABS = "pymdownx.tabbed"


def complete(config: Any, report: Report) -> None:
    """Add what is missing from MkDocs' *config*; raise where an option says what to write."""
    there = config.markdown_extensions
    stands_for = {"fenced_code"} if SUPERFENCES in there else set[str]()
    there += [name for name in NEEDED if name not in there and name not in stands_for]
    tabbed = [
        snippet.place
        for entry in report.entries
        for snippet in entry.snippets
        if (snippet.options.source or "").startswith("tabbed")
    ]
    if tabbed and _TABS not in there:
        place = tabbed[0]
        raise PluginError(
            f"assay: mkdocs.yml lacks {_TABS}, which the option source of the fence at "
            f"{place.path}:{place.line} needs; add it under markdown_extensions:"
        )
