"""The pages of a site as files in a folder, for a site generator to render.

Law: these are the texts that MkDocs' own hooks are given, without the marks for other plugins.
Files are written only where their content changed, so that a live site rebuilds what it must.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from . import terms
from .guard import removed
from .pages import Site, pages, shown_beside

ASSETS = Path(__file__).with_name("assets")


def stage(site: Site, folder: Path) -> None:
    """Write the pages of *site*, and the files of the project that they show, to *folder*."""
    docs = site.project.root / site.project.settings.docs
    files = {
        path.relative_to(docs).as_posix(): path.read_bytes()
        for path in docs.rglob("*")
        if path.is_file() and path.suffix != ".md" and not leads_out(path, site.project.root)
    }
    root = site.project.root
    for path in shown_beside(site.project, site.report):
        if not leads_out(root / path, root):
            files[site.addresses[path]] = (root / path).read_bytes()
    files |= {f"assets/{path.name}": path.read_bytes() for path in ASSETS.iterdir()}
    made = pages(site) | terms.files(site)
    _write(folder, files | {path: removed(text).encode() for path, text in made.items()})


def leads_out(path: Path, root: Path) -> bool:
    """Whether *path* is a link, or lies behind one, to what is outside of the project."""
    return not path.resolve().is_relative_to(root.resolve())


def _write(folder: Path, files: dict[str, bytes]) -> None:
    for path, data in files.items():
        target = folder / path
        if target.is_file() and target.read_bytes() == data:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    for old in sorted(folder.rglob("*"), reverse=True):
        if old.is_dir():
            if not any(old.iterdir()):
                shutil.rmtree(old)
        elif old.relative_to(folder).as_posix() not in files:
            old.unlink()
