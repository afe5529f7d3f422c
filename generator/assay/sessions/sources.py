"""The sources of a project as they stand now: what a file holds, where a module is found.

Law: what is asked once is read once, so that one check sees one state of the tree; paths of the
project are written from its root, so that another clone can compare.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

from ..nouns import Traced


class Sources:
    """The files under *root*, and the folders of it, *path*, from which sessions import."""

    def __init__(self, root: Path, path: tuple[str, ...]) -> None:
        self.root, self.path = root.resolve(), path
        self.digest = cache(self._digest)
        self.locate = cache(self._locate)

    def portable(self, path: str) -> str:
        """Return a path of the project from its root, and any other path as it is."""
        return os.path.relpath(path, self.root) if Path(path).is_relative_to(self.root) else path

    def depended_on(self, traced: Traced) -> set[str]:
        """Return the files of the project that a session read or imported, from the root.

        A session that started other programs depends on more than it was seen to read: then all of
        the packages that it imported count.
        """
        places = [place for place in traced.modules.values() if place]
        seen = {self.portable(file) for file in (*traced.files, *places)}
        packages = [Path(place).parent for place in places if place.endswith("__init__.py")]
        for package in () if traced.whole else packages:
            seen |= {self.portable(str(file)) for file in (self.root / package).rglob("*.py")}
        return {file for file in seen if not os.path.isabs(file) and (self.root / file).is_file()}

    def _digest(self, path: str) -> str:
        """Return the digest of a file's bytes or a folder's names, or a word for its absence."""
        full = os.path.join(self.root, path)
        try:
            if os.path.isdir(full):
                content = "\n".join(sorted(set(os.listdir(full)) - {"__pycache__"})).encode()
            else:
                content = Path(full).read_bytes()
        except OSError as error:
            return type(error).__name__
        return hashlib.sha256(content).hexdigest()

    def _locate(self, module: str) -> str | None:
        """Return the project file that ``import module`` would find, or None."""
        for folder in self.path:
            for candidate in (f"{module}/__init__.py", f"{module}.py"):
                if os.path.isfile(os.path.join(self.root, folder, candidate)):
                    return os.path.join(folder, candidate)
        return None
