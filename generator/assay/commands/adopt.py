"""``assay adopt``: what a check would find in pages that are there, and settings to start from.

Law: it is a dry run. It runs no code and writes no file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click

from .. import mkdocs_yml
from ..check import read_entries
from ..findings import prose, structure
from ..findings.codes import CODES
from ..nouns import Entry
from ..project import Project, read
from ..reports.summary import plural
from ..settings import SettingsError
from . import options, selection

MANY = 10
"""From how many unbound figures on a folder is not made to bind them at once."""


@click.command()
@options.paths
@options.root
def adopt(paths: tuple[Path, ...], root: Path | None) -> None:
    """Count what a check would find in the pages of a site, or in PATHS, and suggest settings."""
    with options.plain_errors():
        top = options.root_of(root, paths or ["."])
        files = selection.files_of(top, paths)
        project = read(top, [file for file in files if file.endswith(".md")])
        entries = [e for e in read_entries(project) if not files or e.path in files]
        if not entries:
            raise SettingsError(f"{top} has no page in docs/; name files: assay adopt README.md")
        for line in (*_counted(project, entries), "", *_suggested(project, entries)):
            click.echo(line)


def _counted(project: Project, entries: Sequence[Entry]) -> Iterator[str]:
    """Say by kind what there is."""
    yield plural(len(entries), "page")
    claims = sum(len(entry.claims) for entry in entries)
    yield f"{plural(claims, 'claim')}, {_unread(project, entries)} in code spans and formulas"
    running = [s for entry in entries for s in entry.snippets]
    good = sum(not snippet.broken for snippet in running)
    yield f"{plural(len(running), 'fence')} with exec, of which {good} run as they are"
    codes = Counter(f.code for entry in entries for f in entry.findings)
    codes += Counter(
        f.code
        for f in structure.check(entries, project.papers, project.files, project.settings)
        if f.place.path in {entry.path for entry in entries}
    )
    for code, count in sorted(codes.items()):
        yield f"  {count:>4}  {code}  {CODES[code].summary}"
    for folder, count in _by_folder(project, entries).items():
        yield f"  {count:>4}  unbound figures in {folder}/"


def _unread(project: Project, entries: Iterable[Entry]) -> str:
    """Count the figures that stand where no check looks."""
    names = prose.names_of(project.settings)
    kept = (prose.check(entry, names).kept["code and math"] for entry in entries)
    return plural(sum(kept), "figure")


def _by_folder(project: Project, entries: Iterable[Entry]) -> dict[str, int]:
    names = prose.names_of(project.settings)
    counts: Counter[str] = Counter()
    for entry in entries:
        counts[entry.path.rpartition("/")[0] or "."] += len(prose.check(entry, names).texts)
    return {folder: count for folder, count in sorted(counts.items()) if count}


def _suggested(project: Project, entries: Sequence[Entry]) -> Iterator[str]:
    """Write the settings to start from."""
    unbound = _by_folder(project, entries)
    docs = mkdocs_yml.read(project.root).docs_dir
    yield "# assay.toml, to start from:"
    if docs and docs != "docs":
        yield f"# docs = {docs!r} is read from mkdocs.yml"
    if "README.md" in {entry.path for entry in entries}:
        yield 'also = ["README.md"]'
    broken = sorted({e.path for e in entries if any(s.broken for s in e.snippets)})
    if broken:
        yield f"exclude = {_list(broken)}  # as without assay, until their fences are changed"
    if unbound:
        yield 'baseline = "assay-baseline.json"  # assay check --write-baseline; new figures count'
        yield "[unbound]"
        yield '"." = "error"'
        yield from (f'"{f}" = "off"' for f, count in unbound.items() if count >= MANY and f != ".")
    if (project.root / mkdocs_yml.FILE).is_file() and not _has_plugin(project.root):
        yield "# mkdocs.yml: add '- assay' under plugins:"


def _has_plugin(root: Path) -> bool:
    text = (root / mkdocs_yml.FILE).read_text(encoding="utf-8", errors="replace")
    return re.search(r"^\s*-\s*assay\b", text, re.MULTILINE) is not None


def _list(paths: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{path}"' for path in paths) + "]"
