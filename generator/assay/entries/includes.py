"""What a page includes from other files by ``--8<--``, as pymdownx.snippets does.

Law: no I/O; a part keeps the line numbers of its file, since what is left out of it is blank.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

_LINE = re.compile(
    r"""[ \t]*-+8<-+(?:[ \t]+(?P<quote>["'])(?P<target>.+?)(?P=quote)[ \t]*)?""",
)
_FENCE = re.compile(r"[ \t>]*(`{3,}|~{3,})")
_LINES = re.compile(r"(?P<file>.*?):(?P<first>\d*)(?::(?P<last>\d*))?")
_SECTION = re.compile(r"(?P<file>.*?):(?P<section>[A-Za-z][\w-]*)")


class Include(Struct, frozen=True):
    """A line of a page that stands for a file, or for a part of one."""

    line: int
    column: int
    file: str
    section: str = ""
    first: int = 1
    last: int | None = None


def of(text: str) -> Iterator[Include]:
    r"""Yield what *text* includes in its prose; in a fence it is code.

    >>> [(one.line, one.file) for one in of('--8<-- "a.md"\n\n--8<--\nb.md\n--8<--\n')]
    [(1, 'a.md'), (4, 'b.md')]
    """
    mark, listing = "", False
    for number, line in enumerate(text.split("\n"), 1):
        fence = _FENCE.match(line)
        if fence:
            mark = fence[1] if not mark else "" if fence[1].startswith(mark) else mark
            continue
        found = _LINE.fullmatch(line)
        column = len(line) - len(line.lstrip()) + 1
        if mark:
            continue
        if found and found["target"]:
            yield _read(found["target"], number, column)
        elif found:
            listing = not listing
        elif listing and line.strip() and not line.lstrip().startswith(";"):
            yield _read(line.strip(), number, column)


def _read(target: str, line: int, column: int) -> Include:
    if "://" in target:
        return Include(line, column, target)
    if part := _SECTION.fullmatch(target):
        return Include(line, column, part["file"], part["section"])
    if part := _LINES.fullmatch(target):
        last = int(part["last"]) if part["last"] else None
        return Include(line, column, part["file"], "", int(part["first"] or 1), last)
    return Include(line, column, target)


def part(text: str, include: Include) -> str | None:
    r"""Return *text* with blank lines for what *include* leaves out; None without its section.

    >>> part("a\nb\nc\n", Include(1, 1, "x.md", first=2, last=2))
    '\nb\n\n'
    """
    lines = text.split("\n")
    first, last = include.first, include.last or len(lines)
    if include.section:
        edges = [
            re.compile(rf".*-+8<-+[ \t]+\[[ \t]*{edge}[ \t]*:[ \t]*{include.section}[ \t]*\].*")
            for edge in ("start", "end")
        ]
        starts, ends = ([n for n, x in enumerate(lines, 1) if e.fullmatch(x)] for e in edges)
        if not starts:
            return None
        first, last = starts[0] + 1, (ends[0] if ends else len(lines) + 1) - 1
    return "\n".join(x if first <= n <= last else "" for n, x in enumerate(lines, 1))
