"""What every session is run with, what a runner is, and how an answer of a worker is read.

Law: the environment of a session is fixed here, so that it is the same on every machine; on a GPU
alone, programs are found where the user has them.
"""

from __future__ import annotations

import datetime
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ..nouns import Device, Failure, Job, Outcome, Traced

WORKER = Path(__file__).with_name("worker")
MARK = "ASSAY_MARK"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
Started = Callable[[int], None]
Runner = Callable[[Iterable[tuple[int, Job]], Started], Iterator[tuple[int, Outcome]]]
"""Takes numbered jobs and a callable told the number of each job as it starts."""

LOST = Failure(kind="lost", text="its worker was lost before it gave an answer")


class WorkerError(Exception):
    """Sessions cannot run here: a preload module is missing, or the GPU is."""


class Setup(Struct, frozen=True, kw_only=True):
    """What every session of a project is run with."""

    root: str
    path: tuple[str, ...]
    preload: tuple[str, ...] = ()
    kept: int = 64 * 1024
    drained: int = 8 * 1024 * 1024
    hash_seed: int = 0


class Brought(Struct, frozen=True, kw_only=True):
    """What a preload saw: what every session depends on, and what those that use it do."""

    always: Traced
    used: Traced

    def under(self, outcome: Outcome) -> Outcome:
        """Add to what a session saw what the preload had seen before it."""
        traced = _joined(outcome.traced, self.always)
        if traced.preloaded:
            traced = _joined(traced, self.used)
        return replace(outcome, traced=traced)


class _Answer(Outcome, frozen=True, kw_only=True):
    """An outcome as a worker writes it."""

    brought: Brought | None = None


_read_answer = msgspec.json.Decoder(_Answer).decode
"""Made here, since the first use of a type by two threads at once ends the process."""


def _joined(traced: Traced, before: Traced) -> Traced:
    folders = traced.imports.keys() | before.imports.keys()
    return replace(
        traced,
        files=traced.files | before.files,
        imports={f: traced.imports.get(f, {}) | before.imports.get(f, {}) for f in folders},
        distributions=traced.distributions | before.distributions,
        whole=traced.whole and before.whole,
        placed=traced.placed or before.placed,
        unkept=tuple(dict.fromkeys((*traced.unkept, *before.unkept))),
    )


def environment(hash_seed: int = 0, device: Device = Device.CPU) -> dict[str, str]:
    """Return the whole environment of a session: one thread, pinned hash seed, zone and locale."""
    fixed = {
        "PATH": PATH,
        "PYTHONHASHSEED": str(hash_seed),
        "PYTHONUTF8": "1",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "NO_COLOR": "1",
        "COLUMNS": "80",
        "MPLBACKEND": "agg",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
    }
    passed = ["SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES"]
    passed += ["PATH"] if device is not Device.CPU or os.name == "nt" else []
    return fixed | {key: os.environ[key] for key in passed if key in os.environ}


def started_in(setup: Setup, mark: str, device: Device = Device.CPU) -> dict[str, str]:
    """Return the environment of a worker: a session's, and what sets this worker apart."""
    own = {MARK: mark, "TMPDIR": tempfile.gettempdir()}
    return environment(setup.hash_seed, device) | own


def command(*arguments: str) -> list[str]:
    """Return the command that starts the worker in one of its modes."""
    return [sys.executable, "-P", "-s", str(WORKER), *arguments]


def outcome_of(answer: bytes, brought: Brought | None = None) -> Outcome:
    """Read what a worker answered; what cannot be read is a lost session."""
    try:
        found = _read_answer(answer)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return Outcome(failure=LOST)
    outcome = Outcome(**{name: getattr(found, name) for name in Outcome.__struct_fields__})
    outcome = replace(outcome, when=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"))
    brought = brought or found.brought
    return brought.under(outcome) if brought else outcome
