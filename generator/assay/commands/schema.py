"""``assay schema``: what editors check front matter, settings, papers and givens against."""

from __future__ import annotations

import click

from ..reports import schemas


@click.command()
@click.argument("name", type=click.Choice(schemas.NAMES))
def schema(name: str) -> None:
    """Print the JSON Schema of the report, of front matter, settings, papers or givens."""
    click.echo(schemas.schema(name), nl=False)
