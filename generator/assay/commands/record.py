"""``assay record``: measure on a GPU, and keep what was measured."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from .. import progress
from ..answers import Measured
from ..check import check
from ..nouns import Device
from ..plan import Scope
from ..project import read, setup_of
from ..reports.text import as_text
from ..sessions.runner import Fresh, gpu_here
from . import options, selection

GPUS = [device.value for device in Device if device is not Device.CPU]


@click.command()
@options.paths
@click.option("--device", type=click.Choice(GPUS), required=True, help="Whose sessions to measure.")
@options.root
def record(paths: tuple[Path, ...], device: str, root: Path | None) -> None:
    """Run the GPU sessions of all pages, or of PATHS, and keep what they measure as records."""
    with options.plain_errors():
        top = options.root_of(root)
        files = selection.files_of(top, paths)
        project = read(top)
        setup = setup_of(top, project.settings)
        gpu = gpu_here(setup, Device(device))
        answers = Measured(project, lambda path: click.echo(f"{gpu}: {path}", err=True))
        pages = selection.pages_for(project, files) if files else None
        scope = Scope(pages=pages, device=Device(device))
        with progress.watch() as watch:
            report = check(project, scope, answers, Fresh(setup, 1), watch)
        if not report.checked and report.ok:
            click.echo(f'assay: no session of these pages has device="{device}"', err=True)
            return
        click.echo(as_text(report), nl=False)
        sys.exit(0 if report.ok else 1)
