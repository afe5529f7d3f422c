"""Hints: the nearest thing to what was written."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: str, among: Iterable[str]) -> str:
    """Return "did you mean ...?" for the nearest of *among*, or "" if none is near."""
    near = difflib.get_close_matches(word, list(among), 1)
    return f"did you mean {near[0]!r}?" if near else ""
