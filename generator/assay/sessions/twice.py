"""Running twice: the same sessions by a worker of its own, in another order and hash seed.

Law: a second run shares nothing with the first but the code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from ..nouns import Job, Outcome
from .setup import Runner, Setup, Started

HASH_SEED = 1
"""How far the hash seed of a second run is from the first's: sets of strings have another order."""


def another(setup: Setup) -> Setup:
    """Return the setup for second runs."""
    return replace(setup, hash_seed=setup.hash_seed + HASH_SEED)


def backwards(run: Runner) -> Runner:
    """Return a runner that begins with the last job."""

    def reversed_run(
        jobs: Iterable[tuple[int, Job]], started: Started
    ) -> Iterator[tuple[int, Outcome]]:
        return run(list(jobs)[::-1], started)

    return reversed_run
