"""The sources of a project as they stand now, compared with what sessions saw of them.

Law: in one check, what is looked at to decide on reuse is looked at once; whether a result that has
just come in may be kept is decided by what stands there at that very moment.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from ..nouns import Traced
from .worker import looks

RECENT = 2_000_000_000
"""Nanoseconds within which a file may be changed twice and bear one time."""


class Sources:
    """The files under *root*, and the folders of it, *path*, from which sessions import."""

    def __init__(self, root: Path, path: tuple[str, ...]) -> None:
        self.root, self.path = root.resolve(), path
        self.places = looks.Places(str(self.root))
        self.digest = cache(self._digest)
        self._look, self._versions = cache(self._now), cache(_versions)
        self._listing = cache(looks.listing)
        self._contents: dict[tuple[str, int, int, int], str] = {}

    def portable(self, path: str) -> str:
        """Return a path of the project from its root, of Python from its folder."""
        return self.places.portable(path)

    def depended_on(self, traced: Traced) -> set[str]:
        """Return the files of the project that a session read or imported, from the root.

        A session that started other programs depends on more than it was seen to read: then all of
        the packages that it imported count.
        """
        seen = {f for f in traced.files if not os.path.isabs(f) and not f.startswith("{")}
        packages = {Path(f).parent for f in seen if f.endswith("/__init__.py")}
        for package in () if traced.whole else packages:
            files = (self.root / package).rglob("*.py")
            seen |= {file.relative_to(self.root).as_posix() for file in files}
        return {file for file in seen if (self.root / file).is_file()}

    def stands(self, traced: Traced) -> bool:
        """Whether all that was seen is as it was, as far as this check has looked already."""
        return next(self._changes(traced, self._look, self._listing, self._versions), None) is None

    def changes(self, traced: Traced) -> Iterator[str]:
        """Name what is not, at this moment, as it was when it was seen."""
        for path, when in traced.times.items():
            if self._changed_at(path, traced.files[path]) != when:
                yield path
        yield from self._changes(traced, self._now, looks.listing, _versions)

    def _changes(
        self,
        traced: Traced,
        look: Callable[[str, str], str],
        listing: Callable[[str], dict[str, bool]],
        versions: Callable[[], dict[str, str]],
    ) -> Iterator[str]:
        for path, word in traced.files.items():
            if look(path, looks.way(word)) != word:
                yield path
        for folder, modules in traced.imports.items():
            full = self.places.real(folder)
            inside = listing(full)
            for module, place in modules.items():
                if looks.found(full, inside, module) != place:
                    yield f"the module {module}"
        known = versions() if traced.distributions else {}
        for name, version in traced.distributions.items():
            if known.get(name) != version:
                yield f"the package {name}"

    def _now(self, path: str, how: str) -> str:
        full = self.places.real(path)
        if how != "file":
            return looks.look(full, how, self.places)
        try:
            found = os.stat(full)
        except OSError:
            return looks.look(full, how, self.places)
        key = (full, found.st_ino, found.st_size, found.st_ctime_ns)
        if key in self._contents:
            return self._contents[key]
        word = looks.look(full, how, self.places)
        if time.time_ns() - found.st_ctime_ns > RECENT:
            self._contents[key] = word
        return word

    def _changed_at(self, path: str, word: str) -> int | None:
        try:
            found = os.stat(self.places.real(path))
        except OSError:
            return None
        is_list = looks.way(word) in {"names", "entries"}
        return found.st_mtime_ns if is_list else found.st_ctime_ns

    def _digest(self, path: str) -> str:
        """Return the digest of a file's bytes, or a word for its absence."""
        try:
            return hashlib.sha256((self.root / path).read_bytes()).hexdigest()
        except OSError as error:
            return type(error).__name__


def _versions() -> dict[str, str]:
    """Return the version of each installed distribution by its normal name."""
    return looks.versions(looks.sites())
