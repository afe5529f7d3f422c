"""What the commands share: options, and how a mistake of the user ends them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from ..git import GitError
from ..plain import message
from ..sessions.runner import WorkerError
from ..settings import SettingsError, find_root, root_without_settings

INTERRUPTED = 130

root = click.option(
    "--root", type=click.Path(exists=True, file_okay=False, path_type=Path), help="The project."
)
jobs = click.option(
    "--jobs", type=click.IntRange(1), help="Sessions at a time; default: the number of cores."
)
no_store = click.option("--no-store", is_flag=True, help="Run everything; keep nothing.")
require_records = click.option(
    "--require-records", is_flag=True, help="A GPU claim without a good record is an error."
)
paths = click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))


class Nothing(Exception):
    """There is nothing to do, and that is as it should be; the text says why."""


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn what the user can mend into one line and exit status 2; an interrupt into 130."""
    try:
        yield
    except Nothing as nothing:
        click.echo(message(f"assay: {nothing}"), err=True)
    except (SettingsError, WorkerError, GitError) as error:
        click.echo(message(f"assay: error: {error}"), err=True)
        sys.exit(2)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        click.echo(message(f"assay: error: {where}{error.strerror or error}"), err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        click.echo("assay: interrupted; results of finished sessions are kept", err=True)
        sys.exit(INTERRUPTED)


def root_of(given: Path | None, named: Sequence[str | Path] = ()) -> Path:
    """Return the project's root: the one that was given, or the nearest with settings.

    Where there is none and a file is *named*, it is the repository.
    """
    try:
        return (given or find_root(Path.cwd())).resolve()
    except SettingsError:
        if not any(Path(name).exists() for name in named):
            raise
    return root_without_settings(Path.cwd()).resolve()
