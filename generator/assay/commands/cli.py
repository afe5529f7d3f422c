"""The command line.

Exit status: 0 everything holds, 1 something does not, 2 the work could not be done.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from .. import __version__, progress, project
from ..check import check as run_check
from ..check import measure
from ..nouns import Checked, Report
from ..reports import formats
from ..sessions.runner import Fresh, WorkerError, by_device, default_runner, gpu_here
from ..settings import SettingsError, find_root

INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="assay")
def main() -> None:
    """Check every figure and code sample of a glossary by running code, and build its site."""


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Turn what the user can mend into one line and exit status 2; an interrupt into 130."""
    try:
        yield
    except (SettingsError, WorkerError) as error:
        click.echo(f"assay: error: {error}", err=True)
        sys.exit(2)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"assay: error: {where}{error.strerror or error}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        click.echo("assay: interrupted; results of finished sessions are kept", err=True)
        sys.exit(INTERRUPTED)


root_option = click.option(
    "--root", type=click.Path(exists=True, file_okay=False, path_type=Path), help="The project."
)
jobs_option = click.option(
    "--jobs", type=click.IntRange(1), help="Sessions at a time; default: the number of cores."
)
store_option = click.option("--no-store", is_flag=True, help="Run everything; keep nothing.")


records_option = click.option(
    "--require-records", is_flag=True, help="A GPU claim without a good record is an error."
)


def examine(
    root: Path,
    jobs: int | None,
    no_store: bool,
    only: frozenset[str] = frozenset(),
    *,
    device: str = "cpu",
    require_records: bool = False,
) -> tuple[project.Project, Report]:
    """Read the project and check it with the default runner, store and progress."""
    found = project.read(root)
    store = None if no_store else project.store_of(found)
    setup = project.setup_of(found)
    if device != "cpu":
        gpu_here(setup, device)
    runner = default_runner(setup, jobs or os.cpu_count() or 1)
    run = by_device(runner, Fresh(setup, 1))  # a GPU is measured by one session at a time
    try:
        with progress.watch() as watch:
            return found, run_check(
                found, run, store, watch, only, device=device, require_records=require_records
            )
    finally:
        runner.close()


def _root(root: Path | None) -> Path:
    return (root or find_root(Path.cwd())).resolve()


@main.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--format", "format_", type=click.Choice(sorted(formats.FORMATS)), default="text")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write it there.")
@click.option("--changed", is_flag=True, help="Only pages that differ from the last commit.")
@click.option(
    "--device",
    type=click.Choice(["cpu", "cuda"]),
    default="cpu",
    help="Run its sessions here, instead of asking records.",
)
@records_option
@jobs_option
@store_option
@root_option
def check(
    paths: tuple[Path, ...],
    format_: str,
    output: Path | None,
    changed: bool,
    device: str,
    require_records: bool,
    jobs: int | None,
    no_store: bool,
    root: Path | None,
) -> None:
    """Run the snippets of all pages, or of PATHS, and compare what the pages state."""
    with _plain_errors():
        top = _root(root)
        only = _chosen(top, paths) | (project.changed(top) if changed else frozenset())
        if changed and not only:
            click.echo("assay: no page differs from the last commit", err=True)
            return
        _, found = examine(
            top, jobs, no_store, only, device=device, require_records=require_records
        )
        text = formats.FORMATS[format_](found)
        if output is None:
            click.echo(text, nl=False)
        else:
            output.write_text(text, encoding="utf-8")
        sys.exit(0 if found.ok else 1)


def _chosen(root: Path, paths: tuple[Path, ...]) -> frozenset[str]:
    chosen: set[str] = set()
    for path in paths:
        full = path.resolve()
        if not full.is_relative_to(root):
            raise SettingsError(f"{path} is not inside of the project {root}")
        files = full.rglob("*.md") if full.is_dir() else [full]
        chosen |= {file.relative_to(root).as_posix() for file in files}
    return frozenset(chosen)


@main.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--device", type=click.Choice(["cuda"]), required=True, help="Whose sessions to measure."
)
@root_option
def record(paths: tuple[Path, ...], device: str, root: Path | None) -> None:
    """Run the GPU sessions of all pages, or of PATHS, and keep what they measure as records."""
    with _plain_errors():
        top = _root(root)
        found = project.read(top)
        setup = project.setup_of(found)
        gpu = gpu_here(setup, device)

        def keep(checked: Checked) -> None:
            click.echo(f"{gpu}: {project.keep_record(found, checked)}", err=True)

        with progress.watch() as watch:
            only = _chosen(top, paths)
            measured = measure(found, Fresh(setup, 1), keep, watch, device, only)
        if not measured.checked and measured.ok:
            click.echo(f'assay: no session of these pages has device="{device}"', err=True)
            return
        click.echo(formats.as_text(measured), nl=False)
        sys.exit(0 if measured.ok else 1)


@main.command()
@records_option
@jobs_option
@store_option
@root_option
def build(require_records: bool, jobs: int | None, no_store: bool, root: Path | None) -> None:
    """Check, stage and render the site; a claim that fails leaves the last good site in place."""
    with _plain_errors():
        top = _root(root)
        started, found = examine(top, jobs, no_store, require_records=require_records)
        click.echo(formats.as_text(found), nl=False)
        if not found.ok:
            click.echo("assay: the site was left as it was", err=True)
            sys.exit(1)
        from ..site import mkdocs

        try:
            pages = mkdocs.build(started, found)
        except mkdocs.SiteError as error:
            click.echo(f"assay: error: {error}", err=True)
            sys.exit(error.status)
        click.echo(f"assay: {pages} pages in {mkdocs.FOLDER}/")


@main.command()
@click.option("--dev-addr", default="127.0.0.1:8000", metavar="IP:PORT", help="Where to serve.")
@click.option("--open", "open_", is_flag=True, help="Open the site in a browser.")
@root_option
def serve(dev_addr: str, open_: bool, root: Path | None) -> None:
    """Serve the site while you write; an edit runs only what it touched."""
    with _plain_errors():
        from ..site import mkdocs

        try:
            mkdocs.serve(_root(root), dev_addr, open_)
        except mkdocs.SiteError as error:
            click.echo(f"assay: error: {error}", err=True)
            sys.exit(error.status)
