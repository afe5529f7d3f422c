"""Reuse: a result is used again only if nothing that could change it has changed."""

from __future__ import annotations

import json
import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from assay.nouns import Report, Status
from assay.project import setup_of
from assay.sessions.runner import Warm
from assay.settings import load

from .conftest import Make
from .lab import Project, page

PROJECT = {
    "docs/direct.md": page("import helper\nx = helper.two", "[2](claim:x)"),
    "docs/indirect.md": page("from between import x", "[2](claim:x)"),
    "docs/by-name.md": page(
        'import importlib\nx = importlib.import_module("helper").two', "[2](claim:x)"
    ),
    "docs/apart.md": page(
        'y = 3\nprint("a")  #> a', '[3](claim:y), and [3](claim:y "id=again") again.'
    ),
    "snippets/helper.py": "two = 2\n",
    "snippets/between.py": "from helper import two as x\n",
    "snippets/unused.py": "",
}
IMPORTERS = {"direct", "indirect", "by-name"}


def ran(report: Report) -> set[str]:
    """Return the pages of which a session ran."""
    return {checked.session.page for checked in report.checked if not checked.reused}


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a project, and the store with its results."""
    folder = tmp_path_factory.mktemp("reuse")
    made = Project(folder / "project", folder / "store").write(PROJECT)
    assert ran(made.check()) == IMPORTERS | {"apart"}
    return folder


@pytest.fixture
def project(checked: Path, tmp_path: Path) -> Project:
    """A project of one's own whose results are kept; they are as good in a copy."""
    shutil.copytree(checked, tmp_path / "copy")
    return Project(tmp_path / "copy/project", tmp_path / "copy/store")


def test_a_second_check_runs_nothing(project: Project) -> None:
    """With nothing changed nothing runs, and every verdict is as it was."""
    report = project.check()
    assert ran(report) == set()
    assert report.ok
    assert [verdict.status for verdict in report.verdicts] == [Status.VERIFIED] * 5
    assert all(v.answer is not None and v.answer.reused for v in report.verdicts)


def test_a_second_check_starts_no_worker_and_imports_no_more_than_it_needs(make: Make) -> None:
    """As a program too: no worker, and neither torch nor mkdocs nor the progress bar's library."""
    project = make(
        PROJECT
        | {
            "assay.toml": 'preload = ["loud"]',
            "snippets/loud.py": 'open("worker-started", "a").close()\n',
        }
    )
    assert project.report()["summary"]["ran"] == 4
    (project.root / "worker-started").unlink()
    done = project.assay("check", "--format", "json", python=["-X", "importtime"])
    assert done.returncode == 0
    assert json.loads(done.stdout)["summary"]["ran"] == 0
    assert not (project.root / "worker-started").exists()
    imported = {
        line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()
    }
    assert "assay" in imported
    assert not imported & {"torch", "mkdocs", "material", "rich", "markdown", "numpy"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (" again.", " once more."),
        ("[3](claim:y), and", "[4](claim:y), and"),
        ("(claim:y), and", '(claim:y "at least"), and'),
        ("#> a", "#> b"),
        ('```python exec="on"', 'More.\n\n```python exec="on"'),
        ('exec="on"', 'exec="on" source="above" title="T" id="i" timeout="5"'),
        ('exec="on"', 'exec="on" session="s"'),
        (', and [3](claim:y "id=again") again.', ""),
    ],
    ids=["prose", "figure", "title", "stated output", "line", "options", "session", "claim"],
)
def test_what_cannot_change_a_result_runs_nothing(project: Project, old: str, new: str) -> None:
    """An edit of prose, stated figures, stated output, lines or display options runs nothing."""
    project.edit("docs/apart.md", old, new)
    assert ran(project.check()) == set()


def test_a_stated_figure_is_compared_though_nothing_runs(project: Project) -> None:
    """A changed figure, title or stated output is found against the kept result."""
    project.edit("docs/apart.md", "[3](claim:y), and", "[4](claim:y), and")
    project.edit("docs/apart.md", "#> a", "#> b")
    report = project.check()
    assert [finding.code for finding in report.findings] == ["A304", "A104"]
    assert ran(report) == set()


def test_an_edit_of_code_runs_its_session_alone(project: Project) -> None:
    """A changed snippet runs again, and no other does."""
    project.edit("docs/apart.md", "y = 3", "y = 1 + 2")
    assert ran(project.check()) == {"apart"}


def test_a_new_probe_runs_its_session_once(project: Project) -> None:
    """A claim that asks for another value of a session runs it once."""
    (project.root / "docs/asks.md").write_text("[2](claim:direct/helper.two)", encoding="utf-8")
    assert ran(project.check()) == {"direct"}
    assert ran(project.check()) == set()


def test_an_edit_of_a_module_runs_what_imports_it(project: Project) -> None:
    """A changed module runs the sessions that import it, directly or not, and no other."""
    project.edit("snippets/helper.py", "two = 2", "two = 1 + 1")
    assert ran(project.check()) == IMPORTERS
    project.edit("snippets/between.py", "from helper", "# edited\nfrom helper")
    assert ran(project.check()) == {"indirect"}
    project.edit("snippets/helper.py", "two = 1 + 1", "two = 2")
    project.edit("snippets/between.py", "# edited\n", "")
    assert ran(project.check()) == set(), "the results of the old contents are still kept"


def test_an_edit_that_keeps_size_and_time_is_seen(project: Project) -> None:
    """A module changed to one of the same size and time stamp gives its new value."""
    file = project.root / "snippets/helper.py"
    before = file.stat()
    file.write_text("two = 4\n", encoding="utf-8")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size
    report = project.check()
    assert ran(report) == IMPORTERS
    assert [finding.computed for finding in report.findings] == ["4", "4", "4"]


OPEN_LATE = 'try: x = len(open("late.txt").read())\nexcept OSError: x = 4'
GLOB = 'from pathlib import Path\nx = sum(len(p.read_text()) for p in Path("folder").glob("*"))'
OPTIONAL = "try: {}\nexcept ImportError: pass\nx = 4"
READERS: dict[str, tuple[str, str, str | None]] = {
    "a file changes": ('x = len(open("data.txt").read())', "data.txt", "longer"),
    "a file goes": (OPEN_LATE.replace("late", "data"), "data.txt", None),
    "a file appears": (OPEN_LATE, "late.txt", "late"),
    "a file that was looked for appears": (
        'import os\nx = 5 if os.path.exists("late.txt") else 4', "late.txt", "late",
    ),
    "a folder gets a file": ('import os\nx = len(os.listdir("folder"))', "folder/e.txt", ""),
    "a file in a glob changes": (GLOB, "folder/a.txt", "xy"),
    "a module of a package changes": (
        "from package import inner\nx = inner.value", "second/package/inner.py", "value = 5",
    ),
    "an optional module appears": (OPTIONAL.format("import late"), "second/late.py", ""),
    "an optional module of a package appears": (
        OPTIONAL.format("from package import late"), "second/package/late.py", "",
    ),
    "a module appears earlier on the path": (
        "import module\nx = module.value", "first/module.py", "value = 5",
    ),
    "a package appears beside a module": (
        "import module\nx = module.value", "second/module/__init__.py", "value = 5",
    ),
    "a package appears beside a module of a package": (
        "from package.inner import value as x", "second/package/inner/__init__.py", "value = 5",
    ),
    "a part of a namespace package appears earlier on the path": (
        "from spread.part import value as x", "first/spread/part.py", "value = 5",
    ),
    "a module appears that hides one of the standard library": (
        "import colorsys\nx = 4", "first/colorsys.py", "",
    ),
}  # fmt: skip
"""What changes: code that gives 4, and the file that is then written (None: removed)."""


@pytest.mark.parametrize("name", READERS)
def test_what_a_session_read_is_watched(make: Make, name: str) -> None:
    """A change of what a session read, listed, looked for or imported runs it again, once."""
    code, changed, text = READERS[name]
    project = make(
        {
            "assay.toml": 'path = ["first", "second"]',
            "docs/reader.md": page(code, "[4](claim:x)"),
            "docs/apart.md": page("x = 1"),
            "data.txt": "data",
            "first/unused.py": "",
            "second/module.py": "value = 4",
            "second/package/__init__.py": "",
            "second/package/inner.py": "value = 4",
            "second/spread/part.py": "value = 4",
            **{f"folder/{letter}.txt": "x" for letter in "abcd"},
        }
    )
    report = project.check()
    assert report.ok, report.findings
    assert ran(project.check()) == set()
    if text is None:
        (project.root / changed).unlink()
    else:
        project.write({changed: text})
    assert ran(project.check()) == {"reader"}
    assert ran(project.check()) == set()


@pytest.mark.parametrize("changed", ["second/module.py", "first/module.py"])
def test_a_preloaded_module_is_watched(make: Make, changed: str) -> None:
    """A preloaded module of the project that changes, or is hidden by another, runs all again.

    It may have changed what sessions find that never name it.
    """
    project = make(
        {
            "assay.toml": 'path = ["first", "second"]\npreload = ["module"]',
            "docs/reader.md": page("import module\nx = module.value", "[4](claim:x)"),
            "docs/apart.md": page("x = FACTOR", "[4](claim:x)"),
            "first/unused.py": "",
            "second/module.py": "import builtins\nvalue = builtins.FACTOR = 4",
        }
    )
    assert project.check().ok
    project.write({"first/another.py": ""})
    assert ran(project.check()) == set()
    project.write({changed: "import builtins\nvalue = builtins.FACTOR = 5"})
    report = project.check()
    assert ran(report) == {"reader", "apart"}
    assert [finding.computed for finding in report.findings] == ["5", "5"]


UNSEEN = {
    "subprocess": 'import subprocess\nsubprocess.run(["true"])',
    "system": 'import os\nos.system("true")',
    "fork": "import os\nif os.fork() == 0: os._exit(0)\nos.wait()",
    "spawn": 'import os\nos.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)',
    "socket": "import socket\nsocket.socket().connect_ex(('127.0.0.1', 9))",
}


def test_what_cannot_be_seen_is_not_kept(make: Make) -> None:
    """A session that started a process or spoke to another machine runs every time."""
    pages = {n: page(f"{code}\nx = 1", "[1](claim:x)") for n, code in UNSEEN.items()}
    project = make({f"docs/{name}.md": text for name, text in pages.items()})
    assert project.check().ok
    assert ran(project.check()) == UNSEEN.keys()


FAILING = {
    "error": "x = 1 / 0",
    "system-exit": "raise SystemExit(0)",
    "exit": "import os\nos._exit(0)",
    "nan": 'x = float("nan")',
    "infinity": 'x = float("-inf")',
    "decimal": 'from decimal import Decimal\nx = Decimal("NaN")',
    "missing": "x = 1\ndel x",
    "output": 'x = 1\nprint("a")  #> b',
    "list": "x = [1]",
}


def test_failures_are_not_kept(make: Make) -> None:
    """A session that failed, or whose values cannot be compared, runs every time."""
    pages = {name: page(code, "[1](claim:x)") for name, code in FAILING.items()}
    project = make({f"docs/{name}.md": text for name, text in pages.items()})
    assert not project.check().ok
    assert ran(project.check()) == FAILING.keys()


def test_another_clone_uses_the_same_results(project: Project, tmp_path: Path) -> None:
    """A copy of the project elsewhere finds the results of the first."""
    copy = Project(tmp_path / "elsewhere", project.store)
    shutil.copytree(project.root, copy.root)
    assert ran(copy.check()) == set()


def test_a_check_without_the_store_keeps_and_uses_nothing(project: Project) -> None:
    """--no-store runs everything and writes nothing."""
    before = sorted(project.store.rglob("*"))
    assert project.report("--no-store")["summary"]["ran"] == 4
    assert sorted(project.store.rglob("*")) == before


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


@pytest.mark.parametrize(
    "spoil",
    [
        half,
        lambda data: b"",
        lambda data: b"\x00" * len(data),
        lambda data: b"\xff" + data,
        lambda data: b"null",
        lambda data: b"{}",
        lambda data: data.replace(b'"outcome"', b'"outcame"'),
        lambda data: data.replace(b'"kind":"int"', b'"kind":"quaternion"'),
    ],
    ids=["half", "empty", "zeros", "not utf-8", "null", "no fields", "field", "kind"],
)
def test_spoilt_results_are_no_results(project: Project, spoil: Callable[[bytes], bytes]) -> None:
    """A torn or foreign file in the store is passed over, and the next check mends it."""
    files = [file for file in project.store.rglob("*") if file.is_file()]
    for file in files:
        file.write_bytes(spoil(file.read_bytes()))
    report = project.check()
    assert report.ok
    assert len(ran(report)) == 4
    assert ran(project.check()) == set()


def test_foreign_things_in_the_store_do_no_harm(project: Project) -> None:
    """Folders and links where results are looked for change nothing."""
    for folder in list(project.store.rglob("*")):
        if folder.is_dir():
            (folder / "folder.json").mkdir()
            (folder / "link.json").symlink_to("nowhere")
    assert ran(project.check()) == set()


@pytest.mark.parametrize("store", ["/dev/null/store", "/proc/store", "file"])
def test_a_store_that_cannot_be_written_fails_no_check(make: Make, store: str) -> None:
    """Where no result can be kept, the check goes on without."""
    project = make(PROJECT | {"file": "not a folder"})
    without = Project(project.root, project.root / store)
    done = without.assay("check")
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert "4 sessions ran" in done.stdout


def test_a_full_disk_fails_no_check(make: Make) -> None:
    """When writing a result fails half-way, the check holds and leaves no torn file behind."""
    project = make(PROJECT)
    runner = Warm(setup_of(project.root, load(project.root)), 2)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        project.check(run=runner, keep=False)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
        report = project.check(run=runner)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        runner.close()
    assert report.ok
    assert not [file for file in project.store.rglob("*") if file.is_file()]


def test_pages_with_the_same_code_share_one_result(make: Make) -> None:
    """Two pages with the same code and other claims: each runs once, and never again."""
    code = "import helper\nx = helper.two\ny = 3"
    project = make(
        {
            "docs/a.md": page(code, "[2](claim:x)"),
            "docs/b.md": page(code, "[3](claim:y)"),
            "snippets/helper.py": "two = 2\n",
        }
    )
    assert ran(project.check()) == {"a", "b"}
    assert ran(project.check()) == set()
    project.write({"docs/c.md": page(code, "[2](claim:x), [3](claim:y)")})
    assert ran(project.check()) == set()
