"""Hearing an answer out: whoever asks holds a clock too, and does not wait for ever.

Law: a session that is over its limit ends even if what supervises it does not; an answer that never
began is told from one that broke off.
"""

from __future__ import annotations

import os
import select
import signal
import time
from contextlib import suppress

import msgspec
from msgspec import Struct

from ..nouns import Failure, Job, Outcome
from .setup import Brought, outcome_of

BEGIN = 30.0
"""Seconds in which a worker says that it has begun with a job."""
START = 330.0
"""Seconds that a new Python and the preload may take; the supervisor gives up a little sooner."""
SLACK = 10.0
"""Seconds that a supervisor has, behind the limit, to end a session and answer."""


class _Announced(Struct, frozen=True):
    pid: int
    folder: str


_read_announced = msgspec.json.Decoder(_Announced).decode
"""Made here, since the first use of a type by two threads at once ends the process."""


def hear(fd: int, job: Job, brought: Brought | None = None) -> Outcome | None:
    """Read an answer from *fd*; None if the job never began. Who is late is ended."""
    data, announced = b"", None
    deadline, running = time.monotonic() + BEGIN, False
    waiting = select.poll()
    waiting.register(fd, select.POLLIN)
    while (left := deadline - time.monotonic()) > 0:
        if waiting.poll(1000 * min(0.5, left)):
            chunk = os.read(fd, 65536)
            data += chunk
            if not chunk:
                return _answered(data, announced, brought)
        if announced is None and b"\n" in data:
            line, _, data = data.partition(b"\n")
            announced = _read_announced(line)
            deadline = time.monotonic() + START
        if announced and not running and os.path.exists(f"{announced.folder}/report"):
            deadline, running = time.monotonic() + job.timeout + SLACK, True
    return _late(job, announced)


def _answered(data: bytes, announced: _Announced | None, brought: Brought | None) -> Outcome | None:
    return outcome_of(data, brought) if announced else None


def _late(job: Job, announced: _Announced | None) -> Outcome | None:
    if announced is None:
        return None
    with suppress(OSError):
        os.kill(announced.pid, signal.SIGKILL)
    text = f"ran longer than its limit of {job.timeout:g} s, and stopped what was to end it"
    return Outcome(failure=Failure(kind="timeout", text=text))
