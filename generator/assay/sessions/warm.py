"""The warm runner: every session is a fork of a worker that has imported the preload.

Law: a job always comes back. When a worker dies it is started anew, once; what was under way runs
again, each alone, so that what is lost again is a failure of that session and of no other.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ..nouns import Job, Outcome
from . import need, processes
from .hearing import hear
from .pool import Pool
from .setup import LOST, Brought, Setup, Started, WorkerError, command, started_in
from .sources import Sources

TRIES = 3
"""How many workers are asked to begin with a job."""


class Warm:
    """A runner that forks every session from a worker with the preload already imported.

    The worker starts with the first job and stays for the next call, until :meth:`close`, or until
    what it was started with has changed.
    """

    def __init__(self, setup: Setup, workers: int) -> None:
        self._setup, self._workers = setup, workers
        self._starts_with = setup
        self._worker: _Worker | None = None
        self._starting = threading.Lock()

    def __call__(
        self, jobs: Iterable[tuple[int, Job]], started: Started
    ) -> Iterator[tuple[int, Outcome]]:
        """Run *jobs*; see :data:`~assay.sessions.setup.Runner`."""
        numbered = dict(jobs)
        suspects: list[int] = []
        self._choose(numbered.values())
        self._renew()
        for number, outcome in Pool(self._ask, started, self._workers).run(numbered.items()):
            if outcome.failure is not None and outcome.failure.kind == "lost":
                suspects.append(number)
            else:
                yield number, outcome
        for number in suspects:
            yield number, self._ask(numbered[number])

    def use(self, setup: Setup) -> None:
        """Run the next jobs with *setup*; another than before needs another worker."""
        if setup != self._setup:
            self.close()
            self._setup = self._starts_with = setup

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._worker.end()
            self._worker = None

    def _choose(self, jobs: Iterable[Job]) -> None:
        """Start without the preload where no job may use it; a worker that has it stays."""
        if need.of_preload(self._setup, jobs):
            wanted = self._setup
        elif self._worker is not None:
            return
        else:
            wanted = replace(self._setup, preload=())
        if wanted != self._starts_with:
            self.close()
            self._starts_with = wanted

    def _renew(self) -> None:
        """Have a worker whose preload saw what stands there now."""
        if self._worker is not None and self._worker.is_stale():
            self.close()
        self._running()

    def _ask(self, job: Job) -> Outcome:
        for _ in range(TRIES):
            worker = self._running()
            outcome = worker.ask(job)
            if outcome is not None:
                return outcome
            with self._starting:
                if self._worker is worker:  # it is dead, or does not begin with anything
                    self.close()
        return Outcome(failure=LOST)

    def _running(self) -> _Worker:
        with self._starting:
            if self._worker is not None and not self._worker.is_alive():
                self.close()
            if self._worker is None:
                processes.sweep()
                self._worker = _Worker(self._starts_with)
            return self._worker


class _Ready(Struct, frozen=True):
    """The first message of a worker."""

    brought: Brought | None = None
    error: str = "it ended before it was ready"


class _Worker:
    """A warm worker process, from its start to its end."""

    def __init__(self, setup: Setup) -> None:
        self._setup, self._sending, self._mark = setup, threading.Lock(), processes.mark()
        self._home = tempfile.mkdtemp(prefix=f"assay-{self._mark}-")
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by end
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                command("serve", str(theirs.fileno())),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                env=started_in(setup, self._mark) | {"HOME": self._home},
                cwd=setup.root,
                start_new_session=True,
            )
        try:
            self._send(msgspec.json.encode(setup))
            ready = self._ready()
        except BaseException:
            self.end()
            raise
        if ready.brought is None:
            self.end()
            preload = ", ".join(setup.preload) or "nothing"
            raise WorkerError(
                f"the worker, which imports {preload} first, could not start: {ready.error}; "
                "install what is missing, or change preload in the settings"
            )
        self._brought = ready.brought

    def is_alive(self) -> bool:
        """Whether the process is still there."""
        return self._process.poll() is None

    def is_stale(self) -> bool:
        """Whether what its preload saw has changed."""
        sources = Sources(Path(self._setup.root), self._setup.path)
        both = (self._brought.always, self._brought.used)
        return any(next(sources.changes(traced), None) for traced in both)

    def end(self) -> None:
        """End the process and what it runs."""
        self._socket.close()
        self._process.kill()
        shutil.rmtree(self._home, ignore_errors=True)
        if processes.has_folders(self._mark):
            processes.end_marked(self._mark)
        self._process.wait()
        self._errors.close()

    def ask(self, job: Job) -> Outcome | None:
        """Send *job* to the worker and wait for its outcome; None if it did not begin with it."""
        answer, theirs = os.pipe()
        try:
            with suppress(OSError):  # then nobody has the other end, and there is no answer
                self._send(msgspec.json.encode(job), theirs)
        finally:
            os.close(theirs)
        with os.fdopen(answer, "rb"):
            outcome = hear(answer, job, self._brought)
        failure = outcome.failure if outcome is not None else None
        if failure is not None and failure.kind in {"lost", "timeout"}:
            processes.end_orphans(self._process.pid)
        return outcome

    def _send(self, body: bytes, *fds: int) -> None:
        with self._sending:
            head = len(body).to_bytes(8, "big")
            if fds:
                socket.send_fds(self._socket, [head], fds)
            else:
                self._socket.sendall(head)
            self._socket.sendall(body)

    def _ready(self) -> _Ready:
        with self._socket.makefile("rb") as file:
            head = file.read(8)
            if head:
                return msgspec.json.decode(file.read(int.from_bytes(head, "big")), type=_Ready)
        self._process.wait()
        self._errors.seek(0)
        said = self._errors.read().decode("utf-8", "replace").strip()[-2000:]
        return _Ready(error=said) if said else _Ready()
