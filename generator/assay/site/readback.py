"""What each rendered page is to show, by the report; see ``findings/rendered.py``.

Law: a page that no check has read may show what titles hold, as a list of pages does; no more.
"""

from __future__ import annotations

import unicodedata

from ..figures.names import Names
from ..findings import levels, rendered
from ..findings.rendered import Expected, Shown
from ..nouns import Entry, Place
from .pages import Site
from .weave import shown


def of_page(site: Site, entry: Entry, names: Names) -> Expected:
    """Return what the page of *entry* is to show."""
    return Expected(
        place=Place(entry.path, 1, 1),
        mark=site.mark,
        shown=tuple(
            Shown(id=v.id, status=v.status.value, text=shown(v), place=v.claim.place)
            for v in site.verdicts.get(entry.slug, ())
        ),
        figures=rendered.unbound([entry], names),
        searched=_is_searched(site, entry.path),
        printed=f"{_printed(site, entry)}\n{_typeset(entry.text)}",
    )


def of_another(site: Site, path: str) -> Expected:
    """Return what a page may show that is in no report, such as one that a plugin makes."""
    titles = [b.text for entry in site.report.entries for b in entry.blocks if b.heading]
    titles += [entry.front.term for entry in site.terms.values() if entry.front]
    return Expected(
        place=Place(path, 1, 1),
        mark=site.mark,
        printed="\n".join(titles),
        searched=_is_searched(site, f"{site.project.settings.docs}/{path}"),
    )


def _is_searched(site: Site, path: str) -> bool:
    return levels.of_page(site.project.settings.unbound, path) == "error"


def _printed(site: Site, entry: Entry) -> str:
    keys = {(entry.slug, snippet.session) for snippet in entry.snippets}
    return "\n".join(
        ran.output for key in keys & site.checks.keys() for ran in site.checks[key].outcome.snippets
    )


def _typeset(text: str) -> str:
    """Return the fractions that stand as two numbers in *text*, as a typesetter shows them."""
    fractions = {unicodedata.normalize("NFKC", one).replace("\u2044", "/"): one for one in _SIGNS}
    return " ".join(sign for written, sign in fractions.items() if written in text)


_SIGNS = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒"
