"""``assay new``: a draft of an entry that holds as it stands."""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from ..check import read_entries
from ..hints import nearest
from ..nouns import Entry
from ..project import read
from ..settings import SettingsError
from . import options, starting

SUMMARY = "One sentence that says what it is, for indexes and search."


@click.command()
@click.argument("term")
@click.option("--category", help="One that exists, or a new one; default: the commonest.")
@options.root
def new(term: str, category: str | None, root: Path | None) -> None:
    """Draft the entry of TERM: front matter, a section, a snippet and a claim that holds."""
    with options.plain_errors():
        top = options.root_of(root)
        project = read(top)
        terms = [entry for entry in read_entries(project) if entry.front]
        name = " ".join(term.split())
        _refuse_known(name, terms)
        path = f"{project.settings.glossary}/{_slug(name)}.md"
        values = {
            "term": starting.scalar(name),
            "category": starting.scalar(category or _commonest(terms)),
            "summary": SUMMARY,
            "today": datetime.date.today().isoformat(),
        }
        if not starting.write(top / path, starting.text("draft.md", values)):
            raise SettingsError(f"{path} is there already")
        click.echo(f"wrote {path}; it holds as it stands")
        for line in _about_category(category, terms):
            click.echo(line)
        click.echo(f"now: write it, and assay check {path}")


def _refuse_known(term: str, terms: Sequence[Entry]) -> None:
    for entry in terms:
        assert entry.front is not None
        for name in (entry.front.term, *entry.front.aliases):
            if name.casefold() == term.casefold():
                raise SettingsError(f"{entry.path} has the term {name!r} already")


def _slug(term: str) -> str:
    """Return the file name of a term's entry: small letters, digits, single hyphens.

    >>> _slug("8-bit Öptimizer (Adam)")
    '8-bit-optimizer-adam'
    """
    plain = unicodedata.normalize("NFKD", term).encode("ascii", "ignore").decode().lower()
    slug = "-".join(re.findall(r"[a-z0-9]+", plain))
    if not slug:
        raise SettingsError(f"{term!r} makes no file name; write it in Latin letters or digits")
    return slug


def _commonest(terms: Sequence[Entry]) -> str:
    counts = Counter(entry.front.category for entry in terms if entry.front)
    return counts.most_common(1)[0][0] if counts else "Basics"


def _about_category(category: str | None, terms: Sequence[Entry]) -> list[str]:
    """Say which categories there are, where none was chosen or a new one nearly is one of them."""
    known = sorted({entry.front.category for entry in terms if entry.front})
    if category is None and len(known) > 1:
        return [f"categories: {', '.join(known)}"]
    if category is not None and category not in known and (hint := nearest(category, known)):
        return [f"the category {category!r} is new; {hint}"]
    return []
