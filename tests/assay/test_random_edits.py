"""Whatever is edited, linked, renamed, removed or touched: the store says what a run says."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from assay.nouns import Report
from assay.project import read, setup_of
from assay.sessions.runner import Warm
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from .lab import Project, page

SAFE = """
import importlib.util, os, time
from pathlib import Path

def safe(see):
    try:
        return repr(see())
    except Exception as error:
        return type(error).__name__

def text(*paths):
    return [open(path).read() for path in paths]

def kinds(*paths):
    return [(os.path.exists(p), os.path.isdir(p), os.path.islink(p)) for p in paths]

def names(*paths):
    return [Path(p).resolve().name for p in paths]

def sizes(path):
    return sorted((e.name, e.stat().st_size) for e in os.scandir(path) if e.is_file())

def missing(*modules):
    return [m for m in modules if importlib.util.find_spec(m) is None]

def slowly(*paths):
    found = text(*paths)
    open("at", "w").close()
    while os.path.exists("at"):
        time.sleep(0.01)
    return found
"""
SESSIONS = {
    "reads": "text('a', 'd/a')",
    "reads-one": "text('b')",
    "lists": "sorted(os.listdir('d'))",
    "walks": "sorted(map(str, Path('d').rglob('*')))",
    "sizes": "sizes('d')",
    "asks": "kinds('a', 'b', 'd', 'd/a')",
    "links": "os.readlink('b')",
    "resolves": "names('a', 'b', 'd/b')",
    "imports": "__import__('m').v",
    "imports-a-part": "__import__('p.q', fromlist=['v']).v",
    "looks": "missing('m', 'n', 'p', 'thing')",
    "imports-installed": "__import__('thing').v",
    "asks-version": "__import__('importlib.metadata').metadata.version('thing')",
    "slow": "slowly('a', 'b')",
}
PLACES = ["a", "b", "d", "d/a", "d/b", "m.py", "n.py", "m", "p", "p/q.py", "p/__init__.py"]
PATHS = st.sampled_from(PLACES)
TEXTS = st.sampled_from(["v = 1\n", "v = 2\n", "v = 30\n", ""])
"""Two of the texts are of one length."""


class Edits(RuleBasedStateMachine):
    """A project that is edited at random, with a runner that lives on, as that of `serve` does."""

    @initialize()
    def make(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="edits-"))
        self.project = Project(self.folder / "project", self.folder / "store")
        self.root = self.project.root
        self.library = self.folder / "library"
        self.library.mkdir()
        self.project.write(
            {"assay.toml": 'path = [".", "../library"]', "a": "v = 1\n", "d/a": "v = 1\n"}
        )
        for name, code in SESSIONS.items():
            self.project.write(
                {f"docs/{name}.md": page(f"{SAFE}x = safe(lambda: {code})", "[1](claim:x)")}
            )
        self.runner = Warm(setup_of(self.root, read(self.root).settings), 2)
        self.pages = 0

    @rule(path=PATHS, text=TEXTS)
    def write(self, path: str, text: str) -> None:
        with suppress(OSError):
            (self.root / path).parent.mkdir(exist_ok=True)
            (self.root / path).write_text(text)

    @rule(path=PATHS, other=PATHS)
    def link(self, path: str, other: str) -> None:
        with suppress(OSError):
            up = "../" * path.count("/")
            (self.root / path).symlink_to(up + other)

    @rule(path=PATHS, other=PATHS)
    def rename(self, path: str, other: str) -> None:
        with suppress(OSError):
            (self.root / path).rename(self.root / other)

    @rule(path=PATHS)
    def remove(self, path: str) -> None:
        with suppress(OSError):
            (self.root / path).unlink()

    @rule(path=PATHS)
    def remove_whole(self, path: str) -> None:
        if not (self.root / path).is_symlink():
            shutil.rmtree(self.root / path, ignore_errors=True)

    @rule(path=PATHS)
    def make_folder(self, path: str) -> None:
        with suppress(OSError):
            (self.root / path).mkdir()

    @rule(path=PATHS, text=TEXTS)
    def write_with_old_time(self, path: str, text: str) -> None:
        with suppress(OSError):
            before = (self.root / path).stat()
            self.write(path, text)
            os.utime(self.root / path, ns=(before.st_atime_ns, before.st_mtime_ns))

    @rule(version=st.sampled_from(["1.0", "2.0"]), text=TEXTS)
    def install(self, version: str, text: str) -> None:
        """Put a distribution into a folder outside of the root, as an installer does."""
        self.uninstall()
        told = self.library / f"thing-{version}.dist-info"
        told.mkdir()
        (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: thing\nVersion: {version}\n")
        (told / "RECORD").write_text("thing.py,,\n")
        (self.library / "thing.py").write_text(text)

    @rule()
    def uninstall(self) -> None:
        for told in self.library.glob("thing-*.dist-info"):
            shutil.rmtree(told)
        (self.library / "thing.py").unlink(missing_ok=True)

    @rule(text=TEXTS)
    def edit_what_is_installed(self, text: str) -> None:
        with suppress(OSError):
            (self.library / "thing.py").open("r+").close()
            (self.library / "thing.py").write_text(text)

    @rule()
    def check(self) -> None:
        """The store's values are those of a run; nothing runs that need not."""
        self.compare(self.checked())
        again = self.checked()
        assert self.ran(again) == set()

    @rule(path=PATHS, text=TEXTS)
    def check_while_writing(self, path: str, text: str) -> None:
        """What is written while sessions run is seen by the next check."""
        self.checked(lambda: self.write(path, text))
        self.compare(self.checked())

    @rule(path=PATHS, other=PATHS)
    def check_while_renaming(self, path: str, other: str) -> None:
        self.checked(lambda: self.rename(path, other))
        self.compare(self.checked())

    @rule(name=st.sampled_from(sorted(SESSIONS)))
    def change_what_cannot_matter(self, name: str) -> None:
        """Prose, moved lines, touched files, another folder and a page of the same code."""
        self.checked()
        file = self.root / f"docs/{name}.md"
        file.write_text("A line.\n\n" + file.read_text())
        for path in self.root.iterdir():
            os.utime(path, follow_symlinks=False)
        self.pages += 1
        shutil.copy(file, self.root / f"docs/same{self.pages}.md")
        assert self.ran(self.checked()) == set()
        clone = Project(self.folder / "clone", self.project.store)
        shutil.copytree(self.root, clone.root, symlinks=True)
        with going(clone.root):
            assert self.ran(clone.check()) == set()
        shutil.rmtree(clone.root)

    def checked(self, change: Callable[[], object] | None = None, *, keep: bool = True) -> Report:
        with going(self.root, change):
            return self.project.check(run=self.runner, keep=keep)

    def compare(self, stored: Report) -> None:
        truth = self.checked(keep=False)
        assert values(stored) == values(truth)

    def ran(self, report: Report) -> set[str]:
        return {c.session.page for c in report.checked if not c.reused}

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.runner.close()
            shutil.rmtree(self.folder)


def values(report: Report) -> dict[str, str]:
    """Return what each page's session computed."""
    return {c.session.page: c.outcome.values["x"].text for c in report.checked}


@contextmanager
def going(root: Path, change: Callable[[], object] | None = None) -> Iterator[None]:
    """Let the slow session go on once it has read, after a change behind its back."""
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            if (root / "at").exists():
                if change is not None:
                    change()
                (root / "at").unlink()
            time.sleep(0.005)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize(
    ("examples", "steps"), [(3, 12), pytest.param(60, 40, marks=pytest.mark.prove)]
)
def test_the_store_says_what_a_run_says(examples: int, steps: int) -> None:
    """Edits at random, also while sessions run."""
    found = settings(max_examples=examples, stateful_step_count=steps, deadline=None)
    run_state_machine_as_test(Edits, settings=found)  # type: ignore[no-untyped-call]
