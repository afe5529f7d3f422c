"""What a project can set, with its defaults."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from msgspec import Meta, Struct

from .pages import Kind
from .runs import Command


class Name(Struct, frozen=True, forbid_unknown_fields=True):
    """A pattern (regular expression) of names that may hold a number, and why."""

    pattern: Annotated[
        str, Meta(description="A regular expression; what it matches is not searched for figures.")
    ]
    reason: Annotated[str, Meta(description="Why it is a name; reports repeat it.")]


Level = Literal["error", "warning", "off"]


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a project can set; ``docs/reference/settings.md`` says what each means."""

    glossary: Annotated[
        str, Meta(description="Folder of the entries, with papers.toml and givens/.")
    ] = "glossary"
    docs: Annotated[
        str, Meta(description="Folder of the other pages and of the site's assets.")
    ] = "docs"
    snippets: Annotated[str, Meta(description="Folder of code that fences include.")] = "snippets"
    evidence: Annotated[str, Meta(description="Folder of what was measured on a GPU.")] = "evidence"
    also: Annotated[
        tuple[str, ...],
        Meta(description="More Markdown files that every check looks at, such as README.md."),
    ] = ()
    path: Annotated[
        tuple[str, ...], Meta(description="Folders from which sessions can import.")
    ] = ("snippets",)
    preload: Annotated[
        tuple[str, ...],
        Meta(description="Modules that the worker imports once, before it forks sessions."),
    ] = ()
    timeout: Annotated[
        float,
        Meta(
            gt=0,
            le=86_400,
            description="How many seconds a session may run where no fence says otherwise.",
        ),
    ] = 20.0
    words: Annotated[int, Meta(description="The most words that an entry may have.")] = 900
    facts: Annotated[
        int, Meta(ge=0, description="How many key facts the front matter of each entry states.")
    ] = 0
    store: Annotated[
        str, Meta(description="Folder of kept results; empty: the user's cache folder.")
    ] = ""
    names: Annotated[
        tuple[Name, ...], Meta(description="Patterns of names that may hold a number.")
    ] = ()
    units: Annotated[
        tuple[str, ...], Meta(description="Nouns that are units here, such as token or EUR.")
    ] = ()
    output: Annotated[
        dict[str, Kind],
        Meta(description="What snippets print, by folder, where a fence does not say it."),
    ] = {}
    hosts: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^https?://[^\s;,'\"/]+$")], ...],
        Meta(description="Hosts that pages may load scripts, styles and frames from."),
    ] = ()
    commands: Annotated[
        dict[str, Command], Meta(description="Commands whose output a claim may ask for, by name.")
    ] = {}
    pages: Annotated[
        tuple[str, ...],
        Meta(description="Patterns of the pages that are checked, as in .gitignore; empty: all."),
    ] = ()
    exclude: Annotated[
        tuple[str, ...], Meta(description="Patterns of pages that are not checked.")
    ] = ()
    unbound: Annotated[
        Level | dict[str, Level],
        Meta(description="How a figure counts that is bound to nothing, everywhere or by folder."),
    ] = "error"
    baseline: Annotated[
        str, Meta(description="File of the unbound figures that are known; others count.")
    ] = ""

    def leaves_out(self, paths: Iterable[str]) -> set[str]:
        """Return those of *paths* that are not checked."""
        given = set(paths)
        if not self.pages and not self.exclude:
            return set()  # as most often; what reads the patterns takes a while to import
        import pathspec

        chosen = given
        if self.pages:
            chosen = set(pathspec.GitIgnoreSpec.from_lines(self.pages).match_files(given))
        excluded = set(pathspec.GitIgnoreSpec.from_lines(self.exclude).match_files(given))
        return (given - chosen) | excluded
