"""Processes and folders that a run leaves behind when it is killed, and how they are found.

Law: nothing is ended or removed but what bears the mark of this program; a mark tells the machine,
the process that made it and when that started, so that none is taken for another.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import platform
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from .setup import MARK

_PROC = Path("/proc")
_NUMBERS = itertools.count()
PATIENCE, QUIET = 200, 10
"""Looks for orphans, ten milliseconds apart: at most, and in a row without finding any."""


def mark() -> str:
    """Return a mark for a worker that this process starts."""
    return f"{_owner(os.getpid())}.{next(_NUMBERS)}"


def end_marked(mark: str) -> None:
    """End every process that bears a mark, and remove its folders."""
    told = (f"{MARK}={mark}\0".encode(), f"assay-{mark}-".encode())
    for process in _processes():
        with suppress(OSError):
            if any(word in (process / "environ").read_bytes() + b"\0" for word in told):
                os.kill(int(process.name), signal.SIGKILL)
    for folder in Path(tempfile.gettempdir()).glob(f"assay-{mark}-*"):
        shutil.rmtree(folder, ignore_errors=True)


def has_folders(mark: str) -> bool:
    """Whether something that bears a mark did not clean up behind itself."""
    return any(Path(tempfile.gettempdir()).glob(f"assay-{mark}-*"))


def end_orphans(worker: int) -> None:
    """End the children of a worker that are no supervisors: their own was killed.

    They come below the worker a moment after it has gone, and theirs as they go themselves.
    """
    quiet = 0
    for _ in range(PATIENCE):
        orphans = [pid for pid in _children(worker) if _session(pid) not in {worker, 0}]
        for pid in orphans:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        quiet = 0 if orphans else quiet + 1
        if quiet == QUIET:
            return
        time.sleep(0.01)


def sweep() -> None:
    """Remove what runs left behind that were killed, on this machine and by this user."""
    folders = Path(tempfile.gettempdir()).glob("assay-*.*.*.*-*") if hasattr(os, "getuid") else ()
    for folder in folders:
        found = folder.name.split("-")[1]
        with suppress(OSError, ValueError):
            if folder.stat().st_uid == os.getuid() and is_dead(found):
                end_marked(found)


def is_dead(mark: str) -> bool:
    """Whether the process that *mark* names is gone; of other machines nothing is known."""
    here, _, rest = mark.partition(".")
    pid = rest.partition(".")[0]
    ours = here == _here() and pid.isdecimal()
    return ours and not mark.startswith(f"{_owner(int(pid))}.")


def _owner(pid: int) -> str:
    """Return what tells a process from any other: where it runs, its number, when it started."""
    return f"{_here()}.{pid}.{_field(pid, 19)}"


@cache
def _here() -> str:
    """Return what tells this machine, since it was started, and this container from another."""
    words = [platform.node()]
    with suppress(OSError):
        words.append((_PROC / "sys/kernel/random/boot_id").read_text())
        words.append(os.readlink("/proc/self/ns/pid"))
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:8]


def _field(pid: int, number: int) -> int:
    """Return a number of /proc/PID/stat, counted behind the name; 0 where there is none."""
    try:
        return int((_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[number])
    except (OSError, IndexError, ValueError):
        return 0


def _session(pid: int) -> int:
    return _field(pid, 3)


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in (_PROC / f"{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _processes() -> Iterator[Path]:
    with suppress(OSError):
        yield from (p for p in _PROC.iterdir() if p.name.isdecimal() and p.name != str(os.getpid()))
