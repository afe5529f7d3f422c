"""The check: the whole flow on one page.

    text --parse--> Entry --plan--> Job --run--> Outcome --compare--> Verdict --> reports, site

Law: what runs sessions is an argument; nothing here knows how a session is run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, TypedDict, Unpack

from msgspec.structs import replace

from . import progress
from .answers import Answers, Kept
from .entries import parse
from .figures.names import Names
from .findings import (
    citations,
    compare,
    fault,
    formulas,
    hidden,
    levels,
    prose,
    quotes,
    repeats,
    rules,
)
from .nouns import (
    Checked,
    Device,
    Entry,
    Failure,
    Finding,
    Key,
    Kind,
    Outcome,
    Report,
    Session,
)
from .plan import Scope, plan
from .project import Page, Project, read, setup_of, store_of
from .sessions import twice
from .sessions.runner import Fresh, Runner, Setup, by_device, default_runner, gpu_here
from .settings import Settings

EVERYTHING = Scope()
DEFAULTS = Settings()


class Watch(Protocol):
    """What wants to know how a check goes on."""

    def begin(self, total: int) -> None:
        """*total* sessions are to run."""

    def start(self, session: Session) -> None:
        """*session* starts."""

    def end(self, session: Session, seconds: float) -> None:
        """*session* has ended."""


def check(project: Project, scope: Scope, answers: Answers, run: Runner, watch: Watch) -> Report:
    """Check the pages of *project* that are in *scope*; *run* runs what *answers* does not know."""
    began, settings = time.monotonic(), project.settings
    names = prose.names_of(settings)
    entries = read_entries(project)
    planned = plan(entries, settings.timeout, scope, settings.commands)
    checks = ask(planned.wanted, answers, run, watch)
    verdicts = compare.verdicts(planned.claims, checks, names)
    unbound = [_unbound(project, entry, names) for entry in entries if scope.has(entry.path)]
    facts = rules.Facts(project, scope, entries, planned, checks, verdicts, unbound)
    return Report(
        entries=entries,
        verdicts=verdicts,
        checked=tuple(checks.values()),
        findings=rules.found(facts),
        exemptions=(*prose.exemptions(names, unbound), *levels.exemptions(unbound)),
        seconds=time.monotonic() - began,
    )


def _unbound(project: Project, entry: Entry, names: Names) -> prose.Unbound:
    level = levels.of_page(project.settings.unbound, entry.path)
    known = project.baseline.get(entry.path, {})
    try:
        return levels.weighed(prose.check(entry, names), level, known)
    except Exception as error:  # noqa: BLE001 - whatever a page holds, the others are searched
        return prose.Unbound((fault.found(entry.path, error),), {})


def check_root(root: Path, scope: Scope = EVERYTHING, **how: Unpack[How]) -> tuple[Project, Report]:
    """Read the project at *root* and check it; see :func:`check_project`."""
    project = read(root.resolve(), scope.pages or ())
    return project, check_project(project, scope, **how)


class How(TypedDict, total=False):
    """With what a project is checked; every part has a default."""

    runner: Runner
    """What runs sessions; by default the fastest that this machine has."""
    jobs: int | None
    """Sessions at a time; by default one a core."""
    keep: bool
    """Whether results are reused and kept; by default they are."""
    here: Device
    """The device whose sessions run here, instead of asking records; by default the CPU."""
    twice: bool
    """Whether each session runs again, by a worker of its own; by default not."""
    watch: Watch
    """What is told how it goes on; by default nothing."""


def check_project(project: Project, scope: Scope = EVERYTHING, **how: Unpack[How]) -> Report:
    """Check *project* with its own settings, and as *how* says.

    Raises :class:`SettingsError` and :class:`WorkerError` where sessions cannot be run.
    """
    setup, here = setup_of(project.root, project.settings), how.get("here", Device.CPU)
    if here is not Device.CPU:
        gpu_here(setup, here)
    answers = Kept(project, store_of(project) if how.get("keep", True) else None, here)
    watch = how.get("watch") or progress.Silent()
    runner = how.get("runner")
    if runner is not None:
        return check(project, scope, answers, runner, watch)
    jobs = how.get("jobs") or os.cpu_count() or 1
    report = _run_by(setup, jobs, lambda run: check(project, scope, answers, run, watch))
    if not how.get("twice"):
        return report
    anew = Kept(project, None, here)
    second = _run_by(
        twice.another(setup),
        jobs,
        lambda run: check(project, scope, anew, twice.backwards(run), watch),
    )
    for session in repeats.differing(report, second):
        answers.forget(session)
    return repeats.told(report, second)


def _run_by(setup: Setup, jobs: int, checked: Callable[[Runner], Report]) -> Report:
    own = default_runner(setup, jobs)
    try:
        return checked(by_device(own, Fresh(setup, 1)))  # a GPU is measured by one at a time
    finally:
        own.close()


def read_entries(project: Project) -> tuple[Entry, ...]:
    """Parse every page of *project*."""
    kinds = project.settings.output
    return tuple(_printing(_parsed(page, project), kinds) for page in project.pages)


def _parsed(page: Page, project: Project) -> Entry:
    """Parse a page; one on which the parser fails says so, and nothing else."""
    folder, files = project.settings.snippets, project.snippets
    try:
        return parse.parse(page.path, page.slug, page.text, files, term=page.term, snippets=folder)
    except Exception as error:  # noqa: BLE001 - whatever a page holds, the others are read
        problem = fault.found(page.path, error)
        return Entry(path=page.path, slug=page.slug, text=page.text, body=0, findings=(problem,))


def _printing(entry: Entry, kinds: Mapping[str, Kind]) -> Entry:
    """Return *entry* with the kind of output of its folder, where a fence says nothing of it."""
    folders = [folder for folder in kinds if entry.path.startswith(f"{folder.rstrip('/')}/")]
    if not folders:
        return entry
    kind = kinds[max(folders, key=len)]
    return replace(entry, snippets=tuple(s.printing(kind) for s in entry.snippets))


def lint(text: str, settings: Settings = DEFAULTS) -> tuple[Finding, ...]:
    """Return what a check finds in the Markdown *text* of a page before anything runs.

    >>> [(one.code, one.place.column) for one in lint("It takes 99 GB.")]
    [('A201', 10)]
    """
    entry = parse.parse("page.md", "page", text, {}, term=False, snippets=settings.snippets)
    unbound = prose.check(entry, prose.names_of(settings))
    return rules.ordered(
        (
            *entry.findings,
            *formulas.check(entry),
            *hidden.of_page(entry),
            *citations.opinions(entry),
            *unbound.findings,
            *quotes.check(entry, quotes.of(entry, ())),
        )
    )


def ask(
    wanted: Mapping[Key, Session], answers: Answers, run: Runner, watch: Watch
) -> dict[Key, Checked]:
    """Return what is known of each session, and run the others.

    What never comes back is lost, and passes for nothing.
    """
    known = {key: answers.known(session) for key, session in wanted.items()}
    asked = [session for key, session in wanted.items() if known[key] is None]
    lost = Outcome(failure=Failure(kind="lost", text="no answer came from it"))
    found = {k: c or Checked(session=wanted[k], outcome=lost) for k, c in known.items()}
    if asked:
        watch.begin(len(asked))
    why = [answers.why(session) for session in asked]  # what runs may change what it is asked of
    jobs = ((number, session.job) for number, session in enumerate(asked))
    for number, outcome in run(jobs, lambda n: watch.start(asked[n])) if asked else ():
        ran = asked[number]
        checked = Checked(session=ran, outcome=outcome, ran_since=why[number])
        # Kept before it is said to have ended, so that an interrupt loses nothing that was said.
        found[ran.key] = checked = replace(checked, unkept=answers.keep(checked))
        watch.end(checked.session, outcome.seconds)
    return found
