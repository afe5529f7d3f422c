"""``assay serve``: the site, live."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import click

from ..plain import message
from . import options


def _fault_of(address: str) -> str:
    """Return why nothing can be served at *address*, before anything is checked."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_server((host.strip("[]"), int(port))):
            return ""
    except (ValueError, OverflowError):
        return f"{address!r} is no address; write one such as 127.0.0.1:8001"
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        return f"cannot serve at {address}: {why}; name another address with --dev-addr"


@click.command()
@click.option("--dev-addr", default="127.0.0.1:8000", metavar="IP:PORT", help="Where to serve.")
@click.option("--open", "open_", is_flag=True, help="Open the site in a browser.")
@options.root
def serve(dev_addr: str, open_: bool, root: Path | None) -> None:
    """Serve the site while you write; an edit runs only what it touched."""
    with options.plain_errors():
        from ..site import mkdocs

        try:
            if fault := _fault_of(dev_addr):
                raise mkdocs.SiteError(fault, 2)
            mkdocs.serve(options.root_of(root), dev_addr, open_)
        except mkdocs.SiteError as error:
            click.echo(message(f"assay: error: {error}"), err=True)
            sys.exit(error.status)
