"""Marks that keep text what it is on its way through other plugins and the theme's templates.

Law: what a snippet shows and prints is data to every template, and so is what a page is called: no
template escapes a title, and some take entities back into tags.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

MARK = "\U0010fff0"
"""A character of the last private use plane, which no font shows and no page keeps."""

_OPENS = re.compile(r"\{(?=[{%#])")
_SHIELDS = {"<": "\U0010fff1", ">": "\U0010fff2", '"': "\U0010fff3", "&": "\U0010fff4"}
_MARKUP = re.compile(r'[<>"]|&(?=[#A-Za-z])')
_SHIELDED = re.compile("[\U0010fff1-\U0010fff4]")


def guarded(text: str) -> str:
    """Return *text* with a mark in each pair of characters that opens a template's expression."""
    return _OPENS.sub("{" + MARK, text)


def removed(text: str) -> str:
    """Return *text* without marks.

    >>> removed(guarded("{{ 6 * 7 }}"))
    '{{ 6 * 7 }}'
    """
    return text.replace(MARK, "")


def shielded(value: Any) -> Any:
    """Return a title, or whatever front matter holds, without a character of HTML in its texts."""
    if isinstance(value, str):
        return _MARKUP.sub(lambda match: _SHIELDS[match[0]], value)
    if isinstance(value, list):
        return [shielded(one) for one in value]
    if isinstance(value, dict):
        return {key: shielded(one) for key, one in value.items()}
    return value


def revealed(page: str) -> str:
    """Return a rendered page in which what was shielded is shown.

    >>> revealed(f"<title>{shielded('</title>')}</title>")
    '<title>&lt;/title&gt;</title>'
    """
    signs = {shield: html.escape(sign) for sign, shield in _SHIELDS.items()}
    return _SHIELDED.sub(lambda match: signs[match[0]], removed(page))


def reveal(folder: Path) -> None:
    """Show what was shielded in the files that plugins wrote of themselves, as the search does."""
    for file in folder.rglob("*.*"):
        if file.suffix in {".json", ".xml"} and file.is_file():
            data = file.read_bytes()
            text = data.decode("utf-8", "surrogateescape")  # of a page's own file, who knows
            if (shown := revealed(text)) != text:
                file.write_bytes(shown.encode("utf-8", "surrogateescape"))
