"""Runners: a job always comes back, whatever becomes of those who were asked to run it."""

from __future__ import annotations

import threading
import time

import pytest
from assay.sessions.pool import Pool


def double(number: int) -> int:
    return number * 2


def silent(number: int) -> None:
    pass


@pytest.mark.parametrize("workers", [1, 2, 9])
def test_a_pool_answers_every_job(workers: int) -> None:
    """As many answers come out as jobs went in, each under its number."""
    jobs = list(enumerate(range(20)))
    assert dict(Pool(double, silent, workers).run(jobs)) == {n: n * 2 for n, _ in jobs}
    assert list(Pool(double, silent, workers).run([])) == []


def test_a_pool_runs_no_more_than_its_workers_at_a_time() -> None:
    """Two workers run two jobs at a time."""
    at_once, most, lock = 0, 0, threading.Lock()

    def ask(number: int) -> int:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.01)
        with lock:
            at_once -= 1
        return number

    assert len(list(Pool(ask, silent, 2).run(enumerate(range(10))))) == 10
    assert most == 2


def test_an_error_of_a_job_comes_out_of_the_pool() -> None:
    """What asking raises is raised where the answers are read, and no further job is asked for."""
    asked = []

    def ask(number: int) -> int:
        asked.append(number)
        raise OSError(f"job {number}")

    with pytest.raises(OSError, match="job 0"):
        list(Pool(ask, silent, 1).run(enumerate(range(100))))
    time.sleep(0.05)
    assert len(asked) < 100


@pytest.mark.parametrize("workers", [1, 4])
def test_a_broken_terminal_ends_the_pool(workers: int) -> None:
    """When telling that a job starts fails, the error comes out; nothing waits for ever."""

    def started(number: int) -> None:
        raise BrokenPipeError("nobody reads standard error any more")

    with pytest.raises(BrokenPipeError):
        list(Pool(double, started, workers).run(enumerate(range(8))))
