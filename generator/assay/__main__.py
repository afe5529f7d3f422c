"""``python -m assay``."""

from .cli import main

main(prog_name="assay")
