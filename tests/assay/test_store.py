"""The store: a kept result is what was written, or it is none; the store never fails a check."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest
from assay.nouns import Job, Outcome, Ran, Source, Traced, Value
from assay.sessions.runner import Setup
from assay.sessions.sources import Sources
from assay.sessions.store import Store, key

JOB = Job(sources=(Source("x = 1"),), probes=("x",), timeout=5.0)


def outcome(root: Path, **values: str) -> Outcome:
    found = {name: Value(kind="int", text=text) for name, text in values.items()}
    traced = Traced(files={"gone.txt": "gone", ".": "folder"})
    return Outcome(snippets=(Ran(seconds=0.5),), values=found, traced=traced, stderr="told")


def store_at(root: Path, folder: Path, **setup: object) -> Store:
    made = Setup(**({"root": str(root), "path": (str(root / "lib"),)} | setup))  # type: ignore[arg-type]
    return Store(folder, Sources(root, ("lib",)), made)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


def flips(file: Path, numbers: random.Random, count: int) -> int:
    """Flip single bits of a kept result; count those that are believed with other values."""
    data = file.read_bytes()
    root, folder = file.parents[2] / "project", file.parents[1]
    kept, believed = store_at(root, folder).find(JOB), 0
    for _ in range(count):
        at, bit = numbers.randrange(len(data)), 1 << numbers.randrange(8)
        file.write_bytes(data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :])
        believed += store_at(root, folder).find(JOB) is not None
    file.write_bytes(data)
    assert store_at(root, folder).find(JOB) == kept
    return believed


@pytest.mark.parametrize("count", [150, pytest.param(20_000, marks=pytest.mark.prove)])
def test_a_flipped_bit_is_never_believed(root: Path, count: int) -> None:
    """Whatever bit of a kept result turns over, it is a result no more, and no error."""
    folder = root.parent / "store"
    assert store_at(root, folder).keep(JOB, outcome(root, x="12345")) == ()
    (file,) = folder.rglob("*.json")
    assert flips(file, random.Random(count), count) == 0


def test_a_result_of_another_session_is_none(root: Path) -> None:
    """A kept result that is moved to another session's folder is not believed there."""
    store = store_at(root, root.parent / "store")
    store.keep(JOB, outcome(root, x="1"))
    other = msgspec.structs.replace(JOB, sources=(Source("x = 2"),))
    (file,) = store.folder.rglob("*.json")
    folder = store.folder / key(other, store._setup, store.sources)
    folder.mkdir()
    file.rename(folder / file.name)
    assert store.find(other) is None
    assert store.find(JOB) is None


def test_values_of_one_trace_are_merged(root: Path) -> None:
    """What another page asked of the same code is added, not put in its place."""
    store = store_at(root, root.parent / "store")
    store.keep(JOB, outcome(root, x="1"))
    store.keep(JOB, outcome(root, y="2"))
    found = store.find(msgspec.structs.replace(JOB, probes=("x", "y")))
    assert found is not None
    assert {name: value.text for name, value in found.values.items()} == {"x": "1", "y": "2"}
    assert found.traced.files == {"gone.txt": "gone", ".": "folder"}


def test_what_is_not_kept_says_why(root: Path) -> None:
    """The reasons of the session come back, or what changed while it ran."""
    store = store_at(root, root.parent / "store")
    lucky = msgspec.structs.replace(outcome(root, x="1"), traced=Traced(unkept=("read the clock",)))
    assert store.keep(JOB, lucky) == ("read the clock",)
    (root / "gone.txt").write_text("here")
    assert store.keep(JOB, outcome(root, x="1")) == ("saw gone.txt, which changed while it ran",)
    assert not list(store.folder.rglob("*.json"))


@pytest.mark.parametrize(
    "setup", [{"preload": ("math",)}, {"path": ()}, {"kept": 5}, {"hash_seed": 1}]
)
def test_what_sessions_are_run_with_is_part_of_the_key(
    root: Path, setup: dict[str, object]
) -> None:
    """Another preload, path or environment finds no result of this one."""
    store = store_at(root, root.parent / "store")
    store.keep(JOB, outcome(root, x="1"))
    assert store.find(JOB) is not None
    assert store_at(root, store.folder, **setup).find(JOB) is None


def test_the_key_knows_neither_the_folder_nor_the_kernel(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clone elsewhere, under another release of the kernel, has the same keys."""
    (tmp_path / "elsewhere").mkdir()
    here, there = (store_at(r, tmp_path / "store") for r in (root, tmp_path / "elsewhere"))
    before = key(JOB, here._setup, here.sources)
    monkeypatch.setattr("platform.release", lambda: "99.9")
    monkeypatch.setattr("platform.platform", lambda: "Linux-99.9")
    monkeypatch.setenv("PATH", "/somewhere/else")
    assert key(JOB, there._setup, there.sources) == before


def test_a_result_that_shows_its_folder_is_good_there_alone(root: Path, tmp_path: Path) -> None:
    """What a session printed of the project's path is not shown in another clone."""
    shown = outcome(root, x="1")
    shown = msgspec.structs.replace(shown, snippets=(Ran(seconds=0.1, output=f"{root}/a"),))
    store = store_at(root, tmp_path / "store")
    assert store.keep(JOB, shown) == ()
    assert store.find(JOB) is not None
    (tmp_path / "elsewhere").mkdir()
    assert store_at(tmp_path / "elsewhere", store.folder).find(JOB) is None


def test_a_store_that_is_a_file_keeps_nothing(root: Path) -> None:
    """Neither finding nor keeping fails where no folder can be."""
    (root / "file").write_text("")
    store = store_at(root, root / "file")
    assert store.keep(JOB, outcome(root, x="1")) == ()
    assert store.find(JOB) is None
