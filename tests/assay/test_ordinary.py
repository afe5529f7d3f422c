"""Ordinary Python runs: what works in a program of its own works in a session."""

from __future__ import annotations

import zipfile
from pathlib import Path
from textwrap import dedent

import pytest
from assay.nouns import Job, Outcome, Report, Source
from assay.sessions.runner import Fresh, Setup, Warm

from .conftest import Make
from .lab import lines_of, page

RUNS = {
    "argparse sees no arguments": """
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("--steps", type=int, default=3)
        x = parser.parse_args().steps == 3 and parser.prog
    """,
    "click sees no arguments": """
        import click
        @click.command()
        @click.option("--steps", default=3)
        def main(steps): return steps
        x = main(standalone_mode=False)
    """,
    "arguments": "import sys\nx = repr(sys.argv)",
    "run_path of a file": 'import runpy\nx = runpy.run_path("tools/tool.py")["v"]',
    "run_path of a folder": 'import runpy\nx = runpy.run_path("program")["v"]',
    "run_path of an archive": 'import runpy\nx = runpy.run_path("program.zip")["v"]',
    "an archive on the path": """
        import sys
        sys.path.insert(0, "d.zip")
        from packed import v as x
    """,
    "bytes to standard output": "import sys\nx = sys.stdout.buffer.write(b'x')",
    "standard output to a child": """
        import subprocess, sys
        x = subprocess.run(["echo", "x"], stdout=sys.stdout).returncode
    """,
    "what standard output is": """
        import sys
        sys.stdout.reconfigure(line_buffering=True)
        out = sys.stdout
        x = repr((out.encoding, out.errors, out.name, out.fileno(), out.isatty(), out.writable()))
    """,
    "standard output, redirected and put back": """
        import contextlib, io, sys
        with contextlib.redirect_stdout(io.StringIO()) as text: print("inside")
        sys.stdout = sys.__stdout__
        print("outside")
        x = text.getvalue()
    """,
    "the source of a class": """
        import inspect
        class Net:
            width = 3

        class Wider(Net): width = 4
        x = inspect.getsource(Net)
    """,
    "the source of a function": "import inspect\ndef f():\n    return 1\nx = inspect.getsource(f)",
    "a pool that is spawned": """
        import multiprocessing as mp
        def square(x): return x * x
        if __name__ == "__main__":
            with mp.get_context("spawn").Pool(1) as pool: x = pool.map(square, [2])[0]
    """,
    "the name of the main module": "x = __name__",
    "no name but those of every module": "x = repr(sorted(globals()))",
    "pickles": "import pickle\nclass A: b = 1\nx = pickle.loads(pickle.dumps(A())).b",
    "dates are dates": """
        import datetime, pickle
        now = datetime.datetime(2026, 1, 2)
        x = repr((type(now) is datetime.datetime, pickle.loads(pickle.dumps(now)) == now))
    """,
    "opening relative to a folder": """
        import os
        fd = os.open("tools", os.O_RDONLY)
        x = repr((os.stat("tool.py", dir_fd=fd).st_size, os.stat in os.supports_dir_fd,
                  os.open in os.supports_dir_fd, os.access("tool.py", os.R_OK, dir_fd=fd)))
    """,
}


def run_all(runner: Warm | Fresh, sources: list[tuple[Source, ...]]) -> list[Outcome]:
    jobs = [Job(sources=one, probes=("x",), timeout=20.0) for one in sources]
    try:
        found = dict(runner(enumerate(jobs), lambda _: None))
    finally:
        runner.close()
    return [found[number] for number in range(len(jobs))]


@pytest.fixture(scope="module", params=[Warm, Fresh])
def outcomes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> list[Outcome]:
    """What each of RUNS gives."""
    root = tmp_path_factory.mktemp("project")
    for folder in ("tools", "program"):
        (root / folder).mkdir()
    (root / "tools/tool.py").write_text("v = 1\n")
    (root / "program/__main__.py").write_text("v = 1\n")
    for name, inside in (("d.zip", "packed.py"), ("program.zip", "__main__.py")):
        with zipfile.ZipFile(root / name, "w") as file:
            file.writestr(inside, "v = 1\n")
    runner = request.param(Setup(root=str(root), path=(str(root / "tools"),)), 2)
    return run_all(runner, [(Source(dedent(code)),) for code in RUNS.values()])


GIVES = {
    "argparse sees no arguments": "snippet",
    "click sees no arguments": "3",
    "arguments": "['snippet']",
    "bytes to standard output": "1",
    "standard output to a child": "0",
    "what standard output is": "('utf-8', 'backslashreplace', '<stdout>', 1, False, True)",
    "standard output, redirected and put back": "inside\n",
    "the source of a class": "class Net:\n    width = 3\n",
    "the source of a function": "def f():\n    return 1\n",
    "a pool that is spawned": "4",
    "the name of the main module": "__main__",
    "dates are dates": "(True, True)",
    "opening relative to a folder": "(6, True, True, True)",
}


@pytest.mark.parametrize("name", RUNS)
def test_ordinary_code_runs(outcomes: list[Outcome], name: str) -> None:
    """Each runs to its end, and gives what it gives elsewhere."""
    outcome = outcomes[list(RUNS).index(name)]
    assert outcome.failure is None
    assert [ran.raised for ran in outcome.snippets] == [None]
    if name == "no name but those of every module":
        names = ("builtins", "doc", "loader", "name", "package", "spec")
        assert outcome.values["x"].text == repr([f"__{n}__" for n in names])
    else:
        assert outcome.values["x"].text == GIVES.get(name, "1")


def test_what_a_child_prints_is_said_not_to_be_shown(outcomes: list[Outcome]) -> None:
    """The page shows what the session printed; that there was more is a note."""
    child = outcomes[list(RUNS).index("standard output to a child")]
    assert child.snippets[0].output == ""
    assert child.notes == ("what the programs that it started printed is not shown",)
    buffer = outcomes[list(RUNS).index("bytes to standard output")]
    assert (buffer.snippets[0].output, buffer.notes) == ("x", ())
    assert outcomes[list(RUNS).index("a pool that is spawned")].notes == ()


FUTURE = "from __future__ import annotations\n"
USES_IT = "def f(x: NotThere):\n    return 1\nx = f(0)"
FUTURES: dict[str, tuple[list[str], str | None]] = {
    "in the first snippet, for the second": ([f"{FUTURE}z = 1", USES_IT], None),
    "in the same snippet": ([FUTURE + USES_IT], None),
    "behind a docstring": (['"""Words."""', FUTURE + USES_IT], None),
    "in both, with nothing between": ([FUTURE, FUTURE + USES_IT], None),
    "in the second snippet": (["z = 1", FUTURE + USES_IT], "SyntaxError"),
    "in none": (["z = 1", USES_IT], "NameError"),
    "not leaking into the next session": ([USES_IT], "NameError"),
}


def test_the_future_is_that_of_one_program(tmp_path: Path) -> None:
    """`from __future__` holds for the snippets behind it, and may only stand before all code."""
    runner = Warm(Setup(root=str(tmp_path), path=()), 1)
    found = run_all(runner, [tuple(map(Source, codes)) for codes, _ in FUTURES.values()])
    for name, outcome in zip(FUTURES, found, strict=True):
        raised = outcome.snippets[-1].raised
        assert (raised.kinds[0] if raised else None) == FUTURES[name][1], name
    late = found[list(FUTURES).index("in the second snippet")].snippets[-1].raised
    assert late is not None
    assert late.frames == ((1, 1, "<module>"),)


def printed(make: Make, second: str) -> Report:
    first = page("def show(v):\n    print(v)", session="s")
    return make({"docs/a.md": first + page(f"show(5)\n{second}", session="s")}).check(keep=False)


def test_a_print_belongs_to_the_line_of_its_own_snippet(make: Make) -> None:
    """What a function of another snippet prints at the same line is not this line's output."""
    assert lines_of(printed(make, "print(6)  #> 6")) == []
    assert lines_of(printed(make, "if False: print(6)  #> 5")) == ["docs/a.md:9:1 A304"]


def test_names_that_are_bound_in_other_ways_can_be_claimed(make: Make) -> None:
    """`global` in a function and `:=` in a comprehension bind names of the page."""
    code = "def main():\n    global steps\n    steps = 3\nmain()\nl = [last := i for i in range(3)]"
    assert make({"docs/a.md": page(code, "[3](claim:steps), [2](claim:last)")}).check().ok


def test_a_pool_without_a_guard_says_what_is_wrong(tmp_path: Path) -> None:
    """Processes that cannot find what they are to run fail again and again: the limit says why."""
    start = "m.get_context('spawn').Pool(1).map(f, [1])"
    code = f"import multiprocessing as m\ndef f(x): return x\n{start}"
    runner = Warm(Setup(root=str(tmp_path), path=()), 1)
    job = Job(sources=(Source(code),), probes=(), timeout=3.0)
    try:
        ((_, outcome),) = runner([(0, job)], lambda _: None)
    finally:
        runner.close()
    assert outcome.failure is not None
    assert 'put what starts them under if __name__ == "__main__"' in outcome.failure.text
