"""The warm runner: every session is a fork of a worker that has imported the preload.

Law: a job always comes back. A session that kills its worker is found by running what was under way
once more, one at a time; what is lost again is a failure of that session and of no other.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterable, Iterator

import msgspec

from ..nouns import Job, Outcome
from .pool import Pool
from .setup import LOST, Setup, Started, WorkerError, command, environment, outcome_of


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
        """Run *jobs*; see :data:`~assay.sessions.setup.Runner`."""
        numbered = dict(jobs)
        again: list[int] = []
        ask = self._running().ask
        for number, outcome in Pool(ask, started, self._workers).run(numbered.items()):
            if outcome.failure == LOST:
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


class _Worker:
    """A warm worker process, from its start to its end."""

    def __init__(self, setup: Setup) -> None:
        self._sending = threading.Lock()
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                command("serve", str(theirs.fileno())),
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
            return Outcome(failure=LOST)
        finally:
            os.close(theirs)
        with os.fdopen(answer, "rb") as file:
            return outcome_of(file.read())

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
