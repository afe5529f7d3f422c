"""``assay serve``: the site, live."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..plain import message
from . import options


@click.command()
@click.option("--dev-addr", default="127.0.0.1:8000", metavar="IP:PORT", help="Where to serve.")
@click.option("--open", "open_", is_flag=True, help="Open the site in a browser.")
@options.root
def serve(dev_addr: str, open_: bool, root: Path | None) -> None:
    """Serve the site while you write; an edit runs only what it touched."""
    with options.plain_errors():
        from ..site import mkdocs

        try:
            mkdocs.serve(options.root_of(root), dev_addr, open_)
        except mkdocs.SiteError as error:
            click.echo(message(f"assay: error: {error}"), err=True)
            sys.exit(error.status)
