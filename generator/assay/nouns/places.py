"""Places and findings: where something stands, and what is wrong there."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from .devices import Device

Severity = Literal["error", "warning"]


class Place(Struct, frozen=True, order=True):
    """A point in a source file; *line* and *column* count characters from 1."""

    path: str
    line: int = 1
    column: int = 1


class Span(Struct, frozen=True):
    """A stretch of an entry's text, by character offsets; *end* is exclusive."""

    start: int
    end: int


class Edit(Struct, frozen=True):
    """A stretch of a file, *end* exclusive, and the text that belongs there instead."""

    start: Place
    end: Place
    text: str


class Finding(Struct, frozen=True, kw_only=True):
    """Something the report lists: what is wrong, where, and what mends it."""

    code: str
    place: Place
    message: str
    hint: str = ""
    stated: str = ""
    computed: str = ""
    severity: Severity = "error"
    end: Place | None = None
    """Where it ends, exclusive; None if only its start is known."""
    page: str = ""
    """The page whose check found it, where that is not the file of *place*."""
    fix: tuple[Edit, ...] = ()
    """Edits that mend it and change nothing else."""
    awaits: Device | None = None
    """The device whose measuring mends it."""

    @property
    def checked_with(self) -> str:
        """The page to check again."""
        return self.page or self.place.path
