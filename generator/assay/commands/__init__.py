"""The command line, one file a command.

Exit status: 0 everything holds, 1 something does not, 2 the work could not be done.
"""

from __future__ import annotations

import click

from .. import __version__
from .adopt import adopt
from .build import build
from .check import check
from .explain import explain
from .init import init
from .new import new
from .record import record
from .schema import schema
from .serve import serve
from .show import show


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="assay")
def main() -> None:
    """Check every figure and code sample of a glossary by running code, and build its site."""


for command in (check, build, serve, record, init, new, show, explain, adopt, schema):
    main.add_command(command)
