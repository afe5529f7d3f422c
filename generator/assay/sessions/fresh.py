"""The fresh runner: a new Python for every job, where there is no fork or where a GPU is used.

Law: nothing of one session is there when the next one starts.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator

import msgspec

from ..nouns import Job, Outcome
from .pool import Pool
from .setup import Setup, Started, command, environment, outcome_of


class Fresh:
    """A runner that starts a new Python for every job."""

    def __init__(self, setup: Setup, workers: int) -> None:
        self._setup, self._workers = setup, workers

    def __call__(
        self, jobs: Iterable[tuple[int, Job]], started: Started
    ) -> Iterator[tuple[int, Outcome]]:
        """Run *jobs*; see :data:`~assay.sessions.setup.Runner`."""
        return Pool(self._once, started, self._workers).run(jobs)

    def close(self) -> None:
        """Do nothing; nothing is left running."""

    def _once(self, job: Job) -> Outcome:
        request = msgspec.json.encode({"setup": self._setup, "job": job})
        done = subprocess.run(
            command("once"),
            input=request,
            capture_output=True,
            env=environment(),
            cwd=self._setup.root,
        )
        return outcome_of(done.stdout, done.stderr)
