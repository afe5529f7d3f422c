"""What stands at a path, as a word: the way in which it was looked at, and what was seen.

Law: two looks give the same word exactly where what was looked for is the same. Words hold no path
of a machine. This module has no state; it is the one of the worker that the rest of assay imports.
"""

from __future__ import annotations

import importlib.machinery
import os
import re
import site
import stat
import sys
import sysconfig
from os import getcwd  # as it is before sessions are watched

TYPE_CHECKING = False
if TYPE_CHECKING:  # what it would import is not needed in a worker
    from typing import Any

BIG = 1 << 22
SUFFIXES = (*importlib.machinery.EXTENSION_SUFFIXES, *importlib.machinery.SOURCE_SUFFIXES)
ABSENT = (FileNotFoundError, NotADirectoryError)
GONE = "gone"
MADE_BY_PYTHON = "__pycache__"


def installed_in() -> list[str]:
    """Return the folders of installed packages, as Python names them."""
    folders = [sysconfig.get_path(name) for name in ("purelib", "platlib")]
    return [*folders, *site.getsitepackages([sys.prefix, sys.base_prefix])]


def sites() -> tuple[str, ...]:
    """Return the folders of installed packages from which this Python imports."""
    known = {os.path.realpath(folder) for folder in installed_in()}
    return tuple(f for f in dict.fromkeys(map(os.path.realpath, sys.path)) if f in known)


def libraries() -> tuple[str, ...]:
    """Return the folders of Python and of installed packages: what is there has a version."""
    folders = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib")] + installed_in()
    folders += map(os.path.realpath, folders[:])
    return tuple(dict.fromkeys(os.path.join(folder, "") for folder in folders))


class Places:
    """The folders that differ from machine to machine: the project's root, and Python's."""

    def __init__(self, root: str) -> None:
        folders = {os.path.realpath(sys.base_prefix): "{base}"}
        folders[os.path.realpath(sys.prefix)] = "{prefix}"
        folders[os.path.realpath(root)] = ""
        self.root = os.path.realpath(root)
        self.folders = sorted(folders.items(), key=lambda pair: -len(pair[0]))
        self.named = {name: folder for folder, name in self.folders if name}

    def portable(self, path: str) -> str:
        """Write a path from the root, or from Python's folder; any other stays as it is."""
        for folder, name in self.folders:
            if path == folder or path.startswith(os.path.join(folder, "")):
                rest = path[len(folder) :].lstrip(os.sep)
                return os.path.join(name, rest) if name and rest else name or rest or "."
        return path

    def real(self, path: str) -> str:
        """Return the path on this machine of what :meth:`portable` wrote."""
        name, _, rest = path.partition(os.sep)
        return os.path.join(self.named.get(name, self.root), rest if name in self.named else path)

    def here(self) -> list[str]:
        """Return the folders, of which another machine has others."""
        return [folder for folder, _ in self.folders]

    def neutral(self, text: str) -> str:
        """Replace the folders in a text by their names."""
        for folder, name in self.folders:
            text = text.replace(folder, name or "{root}")
        return text


def resolve(path: str, follow: bool = True) -> tuple[str, list[tuple[str, str]]]:
    """Return where *path* leads, with each link on the way: ``(path, [(link, its text), ...])``."""
    rest, at, links = os.path.join(getcwd(), path).split(os.sep)[::-1], os.sep, []
    while rest:
        name = rest.pop()
        if name in {"", os.curdir}:
            continue
        if name == os.pardir:
            at = os.path.dirname(at)
            continue
        full = os.path.join(at, name)
        try:
            text = os.readlink(full) if rest or follow else None
        except OSError:
            text = None
        if text is None or len(links) > 40:
            at = full
            continue
        links.append((full, text))
        at = os.sep if text.startswith(os.sep) else at
        rest += text.split(os.sep)[::-1]
    return at, links


def look(path: str, how: str, places: Places) -> str:
    """Return the word for what stands at *path*, looked at as *how* says."""
    if how == "link":
        return link(path, places)
    if how == "pth":
        return f"pth:{digest(startup(os.path.dirname(path), places))}"
    try:
        seen = os.lstat(path)
        if stat.S_ISLNK(seen.st_mode):
            return link(path, places)  # it was none: a path is noted where links have led
        for kind, is_kind, ways in KINDS:
            if is_kind(seen.st_mode):
                return ways.get(how, ways[None])(path, seen) if ways else kind
    except OSError as error:
        return GONE if isinstance(error, ABSENT) else type(error).__name__
    return "special"


def way(word: str) -> str:
    """Return how was looked for *word*."""
    return word.partition(":")[0]


def link(path: str, places: Places) -> str:
    try:
        return f"link:{places.neutral(os.readlink(path))}"
    except OSError:
        return GONE


def startup(folder: str, places: Places) -> str:
    """Return what adds to the import path when Python starts: the .pth files of *folder*."""
    texts = []
    for name in sorted(listing(folder)):
        if name.endswith(".pth"):
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                texts.append(places.neutral(file.read()))
    return "\0".join(texts)


def content(path: str, seen: os.stat_result) -> str:
    total = sha256(big=seen.st_size > BIG)
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            total.update(chunk)
    return f"file:{total.hexdigest()}"


def installed(path: str, _: os.stat_result) -> str:
    """Digest the files of a distribution, as its RECORD lists them; scripts and caches stay out."""
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = [
            line
            for line in file
            if not line.startswith("..") and ".dist-info/" not in line and ".pyc," not in line
        ]
    return f"installed:{digest(''.join(sorted(lines)))}"


def names(path: str, _: os.stat_result) -> str:
    found = listing(path)
    return f"names:{digest(chr(0).join(sorted(n + os.sep if f else n for n, f in found.items())))}"


def entries(path: str, _: os.stat_result) -> str:
    """Digest what a folder tells of its entries without opening them: names, kinds, sizes."""
    found = []
    with os.scandir(path) as items:
        for item in items:
            if item.name != MADE_BY_PYTHON:
                found.append(f"{item.name} {kind_of(item)}")
    return f"entries:{digest(chr(0).join(sorted(found)))}"


def kind_of(item: os.DirEntry[str]) -> str:
    try:
        seen = item.stat()
    except OSError as error:
        return type(error).__name__
    size = seen.st_size if stat.S_ISREG(seen.st_mode) else 0
    return f"{stat.S_IFMT(seen.st_mode)} {size} {item.is_symlink()}"


def listing(path: str) -> dict[str, bool]:
    """Return the names in a folder, and whether each is a folder; none where it cannot be read."""
    try:
        with os.scandir(path) as items:
            return {i.name: is_folder(i) for i in items if i.name != MADE_BY_PYTHON}
    except OSError:
        return {}


def is_folder(item: os.DirEntry[str]) -> bool:
    """Whether an entry leads to a folder; a link in a circle leads nowhere, and is there."""
    try:
        return item.is_dir()
    except OSError:
        return False


def found(folder: str, inside: dict[str, bool], module: str) -> str | None:
    """Return what ``import module`` finds in *folder*, which lists as *inside*; or None."""
    if inside.get(module):
        for suffix in SUFFIXES:
            place = os.path.join(module, f"__init__{suffix}")
            if os.path.isfile(os.path.join(folder, place)):
                return place
    for suffix in SUFFIXES:
        name = module + suffix
        if inside.get(name) is False and os.path.isfile(os.path.join(folder, name)):
            return name  # a link may lead nowhere
    return os.path.join(module, "") if inside.get(module) else None


def versions(folders: tuple[str, ...]) -> dict[str, str]:
    """Return the version of each distribution in *folders*, by its normal name."""
    known: dict[str, str] = {}
    for folder in folders:
        for name in listing(folder):
            match = re.fullmatch(r"(.+?)-([^-]+)(?:-[^-]+)*\.(?:dist|egg)-info", name)
            if match:
                known.setdefault(normal(match[1]), match[2])
    return known


def normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "_", distribution).lower()


def digest(text: str) -> str:
    total = sha256()
    total.update(text.encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def sha256(big: bool = False) -> Any:
    """Return a hash; that of OpenSSL is fast, and takes a worker's time and memory to load."""
    for name in () if big else ("_sha2", "_sha256"):
        try:
            return importlib.import_module(name).sha256()
        except ImportError:
            pass
    return importlib.import_module("hashlib").sha256()


KINDS = (
    ("folder", stat.S_ISDIR, {None: lambda p, s: "folder", "names": names, "entries": entries}),
    (
        "file",
        stat.S_ISREG,
        {None: lambda p, s: f"size:{s.st_size}", "file": content, "installed": installed},
    ),
)
"""What can stand at a path: how it is told, and the ways to look at it (None: any other)."""
