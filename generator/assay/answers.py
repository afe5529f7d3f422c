"""What answers for a session without running it, and where what it gave is kept.

Law: the store holds results of the CPU, records those of every other device; a success alone is
kept in the store, and only what ran to its end becomes a record.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from .findings import endings
from .nouns import Checked, Device, Outcome, Session
from .project import Project, keep_record
from .sessions import records
from .sessions.store import Store


class Answers(Protocol):
    """What a check asks before it runs a session, and tells when it has."""

    def known(self, session: Session) -> Checked | None:
        """Return what is known of *session*; None if it has to run."""

    def why(self, session: Session) -> str:
        """Return why *session* has to run; ask before it does."""

    def keep(self, checked: Checked) -> tuple[str, ...]:
        """Take in a session that has just run; return why its result is not kept, if it is not."""


class Kept:
    """Answers of the store and of records, for builds; the GPU *here* is asked, not its records."""

    def __init__(
        self, project: Project, store: Store | None = None, here: Device = Device.CPU
    ) -> None:
        self._project, self._store, self._here = project, store, {Device.CPU, here}

    def known(self, session: Session) -> Checked | None:
        """Return a result that still stands, or what records say."""
        if session.is_broken:
            return _not_to_run(session)
        if session.job.device not in self._here:
            recorded = self._project.records.values()
            return records.answer(session, recorded, self._project.sources.digest)
        store = self._store_for(session)
        outcome = store.find(session.job) if store else None
        return Checked(session=session, outcome=outcome, reused=True) if outcome else None

    def why(self, session: Session) -> str:
        """Return what has changed since a result was kept, or that there is none."""
        store = self._store_for(session)
        return store.missed(session.job) if store else ""

    def keep(self, checked: Checked) -> tuple[str, ...]:
        """Keep a success in the store."""
        store = self._store_for(checked.session)
        if store is None or not endings.is_success(checked):
            return ()  # how it ended is a finding of its own
        return store.keep(checked.session.job, checked.outcome)

    def forget(self, session: Session) -> None:
        """Keep nothing of a session that another run has shown to differ."""
        store = self._store_for(session)
        if store:
            store.forget(session.job)

    def _store_for(self, session: Session) -> Store | None:
        return self._store if session.job.device is Device.CPU else None


class Measured:
    """Asks every session to run, and writes what a GPU measured as records of the project."""

    def __init__(self, project: Project, told: Callable[[str], None]) -> None:
        self._project, self._told = project, told

    def known(self, session: Session) -> Checked | None:
        """Return nothing for what can run: measuring means running."""
        return _not_to_run(session) if session.is_broken else None

    def why(self, session: Session) -> str:
        """Return nothing: it was asked for."""
        return ""

    def keep(self, checked: Checked) -> tuple[str, ...]:
        """Write the record of a session that ran to its end, whatever the page states."""
        if endings.has_answer(checked):
            self._told(keep_record(self._project, checked))
        return ()


def _not_to_run(session: Session) -> Checked:
    return Checked(session=session, outcome=Outcome())
