"""``assay build``: check, then render the site."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from .. import progress
from ..check import check_root
from ..plain import message
from ..plan import Scope
from ..reports.text import as_text
from . import options


@click.command()
@options.require_records
@options.jobs
@options.no_store
@options.root
def build(require_records: bool, jobs: int | None, no_store: bool, root: Path | None) -> None:
    """Check and render the site; a claim that fails leaves the last good site in place."""
    with options.plain_errors():
        scope = Scope(require_records=require_records)
        with progress.watch() as watch:
            top = options.root_of(root)
            project, report = check_root(top, scope, jobs=jobs, keep=not no_store, watch=watch)
        click.echo(as_text(report), nl=False)
        if not report.ok:
            click.echo("assay: the site was left as it was", err=True)
            sys.exit(1)
        from ..site import mkdocs

        try:
            folder, pages = mkdocs.build(project, report)
        except mkdocs.SiteError as error:
            click.echo(message(f"assay: error: {error}"), err=True)
            sys.exit(error.status)
        shown = folder.relative_to(top) if folder.is_relative_to(top) else folder
        click.echo(f"assay: {pages} pages in {shown}/")
