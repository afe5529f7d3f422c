"""A whole site stands in its place at any moment, whatever the system can do."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from assay.sessions import processes
from assay.site import swap

ROUNDS = 300


def folder(path: Path, text: str) -> Path:
    path.mkdir()
    (path / "index.html").write_text(text)
    return path


def test_a_reader_finds_a_whole_site_at_any_moment(tmp_path: Path) -> None:
    """While folders are swapped in, one after another, the page of one of them is always there."""
    if not swap.exchange(folder(tmp_path / "a", ""), folder(tmp_path / "b", "")):
        pytest.skip("this system cannot exchange two names in one step")
    site = folder(tmp_path / "site", "0")
    missed, done = [], threading.Event()

    def read() -> None:
        while not done.is_set():
            if not (site / "index.html").exists():
                missed.append(1)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(ROUNDS):
        swap.swap_in(folder(tmp_path / "new", str(number)), site)
    done.set()
    reader.join()
    assert missed == []
    assert (site / "index.html").read_text() == str(ROUNDS - 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "site"]


def test_where_names_cannot_be_exchanged_the_new_site_comes_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two renames do, and nothing is left behind."""
    monkeypatch.setattr(swap, "exchange", lambda one, other: False)
    site = folder(tmp_path / "site", "old")
    swap.swap_in(folder(tmp_path / "new", "new"), site)
    assert (site / "index.html").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_the_first_site_is_moved_into_place(tmp_path: Path) -> None:
    """Where nothing stands yet, the new folder takes the name."""
    swap.swap_in(folder(tmp_path / "new", "new"), tmp_path / "site")
    assert (tmp_path / "site" / "index.html").read_text() == "new"


def test_hidden_files_of_a_site_stay(tmp_path: Path) -> None:
    """What a host keeps in a site, such as .nojekyll or .git, is there after the next build."""
    site = folder(tmp_path / "site", "old")
    (site / ".git").mkdir()
    (site / ".git" / "config").write_text("mine")
    (site / ".nojekyll").write_text("")
    swap.swap_in(folder(tmp_path / "new", "new"), site)
    assert (site / ".git" / "config").read_text() == "mine"
    assert (site / ".nojekyll").exists()
    assert (site / "index.html").read_text() == "new"


def test_a_folder_that_is_no_site_is_refused(tmp_path: Path) -> None:
    """A name that only happens to be the site's keeps what it holds; an empty one may be taken."""
    site = tmp_path / "site"
    site.mkdir()
    (site / ".hidden").write_text("")
    swap.refuse_foreign(site)
    (site / "thesis.tex").write_text("years of work")
    with pytest.raises(swap.ForeignError, match=r"'thesis\.tex' .* move it away"):
        swap.refuse_foreign(site)
    (site / "404.html").write_text("")
    swap.refuse_foreign(site)


def test_what_a_killed_build_left_is_removed_by_the_next(tmp_path: Path) -> None:
    """Its folder bears the mark of its process; those of living ones and of others stay.

    A number of a process is given again, so one that has it now and started later is another.
    """
    told = "from assay.sessions import processes; print(processes.mark())"
    ended = subprocess.run(
        [sys.executable, "-c", told], capture_output=True, text=True
    ).stdout.strip()
    here, pid, started, _ = processes.mark().split(".")
    again = f"{here}.{pid}.{int(started) - 1}.0"
    kept = [f".site-{processes.mark()}-x", f".site-elsewhere.{pid}.1.0-x", ".site-mine"]
    for name in (f".site-{ended}-x", f".site-{again}-x", *kept):
        (tmp_path / name).mkdir()
    with swap.new_beside(tmp_path / "site") as new:
        assert new.parent.name.startswith(f".site-{here}.{pid}.{started}.")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)
