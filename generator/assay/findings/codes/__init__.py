"""The codes of findings: what each is called, what it means, why it matters, what mends it.

Law: a code keeps its meaning for good; reports, pages and `explain` take their words from here.
"""

from __future__ import annotations

from . import claims, pages, snippets
from .code import Code as Code

CODES = dict(sorted((claims.CODES | snippets.CODES | pages.CODES).items()))
"""Every code, in order."""
