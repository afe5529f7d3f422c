"""The fresh runner: a new Python for every job, where there is no fork or where a GPU is used.

Law: nothing of one session is there when the next one starts.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress

import msgspec
from msgspec.structs import replace

from ..nouns import Job, Outcome
from . import processes
from .hearing import hear
from .pool import Pool
from .setup import LOST, Setup, Started, command, started_in


class Fresh:
    """A runner that starts a new Python for every job."""

    def __init__(self, setup: Setup, workers: int) -> None:
        self._setup, self._workers = setup, workers

    def __call__(
        self, jobs: Iterable[tuple[int, Job]], started: Started
    ) -> Iterator[tuple[int, Outcome]]:
        """Run *jobs*; see :data:`~assay.sessions.setup.Runner`."""
        processes.sweep()
        return Pool(self._once, started, self._workers).run(jobs)

    def use(self, setup: Setup) -> None:
        """Run the next jobs with *setup*."""
        self._setup = setup

    def close(self) -> None:
        """Do nothing; nothing is left running."""

    def _once(self, job: Job) -> Outcome:
        mark = processes.mark()
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                command("once"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=started_in(self._setup, mark, job.device),
                cwd=self._setup.root,
            )
            with process:
                assert process.stdin is not None
                assert process.stdout is not None
                with suppress(BrokenPipeError):  # then there is no answer either
                    process.stdin.write(msgspec.json.encode({"setup": self._setup, "job": job}))
                    process.stdin.close()
                outcome = hear(process.stdout.fileno(), job) or Outcome(failure=LOST)
                process.kill()
            if outcome.failure is not None and outcome.failure.kind in {"lost", "timeout"}:
                processes.end_marked(mark)
                errors.seek(0)
                said = errors.read().decode("utf-8", "replace")
                outcome = replace(outcome, stderr=outcome.stderr or said)
        return outcome
