"""The laws of the design that can be read off the sources, and the seams that they leave."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import assay
import msgspec
import pytest
from assay import nouns
from assay.check import read_entries
from assay.codes import CODES
from assay.plan import plan
from assay.project import read

from .conftest import Make
from .lab import lines_of, page

SOURCES = {file.stem: file for file in Path(assay.__file__).parent.glob("*.py")}
WORKER = {file.stem: file for file in Path(assay.__file__).parent.glob("worker/*.py")}
TREES = {
    name: ast.parse(file.read_text(encoding="utf-8"))
    for name, file in (SOURCES | {f"worker/{name}": file for name, file in WORKER.items()}).items()
}

LADDER = (
    ("nouns", "codes", "hints", "units", "__init__"),
    ("positions", "figures", "frontmatter", "fences", "settings", "progress", "run",
     "sources", "endings", "records"),
    ("conditions", "match", "parse", "structure", "formulas", "layout", "report",
     "store"),
    ("plan", "prose", "project"),
    ("compare",),
    ("check", "weave"),
    ("stage",),
    ("site",),
    ("plugin", "cli"),
    ("__main__",),
)  # fmt: skip
"""The modules from the bottom up: each imports from the rungs below its own, and from no other."""

PURE = ("parse", "plan", "compare", "match", "endings", "report", "figures", "conditions", "prose",
        "structure", "formulas", "fences", "frontmatter", "positions", "hints", "nouns",
        "codes", "records")  # fmt: skip
WORDS_OF_IO = re.compile(
    r"open|input|print|read_text|read_bytes|write_text|write_bytes|iterdir|glob|rglob|mkdir|unlink|"
    r"subprocess|socket|pathlib|os|shutil|tempfile|urllib|requests|sys|random|datetime_now|environ"
)


def imports_of(name: str) -> Iterator[str]:
    """Yield the modules of assay that a module imports."""
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            if node.module:
                yield node.module
            else:
                yield from (a.name if a.name in SOURCES else "__init__" for a in node.names)


def foreign_imports_of(name: str) -> Iterator[str]:
    """Yield the top-level names of all else that a module imports."""
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]
        elif isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)


def test_every_module_has_a_rung() -> None:
    """The ladder names each module once."""
    assert sorted(name for rung in LADDER for name in rung) == sorted(SOURCES)


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_imports_go_down_the_ladder(name: str) -> None:
    """A module imports from lower rungs alone, so there is no cycle."""
    rung = {module: height for height, rung in enumerate(LADDER) for module in rung}
    assert [m for m in imports_of(name) if rung[m] >= rung[name]] == []


def test_the_worker_is_a_stranger() -> None:
    """The worker imports itself and the standard library alone, and nothing imports it."""
    for name in WORKER:
        assert set(imports_of(f"worker/{name}")) <= set(WORKER), name
        assert set(foreign_imports_of(f"worker/{name}")) <= sys.stdlib_module_names, name
    assert [name for name in SOURCES if "worker" in imports_of(name)] == []


def test_assay_knows_nothing_of_torch() -> None:
    """No module of assay imports torch, or a package that it checks."""
    for name in SOURCES:
        assert not {"torch", "numpy", "adamw", "vram"} & set(foreign_imports_of(name)), name


@pytest.mark.parametrize("name", PURE)
def test_the_core_does_no_io(name: str) -> None:
    """What parses, plans, compares and reports opens no file and starts no program."""
    used = {node.id for node in ast.walk(TREES[name]) if isinstance(node, ast.Name)}
    used |= {node.attr for node in ast.walk(TREES[name]) if isinstance(node, ast.Attribute)}
    used |= set(foreign_imports_of(name))
    assert sorted(word for word in used if WORDS_OF_IO.fullmatch(word)) == []


def test_every_code_is_explained_and_used() -> None:
    """The codes in the sources are those of codes.py: none without a meaning, none unused."""
    texts = (f.read_text(encoding="utf-8") for n, f in SOURCES.items() if n != "codes")
    used = {code for text in texts for code in re.findall(r'"(A\d{3})"', text)}
    assert used == CODES.keys()
    assert all(meaning.endswith(".") for meaning in CODES.values())


def test_no_module_has_a_name_that_says_nothing() -> None:
    """No module is called utils, common, core, helpers or base."""
    assert not {"utils", "common", "core", "helpers", "base"} & SOURCES.keys()


STATED = page(
    "x = 41 + 1\nprint(x)  #> 987654\n# a comment with 4242\n",
    'It is [987655](claim:x), [987656 GB](claim:x "within 987657 GB"), [987658](given:k).',
    id="name987659",
    title="T987660",
)


def jobs_of(make: Make, text: str) -> list[nouns.Job]:
    project = read(make({"docs/a.md": text}).root)
    return [s.job for s in plan(read_entries(project), timeout=20).sessions.values()]


def test_a_job_holds_nothing_that_the_page_states(make: Make) -> None:
    """What is sent to run has no stated output, figure, title, id or path in it."""
    (job,) = jobs_of(make, STATED)
    sent = msgspec.json.encode(job).decode()
    assert "41 + 1" in sent
    assert "9876" not in sent
    assert "docs" not in sent


def test_a_job_does_not_know_where_it_stands(make: Make) -> None:
    """A snippet further down the page makes the very same job."""
    assert jobs_of(make, STATED) == jobs_of(make, "A line.\n\n" * 7 + STATED)


def test_the_runner_is_an_argument(make: Make) -> None:
    """A check believes the runner that it is given, and tells it the jobs and nothing else."""
    project = make({"docs/a.md": page("x = 1", "[7](claim:x), [1](claim:x)")})
    told: list[nouns.Job] = []

    def run(
        jobs: Iterable[tuple[int, nouns.Job]], started: object
    ) -> Iterator[tuple[int, nouns.Outcome]]:
        for number, job in jobs:
            told.append(job)
            value = nouns.Value(kind="int", text="7")
            ran = (nouns.Ran(seconds=0.0),) * len(job.sources)
            yield number, nouns.Outcome(snippets=ran, values={"x": value})

    report = project.check(keep=False, run=run)
    assert [verdict.status for verdict in report.verdicts] == ["holds", "fails"]
    assert told == [nouns.Job(sources=(nouns.Source("x = 1\n"),), probes=("x",), timeout=20.0)]


def test_an_answer_that_never_comes_is_no_pass(make: Make) -> None:
    """A session that the runner never answered is a finding, and so is each claim on it."""
    project = make({"docs/a.md": page("x = 1", "[1](claim:x)"), "docs/b.md": page("y = 1")})
    report = project.check(keep=False, run=lambda jobs, started: iter(()))
    assert [verdict.status for verdict in report.verdicts] == ["unchecked"]
    assert lines_of(report) == ["docs/a.md:1:1 A308", "docs/a.md:5:1 A107", "docs/b.md:1:1 A308"]
