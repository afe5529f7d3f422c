"""Put a new folder in the place of an old one, so that a whole one stands there at any moment.

Law: where the system can exchange two names in one step, that is what is done; elsewhere the old
folder is moved away first, for as long as a rename takes, and put back if the new one cannot come.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from pathlib import Path

_AT_FDCWD = -100  # linux/fcntl.h
_RENAME_EXCHANGE = 2  # linux/fs.h, and RENAME_SWAP of sys/stdio.h on macOS


def swap_in(new: Path, target: Path) -> None:
    """Put *new* where *target* is or is to be; what stood there is gone afterwards."""
    if not target.exists():
        new.rename(target)
        return
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
