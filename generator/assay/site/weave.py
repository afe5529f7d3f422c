"""One entry and its verdicts to the Markdown of its page.

Law: rendering never executes. What leaves here holds no executable fence, and every claim is now a
link to its proof on the same page. What contributors wrote is data to templates, never a template.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from msgspec import Struct

from ..entries import edits
from ..findings import quotes
from ..nouns import Checked, Citation, Entry, Formula, Key, Link, Snippet, Span, Status, Verdict
from . import opening, snippets, statements
from .anchors import anchors
from .inline import OURS, inert, mathml, text_of


class Proof(Struct, frozen=True, kw_only=True):
    """A session as the page shows it: its snippets, and the claims that rest on it."""

    session: str
    checked: Checked
    verdicts: tuple[Verdict, ...]
    hidden: tuple[Snippet, ...]
    elsewhere: str = ""
    """The page that shows the session, if it is not this one."""

    @property
    def answers(self) -> tuple[Checked, ...]:
        """The session's run, or its record on each GPU."""
        return (self.checked, *self.checked.others)


class Woven(Struct, frozen=True, kw_only=True):
    """A page's body, and what the templates put around it."""

    front: str
    """The front matter as it stands in the source."""
    definition: str
    """The first paragraph of a term; empty on a page that is none."""
    equation: str
    """What follows it: the equation of a term with its legend."""
    body: str
    facts: tuple[opening.KeyFact, ...]
    proofs: tuple[Proof, ...]
    cited: tuple[tuple[str, str, Citation], ...]
    """Anchor, text and citation of each given."""
    opinions: tuple[tuple[str, str, str], ...]
    """Anchor, text and owner of each opinion."""


def weave(
    entry: Entry,
    verdicts: tuple[Verdict, ...],
    checks: Mapping[Key, Checked],
    citations: Mapping[str, Citation],
    addresses: Mapping[str, str],
) -> Woven:
    """Weave *verdicts* into *entry*; *addresses* maps source paths to pages, for links."""
    here = addresses[entry.path]
    sources = anchors("given", (given.key for given in entry.givens))
    owners = anchors("opinion", (f"{o.owner} {o.text}" for o in entry.opinions))
    cited = [(sources[given.key], given) for given in entry.givens]
    resting = _resting(entry, verdicts)
    owned = [(owners[f"{o.owner} {o.text}"], o) for o in entry.opinions]
    moving = [link for link in entry.links if not _stays(entry, link)]
    cuts = opening.cuts(entry) if entry.front else (entry.body, entry.body)
    changes: list[tuple[Span, str]] = [
        *((verdict.claim.span, _claim(verdict)) for verdict in verdicts),
        *((given.span, _cite(anchor, given.text, "given")) for anchor, given in cited),
        *((opinion.span, _cite(anchor, opinion.text, "opinion")) for anchor, opinion in owned),
        *((f.span, _formula(entry, f, cuts)) for f in entry.formulas),
        *((x.destination, _moved(x.target, x.fragment, here, addresses)) for x in moving),
        *((s.span, _snippet(entry, s, resting[s.id], checks, here)) for s in entry.snippets),
        *(
            (Span(one.quote.span.end, one.quote.span.end), statements.note(one))
            for one in quotes.of(entry, verdicts)
            if one.quote.place.column == 1  # one that is indented belongs to something else
        ),
    ]
    definition, equation, body = _stretches(entry, cuts, changes)
    return Woven(
        front=entry.text[: entry.body],
        definition=definition,
        equation=equation,
        body=body,
        facts=opening.facts(entry, changes),
        proofs=_proofs(entry, verdicts, checks, addresses),
        cited=_each_once((a, g.text, citations[g.key]) for a, g in cited if g.key in citations),
        opinions=_each_once((anchor, o.text, o.owner) for anchor, o in owned),
    )


def _formula(entry: Entry, formula: Formula, cuts: tuple[int, int]) -> str:
    """Return a formula as MathML; that of the term itself stands out."""
    is_lead = formula.display and cuts[0] <= formula.span.start < cuts[1]
    kind = "assay-math assay-equation" if is_lead else "assay-math"
    return mathml(formula.latex, display=formula.display, kind=kind)


def _stretches(
    entry: Entry, cuts: tuple[int, int], changes: list[tuple[Span, str]]
) -> Iterator[str]:
    """Yield what becomes of the page's text before, between and behind *cuts*."""
    for start, end in pairwise((entry.body, *cuts, len(entry.text))):
        last = end == len(entry.text)
        inside = [change for change in changes if start <= change[0].start < end + last]
        yield edits.applied(entry.text[:end], start, inside)


def _each_once(items: Iterable[Any]) -> tuple[Any, ...]:
    return tuple({item[0]: item for item in items}.values())


def _claim(verdict: Verdict) -> str:
    said = verdict.status.words
    title = f"{said[0].upper()}{said[1:]}: {_short(verdict)}"
    return (
        f'<a {OURS} class="assay-claim assay-{verdict.status.value}" id="claim-{verdict.id}" '
        f'href="#proof-{verdict.id}" title="{_attribute(title)}">{text_of(shown(verdict))}</a>'
    )


def shown(verdict: Verdict) -> str:
    """Return what a claim says; of one that was not measured nothing is known, so nothing is."""
    awaited = verdict.status is Status.UNMEASURED
    return verdict.status.words if awaited else verdict.claim.text


def _short(verdict: Verdict) -> str:
    return f"computed {verdict.computed_text}" if verdict.computed_text else verdict.reason


def _attribute(text: str) -> str:
    """Escape for an attribute inside of Markdown, where nothing may be read as markup."""
    return inert(text.replace("\n", " "))


def _cite(anchor: str, text: str, kind: str) -> str:
    return f'<a {OURS} class="assay-{kind}" href="#{anchor}">{text_of(text)}</a>'


def _stays(entry: Entry, link: Link) -> bool:
    """Whether a link leads to a place of its own page."""
    return entry.text.startswith("#", link.destination.start)


def _moved(target: str, fragment: str, here: str, addresses: Mapping[str, str]) -> str:
    path = posixpath.relpath(addresses.get(target, target), posixpath.dirname(here) or ".")
    return f"{path}#{fragment}" if fragment else path


def _snippet(
    entry: Entry, snippet: Snippet, resting: int, checks: Mapping[Key, Checked], here: str
) -> str:
    checked = checks.get((entry.slug, snippet.session))
    return snippets.snippet(snippet, checked, resting, "../" * here.count("/"))


def _resting(entry: Entry, verdicts: tuple[Verdict, ...]) -> Counter[str]:
    """Count the claims by the snippet that they rest on: the last that binds the name.

    Where none is seen to, that is the last of the session.
    """
    binding = {(s.session, name): s.id for s in entry.snippets for name in s.names}
    last = {s.session: s.id for s in entry.snippets}
    return Counter(
        binding.get((session, re.split(r"[.\[]", verdict.probe)[0]), last[session])
        for verdict in verdicts
        for page, session in [verdict.session]
        if page == entry.slug and session in last
    )


def _proofs(
    entry: Entry,
    verdicts: tuple[Verdict, ...],
    checks: Mapping[Key, Checked],
    addresses: Mapping[str, str],
) -> tuple[Proof, ...]:
    """Gather the verdicts by the session that they rest on, sessions in the order of the page."""
    grouped: dict[Key, list[Verdict]] = {(entry.slug, s.session): [] for s in entry.snippets}
    for verdict in verdicts:
        grouped.setdefault(verdict.session, []).append(verdict)
    shown = ((key, _hidden(key, checks), found) for key, found in grouped.items())
    return tuple(
        Proof(
            session=key[1],
            checked=checks[key],
            verdicts=tuple(found),
            hidden=hidden,
            elsewhere="" if key[0] == entry.slug else _page_of(checks[key], addresses),
        )
        for key, hidden, found in shown
        if key in checks and (found or hidden)
    )


def _hidden(key: Key, checks: Mapping[Key, Checked]) -> tuple[Snippet, ...]:
    """Return the snippets of a session that its page does not show."""
    snippets = checks[key].session.snippets if key in checks else ()
    return tuple(snippet for snippet in snippets if snippet.options.source is None)


def _page_of(checked: Checked, addresses: Mapping[str, str]) -> str:
    return addresses[checked.session.snippets[0].place.path]
