"""Results kept by content: a result is reused only if nothing that could change it has changed.

Law: the key is the session's code and what runs it; beside it stands what the session really saw,
as it was when it was seen. Probes, prose, line numbers and limits are part of neither. Only
successes are kept, and of what is not kept it is said why.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import sys
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ..nouns import Job, Outcome, Traced
from .setup import WORKER, Setup, environment
from .sources import Sources

FORMAT = 2
TRACES = 8
"""How many results of one session, each for other contents of what it read, are kept."""
SUM = 64
"""Length of the checksum at the head of a kept result."""


class Trace(Struct, frozen=True, kw_only=True):
    """A kept result, with what it depended on."""

    traced: Traced
    place: str
    """The folders in which alone it is good; empty where it is good in any."""
    outcome: Outcome


class Store:
    """A folder of results. Reading and writing it never fails a check: a bad file is no result."""

    def __init__(self, folder: Path, sources: Sources, setup: Setup) -> None:
        self.folder, self.sources, self._setup = folder, sources, setup

    def find(self, job: Job) -> Outcome | None:
        """Return a result of *job* that still stands, or None."""
        here = self._key(job)
        for file in self._traces(here):
            trace = _read(file, here)
            if trace and set(job.probes) <= trace.outcome.values.keys() and self._stands(trace):
                return replace(trace.outcome, traced=trace.traced)
        return None

    def missed(self, job: Job) -> str:
        """Return why *job* has no result that stands: what has changed since the newest."""
        here = self._key(job)
        for trace in filter(None, (_read(file, here) for file in self._traces(here))):
            if not set(job.probes) <= trace.outcome.values.keys():
                return "a claim asks for a value that was not kept"
            changed = next(iter(self.sources.changes(trace.traced)), "")
            return f"{changed} has changed" if changed else "it was kept for another folder"
        return "no result of this code is kept"

    def keep(self, job: Job, outcome: Outcome) -> tuple[str, ...]:
        """Keep *outcome*, a success; return why not, in words that follow "it", if it is not.

        What it saw must still be there as it was: else its values are of what stands no more.
        """
        changed = (f"saw {what}, which changed while it ran" for what in self._changes(outcome))
        why = outcome.traced.unkept or tuple(sorted(set(changed)))
        if why:
            return why
        here = self._key(job)
        trace = self._trace(outcome)
        name = _digest([trace.traced, trace.place])
        file = self.folder / here / f"{name}.json"
        with suppress(OSError):  # a full or read-only disk
            write(file, _sealed(_merged(trace, _read(file, here)), here))
            for old in self._traces(here)[TRACES:]:
                old.unlink(missing_ok=True)
        return ()

    def forget(self, job: Job) -> None:
        """Drop all results of *job*."""
        shutil.rmtree(self.folder / self._key(job), ignore_errors=True)

    def _changes(self, outcome: Outcome) -> list[str]:
        return list(self.sources.changes(outcome.traced))

    def _key(self, job: Job) -> str:
        return key(job, self._setup, self.sources)

    def _trace(self, outcome: Outcome) -> Trace:
        kept = replace(outcome, traced=Traced(), stderr="")
        traced = replace(outcome.traced, times={}, preloaded=False)
        text = msgspec.json.encode(kept).decode()
        here = self.sources.places.here()
        is_placed = traced.placed or any(folder in text for folder in here)
        return Trace(traced=traced, place="\n".join(here) if is_placed else "", outcome=kept)

    def _traces(self, key: str) -> list[Path]:
        """Return the files of a job's results, the newest first."""
        try:
            files = [f for f in (self.folder / key).glob("*.json") if f.is_file()]
            return sorted(files, key=lambda file: file.stat().st_mtime, reverse=True)
        except OSError:
            return []

    def _stands(self, trace: Trace) -> bool:
        is_here = trace.place in {"", "\n".join(self.sources.places.here())}
        return is_here and self.sources.stands(trace.traced)


def _sealed(trace: Trace, key: str) -> bytes:
    """Return a result as it is kept: its checksum, which tells also whose it is, and its text."""
    body = msgspec.json.encode(trace)
    return hashlib.sha256(key.encode() + body).hexdigest().encode() + body


def _read(file: Path, key: str) -> Trace | None:
    """Read a kept result; one that is not what was written is none."""
    try:
        data = file.read_bytes()
        if data[:SUM] != hashlib.sha256(key.encode() + data[SUM:]).hexdigest().encode():
            return None
        return msgspec.json.decode(data[SUM:], type=Trace)
    except (OSError, ValueError, RecursionError, msgspec.DecodeError):
        return None


def _merged(trace: Trace, before: Trace | None) -> Trace:
    """Add the values that another page with the same code asked for to those of *trace*."""
    if before is None:
        return trace
    values = before.outcome.values | trace.outcome.values
    return replace(trace, outcome=replace(trace.outcome, values=values))


def key(job: Job, setup: Setup, sources: Sources) -> str:
    """Return the name of a job: its code and device, and all that it is run with.

    Folders are written from the project's root, so that another clone finds the same results; and
    the kernel's release is left out, so that another machine of the kind does.
    """
    with_it = [setup.preload, [sources.portable(p) for p in setup.path], setup.kept]
    python = [sys.version, sys.platform, platform.machine(), platform.libc_ver()]
    world = sources.places.neutral(repr(sorted(environment(setup.hash_seed).items())))
    return _digest(
        [FORMAT, job.sources, job.device, job.figures, with_it, python, world, _worker_digest()]
    )


def _digest(parts: object) -> str:
    return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()


@cache
def _worker_digest() -> str:
    files = sorted(WORKER.glob("*.py"))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def write(path: Path, data: bytes) -> None:
    """Write *data* so that a reader sees all of it or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
