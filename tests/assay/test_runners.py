"""Runners: a job always comes back, whatever becomes of those who were asked to run it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from assay.nouns import Job, Outcome, Source
from assay.sessions import hearing, processes
from assay.sessions.pool import Pool
from assay.sessions.runner import Fresh, Setup, Warm

from .conftest import Make
from .lab import Project, needs_proc, page, running_in, wait_for_none_in


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


# Workers that die, are stopped, or grow old.

COUNTED = 'with open("preloads", "a") as file: file.write("x")\n'
GOOD = "import time\ntime.sleep({})\nx = {}"
KILL_WORKER = "import os\nos.killpg(os.getpgid(os.getppid()), 9)\nimport time\ntime.sleep(60)"
KILL_WORKER_ALONE = """
import os, time
stat = open("/proc/" + str(os.getppid()) + "/stat").read().rpartition(")")[2].split()
os.kill(int(stat[1]), {signal})
time.sleep({after})
x = 7
"""
KILL_SUPERVISOR = "import os, time\nos.kill(os.getppid(), 9)\ntime.sleep(60)"
STOP_SUPERVISOR = "import os\nx = 1\nos.kill(os.getppid(), 19)"


class Lab:
    """A project whose preload counts how often it is imported, and a runner for it."""

    def __init__(self, root: Path, kind: type[Warm | Fresh] = Warm, workers: int = 2) -> None:
        self.root = root
        (root / "counted.py").write_text(COUNTED)
        self.setup = Setup(root=str(root), path=(str(root),), preload=("counted",))
        self.runner = kind(self.setup, workers)

    def run(self, *codes: str, timeout: float = 10.0) -> list[Outcome]:
        jobs = [Job(sources=(Source(c),), probes=("x",), timeout=timeout) for c in codes]
        found = dict(self.runner(enumerate(jobs), silent))
        return [found[number] for number in range(len(jobs))]

    def preloads(self) -> int:
        return len((self.root / "preloads").read_text())


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    made = Lab(tmp_path)
    yield made
    made.runner.close()
    assert wait_for_none_in(tmp_path) == []
    mark = f"assay-{processes._owner(os.getpid())}."
    assert [f for f in Path(tempfile.gettempdir()).iterdir() if f.name.startswith(mark)] == []


def texts(outcomes: list[Outcome]) -> list[str]:
    """Return the value or the failure of each."""
    return [o.failure.kind if o.failure else o.values["x"].text for o in outcomes]


def goods(count: int, seconds: float = 0.0) -> list[str]:
    return [GOOD.format(seconds, number) for number in range(count)]


@needs_proc
def test_one_death_costs_one_preload(lab: Lab) -> None:
    """A session that kills its worker is found out; all others answer, by three workers in all.

    One that dies at first, one that dies when the suspect is asked again, and one for the rest.
    """
    found = texts(lab.run(*goods(6, 0.1), KILL_WORKER, *goods(12)))
    assert found == [*map(str, range(6)), "lost", *map(str, range(12))]
    assert lab.preloads() <= 3


@needs_proc
def test_a_worker_killed_from_outside_costs_nobody_an_answer(lab: Lab) -> None:
    """Sessions under way when the worker is killed run again, and none is blamed."""
    codes = [*goods(2), KILL_WORKER_ALONE.format(signal=9, after=0.3), *goods(6, 0.2)]
    found = texts(lab.run(*codes))
    assert found[:2] + found[3:] == ["0", "1", *map(str, range(6))]
    assert found[2] == "lost", "this one kills its worker each time"
    assert lab.preloads() <= 3


@needs_proc
def test_a_supervisor_that_is_killed_is_lost_alone(lab: Lab) -> None:
    """The worker stays: there is no second preload."""
    assert texts(lab.run(*goods(3), KILL_SUPERVISOR, *goods(3))) == [*"012", "lost", *"012"]
    assert lab.preloads() == 1


@needs_proc
@pytest.mark.parametrize("kind", [Warm, Fresh])
def test_a_stopped_supervisor_ends_at_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Warm | Fresh]
) -> None:
    """A session that stops what holds its clock is ended by whoever asked for it."""
    monkeypatch.setattr(hearing, "SLACK", 1.0)
    lab = Lab(tmp_path, kind)
    try:
        found = lab.run(STOP_SUPERVISOR, "x = 1", timeout=5.0)
        assert texts(found) == ["timeout", "1"]
    finally:
        lab.runner.close()
    assert wait_for_none_in(tmp_path) == []


@needs_proc
def test_a_stopped_worker_is_replaced(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that begins with nothing any more is ended, and its jobs go to another."""
    monkeypatch.setattr(hearing, "BEGIN", 2.0)
    codes = [KILL_WORKER_ALONE.format(signal=19, after=0), *goods(4, 0.1)]
    assert texts(lab.run(*codes)) == ["7", "0", "1", "2", "3"]
    assert lab.preloads() == 2


LEAVES = "import os, subprocess, time\nsubprocess.Popen(['sleep', '300'])\n"


@needs_proc
def test_what_a_killed_supervisor_leaves_is_ended(lab: Lab) -> None:
    """Children of a session whose supervisor is gone are found and ended, and its folder too."""
    forks = "if os.fork() == 0:\n    os.setsid()\n    time.sleep(300)\n"
    assert texts(lab.run(LEAVES + forks + KILL_SUPERVISOR, "x = 1")) == ["lost", "1"]
    assert texts(lab.run("x = 2")) == ["2"]
    workers = {lab.runner._worker._process.pid}  # type: ignore[union-attr]
    for _ in range(500):
        if set(map(int, running_in(lab.root))) == workers:
            break
        time.sleep(0.01)
    assert set(map(int, running_in(lab.root))) == workers


def start_check(project: Project) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "assay", "check", "--root", str(project.root)],
        env=project.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def marked(pid: int) -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob(f"assay-*.{pid}.*"))


@needs_proc
def test_what_a_killed_run_leaves_is_removed_by_the_next(make: Make) -> None:
    """When assay and its worker are killed at once, the next run ends and removes what is left."""
    sleeps = page(f"{LEAVES}open('at', 'w').close()\ntime.sleep(60)")
    project = make({"docs/a.md": sleeps, "docs/b.md": page("y = 2", "[2](claim:y)")})
    killed = start_check(project)
    while not (project.root / "at").exists():
        time.sleep(0.02)
    for pid in (killed.pid, *map(int, running_in(project.root))):
        with suppress(FileNotFoundError, ProcessLookupError):  # it may end by itself meanwhile
            if b"sleep" not in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
    killed.wait()
    assert marked(killed.pid), "or this tests nothing"
    other = make({"docs/a.md": page("x = 1")})
    (project.root / "docs/a.md").unlink()
    assert other.check(keep=False).ok
    assert marked(killed.pid) == []
    assert wait_for_none_in(project.root) == []


def test_what_a_running_check_has_is_left_alone(lab: Lab) -> None:
    """Sweeping takes nothing of a process that is still there, nor what bears no such mark."""
    lab.run("x = 1")
    worker = lab.runner._worker  # type: ignore[union-attr]
    other = Path(tempfile.mkdtemp(prefix="assay-"))
    processes.sweep()
    assert Path(worker._home).is_dir()  # type: ignore[union-attr]
    assert other.is_dir()
    other.rmdir()


def test_a_preloaded_file_that_changes_starts_the_worker_anew(lab: Lab) -> None:
    """So does a file that hides it, other settings, and another path; a second call does not."""
    (lab.root / "helper.py").write_text("v = 1\n")
    lab.runner.use(Setup(root=str(lab.root), path=(str(lab.root),), preload=("counted", "helper")))
    read = "import helper, sys\nx = helper.v"
    assert texts(lab.run(read)) == ["1"]
    assert texts(lab.run(read)) == ["1"]
    assert lab.preloads() == 1
    (lab.root / "helper.py").write_text("v = 2\n")
    assert texts(lab.run(read)) == ["2"]
    (lab.root / "helper").mkdir()
    (lab.root / "helper/__init__.py").write_text("v = 3\n")
    assert texts(lab.run(read)) == ["3"]
    assert lab.preloads() == 3
    lab.runner.use(Setup(root=str(lab.root), path=(), preload=()))
    assert texts(lab.run("import sys\nx = sum('helper' in p for p in sys.modules)")) == ["0"]


@needs_proc
@pytest.mark.prove
@pytest.mark.parametrize("number", range(60))
def test_kills_at_any_moment_leave_nothing_wrong(make: Make, number: int) -> None:
    """Whoever is killed, and when: the next check says what one without the store does."""
    numbers = random.Random(number)
    pages = {
        f"docs/p{n}.md": page(f"{LEAVES if n == 2 else ''}x = {n}\nimport time\ntime.sleep(0.1)",
                              f"[{n}](claim:x)")
        for n in range(6)
    }  # fmt: skip
    project = make(pages)
    check = start_check(project)
    time.sleep(numbers.uniform(0.1, 1.5))
    victims = [*running_in(project.root)] if numbers.random() < 0.6 else [str(check.pid)]
    for victim in numbers.sample(victims, min(len(victims), numbers.randrange(1, 4))):
        with suppress(ProcessLookupError):
            os.kill(int(victim), numbers.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]))
    check.wait(60)
    after = project.check()
    assert after.ok, after.findings
    assert [verdict.computed for verdict in after.verdicts] == list(range(6))
    assert marked(check.pid) == []
    assert wait_for_none_in(project.root) == []
