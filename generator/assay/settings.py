"""Settings: ``[tool.assay]`` of ``pyproject.toml``, or ``assay.toml``; read once, then frozen."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from . import mkdocs_yml
from .hints import nearest
from .nouns import Level, Name, Settings

__all__ = ["WITHOUT_SETTINGS", "Level", "Name", "Settings", "SettingsError", "find_root", "load"]

FIGURES = ("12 GB", "12.5", "4.2 ms", "45 %", "45%", "2×", "8,030,261,248", "1e-8", "10⁻⁸")
"""No pattern of names may match in one of these."""


class SettingsError(Exception):
    """Settings that cannot be read; assay cannot do its work (exit status 2)."""


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
