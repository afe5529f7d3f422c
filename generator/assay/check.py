"""The check: the whole flow on one page.

    text --parse--> Entry --plan--> Job --run--> Outcome --compare--> Verdict --> report, stage

Law: what runs sessions is an argument; nothing here knows how a session is run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from typing import Protocol

from msgspec.structs import replace

from .entries import parse
from .figures.names import Names, of_project
from .findings import compare, endings, formulas, prose, structure
from .nouns import Checked, Entry, Failure, Finding, Outcome, Place, Report, Session
from .plan import Key, Plan, plan
from .project import Project
from .sessions import records
from .sessions.runner import Runner
from .sessions.store import Store


class Watch(Protocol):
    """What wants to know how a check goes on."""

    def begin(self, total: int) -> None:
        """*total* sessions are to run."""

    def start(self, session: Session) -> None:
        """*session* starts."""

    def end(self, session: Session, seconds: float) -> None:
        """*session* has ended."""


def check(
    project: Project,
    run: Runner,
    store: Store | None,
    watch: Watch,
    only: Collection[str] = (),
    *,
    device: str = "cpu",
    require_records: bool = False,
) -> Report:
    """Check *project*, or just the pages whose paths are in *only*.

    Sessions of *device* run here beside those of the CPU; records answer for those of any other.
    With *require_records*, a claim without a good record is an error.
    """
    began = time.monotonic()
    entries = read_entries(project)
    planned = plan(entries, project.settings.timeout)
    chosen = [entry for entry in entries if not only or entry.path in only]
    pages = {entry.slug for entry in chosen}
    wanted = _wanted(planned, pages)
    known = _known(wanted, project, store, {"cpu", device})
    asked = {key: session for key, session in wanted.items() if key not in known}
    checks = known | _run(asked, run, watch, partial(_keep, store))
    names = names_of(project)
    judged = [
        compare.judge(bound, checks, names) for bound in planned.claims if bound.entry.slug in pages
    ]
    unbound = [prose.check(entry, names) for entry in chosen]
    between = structure.check(entries, project.papers, files_of(project), project.settings.words)
    findings = [
        *(f for f in (*project.findings, *between) if not only or f.place.path in only),
        *(finding for entry in chosen for finding in entry.findings),
        *(finding for entry in chosen for finding in formulas.check(entry)),
        *(finding for found, _ in unbound for finding in found),
        *_cited(chosen, project),
        *(f for c in checks.values() for f in _ended(c, pages)),
        *(finding for _, finding in judged if finding is not None),
        *(f for f in _orphans(project, planned) if not only),
    ]
    return Report(
        entries=tuple(entries),
        verdicts=tuple(verdict for verdict, _ in judged),
        checked=tuple(checks.values()),
        findings=_listed(findings, require_records=require_records),
        exemptions=prose.exemptions(names, [kept for _, kept in unbound]),
        seconds=time.monotonic() - began,
    )


def measure(
    project: Project,
    run: Runner,
    keep: Callable[[Checked], object],
    watch: Watch,
    device: str,
    only: Collection[str] = (),
) -> Report:
    """Run the sessions of *device* alone, and compare what the pages state with this run.

    *keep* is given each session that ran to its end, as soon as it has.
    """
    began = time.monotonic()
    entries = read_entries(project)
    planned = plan(entries, project.settings.timeout)
    chosen = [entry for entry in entries if not only or entry.path in only]
    wanted = {
        key: session
        for key, session in _wanted(planned, {entry.slug for entry in chosen}).items()
        if session.job.device == device and not session.is_broken
    }
    checks = _run(
        wanted, run, watch, lambda checked: keep(checked) if endings.has_answer(checked) else None
    )
    judged = [
        compare.judge(bound, checks, names_of(project))
        for bound in planned.claims
        if {ask.session for ask in (bound.ask, bound.true_for) if ask} <= checks.keys()
        and bound.ask
    ]
    findings = [
        *(finding for entry in chosen for finding in entry.findings),
        *(f for c in checks.values() for f in endings.findings(c.session, c.outcome)),
        *(finding for _, finding in judged if finding is not None),
    ]
    return Report(
        entries=tuple(entries),
        verdicts=tuple(verdict for verdict, _ in judged),
        checked=tuple(checks.values()),
        findings=_listed(findings),
        exemptions=(),
        seconds=time.monotonic() - began,
    )


def _listed(findings: Iterable[Finding], *, require_records: bool = False) -> tuple[Finding, ...]:
    """Return *findings* in the order of their places, each once."""
    strict = {"A110", "A111"} if require_records else {}
    raised = (replace(f, severity="error") if f.code in strict else f for f in findings)
    return tuple(sorted(dict.fromkeys(raised), key=lambda f: (f.place, f.code)))


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


def names_of(project: Project) -> Names:
    """Return the patterns of names that may hold a number: built in, then of the settings."""
    found = project.settings
    return of_project(((n.pattern, n.reason) for n in found.names), found.units)


def files_of(project: Project) -> list[str]:
    """Return the paths that a link of a page may go to."""
    root = project.root
    folders = (project.settings.glossary, project.settings.docs)
    return [p.relative_to(root).as_posix() for f in folders for p in (root / f).rglob("*")]


def _wanted(planned: Plan, pages: Collection[str]) -> dict[Key, Session]:
    """Return the sessions that the claims and snippets of the chosen pages need."""
    asked = {
        ask.session
        for bound in planned.claims
        if bound.entry.slug in pages
        for ask in (bound.ask, bound.true_for)
        if ask is not None
    }
    return {k: s for k, s in planned.sessions.items() if s.page in pages or k in asked}


def _known(
    wanted: dict[Key, Session], project: Project, store: Store | None, here: Collection[str]
) -> dict[Key, Checked]:
    """Return what need not run: results of the store, records of devices that are not here."""
    recorded = project.records.values()
    found: dict[Key, Checked] = {}
    for key, session in wanted.items():
        if session.is_broken:
            found[key] = Checked(session=session, outcome=Outcome())
        elif session.job.device not in here:
            found[key] = records.answer(session, recorded, project.sources.digest)
        elif store and session.job.device == "cpu" and (outcome := store.find(session.job)):
            found[key] = Checked(session=session, outcome=outcome, reused=True)
    return found


def _run(
    wanted: dict[Key, Session], run: Runner, watch: Watch, keep: Callable[[Checked], object]
) -> dict[Key, Checked]:
    """Run all that is *wanted*; what never comes back is lost, and passes for nothing."""
    lost = Failure(kind="lost", text="no answer came from it")
    found = {k: Checked(session=s, outcome=Outcome(failure=lost)) for k, s in wanted.items()}
    if not wanted:
        return found
    watch.begin(len(wanted))
    keys = list(wanted)
    jobs = ((n, wanted[key].job) for n, key in enumerate(keys))
    for number, outcome in run(jobs, lambda n: watch.start(wanted[keys[n]])):
        session = wanted[keys[number]]
        watch.end(session, outcome.seconds)
        found[keys[number]] = checked = Checked(session=session, outcome=outcome)
        keep(checked)
    return found


def _keep(store: Store | None, checked: Checked) -> None:
    """Keep a success in *store*; a GPU's results are kept as records alone."""
    job = checked.session.job
    if store is not None and job.device == "cpu" and endings.is_success(checked):
        store.keep(job, checked.outcome)


def _ended(checked: Checked, pages: Collection[str]) -> Iterator[Finding]:
    """Yield what went wrong in a session of the chosen pages; a stale record says nothing of it."""
    for one in (checked, *checked.others):
        if one.session.page in pages and not one.changed:
            yield from endings.findings(one.session, one.outcome)


def _orphans(project: Project, planned: Plan) -> Iterator[Finding]:
    devices = {key: session.job.device for key, session in planned.sessions.items()}
    for path, record in project.records.items():
        if devices.get((record.page, record.session)) != record.device:
            message = f"no session {record.session!r} of {record.page} asks for {record.device}"
            hint = "remove the file, or measure the session under its new name"
            yield Finding(
                code="A112", place=Place(path), message=message, hint=hint, severity="warning"
            )


def _cited(entries: Iterable[Entry], project: Project) -> Iterator[Finding]:
    for entry in entries:
        yield from compare.opinions(entry)
        for given in entry.givens:
            finding = compare.given_finding(given, project.givens, names_of(project))
            if finding is not None:
                yield finding
