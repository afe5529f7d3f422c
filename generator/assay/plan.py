"""Entries to sessions and jobs, and every claim to the session that can answer it.

Law: a job holds code, probes and limits; never what the page states, and no line number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from .figures import conditions
from .hints import nearest
from .nouns import Claim, Condition, Entry, Finding, Job, Session, Snippet, Source

_ADDRESS = re.compile(
    r"""(?:(?P<page>[\w-]+(?:/[\w-]+)*)/)?
        (?:(?P<where>[\w-]+):)?
        (?P<probe>[^\W\d]\w*(?:\.[^\W\d]\w*|\[-?\d+\]|\[(?:'[^']*'|"[^"]*")\])*)""",
    re.VERBOSE,
)
Key = tuple[str, str]
"""A session: its page's slug and its name."""


class Ask(Struct, frozen=True):
    """A probe of a session."""

    session: Key
    probe: str


class Bound(Struct, frozen=True, kw_only=True):
    """A claim with what it asks; *problem* says why it cannot be asked."""

    entry: Entry
    claim: Claim
    condition: Condition = Condition()
    ask: Ask | None = None
    true_for: Ask | None = None
    problem: Finding | None = None


class Plan(Struct, frozen=True):
    """What is to run, and for which claims."""

    sessions: dict[Key, Session]
    claims: tuple[Bound, ...]


class _Unbound(Exception):
    def __init__(self, finding: Finding) -> None:
        self.finding = finding


def plan(entries: Sequence[Entry], timeout: float) -> Plan:
    """Plan the check of *entries*; *timeout* is the limit of a session that names none."""
    groups = {entry.slug: _groups(entry) for entry in entries}
    claims = tuple(_bind(entry, claim, groups) for entry in entries for claim in entry.claims)
    probes: dict[Key, set[str]] = {}
    for bound in claims:
        for ask in (bound.ask, bound.true_for):
            if ask is not None:
                probes.setdefault(ask.session, set()).add(ask.probe)
    sessions = {
        (slug, name): Session(
            page=slug,
            name=name,
            snippets=snippets,
            job=_job(snippets, sorted(probes.get((slug, name), ())), timeout),
        )
        for slug, group in groups.items()
        for name, snippets in group.items()
    }
    return Plan(sessions, claims)


def _groups(entry: Entry) -> dict[str, tuple[Snippet, ...]]:
    """Gather the snippets of a page by session, in order; one without a session stands alone."""
    groups: dict[str, tuple[Snippet, ...]] = {}
    for snippet in entry.snippets:
        name = snippet.session or snippet.id
        groups[name] = (*groups.get(name, ()), snippet)
    return groups


def _job(snippets: tuple[Snippet, ...], probes: Sequence[str], timeout: float) -> Job:
    limits = [float(s.options["timeout"]) for s in snippets if _is_number(s.options.get("timeout"))]
    devices = [s.options["device"] for s in snippets if "device" in s.options]
    return Job(
        sources=tuple(Source(s.code, s.raises is not None) for s in snippets),
        probes=tuple(probes),
        timeout=max(limits, default=timeout),
        device=devices[0] if devices else "cpu",
    )


def _is_number(text: str | None) -> bool:
    return text is not None and re.fullmatch(r"\d+(\.\d+)?", text) is not None


def _bind(entry: Entry, claim: Claim, groups: dict[str, dict[str, tuple[Snippet, ...]]]) -> Bound:
    try:
        try:
            condition = conditions.parse(claim.title)
        except conditions.ConditionError as error:
            raise _unbound(
                claim, "A102", f"the condition cannot be read: {error}", "correct the title"
            ) from error
        ask = _ask(entry, claim, claim.address, groups)
        other = condition.true_for and _ask(entry, claim, condition.true_for, groups)
    except _Unbound as unbound:
        return Bound(entry=entry, claim=claim, problem=unbound.finding)
    return Bound(entry=entry, claim=claim, condition=condition, ask=ask, true_for=other or None)


def _ask(
    entry: Entry, claim: Claim, address: str, groups: dict[str, dict[str, tuple[Snippet, ...]]]
) -> Ask:
    match = _ADDRESS.fullmatch(address)
    if match is None:
        hint = "write a variable or a path such as sizes.total, steps[0], states:total"
        raise _unbound(claim, "A105", f"{address!r} is no path to a value", hint)
    page = match["page"] or entry.slug
    if page not in groups:
        hint = nearest(page, groups) or "name an entry by its file, without .md"
        raise _unbound(claim, "A105", f"{page!r} is no page of this glossary", hint)
    name = _session(claim, page, match["where"], match["probe"], groups[page])
    return Ask((page, name), match["probe"])


def _session(
    claim: Claim, page: str, where: str | None, probe: str, group: dict[str, tuple[Snippet, ...]]
) -> str:
    root = re.split(r"[.\[]", probe)[0]
    if where is not None:
        for name, snippets in group.items():
            if where == name or where in {s.id for s in snippets}:
                return name
        names = [*group, *(s.id for ss in group.values() for s in ss)]
        hint = nearest(where, names) or f"snippets of {page}: {', '.join(names) or 'none'}"
        raise _unbound(claim, "A105", f"{page} has no snippet or session {where!r}", hint)
    knowing = [n for n, snippets in group.items() if any(root in s.names for s in snippets)]
    if len(knowing) > 1:
        hint = f"say which: claim:{knowing[0]}:{probe}"
        message = f"{root!r} stands in several sessions: {', '.join(knowing)}"
        raise _unbound(claim, "A106", message, hint)
    if knowing:
        return knowing[0]
    opaque = [n for n, snippets in group.items() if any(s.open_names for s in snippets)]
    if opaque:
        return opaque[0]
    known = sorted({n for snippets in group.values() for s in snippets for n in s.names})
    hint = nearest(root, known) or f"names of {page}: {', '.join(known) or 'none'}"
    raise _unbound(claim, "A105", f"no snippet of {page} knows {root!r}", hint)


def _unbound(claim: Claim, code: str, message: str, hint: str) -> _Unbound:
    return _Unbound(Finding(code=code, place=claim.place, message=message, hint=hint))
