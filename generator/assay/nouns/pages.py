"""What stands on a page: prose and what is bound in it, snippets, front matter."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from .devices import Device
from .places import Finding, Place, Span


class Claim(Struct, frozen=True, kw_only=True):
    """Prose bound to a value that a session computes: ``[text](claim:address "title")``."""

    place: Place
    end: Place
    span: Span
    text: str
    address: str
    title: str


class Given(Struct, frozen=True, kw_only=True):
    """A figure that is cited: ``[text](given:key)``."""

    place: Place
    end: Place
    span: Span
    text: str
    key: str


class Opinion(Struct, frozen=True, kw_only=True):
    """A figure that no program can settle: ``[text](opinion: "whose")``."""

    place: Place
    end: Place
    span: Span
    text: str
    owner: str


class Quote(Struct, frozen=True, kw_only=True):
    """A block quote; one that says where its words stand, or refutes them, is a statement."""

    place: Place
    end: Place
    span: Span
    text: str
    source: str
    """Its last paragraph, if that names an address or a day."""
    address: str
    read: datetime.date | None
    """The day on which its words were read there."""


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


class Print(Struct, frozen=True, kw_only=True):
    """A statement with the output that the page states for it (``#>``)."""

    first: int
    """The first line of the statement in its snippet, counted from 1."""
    last: int
    own: bool
    """Whether it is a ``print``, whose own output counts; else all that was printed during it."""
    place: Place
    stated: str
    silent: bool = False
    """It states that nothing is printed."""
    error: bool = False
    """It states the last line of a traceback: which error ends the snippet."""


Kind = Literal["text", "markdown", "html"]
"""What a program prints."""


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of an executable fence; most are markdown-exec's, with its meaning."""

    exec: bool = False
    source: (
        Literal["above", "below", "block", "console", "folded", "tabbed-left", "tabbed-right"]
        | None
    ) = None
    result: str = ""
    html: bool = False
    output: Kind | None = None
    """What is printed: text, unless it says otherwise."""
    title: str = ""
    tabs: str = "Source|Result"
    linenums: str = ""
    hl_lines: str = ""
    id: str = ""
    session: str = ""
    device: Device | None = None
    timeout: Annotated[float, Meta(gt=0, le=86_400)] | None = None
    """The session's limit in seconds."""
    raises: str | None = None
    """The class of the exception that the snippet is to raise."""
    figure: str = ""
    """What the figure shows that the snippet leaves open in matplotlib: its text, for those who
    do not see it."""
    file: str = ""
    """A file of the snippets' folder, shown and run before the fence's own text."""


class Snippet(Struct, frozen=True, kw_only=True):
    """An executable fence: the code as shown, the code as sent to run, and where each line is."""

    place: Place
    span: Span
    id: str
    session: str
    """The name of its session; a snippet that names none has one of its own."""
    shown: str
    code: str
    lines: tuple[tuple[str, int], ...]
    """Path and line of each line of *code*."""
    options: Options = Options()
    prints: tuple[Print, ...] = ()
    names: frozenset[str] = frozenset()
    """Names that the code binds at top level."""
    open_names: bool = False
    """It may bind names that cannot be seen in the code (``from m import *``, ``exec``)."""
    language: str = "python"
    """As which its text is shown."""
    made: bool = False
    """Nobody wrote it: it reads what a claim asks of no page."""
    broken: bool = False
    """It cannot be run as it stands: a syntax error, a missing file, another language."""

    def printing(self, kind: Kind) -> Snippet:
        """Return the snippet with *kind* for its output, where its fence says nothing of it."""
        said = self.options.output or self.options.html or self.options.result
        return self if said else replace(self, options=replace(self.options, output=kind))


class Block(Struct, frozen=True):
    """A run of prose that the reader sees as one, with the file offset of each character."""

    text: str
    offsets: tuple[int, ...]
    heading: bool = False


class Review(Struct, frozen=True, forbid_unknown_fields=True):
    """Who last read an entry against its claims (a role, not a person), and when."""

    by: Annotated[str, Meta(description="A role, not a person.")]
    on: Annotated[datetime.date, Meta(description="The day, as 2026-11-22.")]


Text = Annotated[str, Meta(min_length=1)]


class KeyFact(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a reader should see first of a term; each text is read as those of the page are."""

    label: Annotated[Text, Meta(description="What the figure is of, in a few words.")]
    figure: Annotated[Text, Meta(description="A claim, or a given: `[64.24 GB](claim:states)`.")]
    note: Annotated[str, Meta(description="When it is so, or how much each; may hold claims.")] = ""


class FrontMatter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands between the ``---`` lines of a term."""

    term: Annotated[str, Meta(description="The name of the term; the page's title is made of it.")]
    category: Annotated[
        str,
        Meta(
            description="The category whose page lists the entry; one that exists unless none fits."
        ),
    ]
    summary: Annotated[
        str, Meta(description="One or two sentences for indexes and search, without figures.")
    ]
    prerequisites: Annotated[
        tuple[str, ...],
        Meta(description="File names of other entries, without .md; may be empty; no circles."),
    ]
    reviewed: Annotated[
        Review, Meta(description="Who last read the entry against its claims, and when.")
    ]
    aliases: Annotated[tuple[str, ...], Meta(description="Other names.")] = ()
    code_names: Annotated[
        tuple[str, ...], Meta(description="Names in code: `exp_avg`, `adamw_8bit`.")
    ] = ()
    facts: Annotated[
        tuple[KeyFact, ...],
        Meta(description="The figures to see first, each with a label and its claim."),
    ] = ()
    papers: Annotated[tuple[str, ...], Meta(description="Keys of papers.toml.")] = ()


class Fact(Struct, frozen=True):
    """Where the parts of a key fact stand in the file; its claims are those of the page."""

    label: Span
    figure: Span
    note: Span | None


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
    facts: tuple[Fact, ...] = ()
    blocks: tuple[Block, ...] = ()
    snippets: tuple[Snippet, ...] = ()
    claims: tuple[Claim, ...] = ()
    givens: tuple[Given, ...] = ()
    opinions: tuple[Opinion, ...] = ()
    quotes: tuple[Quote, ...] = ()
    links: tuple[Link, ...] = ()
    formulas: tuple[Formula, ...] = ()
    codes: tuple[str, ...] = ()
    """The texts of code spans."""
    anchors: frozenset[str] = frozenset()
    """What links to it may name behind ``#``, in small letters: headings, and ids given there."""
    findings: tuple[Finding, ...] = ()


Address = Annotated[str, Meta(pattern=r"^https?://[^\s<>\"'`]+$")]
"""An address on the web, which readers are sent to."""


class Citation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A figure of ``givens/*.toml``, with where it was read."""

    value: Annotated[str, Meta(description='The figure, as pages state it: "24 GB".')]
    source: Annotated[Address, Meta(description="The address at which it was read.")]
    quote: Annotated[str, Meta(description="The words of the source that hold the figure.")]
    read: Annotated[datetime.date, Meta(description="The day on which it was read.")]


class Paper(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A paper of ``papers.toml``."""

    title: Annotated[str, Meta(description="The title.")]
    authors: Annotated[tuple[str, ...], Meta(description="The authors, in the order of the paper.")]
    year: Annotated[int, Meta(description="The year of publication.")]
    venue: Annotated[str, Meta(description="Where it was published.")]
    url: Annotated[Address, Meta(description="The address of the paper.")]
    note: Annotated[str, Meta(description="What a reader should know of this edition.")] = ""
