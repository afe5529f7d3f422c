"""Runners: callables that take jobs and yield outcomes as they come in.

Law: a job always comes back. A session that kills its worker is found by running what was under way
once more, one at a time; what is lost again is a failure of that session and of no other.
"""

from __future__ import annotations

import datetime
import json
import os
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from ..nouns import Device, Failure, Job, Outcome

WORKER = Path(__file__).with_name("worker")
Started = Callable[[int], None]
Runner = Callable[[Iterable[tuple[int, Job]], Started], Iterator[tuple[int, Outcome]]]
"""Takes numbered jobs and a callable told the number of each job as it starts."""

_LOST = Failure(kind="lost", text="its worker was lost before it gave an answer")


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


class Fresh:
    """A runner that starts a new Python for every job: where there is no fork."""

    def __init__(self, setup: Setup, workers: int) -> None:
        self._setup, self._workers = setup, workers

    def __call__(
        self, jobs: Iterable[tuple[int, Job]], started: Started
    ) -> Iterator[tuple[int, Outcome]]:
        """Run *jobs*; see :data:`Runner`."""
        return _in_parallel(jobs, self._once, started, self._workers)

    def close(self) -> None:
        """Do nothing; nothing is left running."""

    def _once(self, job: Job) -> Outcome:
        request = msgspec.json.encode({"setup": self._setup, "job": job})
        done = subprocess.run(
            _command("once"),
            input=request,
            capture_output=True,
            env=environment(),
            cwd=self._setup.root,
        )
        return _outcome(done.stdout, done.stderr)


class Warm:
    """A runner that forks every session from a worker with the preload already imported.

    The worker starts with the first job and stays for the next call, until :meth:`close`.
    """

    def __init__(self, setup: Setup, workers: int) -> None:
        self._setup, self._workers = setup, workers
        self._worker: _Worker | None = None

    def __call__(
        self, jobs: Iterable[tuple[int, Job]], started: Started
    ) -> Iterator[tuple[int, Outcome]]:
        """Run *jobs*; see :data:`Runner`."""
        numbered = dict(jobs)
        again: list[int] = []
        ask = self._running().ask
        for number, outcome in _in_parallel(numbered.items(), ask, started, self._workers):
            if outcome.failure == _LOST:
                again.append(number)
            else:
                yield number, outcome
        for number in again:
            self.close()  # it may be dying, or already harmed by the last one
            yield number, self._running().ask(numbered[number])

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._worker.end()
            self._worker = None

    def _running(self) -> _Worker:
        if self._worker is not None and not self._worker.is_alive():
            self.close()
        if self._worker is None:
            self._worker = _Worker(self._setup)
        return self._worker


def default_runner(setup: Setup, workers: int) -> Fresh | Warm:
    """Return the fastest runner that this machine has: warm where it can fork, else fresh."""
    can_fork = hasattr(os, "fork") and hasattr(socket, "send_fds")
    return Warm(setup, workers) if can_fork else Fresh(setup, workers)


def by_device(cpu: Runner, other: Runner) -> Runner:
    """Return a runner that gives jobs of the CPU to *cpu*, and all others to *other*."""

    def run(jobs: Iterable[tuple[int, Job]], started: Started) -> Iterator[tuple[int, Outcome]]:
        numbered = list(jobs)
        yield from cpu([(n, job) for n, job in numbered if job.device is Device.CPU], started)
        yield from other([(n, job) for n, job in numbered if job.device is not Device.CPU], started)

    return run


def gpu_here(setup: Setup, device: Device) -> str:
    """Return the name of the GPU that sessions of *device* see here; without one, raise."""
    empty = Job(sources=(), probes=(), timeout=60, device=device)
    bare = msgspec.structs.replace(setup, path=(), preload=())
    outcomes = [outcome for _, outcome in Fresh(bare, 1)([(0, empty)], lambda _: None)]
    gpu = outcomes[0].environment.get("gpu")
    if gpu is None:
        raise WorkerError(
            f"no GPU for {device.value} is here: nvidia-smi names none; run this where one is"
        )
    return gpu


def _in_parallel(
    jobs: Iterable[tuple[int, Job]],
    ask: Callable[[Job], Outcome],
    started: Started,
    workers: int,
) -> Iterator[tuple[int, Outcome]]:
    waiting: queue.SimpleQueue[tuple[int, Job] | None] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, Outcome | BaseException]] = queue.SimpleQueue()
    count = 0
    for job in jobs:
        waiting.put(job)
        count += 1

    def work() -> None:
        while (item := waiting.get()) is not None:
            number, job = item
            started(number)
            try:
                done.put((number, ask(job)))
            except BaseException as error:  # noqa: BLE001 - raised again where it is seen
                done.put((number, error))

    for _ in range(min(workers, count)):
        waiting.put(None)
        threading.Thread(target=work, daemon=True).start()
    for _ in range(count):
        number, outcome = done.get()
        if isinstance(outcome, BaseException):
            raise outcome
        yield number, outcome


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-P", "-s", str(WORKER), *arguments]


def _outcome(answer: bytes, errors: bytes = b"") -> Outcome:
    try:
        outcome = msgspec.json.decode(answer, type=Outcome)
    except msgspec.DecodeError:
        return Outcome(failure=_LOST, stderr=errors.decode("utf-8", "replace"))
    today = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")
    return msgspec.structs.replace(outcome, when=today)


class _Worker:
    """A warm worker process, from its start to its end."""

    def __init__(self, setup: Setup) -> None:
        self._sending = threading.Lock()
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                _command("serve", str(theirs.fileno())),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=environment(),
                cwd=setup.root,
                start_new_session=True,
            )
        try:
            self._send(msgspec.json.encode(setup))
            ready = self._ready()
        except BaseException:
            self.end()
            raise
        if not ready.get("ready"):
            self.end()
            reason = ready.get("error") or "it ended before it was ready"
            preload = ", ".join(setup.preload) or "nothing"
            raise WorkerError(
                f"the worker, which imports {preload} first, could not start: {reason}; "
                "install what is missing, or change preload in the settings"
            )

    def is_alive(self) -> bool:
        """Whether the process is still there."""
        return self._process.poll() is None

    def end(self) -> None:
        """End the process and what it runs."""
        self._socket.close()
        self._process.kill()
        self._process.communicate()

    def ask(self, job: Job) -> Outcome:
        """Send *job* to the worker and wait for its outcome."""
        answer, theirs = os.pipe()
        try:
            self._send(msgspec.json.encode(job), theirs)
        except OSError:
            os.close(answer)
            return Outcome(failure=_LOST)
        finally:
            os.close(theirs)
        with os.fdopen(answer, "rb") as file:
            return _outcome(file.read())

    def _send(self, body: bytes, *fds: int) -> None:
        with self._sending:
            head = len(body).to_bytes(8, "big")
            if fds:
                socket.send_fds(self._socket, [head], fds)
            else:
                self._socket.sendall(head)
            self._socket.sendall(body)

    def _ready(self) -> dict[str, str]:
        with self._socket.makefile("rb") as file:
            head = file.read(8)
            if not head:
                errors = self._process.stderr.read() if self._process.stderr else b""
                return {"error": errors.decode("utf-8", "replace").strip()[-2000:]}
            answer: dict[str, str] = json.loads(file.read(int.from_bytes(head, "big")))
            return answer
