"""The glossary of this repository: all of it holds, and no figure of it can be wrong unseen."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import pytest
from assay.check import check, read_entries
from assay.figures.numbers import FigureError
from assay.figures.stated import figure_of
from assay.nouns import (
    Checked,
    Claim,
    Device,
    Entry,
    Finding,
    Given,
    Place,
    Report,
    Session,
    Status,
)
from assay.plan import Scope
from assay.progress import Silent
from assay.project import Project as Sources
from assay.project import read, setup_of
from assay.reports.summary import summary
from assay.sessions.runner import Fresh, Warm, default_runner
from msgspec.structs import replace

from .lab import REPOSITORY, Project

pytest.importorskip("torch", reason="the shipped entries compute with torch")

SOURCES = (
    *("pyproject.toml", "glossary", "evidence", "docs", "snippets", "generator"),
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "LICENSE-docs", "benchmarks"),
)


class Gave:
    """Answers with what the sessions of one check gave; the same code gives the same."""

    def __init__(self, checked: Iterable[Checked]) -> None:
        self.checked = {one.session.key: one for one in checked}

    def known(self, session: Session) -> Checked:
        """Return what the session gave."""
        return replace(self.checked[session.key], session=session)

    def keep(self, checked: Checked) -> None:
        """Keep nothing."""


class Shipped:
    """One check of the repository, and what it would find if a page were written otherwise."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.report: Report = project.check()
        self.sources: Sources = read(project.root)
        self.entries = {entry.path: entry for entry in read_entries(self.sources)}
        self.answers = Gave(self.report.checked)

    @cached_property
    def awaiting(self) -> set[Place]:
        """Places of the claims that need a GPU and have no good record."""
        return {f.place for f in self.report.findings if f.awaits}

    def found_in(self, path: str, text: str) -> list[Finding]:
        """Return what a check finds in the page at *path*, written as *text*; nothing runs."""
        front = self.entries[path].front
        needed = {path, *(f"glossary/{slug}.md" for slug in (front.prerequisites if front else ()))}
        pages = [
            replace(page, text=text) if page.path == path else page
            for page in self.sources.pages
            if page.path in needed or f"claim:{page.slug}/" in text
        ]
        project = replace(self.sources, pages=tuple(pages))
        scope = Scope(pages=frozenset({path}))
        report = check(project, scope, self.answers, lambda jobs, started: iter(()), Silent())
        return [finding for finding in report.findings if not finding.awaits]


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    """Check the repository once, with a store of its own that copies of it can use."""
    return Shipped(Project(REPOSITORY, tmp_path_factory.mktemp("store")))


def test_the_shipped_glossary_holds(shipped: Shipped) -> None:
    """Every claim of the repository holds or awaits a GPU, and no finding says anything else."""
    report = shipped.report
    others = [f for f in report.findings if not f.awaits]
    assert [f"{f.place}: {f.message}" for f in others] == []
    good = {Status.VERIFIED, Status.REFUTED, Status.SETTING}
    assert {v.status for v in report.verdicts if v.device is Device.CPU} == good
    assert not {v.status for v in report.verdicts} & {Status.FAILS, Status.UNCHECKED}
    assert len(report.verdicts) >= 600
    judged = summary(report).statements
    assert sum(judged.values()) >= 25
    assert set(judged) == {"refuted", "partly", "confirmed"}
    assert sum(entry.front is not None for entry in report.entries) >= 24


# --- each stated figure, made wrong --------------------------------------------------------------

OTHER_UNIT = {
    "GB": "GiB", "GiB": "GB", "MB": "MiB", "MiB": "MB", "kB": "KiB", "KiB": "kB", "TB": "TiB",
    "TiB": "TB", "ms": "µs", "µs": "ms", "s": "ms", "bytes": "kB", "byte": "kB", "B": "kB",
    "%": "", "×": "%", "x": "%", "times": "%", "": "%",
}  # fmt: skip
DIGITS, SUPERSCRIPTS = "0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"


class Wrong(NamedTuple):
    """A page with one stated figure made wrong."""

    item: Claim | Given
    written: str
    text: str


def stretches(entry: Entry) -> Iterator[tuple[Claim | Given, int, int]]:
    """Yield where each stated figure of a page stands: in brackets, or behind = in a title."""
    for item in (*entry.claims, *entry.givens):
        source = entry.text[item.span.start : item.span.end]
        title = re.search(r'"= ([^",]+)', source)
        start, end = title.span(1) if title else (1, source.index("]("))
        if re.search(r"\d", source[start:end]) and "is true" not in source:
            yield item, item.span.start + start, item.span.start + end


def changed_digit(stated: str) -> str:
    """Return *stated* with its last digit made another."""
    at = max(at for at, letter in enumerate(stated) if letter in DIGITS + SUPERSCRIPTS)
    digits = DIGITS if stated[at] in DIGITS else SUPERSCRIPTS
    other = digits[(digits.index(stated[at]) + 1) % 10]
    return f"{stated[:at]}{other}{stated[at + 1 :]}"


def changed_unit(stated: str) -> Iterator[str]:
    """Yield *stated* with another unit; a word has none, and zero is zero in any unit."""
    try:
        figure = figure_of(stated)
    except FigureError:
        return
    if figure.value == 0:
        return
    number = figure.text.removesuffix(figure.unit).rstrip()
    other = OTHER_UNIT[figure.unit]
    yield f"{stated[: figure.start]}{number} {other}".rstrip() + stated[figure.end :]


def wrongs(entry: Entry) -> Iterator[Wrong]:
    for item, start, end in stretches(entry):
        stated = entry.text[start:end]
        for written in [changed_digit(stated), *changed_unit(stated)]:
            yield Wrong(item, written, entry.text[:start] + written + entry.text[end:])


PAGES = sorted(
    path.relative_to(REPOSITORY).as_posix()
    for folder in ("glossary", "docs")
    for path in (REPOSITORY / folder).rglob("*.md")
)


@pytest.mark.parametrize("path", PAGES)
def test_no_stated_figure_can_be_wrong_unseen(shipped: Shipped, path: str) -> None:
    """Each figure of the page, its last digit or its unit changed, is found where it stands.

    What awaits a GPU cannot be found wrong without one.
    """
    entry = shipped.entries[path]
    assert shipped.found_in(path, entry.text) == []
    for wrong in (w for w in wrongs(entry) if w.item.place not in shipped.awaiting):
        found = shipped.found_in(path, wrong.text)
        assert [finding.place for finding in found] == [wrong.item.place], wrong.written
        assert found[0].code in {"A101", "A104", "A108", "A204"}, wrong.written
        assert wrong.written in found[0].stated
        assert found[0].computed


@pytest.mark.parametrize("path", PAGES)
def test_no_stated_output_can_be_wrong_unseen(shipped: Shipped, path: str) -> None:
    """Each stated output of the page, its last digit changed, is found at its line."""
    entry = shipped.entries[path]
    lines = entry.text.split("\n")
    ran = [s for s in entry.snippets if s.options.device is not Device.CUDA]
    for stated in (p for s in ran for p in s.prints if re.search(r"\d", p.stated)):
        at = stated.place.line - 1
        code, mark, output = lines[at].partition("#>")
        if re.search(r"\d", output):
            wrong = [*lines[:at], code + mark + changed_digit(output), *lines[at + 1 :]]
            found = shipped.found_in(path, "\n".join(wrong))
            assert [(f.code, f.place) for f in found] == [("A304", stated.place)]


def test_every_figure_that_is_computed_or_cited_was_made_wrong(shipped: Shipped) -> None:
    """The changes above reach every claim and given but those that bind prose or a word."""
    for entry in shipped.entries.values():
        reached = {item.place for item, _, _ in stretches(entry)}
        for item in (*entry.claims, *entry.givens):
            if item.place not in reached:
                assert isinstance(item, Claim)
                assert "is true" in item.title or not re.search(r"\d", item.text), item


HEADROOM = "It also needs 12 GB of headroom."


@pytest.mark.parametrize("path", PAGES)
def test_a_figure_bound_to_nothing_is_found(shipped: Shipped, path: str) -> None:
    """A sentence with a figure, added between any two paragraphs or at the end, is found there."""
    entry = shipped.entries[path]
    starts = [block.offsets[0] for block in entry.blocks if block.offsets[0] >= entry.body]
    between = [at for at in starts if re.match(r"\n\n[A-Z]", entry.text[at - 2 : at + 1])]
    assert between
    for at in [*between, len(entry.text)]:
        before = f"{entry.text[:at].rstrip()}\n\n"
        found = shipped.found_in(path, f"{before}{HEADROOM}\n\n{entry.text[at:]}")
        assert [(f.code, f.place) for f in found] == [
            ("A201", Place(path, before.count("\n") + 1, HEADROOM.index("12 GB") + 1))
        ]
        assert "12 GB" in found[0].message


# --- the code that the entries run against, made wrong -------------------------------------------


class Mutation(NamedTuple):
    """A bug planted in the code, and the page whose check must fail."""

    file: str
    old: str
    new: str
    page: str


MUTATIONS = {
    "reference: no bias correction": Mutation(
        "adamw/adamw/reference.py",
        "return moment / (1 - beta**t)",
        "return moment",
        "l2-regularization",
    ),
    "reference: decay in the gradient": Mutation(
        "adamw/adamw/reference.py",
        "    m = first_moment(m, g, beta1)\n",
        "    g = g + weight_decay * theta\n    m = first_moment(m, g, beta1)\n",
        "l2-regularization",
    ),
    "reference: beta2 read as beta1": Mutation(
        "adamw/adamw/reference.py",
        "second_moment(v, g, beta2)",
        "second_moment(v, g, beta1)",
        "l2-regularization",
    ),
    "class: no bias correction": Mutation(
        "adamw/adamw/foreach.py",
        "1 - lr * weight_decay, (1 - beta2**t) ** 0.5",
        "1 - lr * weight_decay, 1.0",
        "learning-rate",
    ),
    "class: decay in the gradient": Mutation(
        "adamw/adamw/foreach.py",
        "torch._foreach_mul_(params, scalars.decay)",
        "grads = torch._foreach_add(grads, params, alpha=0.5)",
        "l2-regularization",
    ),
    "class: beta2 read as beta1": Mutation(
        "adamw/adamw/foreach.py",
        "        beta2=numbers[1],\n        one_minus_beta2=float(1 - beta2),\n",
        "        beta2=float(beta1),\n        one_minus_beta2=float(1 - beta1),\n",
        "learning-rate",
    ),
    "class: states halved": Mutation(
        "adamw/adamw/layout.py",
        "Slot(tuple(param.shape), moment_dtype(param, state_dtype))",
        "Slot(tuple(param.shape), torch.float16)",
        "adam",
    ),
    "memory: states halved": Mutation(
        "vram/vram/persistent.py",
        "optimizer_states=found.get(STATES, 0)",
        "optimizer_states=found.get(STATES, 0) // 2",
        "bytes-per-parameter",
    ),
}


class Planted(NamedTuple):
    """A copy of the repository to plant bugs in, and one runner for all that it checks."""

    project: Project
    runner: Fresh | Warm

    def plant(self, mutation: Mutation) -> None:
        """Take all other bugs out of the code, with what Python compiled of it, and plant one."""
        shutil.rmtree(self.project.root / "snippets")
        copy(self.project.root, "snippets")
        self.project.edit(f"snippets/{mutation.file}", mutation.old, mutation.new)


def copy(target: Path, *sources: str) -> None:
    """Copy files and folders of the repository to *target*."""
    for source in sources:
        original = REPOSITORY / source
        if original.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(original, target / source, ignore=ignored)
        elif original.exists():
            shutil.copy(original, target / source)


@pytest.fixture(scope="module")
def planted(shipped: Shipped, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    """Copy the repository once, and import torch once for all bugs."""
    root = tmp_path_factory.mktemp("planted")
    copy(root, *SOURCES)
    runner = default_runner(setup_of(root, shipped.sources.settings), 2)
    yield Planted(Project(root, shipped.project.store), runner)
    runner.close()


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_bug_in_the_code_fails_the_check_of_a_page(planted: Planted, name: str) -> None:
    """With a bug planted in the bundled AdamW or its accounting, a page says otherwise."""
    mutation = MUTATIONS[name]
    page = f"glossary/{mutation.page}.md"
    planted.plant(mutation)
    report = planted.project.check({page}, run=planted.runner)
    assert not report.ok
    assert page in {f.place.path for f in report.findings if f.severity == "error"}


def test_a_bug_in_the_code_ends_the_program_with_1(planted: Planted) -> None:
    """`assay check` exits 1 where a bug is planted, and names the page that found it."""
    planted.plant(MUTATIONS["memory: states halved"])
    done = planted.project.assay("check", "glossary/bytes-per-parameter.md")
    assert done.returncode == 1, done.stderr
    assert "glossary/bytes-per-parameter.md:" in done.stdout
