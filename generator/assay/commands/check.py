"""``assay check``: run the snippets, compare what the pages state, say what differs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
from msgspec.structs import replace

from .. import baseline, git, progress
from ..check import check_project, read_entries
from ..findings import levels, prose
from ..nouns import Device, Report
from ..plan import Scope
from ..project import Project, read
from ..reports import FORMATS, github
from ..reports.summary import plural
from . import options, selection


@click.command()
@options.paths
@click.option(
    "--format",
    "format_",
    type=click.Choice(sorted(FORMATS)),
    default="text",
    help="How the report is written.",
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write it there.")
@click.option("--changed", is_flag=True, help="Only pages that differ from the last commit.")
@click.option("--base", metavar="REF", help="As --changed, from where this branch left REF.")
@click.option(
    "--device",
    type=click.Choice([device.value for device in Device]),
    default=Device.CPU.value,
    help="Run its sessions here, instead of asking records.",
)
@click.option("--twice", is_flag=True, help="Run each session again, and say what differs.")
@click.option(
    "--write-baseline", is_flag=True, help="Note the unbound figures: from now on new ones count."
)
@options.require_records
@options.jobs
@options.no_store
@options.root
def check(
    paths: tuple[Path, ...],
    format_: str,
    output: Path | None,
    changed: bool,
    base: str | None,
    device: str,
    twice: bool,
    write_baseline: bool,
    require_records: bool,
    jobs: int | None,
    no_store: bool,
    root: Path | None,
) -> None:
    """Run the snippets of all pages, or of PATHS, and compare what the pages state.

    Any Markdown file of the project may be named; another file selects the pages that depend on it.
    """
    with options.plain_errors():
        top = options.root_of(root, paths)
        files = selection.files_of(top, paths)
        project = read(top, [file for file in files if file.endswith(".md")])
        pages = _pages(project, files, changed=changed, base=base or "")
        scope = Scope(pages=pages, require_records=require_records)
        here = Device(device)
        project = _with_baseline(project, scope) if write_baseline else project
        with progress.watch() as watch:
            report = check_project(
                project,
                scope,
                jobs=jobs,
                keep=not no_store,
                here=here,
                twice=twice,
                watch=watch,
            )
        report = _for_github(top, report) if format_ == "github" else report
        text = FORMATS[format_](report)
        if output is None:
            click.echo(text, nl=False)
        else:
            output.write_text(text, encoding="utf-8")
        sys.exit(0 if report.ok else 1)


def _with_baseline(project: Project, scope: Scope) -> Project:
    """Write the baseline of the pages in *scope*; return the project that knows it."""
    file = project.settings.baseline or baseline.FILE
    names = prose.names_of(project.settings)
    chosen = (entry for entry in read_entries(project) if scope.has(entry.path))
    found = ((entry.path, prose.check(entry, names)) for entry in chosen)
    known = levels.baseline(found, project.baseline)
    count = baseline.write(project.root / file, known)
    click.echo(f"assay: {file} holds {plural(count, 'unbound figure')}", err=True)
    if not project.settings.baseline:
        click.echo(f'assay: write baseline = "{file}" into the settings', err=True)
    return replace(project, baseline=known)


def _for_github(root: Path, report: Report) -> Report:
    """Put the findings of changed files first, and list all of them in the job's summary."""
    base = os.environ.get("GITHUB_BASE_REF")
    report = github.changed_first(report, git.differing(root, f"origin/{base}") if base else ())
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with open(summary, "a", encoding="utf-8") as file:
            file.write(github.job_summary(report))
    return report


def _pages(
    project: Project, files: list[str], *, changed: bool, base: str
) -> frozenset[str] | None:
    named = selection.pages_for(project, files) if files else None
    if not (changed or base):
        return named
    differing = selection.changed_pages(project, git.changed(project.root, base))
    if named is None or differing is None:
        return named if differing is None else differing
    if not named & differing:
        raise options.Nothing(f"no page that is named differs from {base or 'the last commit'}")
    return named & differing
