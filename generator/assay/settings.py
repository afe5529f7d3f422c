"""Settings: ``[tool.assay]`` of ``pyproject.toml``, or ``assay.toml``; read once, then frozen."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from . import mkdocs_yml
from .hints import nearest
from .nouns import Command, Kind

FIGURES = ("12 GB", "12.5", "4.2 ms", "45 %", "45%", "2×", "8,030,261,248", "1e-8", "10⁻⁸")
"""No pattern of names may match in one of these."""


class SettingsError(Exception):
    """Settings that cannot be read; assay cannot do its work (exit status 2)."""


class Name(Struct, frozen=True, forbid_unknown_fields=True):
    """A pattern (regular expression) of names that may hold a number, and why."""

    pattern: str
    reason: str


Level = Literal["error", "warning", "off"]


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a project can set; ``docs/reference/settings.md`` says what each means."""

    glossary: str = "glossary"
    docs: str = "docs"
    snippets: str = "snippets"
    evidence: str = "evidence"
    also: tuple[str, ...] = ()
    path: tuple[str, ...] = ("snippets",)
    preload: tuple[str, ...] = ()
    timeout: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 20.0
    words: int = 900
    store: str = ""
    names: tuple[Name, ...] = ()
    units: tuple[str, ...] = ()
    output: dict[str, Kind] = {}
    hosts: tuple[Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s;,'\"/]+$")], ...] = ()
    commands: dict[str, Command] = {}
    pages: tuple[str, ...] = ()
    """Patterns of the pages that are checked, as in ``.gitignore``; empty: all."""
    exclude: tuple[str, ...] = ()
    """Patterns of pages that are not."""
    unbound: Level | dict[str, Level] = "error"
    """How a figure counts that is bound to nothing, everywhere or by folder."""
    baseline: str = ""
    """The file of the unbound figures that are known."""

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


WITHOUT_SETTINGS = Settings(glossary="", path=("src", "."), unbound="warning")
"""Of a repository that has none: no entries, and what stands in it can be imported.

What is bound to nothing is no error there, since nobody has said that all is to be bound.
"""


def root_without_settings(start: Path) -> Path:
    """Return the nearest folder at or above *start* that is a repository, else *start*."""
    return next((f for f in (start, *start.parents) if (f / ".git").exists()), start)


def find_root(start: Path) -> Path:
    """Return the nearest folder at or above *start* with settings of assay in it."""
    for folder in (start, *start.parents):
        if (folder / "assay.toml").is_file() or _has_table(folder / "pyproject.toml"):
            return folder
    raise SettingsError(
        f"{start}: neither this folder nor one above it has an assay.toml or a pyproject.toml with "
        "[tool.assay]; name files to check, as in assay check README.md, go to a project, or name "
        "one with --root DIR"
    )


def load(root: Path) -> Settings:
    """Read the settings of the project at *root*."""
    own = root / "assay.toml"
    file = own if own.is_file() else root / "pyproject.toml"
    if file != own and not _has_table(file):
        return WITHOUT_SETTINGS
    data = _read(file)
    table: dict[str, Any] = data if file == own else data.get("tool", {}).get("assay", {})
    try:
        settings = msgspec.convert(table, Settings)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{file.name}: [tool.assay]: {error}{_near(str(error))}") from error
    for name in settings.names:
        _check_pattern(file.name, name)
    return settings if "docs" in table else replace(settings, docs=_docs_of(root))


def _docs_of(root: Path) -> str:
    return mkdocs_yml.read(root).docs_dir or Settings().docs


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"{file.name}: {error}") from error


def _has_table(file: Path) -> bool:
    tool = _read(file).get("tool") if file.is_file() else None
    return isinstance(tool, dict) and "assay" in tool


def _near(error: str) -> str:
    unknown = re.search(r"unknown field `([^`]+)`", error)
    near = nearest(unknown[1], Settings.__struct_fields__) if unknown else ""
    return f"; {near}" if near else ""


def _check_pattern(file: str, name: Name) -> None:
    try:
        pattern = re.compile(name.pattern)
    except re.error as error:
        raise SettingsError(f"{file}: names: {name.pattern!r}: {error}") from error
    if not name.reason.strip():
        raise SettingsError(f"{file}: names: {name.pattern!r} gives no reason")
    if pattern.search("") or any(map(pattern.search, FIGURES)):
        raise SettingsError(f"{file}: names: {name.pattern!r} would hide figures, not names")
