"""``assay show``: every name that a claim of a page may use, with its value."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import click
from msgspec.structs import replace

from .. import progress
from ..answers import Kept
from ..check import ask, read_entries
from ..findings import endings
from ..nouns import Checked, Device, Entry, Key, Session, Value
from ..plain import visible
from ..plan import plan
from ..project import Project, read, setup_of, store_of
from ..sessions.runner import default_runner
from . import options, selection

SILENT = frozenset({"module", "function", "type", "builtin_function_or_method", "method"})
"""Kinds of values that no claim states."""
MOST, WIDEST = 40, 60
"""How many parts of a value are looked at, and how much of a value is shown."""
INSIDE = '[""]'
"""Asked of a value, it names what is inside of it instead."""
FOOT = "a plain number counts bytes, bits, seconds, metres ...: the base of the unit that you state"


@click.command()
@click.argument("page")
@options.root
def show(page: str, root: Path | None) -> None:
    """List every name that a claim of PAGE may use, with its kind, value and stated units."""
    with options.plain_errors():
        top = options.root_of(root, [page])
        files = selection.files_of(top, [Path(page)]) if Path(page).is_file() else []
        project = read(top, files)
        entries = read_entries(project)
        entry = selection.page_named(project, files[0] if files else page)
        settings = project.settings
        planned = plan(entries, settings.timeout, commands=settings.commands)
        sessions = {key: s for key, s in planned.sessions.items() if key[0] == entry.slug}
        found = _explored(project, sessions)
        for line in _table(entry, found):
            click.echo(visible(line))
        sys.exit(0 if all(map(endings.has_answer, found.values())) else 1)


def _explored(project: Project, sessions: Mapping[Key, Session]) -> dict[Key, Checked]:
    """Run *sessions*, asking for all that they bind, and then for what is inside of that."""
    setup = setup_of(project.root, project.settings)
    runner = default_runner(setup, os.cpu_count() or 1)
    answers = Kept(project, store_of(project), Device.CPU)
    try:
        with progress.watch() as watch:
            first = {k: _asking(s, _names(s)) for k, s in sessions.items()}
            bound = ask(first, answers, runner, watch)
        second = {k: _asking(s, _within(bound[k])) for k, s in sessions.items()}
        return ask(second, answers, runner, progress.Silent())
    finally:
        runner.close()


def _asking(session: Session, probes: Iterable[str]) -> Session:
    return replace(session, job=replace(session.job, probes=tuple(dict.fromkeys(probes))))


def _names(session: Session) -> Iterator[str]:
    for name in sorted({name for snippet in session.snippets for name in snippet.names}):
        yield from (name, name + INSIDE)


def _within(checked: Checked) -> Iterator[str]:
    """Yield the probes of what was bound, and of the parts of what is no plain value."""
    values = checked.outcome.values
    for probe, value in values.items():
        if not probe.endswith(INSIDE):
            yield probe
            if value.kind == "other" and value.text.partition(":")[0] not in SILENT:
                yield from _parts(probe, values.get(probe + INSIDE, Value(kind="missing")).near)


def _parts(probe: str, near: tuple[str, ...]) -> Iterator[str]:
    for name in near if len(near) <= MOST else ():
        if re.fullmatch(r"\[-?\d+\]", name):
            yield probe + name
        elif not name.startswith("_"):
            quote = "'" if '"' in name else '"'
            yield f"{probe}.{name}" if name.isidentifier() else f"{probe}[{quote}{name}{quote}]"
            if name.isidentifier():
                yield f'{probe}["{name}"]'


def _table(entry: Entry, found: Mapping[Key, Checked]) -> Iterator[str]:
    units = _units(entry)
    rows = [row for checked in found.values() for row in _rows(checked, found, units)]
    for checked in found.values():
        if checked.is_awaited:
            yield f"session {checked.session.name}: not measured yet"
        else:
            for finding in endings.findings(checked):
                place = finding.place
                yield f"{place.path}:{place.line}:{place.column}: {finding.message}"
    if not rows:
        yield f"{entry.path}: no name that a claim may use"
        return
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for name, kind, value in rows:
        yield f"{name:<{widths[0]}}  {kind:<{widths[1]}}  {value}"
    yield FOOT


def _rows(
    checked: Checked, found: Mapping[Key, Checked], units: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    for probe, value in checked.outcome.values.items():
        if value.kind in {"other", "missing"}:
            continue
        root = re.split(r"[.\[]", probe)[0]
        knowing = [c for c in found.values() if any(root in s.names for s in c.session.snippets)]
        address = f"{checked.session.name}:{probe}" if len(knowing) > 1 else probe
        shown = value.text if len(value.text) <= WIDEST else f"{value.text[:WIDEST]}…"
        stated = f"  stated as {units[address]}" if address in units else ""
        yield f"claim:{address}", value.kind, shown.replace("\n", "\\n") + stated


def _units(entry: Entry) -> dict[str, str]:
    """Return what the page states of each address."""
    stated: dict[str, list[str]] = {}
    for claim in entry.claims:
        stated.setdefault(claim.address, []).append(claim.text)
    return {address: ", ".join(texts) for address, texts in stated.items()}
