"""Rows of tables that two Markdown parsers part into cells differently.

Law: a pipe parts cells for CommonMark's readers also within code, and not for MkDocs; what one of
them drops, the other shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..nouns import Finding
from . import seen
from .positions import Lines, Source

_PIPE = re.compile(r"(?<!\\)\|")


def found(events: list[Any], source: Source, lines: Lines) -> Iterator[Finding]:
    """Yield a finding for each row that has more cells than its table has columns."""
    for at, (event, where) in enumerate(events):
        name, detail = seen.item(event)
        if name == "Start" and detail == "TableHead":
            columns = _cells(source, where)
        elif (
            name == "Start" and detail == "TableRow" and (cells := _cells(source, where)) > columns
        ):
            last = seen.end_of(events, at) - 1
            place = lines.place(source.offsets[source.chars(events[last][1])[1]])
            message = f"the row has {cells} cells and its table {columns} columns: the rest is lost"
            hint = "write a pipe of code as <code>a&#124;b</code>, or take out what is too much"
            yield Finding(code="A313", place=place, message=message, hint=hint)


def _cells(source: Source, where: dict[str, int]) -> int:
    """Count the cells of a row as CommonMark's readers part them."""
    start, end = source.chars(where)
    row = source.text[start:end].strip().removeprefix("|")
    row = row[:-1] if row.endswith("|") and not row.endswith("\\|") else row
    return len(_PIPE.findall(row)) + 1
