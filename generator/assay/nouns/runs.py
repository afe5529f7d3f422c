"""What is sent to run, and what comes back."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from .devices import Device
from .pages import Snippet

Key = tuple[str, str]
"""A session: the slug of its page, and its name."""


class Command(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A command of the settings, and what of its output is its value."""

    run: Annotated[
        tuple[str, ...], Meta(description="The program and its arguments; no shell reads them.")
    ]
    find: Annotated[
        str,
        Meta(
            description="A regular expression; its first group is the value. Empty: all of it is."
        ),
    ] = ""
    format: Annotated[
        Literal["", "json", "toml", "csv"],
        Meta(description="How the output is read where a claim asks a part of it."),
    ] = ""


class Source(Struct, frozen=True):
    """One snippet of a job: its code, and whether an exception in it lets the session go on."""

    code: str
    may_raise: bool = False


class Job(Struct, frozen=True, kw_only=True):
    """What is sent to run. It holds neither what the page states nor any line number."""

    sources: tuple[Source, ...]
    probes: tuple[str, ...]
    timeout: float
    device: Device = Device.CPU
    figures: tuple[int, ...] = ()
    """Numbers of the sources of which a figure is wanted."""


class Session(Struct, frozen=True, kw_only=True):
    """The snippets of a page that share a process, and the job that they make."""

    page: str
    name: str
    snippets: tuple[Snippet, ...]
    job: Job

    @property
    def key(self) -> Key:
        """What it is known by among all sessions."""
        return self.page, self.name

    @property
    def is_broken(self) -> bool:
        """Whether it cannot be run as it stands."""
        return any(snippet.broken for snippet in self.snippets)


class Value(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a probe found; numbers travel as text so that nothing is rounded on the way."""

    kind: Literal["int", "float", "bool", "str", "other", "missing"]
    text: str = ""
    near: tuple[str, ...] = ()
    """For a missing probe: the names that were there."""


class Raised(Struct, frozen=True, kw_only=True):
    """An exception that a snippet let out."""

    kinds: tuple[str, ...]
    """Names of its class and the classes above it, most special first."""
    message: str
    frames: tuple[tuple[int, int, str], ...]
    """Snippet number, line and function of each traceback frame inside the session's code."""


class Ran(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one snippet of a session went."""

    seconds: float
    raised: Raised | None = None
    prints: tuple[tuple[tuple[int, ...], str], ...] = ()
    """What each ``print`` wrote, in order, and the lines of this snippet that were under way.

    The first is that of the call itself, 0 where that stands elsewhere.
    """
    prints_cut: bool = False
    """Whether more was printed than is kept line by line."""
    output: str = ""
    figures: tuple[str, ...] = ()
    """What was open in matplotlib at its end, as SVG, where a figure was wanted."""


class Traced(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a session really saw, each thing as it stood when it was looked at.

    Paths are written from the project's root, or from Python's folder as ``{prefix}/...``.
    """

    files: dict[str, str] = {}
    """By path: how it was looked at, and a digest of what was seen (``file:...``, ``gone``)."""
    times: dict[str, int] = {}
    """By path: when it had last been changed, in nanoseconds."""
    imports: dict[str, dict[str, str | None]] = {}
    """By folder: each module that was looked for there, and what was found."""
    distributions: dict[str, str | None] = {}
    whole: bool = True
    """False when a part of it could not be seen, as after starting another program."""
    placed: bool = False
    """The session asked where it stands: its result is good for this folder alone."""
    preloaded: bool = False
    """It used what the preload had imported."""
    unkept: tuple[str, ...] = ()
    """Why its result is not used again: each reason in words that follow "it"."""


class Failure(Struct, frozen=True, kw_only=True):
    """Why a session gave no answer, and where it struck (line 0: not known)."""

    kind: Literal["timeout", "flood", "signal", "exit", "lost"]
    text: str
    snippet: int = 0
    line: int = 0


class Outcome(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came back from a session; one that has not run has the outcome ``Outcome()``."""

    snippets: tuple[Ran, ...] = ()
    values: dict[str, Value] = {}
    failure: Failure | None = None
    stderr: str = ""
    notes: tuple[str, ...] = ()
    traced: Traced = Traced()
    environment: dict[str, str] = {}
    when: str = ""
    seconds: float = 0.0

    @property
    def is_cut(self) -> bool:
        """Whether more was printed than is kept; the worker's note says so."""
        return any("longer than is kept" in note for note in self.notes)


class Record(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An outcome measured on a GPU: what ran, on what it depended, where, what came back."""

    schema: int
    page: str
    session: str
    device: Device
    code: str
    """Digest of what the session ran."""
    files: dict[str, str]
    """Files of the project that it read or imported, from the root, with their digests."""
    distributions: dict[str, str]
    commit: str
    outcome: Outcome

    @property
    def gpu(self) -> str:
        """The name of the GPU that it ran on."""
        return self.outcome.environment["gpu"]


class Checked(Struct, frozen=True, kw_only=True):
    """A session with its outcome, from a run or from a record."""

    session: Session
    outcome: Outcome
    reused: bool = False
    ran_since: str = ""
    """Why no kept result was used, where it ran."""
    unkept: tuple[str, ...] = ()
    """Why its result is not kept, each reason in words that follow "it"."""
    record: Record | None = None
    changed: tuple[str, ...] = ()
    """What has changed since the record was made, which makes it stale."""
    others: tuple[Checked, ...] = ()
    """The same session, as recorded on other GPUs."""

    @property
    def is_awaited(self) -> bool:
        """Whether it needs a device on which it has not been measured."""
        return self.session.job.device is not Device.CPU and self.outcome == Outcome()

    @property
    def gpus(self) -> tuple[str, ...]:
        """The GPUs that it was measured on, if any."""
        found = (one.outcome.environment.get("gpu", "") for one in (self, *self.others))
        return tuple(dict.fromkeys(gpu for gpu in found if gpu))
