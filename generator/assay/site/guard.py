"""Marks within the braces of templates, so that no other plugin obeys what a run printed.

Law: what a snippet shows and prints is data to every template, also to those of other plugins.
"""

from __future__ import annotations

import re

MARK = "\ue0a5"
"""A character of the private use area, which no font shows and no page keeps."""

_OPENS = re.compile(r"\{(?=[{%#])")


def guarded(text: str) -> str:
    """Return *text* with a mark in each pair of characters that opens a template's expression."""
    return _OPENS.sub("{" + MARK, text)


def removed(text: str) -> str:
    """Return *text* without marks.

    >>> removed(guarded("{{ 6 * 7 }}"))
    '{{ 6 * 7 }}'
    """
    return text.replace(MARK, "")
