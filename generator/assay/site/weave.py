"""One entry and its verdicts to the Markdown of its page.

Law: rendering never executes. What leaves here holds no executable fence, and every claim is now a
link to its proof on the same page. What contributors wrote is data to templates, never a template.
"""

from __future__ import annotations

import html
import posixpath
import re
from collections.abc import Mapping
from typing import Any

import jinja2
import markupsafe
from msgspec import Struct

from ..findings import formulas
from . import snippets
from ..figures import match
from .. import plan
from ..sessions import records
from ..nouns import Checked, Citation, Entry, Paper, Snippet, Span, Verdict

WORDS = {
    "holds": "holds",
    "fails": "fails",
    "unchecked": "could not be checked",
    "stale": "is stale",
    "unmeasured": "is not measured yet",
}
"""What the page says of each verdict."""

WORDS_FOR_MANY = {
    **WORDS,
    "holds": "hold",
    "fails": "fail",
    "stale": "are stale",
    "unmeasured": "are not measured yet",
}

SHORT = 20
"""Characters of a figure with its unit, which is not broken over two lines."""


class Row(Struct, frozen=True, kw_only=True):
    """A claim with its verdict and its anchors on the page."""

    anchor: str
    verdict: Verdict


class Proof(Struct, frozen=True, kw_only=True):
    """A session as the page shows it: its snippets, and the claims that rest on it."""

    session: str
    title: str
    checked: Checked
    rows: tuple[Row, ...]
    hidden: tuple[Snippet, ...]
    elsewhere: str = ""
    """The staged page that shows the session, if it is not this one."""

    @property
    def answers(self) -> tuple[Checked, ...]:
        """The session's run, or its record on each GPU."""
        return (self.checked, *self.checked.others)

    @property
    def renew(self) -> str:
        """The command that measures the session."""
        return records.renew(self.checked.session)


class Woven(Struct, frozen=True, kw_only=True):
    """A page's body, and what the templates put around it."""

    body: str
    rows: tuple[Row, ...]
    proofs: tuple[Proof, ...]
    cited: tuple[tuple[str, str, Citation], ...]
    """Anchor, text and citation of each given."""
    opinions: tuple[tuple[str, str, str], ...]
    """Anchor, text and owner of each opinion."""


def environment() -> jinja2.Environment:
    """Return the templates, escaping whatever they are given."""
    env = jinja2.Environment(
        loader=jinja2.PackageLoader("assay.site"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    env.filters["words"] = lambda status: WORDS[status]
    env.filters["counted"] = counted
    env.filters["worst"] = worst
    env.filters["figure"] = lambda text: markupsafe.Markup(_text(text))  # noqa: S704 - escaped there
    env.filters["condition"] = condition_words
    return env


def counted(number: int, status: str) -> str:
    """Say how many claims have a verdict.

    >>> counted(2, "holds")
    '2 claims hold'
    """
    if number == 1:
        return f"1 claim {WORDS[status]}"
    return f"{number} claims {WORDS_FOR_MANY[status]}"


def worst(counts: Mapping[str, int]) -> str:
    """Return the worst of the statuses that *counts* has some of.

    >>> worst({"holds": 2, "stale": 1, "fails": 0})
    'stale'
    """
    worse = ("fails", "unchecked", "stale", "unmeasured")
    return next((status for status in worse if counts.get(status)), "holds")


def condition_words(verdict: Verdict) -> str:
    """Say in words under which condition a claim was compared."""
    condition = verdict.condition
    if condition.refuted:
        also = f"; true for {condition.true_for}" if condition.true_for else ""
        return f"refuted: must be false{also}"
    if condition.is_true:
        return "must be true"
    if verdict.claim.title:
        return verdict.claim.title
    if isinstance(verdict.computed, str | bool):
        return "word for word"
    exact = verdict.figure is not None and match.is_exact(verdict.computed, verdict.figure)
    return "exactly" if exact else "to the stated digits"


def weave(
    entry: Entry,
    verdicts: tuple[Verdict, ...],
    checks: Mapping[plan.Key, Checked],
    citations: Mapping[str, Citation],
    staged: Mapping[str, str],
) -> Woven:
    """Weave *verdicts* into *entry*; *staged* maps source paths to staged ones, for links."""
    found = rows(verdicts)
    here = staged[entry.path]
    cited = _anchored("given", [(g.key, g.text) for g in entry.givens])
    owned = _anchored("opinion", [(o.owner, o.text) for o in entry.opinions])
    edits: list[tuple[Span, str]] = [
        *((row.verdict.claim.span, _claim(row)) for row in found),
        *(
            (g.span, _cite(a, g.text, "given"))
            for g, (a, _, _) in zip(entry.givens, cited, strict=True)
        ),
        *(
            (o.span, _cite(a, o.text, "opinion"))
            for o, (a, _, _) in zip(entry.opinions, owned, strict=True)
        ),
        *((f.span, formulas.mathml(f.latex, display=f.display)) for f in entry.formulas),
        *(
            (link.destination, _moved(link.target, link.fragment, here, staged))
            for link in entry.links
        ),
        *((s.span, _snippet(entry, s, found, checks)) for s in entry.snippets),
    ]
    return Woven(
        body=_edited(entry.text, entry.body, edits),
        rows=found,
        proofs=_proofs(entry, found, checks, staged),
        cited=_unique((a, text, citations[key]) for a, key, text in cited if key in citations),
        opinions=_unique((a, text, owner) for a, owner, text in owned),
    )


def rows(verdicts: tuple[Verdict, ...]) -> tuple[Row, ...]:
    """Name each claim after its probe, so that links to it outlive edits of the page."""
    seen: dict[str, int] = {}
    named = []
    for verdict in verdicts:
        name = _dashed(verdict.claim.address)
        seen[name] = seen.get(name, 0) + 1
        anchor = name if seen[name] == 1 else f"{name}-{seen[name]}"
        named.append(Row(anchor=anchor, verdict=verdict))
    return tuple(named)


def _anchored(kind: str, items: list[tuple[str, str]]) -> list[tuple[str, str, str]]:
    return [(f"{kind}-{_dashed(key)}", key, text) for key, text in items]


def _dashed(text: str) -> str:
    return re.sub(r"[^\w]+", "-", text).strip("-").lower()


def _unique(items: Any) -> tuple[Any, ...]:
    return tuple({item[0]: item for item in items}.values())


def _claim(row: Row) -> str:
    verdict = row.verdict
    kind = "refuted" if verdict.condition.refuted and verdict.status == "holds" else verdict.status
    said = "refuted by a run" if kind == "refuted" else WORDS[kind]
    title = f"{said[0].upper()}{said[1:]}: {_short(verdict)}"
    return (
        f'<a class="assay-claim assay-{kind}" id="claim-{row.anchor}" '
        f'href="#proof-{row.anchor}" title="{_attribute(title)}">{_text(verdict.claim.text)}</a>'
    )


def _short(verdict: Verdict) -> str:
    return f"computed {verdict.computed_text}" if verdict.computed_text else verdict.reason


def _text(text: str) -> str:
    """Return a figure as HTML that stays on one line; longer texts may break."""
    escaped = formulas.inert(text) if "|" in text else html.escape(text)
    return escaped.replace(" ", "&nbsp;") if len(text) <= SHORT else escaped


def _attribute(text: str) -> str:
    """Escape for an attribute inside of Markdown, where a pipe would split a table cell."""
    return html.escape(text).replace("|", "&#124;").replace("\n", " ")


def _cite(anchor: str, text: str, kind: str) -> str:
    return f'<a class="assay-{kind}" href="#{anchor}">{_text(text)}</a>'


def _moved(target: str, fragment: str, here: str, staged: Mapping[str, str]) -> str:
    path = posixpath.relpath(staged.get(target, target), posixpath.dirname(here) or ".")
    return f"{path}#{fragment}" if fragment else path


def _edited(text: str, start: int, edits: list[tuple[Span, str]]) -> str:
    """Apply *edits* from the last to the first, so that offsets stay true."""
    for span, new in sorted(edits, key=lambda edit: edit[0].start, reverse=True):
        line = text.rfind("\n", 0, span.start) + 1
        margin = text[line : span.start]
        if "\n" in new and margin and not margin.strip():
            new = new.replace("\n", f"\n{margin}")
        text = text[: span.start] + new + text[span.end :]
    return text[start:]


def _session_of(entry: Entry, snippet: Snippet) -> plan.Key:
    return entry.slug, snippet.session or snippet.id


def _snippet(
    entry: Entry, snippet: Snippet, rows: tuple[Row, ...], checks: Mapping[plan.Key, Checked]
) -> str:
    session = _session_of(entry, snippet)
    resting = sum((row.verdict.page, row.verdict.session) == session for row in rows)
    return snippets.snippet(snippet, checks.get(session), resting)


def _proofs(
    entry: Entry,
    rows: tuple[Row, ...],
    checks: Mapping[plan.Key, Checked],
    staged: Mapping[str, str],
) -> tuple[Proof, ...]:
    """Gather the rows by the session that they rest on, sessions in the order of the page."""
    grouped: dict[plan.Key, list[Row]] = {_session_of(entry, s): [] for s in entry.snippets}
    for row in rows:
        grouped.setdefault((row.verdict.page, row.verdict.session), []).append(row)
    return tuple(
        Proof(
            session=name,
            title=name,
            checked=checks[slug, name],
            rows=tuple(found),
            hidden=_hidden(checks[slug, name]),
            elsewhere="" if slug == entry.slug else _elsewhere(slug, staged, checks),
        )
        for (slug, name), found in grouped.items()
        if (slug, name) in checks and (found or slug == entry.slug)
    )


def _hidden(checked: Checked) -> tuple[Snippet, ...]:
    return tuple(s for s in checked.session.snippets if "source" not in s.options)


def _elsewhere(slug: str, staged: Mapping[str, str], checks: Mapping[plan.Key, Checked]) -> str:
    return next(staged[c.session.snippets[0].place.path] for k, c in checks.items() if k[0] == slug)


def papers_of(entry: Entry, papers: Mapping[str, Paper]) -> list[Paper]:
    """Return the papers that *entry* names, in its order."""
    return [papers[key] for key in (entry.front.papers if entry.front else ()) if key in papers]
