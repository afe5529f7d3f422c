"""Pages as Markdown that stands alone, and the list of them: for readers that take no HTML.

Law: a text says no more than its page: each claim stands with its value, its state and the day.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urljoin

from ..entries import edits, sentences
from ..nouns import Entry, Span, Verdict
from .pages import Site
from .weave import shown

TEXT = "index.html.md"
"""The name of a page's text in its folder, as llms.txt has it."""
LIST = "llms.txt"


def texts(site: Site, name: str, description: str, base: str) -> dict[str, str]:
    """Return the text of each page by its path in the site, and the list of all.

    *base* is the address of the site, where it has one.
    """
    published = [e for e in site.report.entries if e.path in site.addresses]
    found = {path_of(site, site.addresses[e.path]): as_markdown(site, e) for e in published}
    return found | {LIST: _listed(site, name, description, base)}


def write(folder: Path, found: dict[str, str]) -> None:
    """Write texts beside the pages that they are of."""
    for path, text in found.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def path_of(site: Site, address: str) -> str:
    """Return the path of the text of the page *address*."""
    served = site.url("index.md", address)
    folder = "" if served in {"./", "index.html"} else served
    return posixpath.join(folder, TEXT) if served.endswith("/") else f"{served}.md"


def as_markdown(site: Site, entry: Entry) -> str:
    """Return the Markdown of a page, its claims as links to their proofs, and a table of them."""
    verdicts = site.verdicts.get(entry.slug, ())
    here = site.addresses[entry.path]
    page = posixpath.basename(path_of(site, here)).removesuffix(".md")
    changes: list[tuple[Span, str]] = [
        *((v.claim.span, f"[{shown(v)}]({page}#claim-{v.id})") for v in verdicts),
        *((g.span, _cited(site, g.text, g.key)) for g in entry.givens),
        *((o.span, f"{o.text} (an opinion: {o.owner})") for o in entry.opinions),
        *(
            (x.destination, _leads(site, here, x.target, x.fragment))
            for x in entry.links
            if not entry.text.startswith("#", x.destination.start)
        ),
        *((s.span, _code(s.language, s.shown) if s.options.source else "") for s in entry.snippets),
    ]
    inside = [change for change in changes if change[0].start >= entry.body]
    body = edits.applied(entry.text, entry.body, inside).strip()
    return "\n\n".join([*_head(entry), body, *_table(entry, verdicts)]) + "\n"


def _head(entry: Entry) -> Iterator[str]:
    if entry.front is None:
        return
    yield f"# {entry.front.term}"
    yield entry.front.summary
    if names := (*entry.front.aliases, *entry.front.code_names):
        yield f"Also: {', '.join(names)}."


def _cited(site: Site, text: str, key: str) -> str:
    citation = site.project.givens.get(key)
    return f"[{text}]({citation.source})" if citation else text


def _leads(site: Site, here: str, target: str, fragment: str) -> str:
    """Return the address of what a link leads to: of a page its text, of a file the file."""
    address = site.addresses.get(target, target)
    is_page = address.endswith(".md")
    path = path_of(site, address) if is_page else address
    start = posixpath.dirname(path_of(site, here)) or "."
    return posixpath.relpath(path, start) + (f"#{fragment}" if fragment else "")


def _code(language: str, source: str) -> str:
    marks = "`" * max(3, *(len(run) + 1 for run in re.findall(r"`+", f"`{source}")))
    return f"{marks}{language}\n{source.rstrip()}\n{marks}"


def _table(entry: Entry, verdicts: tuple[Verdict, ...]) -> Iterator[str]:
    if not verdicts:
        return
    said = sentences.of_claims(entry)
    rows = (
        f"| {_cell(said[v.claim.span.start].whole)} | {_cell(shown(v))} | "
        f"{_cell(v.computed_text or 'nothing')} | {v.status.words} | "
        f"{(v.answer.outcome.when if v.answer else '') or 'never'} |"
        for v in verdicts
    )
    yield "## Claims"
    yield "\n".join(
        ["| Sentence | Stated | Computed | State | Checked |", "|---|---|---|---|---|", *rows]
    )


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _listed(site: Site, name: str, description: str, base: str) -> str:
    at = partial(urljoin, base) if base else str
    parts = [f"# {name}", *([f"> {description}"] if description else [])]
    for category, entries in site.categories.items():
        lines = [
            f"- [{e.front.term}]({at(path_of(site, site.addresses[e.path]))}): {e.front.summary}"
            for e in entries
            if e.front
        ]
        parts += [f"## {category}", "\n".join(lines)]
    others = [e for e in site.report.entries if not e.front and e.path in site.addresses]
    lines = [f"- [{e.slug}]({at(path_of(site, site.addresses[e.path]))})" for e in others]
    parts += ["## Pages", "\n".join(lines)] if lines else []
    return "\n\n".join(parts) + "\n"
