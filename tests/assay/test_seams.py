"""The seams: what is sent to run, and that what runs it is an argument."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from assay import nouns
from assay.check import read_entries
from assay.plan import plan
from assay.project import read

from .conftest import Make
from .lab import lines_of, page

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
    assert [verdict.status for verdict in report.verdicts] == [
        nouns.Status.VERIFIED,
        nouns.Status.FAILS,
    ]
    assert told == [nouns.Job(sources=(nouns.Source("x = 1\n"),), probes=("x",), timeout=20.0)]


def test_an_answer_that_never_comes_is_no_pass(make: Make) -> None:
    """A session that the runner never answered is a finding, and so is each claim on it."""
    project = make({"docs/a.md": page("x = 1", "[1](claim:x)"), "docs/b.md": page("y = 1")})
    report = project.check(keep=False, run=lambda jobs, started: iter(()))
    assert [verdict.status for verdict in report.verdicts] == [nouns.Status.UNCHECKED]
    assert lines_of(report) == ["docs/a.md:1:1 A308", "docs/a.md:5:1 A107", "docs/b.md:1:1 A308"]
