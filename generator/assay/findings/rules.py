"""The rules of a check: every source of findings, in one table that can be printed.

Law: a rule is a function of the facts alone. Rules of pages look at what stands in the files; rules
of runs look at what sessions gave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from .. import made
from ..nouns import Checked, Entry, Finding, Key, Place, Verdict
from ..plan import Plan, Scope
from . import citations, endings, fault, formulas, hidden, levels, parts, prose, quotes, structure

if TYPE_CHECKING:
    from ..project import Project


class Facts(Struct, frozen=True):
    """All that one check knows when its sessions have ended."""

    project: Project
    scope: Scope
    entries: tuple[Entry, ...]
    plan: Plan
    checks: Mapping[Key, Checked]
    verdicts: tuple[Verdict, ...]
    unbound: Sequence[prose.Unbound]
    """What the search for unbound figures found in each page of the scope."""

    @property
    def chosen(self) -> tuple[Entry, ...]:
        """The pages that the check is about."""
        return tuple(entry for entry in self.entries if self.scope.has(entry.path))


Rule = Callable[[Facts], Iterable[Finding]]


def files(facts: Facts) -> Iterator[Finding]:
    """Files that cannot be read; one that is no page may matter to any page."""
    pages = {page.path for page in facts.project.pages}
    for finding in facts.project.findings:
        if finding.place.path not in pages or facts.scope.has(finding.place.path):
            yield finding


def between(facts: Facts) -> Iterator[Finding]:
    """Slugs, prerequisites, papers, links, sessions and lengths."""
    project = facts.project
    found = structure.check(facts.entries, project.papers, project.files, project.settings)
    yield from (finding for finding in found if facts.scope.has(finding.place.path))


def parsed(facts: Facts) -> Iterator[Finding]:
    """What was wrong while a page was parsed."""
    yield from (finding for entry in facts.chosen for finding in entry.findings)


def included(facts: Facts) -> Iterator[Finding]:
    """What pages include: figures in it are unbound there, and nothing in it is woven or runs."""
    chosen = [part for part in facts.project.parts if facts.scope.has(part.page)]
    names = prose.names_of(facts.project.settings)
    for part in {(part.path, part.text): part for part in reversed(chosen) if part.path}.values():
        level = levels.of_page(facts.project.settings.unbound, part.path)
        for finding in parts.findings(part, facts.project, names):
            if finding.code != "A201":
                yield finding
            elif level != "off":
                yield replace(finding, severity=level)
    for part in chosen:
        if not part.path:
            yield parts.missing(part)


def latex(facts: Facts) -> Iterator[Finding]:
    """Formulas that are not LaTeX."""
    yield from (finding for entry in facts.chosen for finding in formulas.check(entry))


def unseen(facts: Facts) -> Iterator[Finding]:
    """Characters of pages that no reader sees."""
    yield from (finding for entry in facts.chosen for finding in hidden.of_page(entry))


def figures(facts: Facts) -> Iterator[Finding]:
    """Figures that are bound to nothing."""
    yield from (finding for unbound in facts.unbound for finding in unbound.findings)


def cited(facts: Facts) -> Iterator[Finding]:
    """Givens that differ from their source, and opinions of nobody."""
    for entry in facts.chosen:
        yield from citations.opinions(entry)
        names = prose.names_of(facts.project.settings)
        yield from citations.givens(entry, facts.project.givens, names)


def ended(facts: Facts) -> Iterator[Finding]:
    """What went wrong in a session of the pages; a stale record says nothing of it."""
    pages = {entry.slug for entry in facts.chosen}
    for checked in facts.checks.values():
        for one in (checked, *checked.others):
            if one.session.page in pages and not one.changed:
                yield from endings.findings(one)
                yield from hidden.of_output(one)


def claims(facts: Facts) -> Iterator[Finding]:
    """Claims that do not hold, or could not be checked; those that wait for a session as one."""
    waiting: dict[tuple[str, Key], list[Finding]] = {}
    for verdict in facts.verdicts:
        if verdict.finding is not None and verdict.finding.code == CONSEQUENCE:
            waiting.setdefault((verdict.entry, verdict.session), []).append(verdict.finding)
        elif verdict.finding is not None:
            yield verdict.finding
    for first, *others in waiting.values():
        more = f"; {len(others)} more of the page wait for it" if others else ""
        yield replace(first, message=f"{first.message}{more}")


def quoted(facts: Facts) -> Iterator[Finding]:
    """Statements from elsewhere that are not quoted fairly."""
    for entry, statements in quotes.of_pages(facts.chosen, facts.verdicts):
        yield from quotes.check(entry, statements)


def reserved(facts: Facts) -> Iterator[Finding]:
    """Pages of the project that stand where assay puts pages of its own."""
    settings = facts.project.settings
    for entry in facts.chosen:
        address = made.address_of(entry.path, entry.slug, settings.docs, settings.glossary)
        if address is not None and made.has(address):
            yield Finding(
                code="A513",
                place=Place(entry.path),
                message=f"{address} stands where assay puts pages of its own",
                hint="give the file another name, or its text to a page of another name",
            )


def orphans(facts: Facts) -> Iterator[Finding]:
    """Records that belong to no session."""
    if facts.scope.pages is not None:
        return
    devices = {key: session.job.device for key, session in facts.plan.sessions.items()}
    for path, record in facts.project.records.items():
        if devices.get((record.page, record.session)) is not record.device:
            yield Finding(
                code="A112",
                place=Place(path),
                message=f"no session {record.session!r} of {record.page} "
                f"asks for {record.device.value}",
                hint="remove the file, or measure the session under its new name",
                severity="warning",
            )


CONSEQUENCE = "A107"
"""The code of a claim whose session failed, which has a finding of its own."""
OF_PAGES: tuple[Rule, ...] = (
    files,
    between,
    reserved,
    included,
    latex,
    unseen,
    figures,
    cited,
    quoted,
    orphans,
)
OF_RUNS: tuple[Rule, ...] = (parsed, ended, claims)


def found(facts: Facts) -> tuple[Finding, ...]:
    """Return the findings in the order of their places, each once.

    A check of one device alone is about runs; what else stands on the pages is not asked again.
    """
    rules = OF_RUNS if facts.scope.device else (*OF_PAGES, *OF_RUNS)
    findings = (finding for rule in rules for finding in guarded(rule, facts))
    return ordered(_weighed(finding, facts.scope) for finding in findings)


def guarded(rule: Rule, facts: Facts) -> Iterable[Finding]:
    """Return what *rule* finds; where it fails, page by page, and its failing as a finding."""
    try:
        return list(rule(facts))
    except Exception:  # noqa: BLE001 - whatever a page holds, the others are checked
        return [f for entry in facts.chosen for f in _of_page(rule, facts, entry)]


def _of_page(rule: Rule, facts: Facts, entry: Entry) -> Iterable[Finding]:
    scope = replace(facts.scope, pages=frozenset({entry.path}))
    try:
        return list(rule(replace(facts, scope=scope)))
    except Exception as error:  # noqa: BLE001 - it is told
        return [fault.found(entry.path, error)]


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return *findings* page by page, each once, causes before what follows from them."""
    return tuple(sorted(dict.fromkeys(findings), key=_order))


def _order(finding: Finding) -> tuple[str, bool, Place, str]:
    return finding.place.path, finding.code == CONSEQUENCE, finding.place, finding.code


def _weighed(finding: Finding, scope: Scope) -> Finding:
    strict = scope.require_records and finding.awaits is not None
    return replace(finding, severity="error") if strict else finding
