"""``assay explain``: what a finding means, what an entry rests on, how a figure came about."""

from __future__ import annotations

from pathlib import Path

import click

from .. import progress
from ..check import check_project
from ..findings.codes import CODES
from ..hints import nearest
from ..plan import Scope
from ..project import read
from ..reports import explained
from ..settings import SettingsError
from . import options, selection


@click.command()
@click.argument("what", metavar="CODE|ENTRY|ENTRY#ID")
@options.no_store
@options.root
def explain(what: str, no_store: bool, root: Path | None) -> None:
    """Explain a finding's CODE, what an ENTRY rests on, or how the figure of a claim came about."""
    with options.plain_errors():
        code = _code(what)
        if code:
            click.echo(explained.code(code), nl=False)
            return
        name, _, own = what.partition("#")
        top = options.root_of(root, [name])
        files = selection.files_of(top, [Path(name)]) if Path(name).is_file() else []
        project = read(top, files)
        page = selection.page_named(project, files[0] if files else name)
        with progress.watch() as watch:
            scope = Scope(pages=frozenset({page.path}))
            report = check_project(project, scope, keep=not no_store, watch=watch)
        if not own:
            click.echo(explained.entry(report, page), nl=False)
            return
        claims = {verdict.id: verdict for verdict in report.verdicts}
        if own not in claims:
            hint = nearest(own, claims) or f"claims of it: {', '.join(claims) or 'none'}"
            raise SettingsError(f"{page.path} has no claim {own!r}; {hint}")
        click.echo(explained.claim(report, claims[own]), nl=False)


def _code(what: str) -> str:
    """Return the code that *what* is, or is the name of."""
    names = {code.name: key for key, code in CODES.items()}
    return what.upper() if what.upper() in CODES else names.get(what.lower(), "")
