"""Put a new folder in the place of an old one, so that a whole one stands there at any moment.

Law: where the system can exchange two names in one step, that is what is done; elsewhere the old
folder is moved away first, for as long as a rename takes, and put back if the new one cannot come.
Only a site is replaced, and its hidden files stay, as MkDocs lets them.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..sessions import processes

_AT_FDCWD = -100  # linux/fcntl.h
_RENAME_EXCHANGE = 2  # linux/fs.h, and RENAME_SWAP of sys/stdio.h on macOS


_SIGNS = ("404.html", "sitemap.xml", "claims.json")
"""What MkDocs or assay puts at the top of every site."""


class ForeignError(Exception):
    """A folder that is no site stands where the site is to be."""


def refuse_foreign(target: Path) -> None:
    """Raise :class:`ForeignError` where *target* holds something that is no site."""
    if target.is_dir():
        there = [path.name for path in target.iterdir() if not path.name.startswith(".")]
        if there and not any(sign in there for sign in _SIGNS):
            raise ForeignError(
                f"{target} holds {there[0]!r} and is no site that MkDocs or assay made; move it "
                "away, or name another folder as site_dir in mkdocs.yml"
            )


@contextmanager
def new_beside(target: Path) -> Iterator[Path]:
    """Give a folder to build in, on the file system of *target*; drop those of killed builds."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(".site-*"):
        if processes.is_dead(left.name.split("-")[1]):
            shutil.rmtree(left, ignore_errors=True)
    prefix = f".site-{processes.mark()}-"
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=prefix) as folder:
        yield Path(folder) / "new"


def swap_in(new: Path, target: Path) -> None:
    """Put *new* where *target* is or is to be; of what stood there only hidden files remain."""
    if not target.exists():
        new.rename(target)
        return
    for hidden in target.glob(".*"):
        if (new / hidden.name).exists():
            continue
        if hidden.is_dir() and not hidden.is_symlink():
            shutil.copytree(hidden, new / hidden.name, symlinks=True)
        else:
            shutil.copy2(hidden, new / hidden.name, follow_symlinks=False)
    if not exchange(new, target):
        _in_two_steps(new, target)
    shutil.rmtree(new, ignore_errors=True)


def exchange(one: Path, other: Path) -> bool:
    """Exchange the names of two folders in one step; return whether the system could."""
    a, b = os.fsencode(one), os.fsencode(other)
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        if sys.platform == "darwin":
            return bool(libc.renamex_np(a, b, _RENAME_EXCHANGE) == 0)
        return bool(libc.renameat2(_AT_FDCWD, a, _AT_FDCWD, b, _RENAME_EXCHANGE) == 0)
    except AttributeError:  # a C library without the call
        return False


def _in_two_steps(new: Path, target: Path) -> None:
    """Leave the old folder under the name of the new one."""
    old = new.with_name(f"{new.name}-old")
    target.rename(old)
    try:
        new.rename(target)
    except OSError:
        old.rename(target)
        raise
    old.rename(new)
