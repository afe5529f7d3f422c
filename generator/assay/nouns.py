"""The nouns: frozen values that every stage passes on.

Law: each value knows where it stands in its file from birth, nothing here does I/O, and this module
imports nothing else of assay.
"""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct

Severity = Literal["error", "warning"]
Status = Literal["holds", "fails", "unchecked", "stale", "unmeasured"]
HOLE = "\ufffc"
"""Stands in a block for what is not prose: code, math, a claim; and for a name."""
Relation = Literal["matches", "at least", "at most", "more than", "less than", "between"]
Bound = Literal["", "below", "above", "exactly"]
Computed = bool | int | float | str | None


class Place(Struct, frozen=True, order=True):
    """A point in a source file; *line* and *column* count characters from 1."""

    path: str
    line: int = 1
    column: int = 1


class Finding(Struct, frozen=True, kw_only=True):
    """Something the report lists: what is wrong, where, and what mends it."""

    code: str
    place: Place
    message: str
    hint: str = ""
    stated: str = ""
    computed: str = ""
    severity: Severity = "error"


class Span(Struct, frozen=True):
    """A stretch of an entry's text, by character offsets; *end* is exclusive."""

    start: int
    end: int


class Unit(Struct, frozen=True):
    """What one of a unit is worth, in SI base units; information is in bytes."""

    dimension: frozenset[tuple[str, Decimal]]
    """The powers of the base units that make it up, as in length and time^-1."""
    size: Decimal
    counts: Decimal = Decimal(1)
    """What a computed plain number counts in, by the same measure: a byte, a bit, a second."""
    zero: Decimal = Decimal(0)
    """For a temperature: what is added to count from absolute zero."""

    @property
    def factor(self) -> Decimal:
        """What one of it is, in what a plain number counts."""
        return self.size / self.counts

    @property
    def is_temperature(self) -> bool:
        """Whether a number of it says too little: degrees of which scale, counted from where."""
        return self.dimension == {("temperature", Decimal(1))}


class Figure(Struct, frozen=True):
    """A number as people write it.

    *value* (and *high*, for a range) is the number in the unit as written, scale words and
    exponents applied; *step* is what one unit of its last stated digit is worth.
    """

    value: Decimal
    step: Decimal
    unit: str
    text: str
    start: int
    end: int
    high: Decimal | None = None
    scaled: bool = False
    """Written with a scale word or an exponent, hence rounded even where the value is whole."""
    measure: Unit | None = None
    """What one of its unit is worth; None where the unit is not known."""


class Condition(Struct, frozen=True):
    """What a claim's title asks for, parsed; all defaults mean: match to the stated digits."""

    relation: Relation = "matches"
    within: Figure | None = None
    equals: Figure | None = None
    is_true: bool = False
    refuted: bool = False
    true_for: str | None = None
    """For a refuted figure: the probe for which the statement would be true."""
    bound: Bound = ""
    """Where the value lies beside rounding to the figure: "nearly 12 GB" is below it."""
    id: str = ""
    """The claim's permanent id, if its title gives one."""
    unit: str = ""
    """What the computed number counts in, if the title says so: in °C."""
    setting: bool = False
    """The code only assigns the value: an experiment's input, no result."""


class Claim(Struct, frozen=True, kw_only=True):
    """Prose bound to a value that a session computes: ``[text](claim:address "title")``."""

    place: Place
    span: Span
    text: str
    address: str
    title: str


class Given(Struct, frozen=True, kw_only=True):
    """A figure that is cited: ``[text](given:key)``."""

    place: Place
    span: Span
    text: str
    key: str


class Opinion(Struct, frozen=True, kw_only=True):
    """A figure that no program can settle: ``[text](opinion: "whose")``."""

    place: Place
    span: Span
    text: str
    owner: str


class Link(Struct, frozen=True, kw_only=True):
    """A link to another file of the project; *target* is its path from the root."""

    place: Place
    destination: Span
    target: str
    fragment: str


class Formula(Struct, frozen=True):
    """LaTeX between dollar signs."""

    span: Span
    latex: str
    display: bool


class Print(Struct, frozen=True):
    """A ``print`` with the output that the page states for it (``#>``)."""

    first: int
    last: int
    place: Place
    stated: str


class Snippet(Struct, frozen=True, kw_only=True):
    """An executable fence: the code as shown, the code as sent to run, and where each line is."""

    place: Place
    span: Span
    id: str
    session: str
    shown: str
    code: str
    lines: tuple[tuple[str, int], ...]
    """Path and line of each line of *code*."""
    options: dict[str, str]
    prints: tuple[Print, ...] = ()
    raises: str | None = None
    names: frozenset[str] = frozenset()
    """Names that the code binds at top level."""
    open_names: bool = False
    """It may bind names that cannot be seen in the code (``from m import *``, ``exec``)."""
    broken: bool = False
    """It cannot be run as it stands: a syntax error, a missing file, another language."""


class Block(Struct, frozen=True):
    """A run of prose that the reader sees as one, with the file offset of each character."""

    text: str
    offsets: tuple[int, ...]
    heading: bool = False


class Review(Struct, frozen=True, forbid_unknown_fields=True):
    """Who last read an entry against its claims (a role, not a person), and when."""

    by: str
    on: datetime.date


class FrontMatter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands between the ``---`` lines of a term."""

    term: str
    category: str
    summary: str
    prerequisites: tuple[str, ...]
    reviewed: Review
    aliases: tuple[str, ...] = ()
    papers: tuple[str, ...] = ()


class Entry(Struct, frozen=True, kw_only=True):
    """One Markdown file, parsed."""

    path: str
    slug: str
    text: str
    body: int
    """Offset of the first character after the front matter."""
    front: FrontMatter | None = None
    keys: dict[str, Place] = {}
    """Place of each front matter key, and of each item of a list (``prerequisites[0]``)."""
    blocks: tuple[Block, ...] = ()
    snippets: tuple[Snippet, ...] = ()
    claims: tuple[Claim, ...] = ()
    givens: tuple[Given, ...] = ()
    opinions: tuple[Opinion, ...] = ()
    links: tuple[Link, ...] = ()
    formulas: tuple[Formula, ...] = ()
    findings: tuple[Finding, ...] = ()


class Citation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A figure of ``givens/*.toml``, with where it was read."""

    value: str
    source: str
    quote: str
    read: datetime.date


class Paper(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A paper of ``papers.toml``."""

    title: str
    authors: tuple[str, ...]
    year: int
    venue: str
    url: str
    note: str = ""


class Source(Struct, frozen=True):
    """One snippet of a job: its code, and whether an exception in it lets the session go on."""

    code: str
    may_raise: bool = False


class Job(Struct, frozen=True, kw_only=True):
    """What is sent to run. It holds neither what the page states nor any line number."""

    sources: tuple[Source, ...]
    probes: tuple[str, ...]
    timeout: float
    device: str = "cpu"


class Session(Struct, frozen=True, kw_only=True):
    """The snippets of a page that share a process, and the job that they make."""

    page: str
    name: str
    snippets: tuple[Snippet, ...]
    job: Job

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
    prints: tuple[tuple[int, str], ...] = ()
    """First line of each ``print`` call, and what it wrote, in order."""
    output: str = ""


class Traced(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a session really read and imported."""

    files: tuple[str, ...] = ()
    modules: dict[str, str | None] = {}
    """Top-level module, and the project path it came from (None: not of the project)."""
    distributions: dict[str, str] = {}
    whole: bool = True
    """False when a part of it could not be seen, as after starting another program."""


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


class Record(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An outcome measured on a GPU: what ran, on what it depended, where, what came back."""

    schema: int
    page: str
    session: str
    device: str
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


class Verdict(Struct, frozen=True, kw_only=True):
    """A claim, and what its session says of it."""

    entry: str
    claim: Claim
    probe: str
    page: str = ""
    """The page whose session was asked; a claim may ask another page than its own."""
    session: str
    status: Status
    condition: Condition
    figure: Figure | None = None
    computed: Computed = None
    computed_text: str = ""
    """The computed value at full precision in the stated unit."""
    unit: str = ""
    reason: str = ""
    device: str = "cpu"
    gpus: tuple[str, ...] = ()
    """The GPUs that the value was measured on."""
    reused: bool = False


class Checked(Struct, frozen=True, kw_only=True):
    """A session with its outcome, from a run or from a record."""

    session: Session
    outcome: Outcome
    reused: bool = False
    record: Record | None = None
    changed: tuple[str, ...] = ()
    """What has changed since the record was made, which makes it stale."""
    others: tuple[Checked, ...] = ()
    """The same session, as recorded on other GPUs."""

    @property
    def is_awaited(self) -> bool:
        """Whether it needs a device on which it has not been measured."""
        return self.session.job.device != "cpu" and self.outcome == Outcome()

    @property
    def gpus(self) -> tuple[str, ...]:
        """The GPUs that it was measured on, if any."""
        found = (one.outcome.environment.get("gpu", "") for one in (self, *self.others))
        return tuple(dict.fromkeys(gpu for gpu in found if gpu))


class Exemption(Struct, frozen=True):
    """A pattern of the settings that keeps figures out of the unbound check, and what it kept."""

    pattern: str
    reason: str
    kept: int


class Report(Struct, frozen=True, kw_only=True):
    """Everything one check found out."""

    entries: tuple[Entry, ...]
    verdicts: tuple[Verdict, ...]
    checked: tuple[Checked, ...]
    findings: tuple[Finding, ...]
    exemptions: tuple[Exemption, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return not any(finding.severity == "error" for finding in self.findings)
