"""``assay init``: a new glossary that passes a check as it stands."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import re
from pathlib import Path

import click

from .. import __version__
from . import options, starting

DISTRIBUTION = "assay-glossary"


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=".")
def init(folder: Path) -> None:
    """Begin a glossary in FOLDER: settings, mkdocs.yml, a home page, an entry that passes, CI.

    A file that is there already is left as it is.
    """
    with options.plain_errors():
        folder.mkdir(parents=True, exist_ok=True)
        values = {
            "title": _name_of(folder),
            "name": starting.scalar(_name_of(folder)),
            "today": datetime.date.today().isoformat(),
            "requirement": _requirement(),
        }
        for name, path in starting.FILES.items():
            is_new = starting.write(folder / path, starting.text(name, values))
            click.echo(f"{'wrote' if is_new else 'kept '} {path}")
        inside = "" if folder.resolve() == Path.cwd() else f"cd {folder} && "
        click.echo(f"now: {inside}assay check, then assay serve; assay new TERM drafts an entry")


def _name_of(folder: Path) -> str:
    words = re.sub(r"[-_\s]+", " ", folder.resolve().name).strip()
    return f"{words[:1].upper()}{words[1:]}" if re.search(r"\w", words) else "Glossary"


def _requirement() -> str:
    """Return the line by which pip finds this assay again, as far as that is known."""
    try:
        told = importlib.metadata.distribution(DISTRIBUTION).read_text("direct_url.json") or "{}"
    except importlib.metadata.PackageNotFoundError:
        told = "{}"
    came = json.loads(told)
    if "vcs_info" in came:
        vcs = came["vcs_info"]
        return f"{DISTRIBUTION} @ {vcs['vcs']}+{came['url']}@{vcs['commit_id']}"
    unknown = "# until it is published: the address of its repository or of a wheel instead\n"
    return f"{unknown}{DISTRIBUTION}=={__version__}"
