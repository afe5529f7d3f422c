"""What a new glossary and a new entry begin with: files to be filled in and written.

Law: what is written passes a check as it stands, and no file that is there is touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from string import Template

import yaml

FILES = {
    "assay.toml": "assay.toml",
    "mkdocs.yml": "mkdocs.yml",
    "docs/index.md": "docs/index.md",
    "glossary/checksum.md": "glossary/checksum.md",
    "requirements.txt": "requirements.txt",
    "gitignore": ".gitignore",
    "check.yml": ".github/workflows/check.yml",
}
"""The files of a new glossary, and where each goes."""


def text(name: str, values: Mapping[str, str]) -> str:
    """Return the starter file *name* with *values* filled in."""
    source = resources.files(__package__).joinpath("starter", name).read_text(encoding="utf-8")
    return Template(source).safe_substitute(values)


def scalar(value: str) -> str:
    """Return *value* as YAML writes it, in quotes where it needs them.

    >>> scalar("plain"), scalar("a: b")
    ('plain', "'a: b'")
    """
    written = yaml.safe_dump(value, allow_unicode=True, width=10_000)
    return written.removesuffix("...\n").strip()


def write(file: Path, content: str) -> bool:
    """Write a new file; return whether it was written: what is there stays."""
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(file, "x", encoding="utf-8") as new:
            new.write(content)
    except FileExistsError:
        return False
    return True
