"""The check: the whole flow on one page.

    text --parse--> Entry --plan--> Job --run--> Outcome --compare--> Verdict --> report, stage

Law: what runs sessions is an argument; nothing here knows how a session is run.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator
from typing import Protocol

from . import compare, endings, formulas, parse, prose, structure
from .nouns import Checked, Entry, Finding, Outcome, Report, Session
from .plan import Key, Plan, plan
from .project import Project
from .run import Runner
from .store import Store


class Watch(Protocol):
    """What wants to know how a check goes on."""

    def begin(self, total: int) -> None:
        """*total* sessions are to run."""

    def start(self, session: Session) -> None:
        """*session* starts."""

    def end(self, session: Session, seconds: float) -> None:
        """*session* has ended."""


def check(
    project: Project, run: Runner, store: Store | None, watch: Watch, only: Collection[str] = ()
) -> Report:
    """Check *project*, or just the pages whose paths are in *only*."""
    began = time.monotonic()
    entries = read_entries(project)
    planned = plan(entries, project.settings.timeout)
    wanted = _wanted(planned, entries, only)
    reused = _reused(wanted, store)
    checks = reused | dict(_run(wanted, reused, run, store, watch))
    names = names_of(project)
    judged = [
        compare.verdict(bound, checks, names)
        for bound in planned.claims
        if not only or bound.entry.path in only
    ]
    unbound = [prose.check(entry, names) for entry in entries]
    findings = [
        *project.findings,
        *(finding for entry in entries for finding in entry.findings),
        *structure.check(entries, project.papers, files_of(project), project.settings.words),
        *(finding for entry in entries for finding in formulas.check(entry)),
        *(finding for found, _ in unbound for finding in found),
        *_cited(entries, project),
        *(f for c in checks.values() for f in endings.findings(c.session, c.outcome)),
        *(finding for _, finding in judged if finding is not None),
    ]
    return Report(
        entries=tuple(entries),
        verdicts=tuple(verdict for verdict, _ in judged),
        checked=tuple(checks[key] for key in wanted if key in checks),
        findings=tuple(sorted(_within(findings, only), key=lambda f: (f.place, f.code))),
        exemptions=prose.exemptions(names, [kept for _, kept in unbound]),
        seconds=time.monotonic() - began,
    )


def read_entries(project: Project) -> list[Entry]:
    """Parse every page of *project*."""
    return [
        parse.parse(
            page.path,
            page.slug,
            page.text,
            project.snippets,
            term=page.term,
            snippets=project.settings.snippets,
        )
        for page in project.pages
    ]


def names_of(project: Project) -> prose.Names:
    """Return the patterns of names that may hold a number: built in, then of the settings."""
    return (*prose.BUILT_IN, *((n.pattern, n.reason) for n in project.settings.names))


def files_of(project: Project) -> list[str]:
    """Return the paths that a link of a page may go to."""
    root = project.root
    folders = (project.settings.glossary, project.settings.docs)
    return [p.relative_to(root).as_posix() for f in folders for p in (root / f).rglob("*")]


def _wanted(planned: Plan, entries: list[Entry], only: Collection[str]) -> dict[Key, Session]:
    """Return the sessions that the claims and snippets of the chosen pages need."""
    if not only:
        return planned.sessions
    pages = {entry.slug for entry in entries if entry.path in only}
    asked = {
        ask.session
        for bound in planned.claims
        if bound.entry.slug in pages
        for ask in (bound.ask, bound.true_for)
        if ask is not None
    }
    return {k: s for k, s in planned.sessions.items() if s.page in pages or k in asked}


def _reused(wanted: dict[Key, Session], store: Store | None) -> dict[Key, Checked]:
    found = {key: store.find(session.job) for key, session in wanted.items()} if store else {}
    return {k: Checked(session=wanted[k], outcome=o, reused=True) for k, o in found.items() if o}


def _run(
    wanted: dict[Key, Session],
    reused: Collection[Key],
    run: Runner,
    store: Store | None,
    watch: Watch,
) -> Iterator[tuple[Key, Checked]]:
    keys = [k for k, s in wanted.items() if k not in reused and _runs_here(s)]
    for key in wanted.keys() - set(keys) - set(reused):
        yield key, Checked(session=wanted[key], outcome=Outcome(), reused=False)
    if not keys:
        return
    watch.begin(len(keys))
    jobs = ((n, wanted[key].job) for n, key in enumerate(keys))
    for number, outcome in run(jobs, lambda n: watch.start(wanted[keys[n]])):
        session = wanted[keys[number]]
        watch.end(session, outcome.seconds)
        checked = Checked(session=session, outcome=outcome, reused=False)
        if store is not None and endings.is_success(checked):
            store.keep(session.job, outcome)
        yield keys[number], checked


def _runs_here(session: Session) -> bool:
    return session.job.device == "cpu" and not any(s.broken for s in session.snippets)


def _cited(entries: Iterable[Entry], project: Project) -> Iterator[Finding]:
    for entry in entries:
        yield from compare.opinions(entry)
        for given in entry.givens:
            finding = compare.given_finding(given, project.givens)
            if finding is not None:
                yield finding


def _within(findings: Iterable[Finding], only: Collection[str]) -> list[Finding]:
    return [f for f in findings if not only or f.place.path in only]
