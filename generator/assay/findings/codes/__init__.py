"""The codes of findings: what each is called, what it means, why it matters, what mends it.

Law: a code keeps its meaning for good; reports, pages and `explain` take their words from here.
"""

from __future__ import annotations

from . import browser, claims, pages, rendered, snippets
from .code import Code as Code

_ROOMS = (claims, snippets, pages, rendered, browser)
CODES = dict(sorted(item for room in _ROOMS for item in room.CODES.items()))
"""Every code, in order."""
