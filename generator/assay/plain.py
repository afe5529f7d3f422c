"""Text that a terminal or a log shows, and does not obey."""

from __future__ import annotations


def visible(text: str) -> str:
    """Replace what a terminal would obey rather than show.

    >>> visible("a" + chr(27) + "[31mb")
    'a�[31mb'
    """
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
