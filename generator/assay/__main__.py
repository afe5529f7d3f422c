"""``python -m assay``."""

from .commands import main

main(prog_name="assay")
