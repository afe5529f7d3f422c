"""Where other pages speak of a page: each with the sentence that links to it.

Law: a sentence is shown as its own page shows it, and one that is quoted from elsewhere is not.
"""

from __future__ import annotations

from collections import defaultdict

from msgspec import Struct

from ..entries import sentences
from ..nouns import Entry, Link, Report
from .weave import shown


class Mention(Struct, frozen=True):
    """A page that links to another, and the sentence in which it first does."""

    entry: Entry
    sentence: str


def of(report: Report) -> dict[str, tuple[Mention, ...]]:
    """Return the mentions of each page by its path; terms alone are asked, each once."""
    texts: dict[str, dict[int, str]] = defaultdict(dict)
    for verdict in report.verdicts:
        texts[verdict.entry][verdict.claim.span.start] = shown(verdict)
    found: dict[str, dict[str, Mention]] = defaultdict(dict)
    for entry in report.entries:
        said = texts[entry.slug] | {g.span.start: g.text for g in entry.givens}
        said |= {o.span.start: o.text for o in entry.opinions}
        for link in entry.links if entry.front else ():
            is_known = entry.slug in found[link.target]
            if is_known or link.target == entry.path or _is_quoted(entry, link):
                continue
            if sentence := sentences.around(entry, link.destination.start, said):
                found[link.target][entry.slug] = Mention(entry, sentence)
    return {path: tuple(mentions.values()) for path, mentions in found.items()}


def _is_quoted(entry: Entry, link: Link) -> bool:
    at = link.destination.start
    return any(quote.span.start <= at < quote.span.end for quote in entry.quotes)
