"""``assay check``: run the snippets, compare what the pages state, say what differs."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from .. import git, progress
from ..check import check_root
from ..nouns import Device
from ..plan import Scope
from ..reports import FORMATS
from . import options


@click.command()
@options.paths
@click.option("--format", "format_", type=click.Choice(sorted(FORMATS)), default="text")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write it there.")
@click.option("--changed", is_flag=True, help="Only pages that differ from the last commit.")
@click.option(
    "--device",
    type=click.Choice([device.value for device in Device]),
    default=Device.CPU.value,
    help="Run its sessions here, instead of asking records.",
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
    device: str,
    require_records: bool,
    jobs: int | None,
    no_store: bool,
    root: Path | None,
) -> None:
    """Run the snippets of all pages, or of PATHS, and compare what the pages state."""
    with options.plain_errors():
        top = options.root_of(root)
        pages = options.pages_of(top, paths)
        if changed:
            differing = frozenset(path for path in git.changed(top) if path.endswith(".md"))
            pages = differing | (pages or frozenset())
            if not pages:
                click.echo("assay: no page differs from the last commit", err=True)
                return
        scope = Scope(pages=pages, require_records=require_records)
        with progress.watch() as watch:
            _, report = check_root(
                top, scope, jobs=jobs, keep=not no_store, here=Device(device), watch=watch
            )
        text = FORMATS[format_](report)
        if output is None:
            click.echo(text, nl=False)
        else:
            output.write_text(text, encoding="utf-8")
        sys.exit(0 if report.ok else 1)
