"""Results kept by content: a result is reused only if nothing that could change it has changed.

Law: the key is the session's code and what runs it; beside it stands what the session really read
and imported. Probes, prose, line numbers and limits are part of neither. Only successes are kept.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import sys
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ..nouns import Job, Outcome
from .sources import Sources

FORMAT = 1
TRACES = 8
"""How many results of one session, each for other contents of what it read, are kept."""

_WORKER = Path(__file__).with_name("worker")


class Trace(Struct, frozen=True, kw_only=True):
    """A kept result, with what it depended on: files by digest, modules by place, versions."""

    files: dict[str, str]
    modules: dict[str, str | None]
    distributions: dict[str, str]
    outcome: Outcome


class Store:
    """A folder of results. Reading and writing it never fails a check: a bad file is no result."""

    def __init__(self, folder: Path, sources: Sources) -> None:
        self.folder, self.sources = folder, sources

    def find(self, job: Job) -> Outcome | None:
        """Return a result of *job* that still stands, or None."""
        for file in self._traces(job):
            trace = _read(file)
            if trace and set(job.probes) <= trace.outcome.values.keys() and self._stands(trace):
                return trace.outcome
        return None

    def keep(self, job: Job, outcome: Outcome) -> None:
        """Keep *outcome*, a success, if everything that it depended on was seen."""
        if not outcome.traced.whole:
            return
        traced = outcome.traced
        trace = Trace(
            files={self.sources.portable(f): self.sources.digest(f) for f in traced.files},
            modules={m: p and self.sources.portable(p) for m, p in traced.modules.items()},
            distributions=traced.distributions,
            outcome=outcome,
        )
        name = hashlib.sha256(
            msgspec.json.encode([trace.files, trace.modules, trace.distributions], order="sorted")
        ).hexdigest()
        file = self.folder / key(job) / f"{name}.json"
        with suppress(OSError):  # a full or read-only disk
            write(file, msgspec.json.encode(_merged(trace, _read(file))))
            for old in self._traces(job)[TRACES:]:
                old.unlink(missing_ok=True)

    def _traces(self, job: Job) -> list[Path]:
        """Return the files of a job's results, the newest first."""
        try:
            files = [f for f in (self.folder / key(job)).glob("*.json") if f.is_file()]
            return sorted(files, key=lambda file: file.stat().st_mtime, reverse=True)
        except OSError:
            return []

    def _stands(self, trace: Trace) -> bool:
        digest, locate = self.sources.digest, self.sources.locate
        return (
            all(digest(f) == d for f, d in trace.files.items())
            and all(locate(m) == p for m, p in trace.modules.items())
            and all(version(name) == v for name, v in trace.distributions.items())
        )


def _read(file: Path) -> Trace | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Trace)
    except (OSError, msgspec.DecodeError):
        return None


def _merged(trace: Trace, before: Trace | None) -> Trace:
    """Add the values that another page with the same code asked for to those of *trace*."""
    if before is None:
        return trace
    values = before.outcome.values | trace.outcome.values
    return replace(trace, outcome=replace(trace.outcome, values=values))


def key(job: Job) -> str:
    """Return the name of a job: its code and device, Python, the platform and the worker."""
    parts = [FORMAT, job.sources, job.device, sys.version, platform.platform(), _worker_digest()]
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


@cache
def _worker_digest() -> str:
    files = sorted(_WORKER.glob("*.py"))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


@cache
def version(distribution: str) -> str | None:
    """Return the installed version of *distribution*, or None."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


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
