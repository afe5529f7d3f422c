"""A project in a temporary folder, and two ways to check it: in this process, and as a program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from assay.check import check_root
from assay.nouns import Report
from assay.plan import Scope
from assay.project import read
from assay.sessions.runner import Runner
from assay.site import pages as site

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Project:
    """A project on disk, with a store of its own."""

    root: Path
    store: Path

    def write(self, files: Mapping[str, str]) -> Project:
        """Write *files*, by path from the root, beside what is there; return the project."""
        for path, text in ({"assay.toml": ""} | dict(files)).items():
            file = self.root / path
            if path in files or not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
        return self

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace *old*, which must stand in the file once, by *new*."""
        file = self.root / path
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
        file.write_text(text.replace(old, new), encoding="utf-8")

    def check(
        self,
        pages: Collection[str] | None = None,
        *,
        keep: bool = True,
        run: Runner | None = None,
    ) -> Report:
        """Check in this process, with the real runner and the real store."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ASSAY_STORE", str(self.store))
            scope = Scope(pages=None if pages is None else frozenset(pages))
            return check_root(self.root, scope, runner=run, jobs=4, keep=keep)[1]

    def environment(self) -> dict[str, str]:
        """The environment of `assay` as a program."""
        python_path = str(REPOSITORY / "generator")
        return os.environ | {"PYTHONPATH": python_path, "ASSAY_STORE": str(self.store)}

    def assay(
        self, *arguments: str, cwd: Path | None = None, python: Collection[str] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run `assay` as a program, in the root unless told otherwise."""
        command = [sys.executable, *python, "-m", "assay", *arguments]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            env=self.environment(),
            cwd=cwd or self.root,
            timeout=120,
            check=False,
        )

    def report(self, *arguments: str) -> dict[str, Any]:
        """Run `assay check --format json` and return the object that it prints."""
        done = self.assay("check", "--format", "json", *arguments)
        assert done.returncode in {0, 1}, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def page(code: str, prose: str = "", **options: str) -> str:
    """Return a page with one snippet, and prose under it."""
    shown = "".join(f' {key}="{value}"' for key, value in options.items())
    return f'```python exec="on"{shown}\n{code}\n```\n\n{prose}\n'


def lines_of(report: Report) -> list[str]:
    """Return the findings of *report* as short lines: where and which code."""
    return [f"{f.place.path}:{f.place.line}:{f.place.column} {f.code}" for f in report.findings]


def pages_of(report: Report, project: Project) -> dict[str, str]:
    """Return the Markdown of each page by its source; of one without a source, by its own path."""
    made = site.site_of(read(project.root), report, "", directory_urls=True)
    texts = {path: text.replace(made.mark, "ours") for path, text in site.pages(made).items()}
    return texts | {source: texts[path] for source, path in made.addresses.items() if path in texts}


def is_in(process: Path, root: Path) -> bool:
    """Whether a process of /proc works in *root*, and is no zombie."""
    try:
        state = (process / "stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z" and (process / "cwd").readlink() == root
    except OSError:
        return False


def running_in(root: Path) -> list[str]:
    """Return the processes that work in *root*."""
    processes = (p for p in Path("/proc").iterdir() if p.name.isdecimal())
    return [process.name for process in processes if is_in(process, root)]


def wait_for_none_in(root: Path) -> list[str]:
    """Wait until no process works in *root*, at most a few seconds; return those that still do."""
    for _ in range(500):
        if not running_in(root):
            break
        time.sleep(0.01)
    return running_in(root)


needs_proc = pytest.mark.skipif(
    not os.path.isdir("/proc/self"), reason="looks for processes in /proc"
)
