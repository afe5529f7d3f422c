"""Fences within HTML comments: they run, and no code host shows them.

Law: a fence that a comment holds is a snippet like any other, or a finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from ..nouns import Span
from . import options

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_OPENS = re.compile(r"^[ \t]*(?P<mark>`{3,}|~{3,})(?P<info>[^\n`]*)\n", re.MULTILINE)


class Hidden(Struct, frozen=True):
    """An executable fence of a comment, by offsets in the HTML that holds it."""

    at: int
    """Where the fence begins."""
    span: Span
    """What it stands for: the first of a comment for all of that, each other for nothing."""
    info: str
    code: str
    closed: bool


def comments(source: str) -> list[Span]:
    """Return where the comments of *source* are."""
    return [Span(*match.span()) for match in _COMMENT.finditer(source)]


def fences(source: str) -> Iterator[Hidden]:
    """Yield the executable fences of the comments of *source*, in order."""
    for comment in comments(source):
        span, at = comment, comment.start
        while opens := _OPENS.search(source, at, comment.end):
            closing = re.compile(rf"^[ \t]*{opens['mark']}[ \t]*$", re.MULTILINE)
            closes = closing.search(source, opens.end(), comment.end)
            at = closes.end() if closes else comment.end
            if options.is_executable(options.split(opens["info"])[1]):
                code = source[opens.end() : closes.start() if closes else opens.end()]
                yield Hidden(opens.start(), span, opens["info"], code, closes is not None)
                span = Span(comment.end, comment.end)
