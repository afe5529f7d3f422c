"""Believed results: what the store says is what a run without it says, whatever has changed."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
import venv
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from assay.nouns import Report
from assay.project import read, setup_of
from assay.sessions.runner import Warm

from .conftest import Make
from .lab import REPOSITORY, Project, page

Change = Callable[[Path], object]


def ran(report: Report) -> set[str]:
    """Return the pages of which a session ran."""
    return {checked.session.page for checked in report.checked if not checked.reused}


def values(report: Report) -> list[object]:
    return [verdict.computed for verdict in report.verdicts]


def write(path: str, text: str) -> Change:
    return lambda root: (root / path).write_text(text, encoding="utf-8")


def point(path: str, target: str) -> Change:
    def change(root: Path) -> None:
        (root / path).unlink()
        (root / path).symlink_to(target)

    return change


def remove(path: str) -> Change:
    return lambda root: shutil.rmtree(root / path)


def store_number(path: str, number: int) -> Change:
    def change(root: Path) -> None:
        with sqlite3.connect(root / path) as base:
            base.execute("create table if not exists t (v)")
            base.execute("delete from t")
            base.execute("insert into t values (?)", (number,))
        base.close()

    return change


BY_PATH = """
import importlib.util
spec = importlib.util.spec_from_file_location("tool", "tools/tool.py")
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)
x = tool.value
"""
DIR_FD = """
import os
folder = os.open("folder", os.O_RDONLY)
x = len(os.read(os.open("a.txt", os.O_RDONLY, dir_fd=folder), 99))
"""
WALK = """
import os
x = sum(os.stat(f, dir_fd=fd).st_size for _, _, fs, fd in os.fwalk("folder") for f in fs)
"""
IN_ZIP = """
import sys
sys.path.insert(0, "archive.zip")
from packed import value as x
"""
SEEN: dict[str, tuple[str, Change]] = {
    "a link to a file": ('x = len(open("link.txt").read())', point("link.txt", "longer.txt")),
    "a link to a folder": ('x = len(open("now/a.txt").read())', point("now", "other")),
    "what a link says": ('import os\nx = len(os.readlink("link.txt"))', point("link.txt", "a")),
    "whether it is a link": (
        'import os\nx = 1 if os.path.islink("link.txt") else 2',
        lambda root: ((root / "link.txt").unlink(), shutil.copy(root / "a.txt", root / "link.txt")),
    ),
    "whether a file is a link": (
        'import os\nx = 1 if os.path.islink("a.txt") else 2',
        lambda root: (
            (root / "a.txt").rename(root / "b.txt"), (root / "a.txt").symlink_to("b.txt"),
        ),
    ),
    "a link that leads nowhere": (
        'import os\nx = 1 if os.path.lexists("late.txt") else 2',
        lambda root: (root / "late.txt").symlink_to("nowhere"),
    ),
    "a folder that goes": (
        'from pathlib import Path\nx = 1 if Path("folder").exists() else 2', remove("folder"),
    ),
    "a folder that becomes a file": (
        'import os\nx = 1 if os.path.isdir("folder") else 2',
        lambda root: (remove("folder")(root), write("folder", "")(root)),
    ),
    "the size of a file": ('import os\nx = os.stat("a.txt").st_size', write("a.txt", "longer")),
    "sizes of a folder": (
        'import os\nx = sum(e.stat().st_size for e in os.scandir("folder"))',
        write("folder/a.txt", "longer"),
    ),
    "kinds of a folder": (
        'import os\nx = sum(e.is_dir() for e in os.scandir("folder"))',
        lambda root: (root / "folder/new").mkdir(),
    ),
    "a file that is also added to": (
        'f = open("a.txt", "a+")\nf.seek(0)\nx = len(f.read())', write("a.txt", "longer"),
    ),
    "a file from a folder's descriptor": (DIR_FD, write("folder/a.txt", "longer")),
    "a walk by descriptors": (WALK, write("folder/a.txt", "longer")),
    "a module loaded by its path": (BY_PATH, write("tools/tool.py", "value = 5")),
    "a file that is run": (
        'import runpy\nx = runpy.run_path("tools/tool.py")["value"]',
        write("tools/tool.py", "value = 5"),
    ),
    "a module in an archive": (
        IN_ZIP, lambda root: archive(root / "archive.zip", "value = 5"),
    ),
    "a folder put on the path": (
        'import sys\nsys.path.insert(0, "tools")\nimport tool\nx = tool.value',
        write("tools/tool.py", "value = 5"),
    ),
    "a database": (
        'import sqlite3\nx = sqlite3.connect("d.db").execute("select v from t").fetchone()[0]',
        store_number("d.db", 2),
    ),
}  # fmt: skip
"""What a session sees: code, and a change that gives it another value."""
SET: dict[str, tuple[str, Change]] = {
    "a module behind a link": (
        "import linked\nx = linked.value", point("snippets/linked.py", "../tools/other.py"),
    ),
    "the settings' path": (
        "import spread\nx = len(list(spread.__path__))",
        write("assay.toml", 'path = ["snippets", "more"]'),
    ),
    "what is preloaded": (
        'import sys\nx = 1 if "fractions" in sys.modules else 2',
        write("assay.toml", 'preload = ["fractions"]'),
    ),
}  # fmt: skip
"""The same, where the change is one of the whole project."""


def archive(path: Path, text: str) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("packed.py", text)


DATA = {
    "a.txt": "data",
    "longer.txt": "longer",
    "folder/a.txt": "data",
    "other/a.txt": "longer",
    "tools/tool.py": "value = 4",
    "tools/other.py": "value = 5",
}


def furnish(folder: Path) -> None:
    """Put what the sessions look at into *folder*."""
    for path, text in DATA.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    (folder / "link.txt").symlink_to("a.txt")
    (folder / "now").symlink_to("folder")
    archive(folder / "archive.zip", "value = 4")
    store_number("d.db", 1)(folder)


def made(make: Make, code: str) -> Project:
    """Make a project with one session that sees something, and one that sees nothing."""
    project = make(
        {
            "docs/reader.md": page(code, "[4](claim:x)"),
            "docs/apart.md": page("x = 1"),
            "snippets/spread/one.py": "",
            "more/spread/two.py": "",
        }
    )
    furnish(project.root)
    (project.root / "snippets/linked.py").symlink_to("../tools/tool.py")
    return project


class Compared:
    """One check after another: as it is, again, after a change, without the store, and again."""

    def __init__(self, project: Project, change: Callable[[], object]) -> None:
        self.first, self.again = project.check(), project.check()
        change()
        self.after, self.truth = project.check(), project.check(keep=False)
        self.last = project.check()

    def holds_for(self, name: str) -> None:
        """Assert that the results of a page are those of a run, and that none is needless."""
        assert name not in ran(self.again), "a needless run"
        assert value_of(self.again, name) == value_of(self.first, name)
        assert value_of(self.after, name) == value_of(self.truth, name)
        assert value_of(self.after, name) != value_of(self.first, name), "the change must matter"
        assert name not in ran(self.last), "a needless run"


def value_of(report: Report, page: str) -> object:
    (value,) = (v.computed for v in report.verdicts if v.claim.place.path == f"docs/{page}.md")
    return value


def slug(name: str) -> str:
    return "".join(letter if letter.isalpha() else "-" for letter in name)


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Compared:
    """All of SEEN as one project, each session in a folder of its own."""
    root = tmp_path_factory.mktemp("seen")
    project = Project(root, root.with_name("seen-store"))
    for name, (code, _) in SEEN.items():
        furnish(root / slug(name))
        there = f"import os\nos.chdir({slug(name)!r})\n{code}"
        project.write({f"docs/{slug(name)}.md": page(there, "[4](claim:x)")})

    def change() -> None:
        for name, (_, change) in SEEN.items():
            change(root / slug(name))

    return Compared(project, change)


@pytest.mark.parametrize("name", SEEN)
def test_what_a_session_sees_is_compared(compared: Compared, name: str) -> None:
    """A result is reused while nothing has changed, and gives what a run gives once it has."""
    compared.holds_for(slug(name))


@pytest.mark.parametrize("name", SET)
def test_what_a_project_sets_is_compared(make: Make, name: str) -> None:
    """So is what all sessions share: links on the path, the path itself, the preload."""
    code, change = SET[name]
    project = made(make, code)
    Compared(project, lambda: change(project.root)).holds_for("reader")


def touch(root: Path) -> None:
    for file in root.rglob("*"):
        os.utime(file, follow_symlinks=False)


NEEDLESS: dict[str, Change] = {
    "a touched file": touch,
    "prose": lambda root: write(
        "docs/reader.md", "Words.\n\n" + (root / "docs/reader.md").read_text("utf-8")
    )(root),
    "a module that nobody looked for": write("snippets/unused.py", ""),
    "a new page": write("docs/new.md", "# New"),
    "a file beside one that is read": write("b.txt", ""),
    "a cache of Python": lambda root: (root / "tools/__pycache__").mkdir(),
    "a file of the same content": lambda root: (
        write("new", "data")(root), os.replace(root / "new", root / "a.txt"),
    ),
}  # fmt: skip
READS_MUCH = """
import os
from pathlib import Path
import linked
x = len(open("link.txt").read()) + len(os.listdir("folder")) * 0 + linked.value * 0
assert Path("now/a.txt").exists() and not Path("nowhere").exists()
list(Path("tools").glob("*.py"))
print("text")
"""


def test_what_cannot_matter_runs_nothing(make: Make) -> None:
    """Touched files, prose, and files that a session did not look at run nothing."""
    project = made(make, READS_MUCH)
    assert project.check().ok
    for name, change in NEEDLESS.items():
        change(project.root)
        assert ran(project.check()) == set(), name


def test_a_clone_elsewhere_uses_the_same_results(make: Make, tmp_path: Path) -> None:
    """Results are good in another folder, unless a session asked where it stands."""
    project = made(make, READS_MUCH)
    project.write(
        {
            "docs/where.md": page("import os\nx = len(os.getcwd())"),
            "docs/shown.md": page("import linked\nprint(linked.__file__)"),
            "docs/raises.md": page("import linked\nlinked.none", raises="AttributeError"),
            "docs/resolved.md": page('from pathlib import Path\nPath("a.txt").resolve()'),
        }
    )
    assert project.check().ok
    clone = Project(tmp_path / "a clone elsewhere", project.store)
    shutil.copytree(project.root, clone.root, symlinks=True)
    assert ran(clone.check()) == {"where", "shown"}
    assert ran(clone.check()) == set()
    assert ran(project.check()) == set()


SLOW = """
import os, time
text = {read}
open("reading", "w").close()
while os.path.exists("reading"):
    time.sleep(0.01)
x = {x}
"""


@contextmanager
def meanwhile(root: Path, *changes: Change) -> Iterator[None]:
    """Do *changes* once a session has read, then let it go on."""

    def work() -> None:
        while not (root / "reading").exists():
            time.sleep(0.01)
        for change in changes:
            change(root)
        (root / "reading").unlink()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    thread.join(5)


WHILE: dict[str, tuple[str, str, list[Change]]] = {
    "a file is edited": ('open("a.txt").read()', "len(text)", [write("a.txt", "longer")]),
    "a file is edited and put back": (
        'open("a.txt").read()', "len(text)", [write("a.txt", "longer"), write("a.txt", "data")],
    ),
    "a module is edited": (
        "__import__('helper').value", "text", [write("snippets/helper.py", "value = 5")],
    ),
    "a link is pointed elsewhere": (
        'open("link.txt").read()', "len(text)", [point("link.txt", "longer.txt")],
    ),
    "a folder gets a file": (
        '__import__("os").listdir("folder")', "len(text)", [write("folder/b.txt", "")],
    ),
    "a file appears": (
        '__import__("os").access("late.txt", 0)', "int(text)", [write("late.txt", "")],
    ),
}  # fmt: skip
"""What happens while a session runs: what it reads, its value, and changes behind its back."""


@pytest.mark.parametrize("name", WHILE)
def test_what_changes_while_a_session_runs_is_not_kept(make: Make, name: str) -> None:
    """A result of what stood before is not kept as one of what stands now."""
    read_, value, changes = WHILE[name]
    project = made(make, SLOW.format(read=read_, x=value))
    project.write({"snippets/helper.py": "value = 4"})
    with meanwhile(project.root, *changes):
        project.check()
    with meanwhile(project.root):
        truth = project.check(keep=False)
    with meanwhile(project.root):
        after = project.check()
    assert ran(after) >= {"reader"}
    assert values(after) == values(truth)
    assert ran(project.check()) == set()


def test_two_sessions_that_read_two_states_keep_each_its_own(make: Make) -> None:
    """A file that changes between two sessions of one check is kept with what each of them read."""
    project = made(make, "x = len(open('a.txt').read())")
    found = read(project.root)
    runner = Warm(setup_of(found.root, found.settings), 1)
    try:
        assert values(project.check(run=runner)) == [4]
        write("a.txt", "longer")(project.root)
        assert values(project.check(run=runner)) == [6]
        write("a.txt", "data")(project.root)
        assert values(project.check(run=runner)) == [4]
    finally:
        runner.close()


# Packages: a Python of its own, into which packages can be put.


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment in which assay runs from the repository."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    site = next(folder.glob("lib/python*/site-packages"))
    there = [p for p in sys.path if p.endswith("-packages")] + [str(REPOSITORY / "generator")]
    (site / "there.pth").write_text("\n".join(there))
    return folder


class Packages:
    """Puts a package into an environment, and takes it out."""

    def __init__(self, folder: Path) -> None:
        self.python = folder / "bin/python"
        self.site = next(folder.glob("lib/python*/site-packages"))

    def install(self, version: str, code: str, *, recorded: bool = True) -> None:
        self.remove()
        package, info = self.site / "casepkg", self.site / f"casepkg-{version}.dist-info"
        package.mkdir()
        info.mkdir()
        (package / "__init__.py").write_text(code)
        (package / "data.txt").write_text(code)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: casepkg\nVersion: {version}\n"
        )
        digest = f"sha256={hash(code)},{len(code)}" if recorded else ","
        (info / "RECORD").write_text(f"casepkg/__init__.py,{digest}\n")
        (info / "top_level.txt").write_text("casepkg\n")

    def remove(self) -> None:
        for path in [self.site / "casepkg", *self.site.glob("casepkg-*")]:
            shutil.rmtree(path, ignore_errors=True)

    def check(self, project: Project, *options: str) -> tuple[str, bool]:
        """Check as a program of this environment; return what it says, and whether it reused."""
        done = subprocess.run(
            [self.python, "-m", "assay", "check", "--root", project.root, *options],
            env={k: v for k, v in project.environment().items() if k != "PYTHONPATH"},
            capture_output=True,
            text=True,
        )
        (line,) = [line for line in done.stdout.splitlines() if " ran, " in line]
        return line.partition(";")[0], "0 sessions ran" in line


@pytest.fixture
def packages(python: Path) -> Iterator[Packages]:
    found = Packages(python)
    found.remove()
    yield found
    found.remove()


Act = Callable[[Packages], object]
INSTALLED: dict[str, tuple[str, Act, Act]] = {
    "an optional package appears": (
        "try:\n    import casepkg\n    x = 2\nexcept ImportError:\n    x = 1",
        lambda p: None, lambda p: p.install("1.0", "v = 1"),
    ),
    "a package that was looked for appears": (
        "import importlib.util\nx = 2 if importlib.util.find_spec('casepkg') else 1",
        lambda p: None, lambda p: p.install("1.0", "v = 1"),
    ),
    "a package goes": (
        "try:\n    import casepkg\n    x = 1\nexcept ImportError:\n    x = 2",
        lambda p: p.install("1.0", "v = 1"), lambda p: p.remove(),
    ),
    "another version": (
        "import casepkg\nx = casepkg.v",
        lambda p: p.install("1.0", "v = 1"), lambda p: p.install("2.0", "v = 2"),
    ),
    "a version that is asked for": (
        "import importlib.metadata as m\nx = int(float(m.version('casepkg')))",
        lambda p: p.install("1.0", "v = 1"), lambda p: p.install("2.0", "v = 1"),
    ),
    "a version that is not there": (
        "import importlib.metadata as m\ntry:\n    m.version('casepkg')\n    x = 2\n"
        "except m.PackageNotFoundError:\n    x = 1",
        lambda p: None, lambda p: p.install("2.0", "v = 1"),
    ),
    "how many packages there are": (
        "import importlib.metadata as m\n"
        "x = 1 + sum(d.name == 'casepkg' for d in m.distributions())",
        lambda p: None, lambda p: p.install("2.0", "v = 1"),
    ),
    "the same version with another content": (
        "import casepkg\nx = casepkg.v",
        lambda p: p.install("1.dev0", "v = 1"), lambda p: p.install("1.dev0", "v = 2"),
    ),
    "the same version, of which nothing tells the content": (
        "import casepkg\nx = casepkg.v",
        lambda p: p.install("1.dev0", "v = 1", recorded=False),
        lambda p: p.install("1.dev0", "v = 2", recorded=False),
    ),
    "data of a package, by its path": (
        "import sysconfig\nfolder = sysconfig.get_path('purelib')\n"
        "x = int(open(f'{folder}/casepkg/data.txt').read()[-1])",
        lambda p: p.install("1.0", "v = 1"), lambda p: p.install("1.0", "v = 2"),
    ),
}  # fmt: skip
"""Code that gives 1, what is installed before, and what is done then."""


@pytest.mark.parametrize("name", INSTALLED)
def test_packages_are_compared(make: Make, packages: Packages, name: str) -> None:
    """A package that comes, goes or changes runs again what it could change, and nothing else."""
    code, before, change = INSTALLED[name]
    before(packages)
    project = make({"docs/a.md": page(code, "[1](claim:x)")})
    assert packages.check(project) == ("1 claim: 1 verified", False)
    assert packages.check(project) == ("1 claim: 1 verified", True)
    change(packages)
    assert packages.check(project, "--no-store") == ("1 claim: 1 failing", False)
    assert packages.check(project) == ("1 claim: 1 failing", False)


@pytest.mark.parametrize("preload", ["", 'preload = ["editable"]'])
def test_an_editable_install_is_compared(
    make: Make, packages: Packages, tmp_path: Path, preload: str
) -> None:
    """A library outside of the project and of Python's folders is followed file by file."""
    library = tmp_path / "library"
    library.mkdir()
    (library / "editable.py").write_text("v = 1\n")
    (packages.site / "editable.pth").write_text(f"{library}\n")
    try:
        subprocess.run([packages.python, "-c", "import editable"], check=True)
        code = "import editable\nx = editable.v"
        project = make(
            {
                "assay.toml": preload,
                "docs/a.md": page(code, "[1](claim:x)"),
                "docs/b.md": page(f"{code} + 0", "[1](claim:x)"),
            }
        )
        assert packages.check(project) == ("2 claims: 2 verified", False)
        assert packages.check(project) == ("2 claims: 2 verified", True)
        (library / "editable.py").write_text("v = 22\n")
        assert packages.check(project) == ("2 claims: 2 failing", False)
    finally:
        (packages.site / "editable.pth").unlink()


def test_the_program_that_lists_fonts_forbids_no_reuse(make: Make, packages: Packages) -> None:
    """A library may ask `fc-list` for fonts, whoever told it to; for no other program."""
    asks = (
        "import subprocess\ndef ask(p):\n try: subprocess.run([p])\n except OSError: pass\nv = 1\n"
    )
    packages.install("1.0", f"{asks}ask('fc-list')\n")
    project = make({"docs/a.md": page("import casepkg\nx = casepkg.v", "[1](claim:x)")})
    packages.check(project)
    assert packages.check(project)[1]
    packages.install("1.0", f"{asks}ask('true')\n")
    packages.check(project)
    assert not packages.check(project)[1]
    project.edit(
        "docs/a.md", "import casepkg", "import casepkg, subprocess\ncasepkg.ask('fc-list')"
    )
    packages.install("1.0", asks)
    packages.check(project)
    assert packages.check(project)[1], "the library asks, whoever told it to"


def test_a_project_inside_of_python_is_followed(packages: Packages) -> None:
    """Data of a project that lies under Python's own folder is the project's."""
    root = packages.python.parents[1] / "src/app"
    project = Project(root, root.parent / "store")
    project.write(
        {"docs/a.md": page('x = int(open("d.txt").read())', "[1](claim:x)"), "d.txt": "1"}
    )
    assert packages.check(project) == ("1 claim: 1 verified", False)
    assert packages.check(project) == ("1 claim: 1 verified", True)
    (root / "d.txt").write_text("2")
    assert packages.check(project) == ("1 claim: 1 failing", False)
    shutil.rmtree(root.parent)


def test_a_folder_with_a_link_in_a_circle_is_not_empty(make: Make) -> None:
    """A module that comes into it is found by the next check, as by a fresh one."""
    code = "try:\n    import extra\n    x = 1\nexcept ImportError:\n    x = 0"
    made = make({"docs/a.md": page(code, "[0](claim:x)"), "snippets/one.py": ""})
    (made.root / "snippets/circle").symlink_to("circle")
    assert values(made.check()) == [0]
    (made.root / "snippets/extra.py").write_text("", encoding="utf-8")
    again = made.check()
    assert (ran(again), values(again)) == ({"a"}, [1])
