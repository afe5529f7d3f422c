"""Sessions that end without an answer, or leave something behind: what a case cannot look at.

What a check finds in them stands in `cases/endings` and `cases/lost-workers`.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path
from textwrap import dedent

import pytest
from assay.nouns import Job, Outcome, Source
from assay.project import setup_of
from assay.sessions.runner import Fresh, Warm
from assay.sessions.worker.output import LONGEST_PRINT
from assay.settings import load

from .conftest import Make
from .lab import needs_proc, page, running_in, wait_for_none_in

LEAVERS = {
    "a child": """
        import subprocess
        subprocess.Popen(["sleep", "60"])
    """,
    "an orphan in a session of its own": """
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(60)
            os._exit(0)
        os.wait()
    """,
    "an orphan of a session that kills itself": """
        import os, time
        if os.fork() == 0:
            os.setsid()
            time.sleep(60)
        os.kill(os.getpid(), 9)
    """,
    "itself, after it has killed its supervisor": """
        import os, time
        os.kill(os.getppid(), 9)
        time.sleep(60)
    """,
}


def run_all(
    kind: type[Fresh | Warm], make: Make, sources: Iterable[str], probe: str = "x"
) -> tuple[list[Outcome], Path]:
    """Run each source as a job of its own; return the outcomes and where they worked."""
    project = make({})
    runner = kind(setup_of(project.root, load(project.root)), 2)
    jobs = [Job(sources=(Source(s),), probes=(probe,), timeout=5.0) for s in sources]
    try:
        found = dict(runner(enumerate(jobs), lambda _: None))
    finally:
        runner.close()
    return [found[number] for number in range(len(jobs))], project.root


@needs_proc
@pytest.mark.parametrize("kind", [Warm, Fresh])
def test_nothing_is_left_running(kind: type[Fresh | Warm], make: Make) -> None:
    """When a check is over, no process that a session started is running, nor is the worker."""
    _, root = run_all(kind, make, map(dedent, LEAVERS.values()))
    assert wait_for_none_in(root) == []
    with subprocess.Popen(["sleep", "60"], cwd=root) as seen:
        assert running_in(root) == [str(seen.pid)], "the test must see such a process"
        seen.kill()


RUNS = {
    "values": "x = 1",
    "print": "print('a')\nx = 0.1",
    "text": "x = 'ä🎉\\udcff'\nprint(x)",
    "error": "def f():\n    raise ValueError('x\\ny')\nf()",
    "system exit": "raise SystemExit(0)",
    "exit": "import os\nos._exit(3)",
    "kill": "import os\nos.kill(os.getpid(), 9)",
    "crash": "x = 1\nimport ctypes\nctypes.string_at(0)",
    "flood": "while True: print('x' * 10_000)",
    "stderr": "import sys\nprint('e', file=sys.stderr)\nx = 2",
    "stdin": "x = input()",
    "imports": "import json, fractions\nx = fractions.Fraction(1, 3)",
    "main": "import __main__\n__main__.y = 3\nx = y",
    "world": """
import os, random, sys, threading, time
names = sorted(set(os.environ) - {"TMPDIR"})
world = [names, os.getcwd(), sys.path, threading.active_count(), time.strftime("%Z")]
x = repr([*world, hash("a"), random.random()])
""",
    "recursion": "def f(): return f()\nf()",
}


def essence(outcome: Outcome) -> tuple[object, ...]:
    """Return what an outcome says, without times and places on disk."""
    ran = [(r.raised, r.prints, r.output) for r in outcome.snippets]
    return ran, outcome.values, outcome.failure, outcome.stderr, outcome.notes


def test_the_fresh_and_the_warm_runner_agree(make: Make) -> None:
    """A session gives the same outcome in a fork of the warm worker and in a Python of its own."""
    warm, _ = run_all(Warm, make, RUNS.values())
    fresh, _ = run_all(Fresh, make, RUNS.values())
    for name, one, other in zip(RUNS, warm, fresh, strict=True):
        assert essence(one) == essence(other), name
    assert [outcome.values["x"].kind for outcome in warm[:2]] == ["int", "float"]


@pytest.mark.parametrize("kind", [Warm, Fresh])
def test_the_limit_counts_from_when_a_session_begins(kind: type[Fresh | Warm], make: Make) -> None:
    """Importing the preload may take longer than a session's limit; running may not."""
    project = make(
        {
            "assay.toml": 'preload = ["slow"]',
            "snippets/slow.py": "import time\ntime.sleep(2)\n",
        }
    )
    runner = kind(setup_of(project.root, load(project.root)), 1)
    sources = {"x = 1": None, "while True: pass": "timeout"}
    jobs = [Job(sources=(Source(s),), probes=("x",), timeout=1.0) for s in sources]
    try:
        found = dict(runner(enumerate(jobs), lambda _: None))
    finally:
        runner.close()
    kinds = [found[n].failure and found[n].failure.kind for n in range(len(jobs))]
    assert kinds == list(sources.values())


def test_what_is_kept_of_long_output_never_passes_for_all_of_it(make: Make) -> None:
    """The part that is kept, stated, is not what was printed; and what is behind it is unknown."""
    made = make(
        {
            "docs/long.md": page(f'print("y" * 9_000)  #> {"y" * LONGEST_PRINT}'),
            "docs/behind.md": page(
                'for number in range(9):\n    print("z" * 8_000)\nprint("last")  #> last'
            ),
            "docs/empty.md": page('for number in range(99):\n    print(end="")\nprint("a")  #> a'),
        }
    )
    found = [(f.place.path, f.code, f.computed) for f in made.check().findings]
    assert [(path, code) for path, code, _ in found if code == "A304"] == [
        ("docs/behind.md", "A304"),
        ("docs/long.md", "A304"),
    ]
    said = sorted(c.splitlines()[0] for _, code, c in found if code == "A304")
    assert said[0] == "(not kept: more was printed before it than is kept)"
    assert said[1].endswith("(the rest is not kept)")
