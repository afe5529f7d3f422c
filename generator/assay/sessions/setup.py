"""What every session is run with, and what a runner is.

Law: the environment of a session is fixed here, so that it is the same on every machine.
"""

from __future__ import annotations

import datetime
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from ..nouns import Failure, Job, Outcome

WORKER = Path(__file__).with_name("worker")
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


def environment() -> dict[str, str]:
    """Return the whole environment of a session: one thread, pinned hash seed, zone and locale."""
    fixed = {
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "NO_COLOR": "1",
        "COLUMNS": "80",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
    }
    passed = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES")
    return fixed | {key: os.environ[key] for key in passed if key in os.environ}


def command(*arguments: str) -> list[str]:
    """Return the command that starts the worker in one of its modes."""
    return [sys.executable, "-P", "-s", str(WORKER), *arguments]


def outcome_of(answer: bytes, errors: bytes = b"") -> Outcome:
    """Read what a worker answered; what cannot be read is a lost session."""
    try:
        outcome = msgspec.json.decode(answer, type=Outcome)
    except msgspec.DecodeError:
        return Outcome(failure=LOST, stderr=errors.decode("utf-8", "replace"))
    today = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")
    return msgspec.structs.replace(outcome, when=today)
