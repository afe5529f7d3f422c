"""Whether any session may use what is preloaded: a worker that nobody needs it in starts at once.

Law: this changes how long a session takes, never what it gives. In doubt the preload is there.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from ..nouns import Job
from .setup import Setup

_IMPORT = re.compile(r"^\s*(?:from\s+(\w+)|import\s+(.+))", re.MULTILINE)
_FIRST = re.compile(r"\s*(\w+)")


def of_preload(setup: Setup, jobs: Iterable[Job]) -> bool:
    """Whether one of *jobs* may use a module that is preloaded, as far as its text tells."""
    tops = {name.partition(".")[0] for name in setup.preload}
    if any(importlib.util.find_spec(top) is None for top in tops):
        return bool(tops)  # a module of the project, which may change anything, or a missing one
    folders = tuple(map(Path, setup.path))
    texts = (source.code for job in jobs for source in job.sources)
    return any(_names(text, tops, folders, set()) for text in texts)


def _names(text: str, tops: set[str], folders: tuple[Path, ...], seen: set[str]) -> bool:
    """Whether *text*, or a module of the project that it imports, names one of *tops*."""
    if any(re.search(rf"\b{top}\b", text) for top in tops):
        return True
    for name in _imported(text) - seen - sys.stdlib_module_names:
        seen.add(name)
        own = [module for folder in folders for module in _modules(folder, name)]
        if own:
            if any(_names(_text(module), tops, folders, seen) for module in own):
                return True
        elif _requires(name, frozenset(tops)):
            return True
    return False


def _imported(text: str) -> set[str]:
    """Return the top-level names of the modules that *text* imports, or may."""
    found = set()
    for match in _IMPORT.finditer(text):
        names = [match[1]] if match[1] else match[2].split(",")
        found |= {first[1] for name in names if (first := _FIRST.match(name))}
    return found


def _modules(folder: Path, name: str) -> Iterator[Path]:
    if (folder / f"{name}.py").is_file():
        yield folder / f"{name}.py"
    elif (folder / name).is_dir():
        yield from (folder / name).rglob("*.py")


@cache
def _text(module: Path) -> str:
    try:
        return module.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _requires(name: str, tops: frozenset[str], depth: int = 0) -> bool:
    """Whether a distribution called *name* may bring one of *tops*; an unknown one may."""
    try:
        needed = importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return depth == 0
    names = {match[0] for line in needed if (match := re.match(r"[\w.-]+", line))}
    if names & tops:
        return True
    return depth < 3 and any(_requires(one, tops, depth + 1) for one in names)
