"""Runners: callables that take jobs and yield outcomes as they come in.

Law: a job always comes back, and which runner ran it changes nothing in its outcome.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Iterator

import msgspec

from ..nouns import Device, Job, Outcome
from .fresh import Fresh
from .setup import Runner, Setup, Started, WorkerError, environment
from .warm import Warm

__all__ = [
    "Fresh",
    "Runner",
    "Setup",
    "Started",
    "Warm",
    "WorkerError",
    "by_device",
    "default_runner",
    "environment",
    "gpu_here",
]


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
