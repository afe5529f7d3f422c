"""Progress of a check on the terminal: which session runs, how many are left, how long it takes.

Law: it writes to standard error alone, so that what a program reads on standard output stays clean.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from .nouns import Session
from .plain import uncommanding, visible

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Silent:
    """Says nothing."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def begin(self, total: int) -> None:
        """Do nothing."""

    def start(self, session: Session) -> None:
        """Do nothing."""

    def end(self, session: Session, seconds: float) -> None:
        """Do nothing."""


class Lines(Silent):
    """A line for each session that has ended: for logs."""

    total = done = 0

    def begin(self, total: int) -> None:
        """Say how many sessions are to run."""
        self.total = total
        _say(f"{total} session{'' if total == 1 else 's'} to run")

    def end(self, session: Session, seconds: float) -> None:
        """Say which session has ended, and how many are left."""
        self.done += 1
        _say(f"[{self.done}/{self.total}] {session.page} {session.name} {seconds:.2f} s")


class Bar(Silent):
    """A live bar with the sessions that are running, gone when the check is over."""

    def __enter__(self) -> Bar:
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._running: dict[str, float] = {}
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def begin(self, total: int) -> None:
        """Show the bar."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeElapsedColumn as Elapsed

        self._progress = Progress(
            "checking",
            BarColumn(24),
            MofNCompleteColumn(),
            Elapsed(),
            TextColumn("{task.description}", markup=False),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._progress.add_task("starting the worker", total=total)
        self._progress.start()

    def start(self, session: Session) -> None:
        """Show that *session* runs."""
        self._running[f"{session.page} {session.name}"] = time.monotonic()
        self._show(0)

    def end(self, session: Session, seconds: float) -> None:
        """Advance the bar."""
        self._running.pop(f"{session.page} {session.name}", None)
        self._show(1)

    def _show(self, advance: int) -> None:
        if self._progress is not None and self._task is not None:
            running = visible(", ".join(list(self._running)[:3]))
            self._progress.update(self._task, advance=advance, description=running)


def _say(line: str) -> None:
    sys.stderr.write(f"assay: {uncommanding(visible(line))}\n")
    sys.stderr.flush()


def watch() -> Silent:
    """Return the progress that suits standard error: a bar on a terminal, lines elsewhere."""
    return Bar() if sys.stderr.isatty() else Lines()
