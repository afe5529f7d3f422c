"""Entries to sessions and jobs, and every claim to the session that can answer it.

Law: a job holds code, probes and limits; never what the page states, and no line number. What is
asked of a session does not depend on the scope of a check, so that its kept result serves all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from msgspec import Struct

from . import ids, results
from .entries import unrun
from .figures import conditions
from .hints import nearest
from .nouns import (
    Claim,
    Command,
    Condition,
    Device,
    Entry,
    Finding,
    Job,
    Key,
    Session,
    Snippet,
    Source,
)

_ADDRESS = re.compile(
    r"""(?:(?P<page>[\w-]+(?:/[\w-]+)*)/)?
        (?:(?P<where>[\w-]+):)?
        (?P<probe>[^\W\d]\w*(?:\.[^\W\d]\w*|\[-?\d+\]|\[(?:'[^']*'|"[^"]*")\])*)""",
    re.VERBOSE,
)

Groups = Mapping[str, dict[str, tuple[Snippet, ...]]]
"""The snippets of each page (by slug) by their session, in the order of the page.

Those that nobody wrote come in as claims ask for them.
"""
Commands = Mapping[str, Command]


class Scope(Struct, frozen=True, kw_only=True):
    """What a check is about; the default is everything."""

    pages: frozenset[str] | None = None
    """Paths of pages; None means all of them, and an empty set means none."""
    device: Device | None = None
    """Only the sessions of this device and what is claimed of them."""
    require_records: bool = False
    """Whether a claim without a good record is an error."""

    def has(self, path: str) -> bool:
        """Whether the page at *path* is looked at."""
        return self.pages is None or path in self.pages

    def runs_on(self, device: Device) -> bool:
        """Whether sessions of *device* are looked at."""
        return self.device in {None, device}


class Ask(Struct, frozen=True):
    """A probe of a session."""

    session: Key
    probe: str


class Bound(Struct, frozen=True, kw_only=True):
    """A claim that can be asked: of which session, and under which condition it holds."""

    entry: Entry
    claim: Claim
    id: str
    condition: Condition
    ask: Ask
    other: Ask | None = None

    @property
    def asks(self) -> tuple[Ask, ...]:
        """All that it asks: its own value, and that for which it would be otherwise."""
        return (self.ask, self.other) if self.other else (self.ask,)


class Unaskable(Struct, frozen=True, kw_only=True):
    """A claim that no session can answer, and why."""

    entry: Entry
    claim: Claim
    id: str
    problem: Finding


class Plan(Struct, frozen=True):
    """What there is, and what of it a check is about."""

    sessions: dict[Key, Session]
    """Every session of the project."""
    wanted: dict[Key, Session]
    """Those that the scope needs: of its pages, and those that its claims ask."""
    claims: tuple[Bound | Unaskable, ...]
    """The claims of the scope."""


def plan(
    entries: Sequence[Entry],
    timeout: float,
    scope: Scope = Scope(),  # noqa: B008 - frozen
    commands: Commands = MappingProxyType({}),
) -> Plan:
    """Plan the check of *entries*; *timeout* is the limit of a session that names none."""
    groups = {entry.slug: sessions_of(entry) for entry in entries}
    claims = [claim for entry in entries for claim in _claims(entry, groups, commands)]
    sessions = _sessions(entries, groups, _probes(claims), timeout)
    chosen = [c for c in claims if scope.has(c.entry.path) and _is_on(c, sessions, scope)]
    asked = {ask.session for claim in chosen for ask in _asks(claim)}
    pages = {entry.slug for entry in entries if scope.has(entry.path)}
    wanted = {
        key: session
        for key, session in sessions.items()
        if (session.page in pages or key in asked) and scope.runs_on(session.job.device)
    }
    return Plan(sessions, wanted, tuple(chosen))


def sessions_of(entry: Entry) -> dict[str, tuple[Snippet, ...]]:
    """Gather the snippets of a page by session, in order."""
    groups: dict[str, list[Snippet]] = {}
    for snippet in entry.snippets:
        groups.setdefault(snippet.session, []).append(snippet)
    return {name: tuple(snippets) for name, snippets in groups.items()}


class _CannotAsk(Exception):
    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code, self.hint = code, hint


def _sessions(
    entries: Sequence[Entry], groups: Groups, probes: Mapping[Key, set[str]], timeout: float
) -> dict[Key, Session]:
    return {
        (entry.slug, name): Session(
            page=entry.slug,
            name=name,
            snippets=snippets,
            job=_job(snippets, sorted(probes.get((entry.slug, name), ())), timeout),
        )
        for entry in entries
        for name, snippets in groups[entry.slug].items()
    }


def _job(snippets: tuple[Snippet, ...], probes: Sequence[str], timeout: float) -> Job:
    limits = [s.options.timeout for s in snippets if s.options.timeout is not None]
    devices = [s.options.device for s in snippets if s.options.device is not None]
    return Job(
        sources=tuple(Source(s.code, s.options.raises is not None) for s in snippets),
        probes=tuple(probes),
        timeout=max(limits, default=timeout),
        device=devices[0] if devices else Device.CPU,
        figures=tuple(n for n, snippet in enumerate(snippets) if snippet.options.figure),
    )


def _probes(claims: Iterable[Bound | Unaskable]) -> dict[Key, set[str]]:
    probes: dict[Key, set[str]] = {}
    for claim in claims:
        for ask in _asks(claim):
            probes.setdefault(ask.session, set()).add(ask.probe)
    return probes


def _asks(claim: Bound | Unaskable) -> tuple[Ask, ...]:
    return claim.asks if isinstance(claim, Bound) else ()


def _is_on(claim: Bound | Unaskable, sessions: Mapping[Key, Session], scope: Scope) -> bool:
    """Whether the sessions that a claim asks are all of the scope's device."""
    devices = {sessions[ask.session].job.device for ask in _asks(claim)}
    return scope.device is None or devices == {scope.device}


def _claims(entry: Entry, groups: Groups, commands: Commands) -> Iterator[Bound | Unaskable]:
    known = ids.of_claims(entry.claims)
    for claim, own in zip(entry.claims, known, strict=True):
        try:
            yield _bind(entry, claim, own.name, _Asking(groups, commands))
        except _CannotAsk as error:
            problem = Finding(
                code=error.code,
                place=claim.place,
                end=claim.end,
                message=str(error),
                hint=error.hint,
            )
            yield Unaskable(entry=entry, claim=claim, id=own.name, problem=problem)


def _bind(entry: Entry, claim: Claim, name: str, asking: _Asking) -> Bound:
    try:
        condition = conditions.parse(claim.title)
    except conditions.ConditionError as error:
        message = f"the condition cannot be read: {error}"
        raise _CannotAsk("A102", message, "correct the title") from error
    other = condition.true_for or condition.false_for
    return Bound(
        entry=entry,
        claim=claim,
        id=name,
        condition=condition,
        ask=_ask(entry, claim, claim.address, asking),
        other=_ask(entry, claim, other, asking) if other else None,
    )


class _Asking(Struct, frozen=True):
    """What can be asked."""

    groups: Groups
    commands: Commands


def _ask(entry: Entry, claim: Claim, address: str, asking: _Asking) -> Ask:
    groups = asking.groups
    try:
        found = results.asked(address, asking.commands)
    except results.ResultError as error:
        raise _CannotAsk("A105", str(error), error.hint) from error
    if found is not None:
        groups[entry.slug].setdefault(found.name, (results.snippet(found, claim),))
        return Ask((entry.slug, found.name), found.probe)
    match = _ADDRESS.fullmatch(address)
    if match is None:
        hint = next((h for sign, h in _PATHS.items() if re.search(sign, address)), _PATH)
        raise _CannotAsk("A105", f"{address!r} is no path to a value", hint)
    page = match["page"] or entry.slug
    if page not in groups:
        hint = nearest(page, groups) or "name an entry by its file, without .md"
        raise _CannotAsk("A105", f"{page!r} is no page of this glossary", hint)
    where, probe = match["where"], match["probe"]
    try:
        name = _named(page, where, groups[page]) if where else _knowing(page, probe, groups[page])
    except _CannotAsk as error:
        row = 0 if where or match["page"] else unrun.binding(entry.text, _root(probe))
        if not row:
            raise
        hint = f'the fence at line {row} binds it, and does not run: write exec="on" behind python'
        raise _CannotAsk(error.code, str(error), hint) from error
    return Ask((page, name), probe)


_PATH = "write a variable or a path such as sizes.total, steps[0], states:total"
_PATHS = {
    r"\(": "bind what the call returns to a name in the code, and claim that name",
    r"\[[^'\"\]]*[^\d'\"\]-]": "a key is a whole number or a text in quotes: "
    "steps[0], sizes['total']",
}
"""Signs in an address of what it cannot say, and what to write instead."""


def _root(probe: str) -> str:
    return re.split(r"[.\[]", probe)[0]


def _named(page: str, where: str, group: Mapping[str, tuple[Snippet, ...]]) -> str:
    """Return the session that is named *where*, or holds the snippet of that id."""
    for name, snippets in group.items():
        if where == name or where in {s.id for s in snippets}:
            return name
    names = [*group, *(s.id for snippets in group.values() for s in snippets)]
    hint = nearest(where, names) or f"snippets of {page}: {', '.join(names) or 'none'}"
    raise _CannotAsk("A105", f"{page} has no snippet or session {where!r}", hint)


def _knowing(page: str, probe: str, group: Mapping[str, tuple[Snippet, ...]]) -> str:
    """Return the one session that binds the name that *probe* begins with."""
    root = _root(probe)
    knowing = [n for n, snippets in group.items() if any(root in s.names for s in snippets)]
    opaque = [n for n, snippets in group.items() if any(s.open_names for s in snippets)]
    if len(knowing) > 1:
        hint = f"say which: claim:{knowing[0]}:{probe}"
        message = f"{root!r} stands in several sessions: {', '.join(knowing)}"
        raise _CannotAsk("A106", message, hint)
    if knowing or opaque:
        return (knowing or opaque)[0]
    known = sorted({n for snippets in group.values() for s in snippets for n in s.names})
    hint = nearest(root, known) or f"names of {page}: {', '.join(known) or 'none'}"
    raise _CannotAsk("A105", f"no snippet of {page} knows {root!r}", hint)
