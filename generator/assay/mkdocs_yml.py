"""What ``mkdocs.yml`` says of the docs: where they are, what is left out, what is included.

Law: nothing of MkDocs is imported, and a tag that only MkDocs knows is passed over.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

FILE = "mkdocs.yml"
_SNIPPETS = "pymdownx.snippets"
HIDDEN = (".*", "/templates/")
"""What MkDocs leaves out of every site."""


class Published(Struct, frozen=True):
    """Where a site's docs are, and the patterns (as in ``.gitignore``) of what is left out."""

    docs_dir: str | None = None
    excluded: tuple[str, ...] = HIDDEN
    bases: tuple[str, ...] = ()
    """Folders in which included files are looked for; none where no page includes any."""
    appended: tuple[str, ...] = ()
    """Files that every page includes at its end."""

    def left_out(self, paths: Iterable[str]) -> set[str]:
        """Return those of *paths*, each from the docs' folder, that are not published."""
        given = list(paths)
        if self.excluded == HIDDEN and not any(_may_be_hidden(path) for path in given):
            return set()  # as most often; what reads the patterns takes a while to import
        import pathspec

        return set(pathspec.GitIgnoreSpec.from_lines(self.excluded).match_files(given))


class _Lenient(yaml.SafeLoader):
    """Reads values of unknown tags (``!ENV``, ``!!python/name``) as nothing."""


_Lenient.add_multi_constructor("", lambda loader, suffix, node: None)


def read(root: Path) -> Published:
    """Read the site's configuration at *root*; one that is not there or not YAML says nothing.

    MkDocs itself says what is wrong with it.
    """
    try:
        data: Any = yaml.load((root / FILE).read_text(encoding="utf-8"), _Lenient)  # noqa: S506
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError):
        return Published()
    if not isinstance(data, dict):
        return Published()
    docs, excluded = data.get("docs_dir"), data.get("exclude_docs")
    return Published(
        docs_dir=_from_root(root, docs) if isinstance(docs, str) else None,
        excluded=(*HIDDEN, *(excluded.splitlines() if isinstance(excluded, str) else ())),
        **_included(data.get("markdown_extensions")),
    )


def _included(extensions: Any) -> dict[str, tuple[str, ...]]:
    """Return what pymdownx.snippets is told, if it is among the *extensions*."""
    listed = extensions if isinstance(extensions, list) else [extensions or {}]
    for one in listed:
        told = one if isinstance(one, dict) else {one: {}}
        if _SNIPPETS in told:
            options = told[_SNIPPETS] or {}
            return {
                "bases": _strings(options.get("base_path", ".")),
                "appended": _strings(options.get("auto_append", ())),
            }
    return {}


def _strings(value: Any) -> tuple[str, ...]:
    listed = value if isinstance(value, list | tuple) else [value]
    return tuple(one for one in listed if isinstance(one, str))


def _from_root(root: Path, folder: str) -> str:
    return Path(os.path.relpath(os.path.join(root, folder), root)).as_posix()


def _may_be_hidden(path: str) -> bool:
    return path.startswith(("templates/", ".")) or "/." in path
