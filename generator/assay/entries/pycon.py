"""A session of Python's console as code, and what it states each statement to print.

Law: an expression prints its value unless that is None, as at the prompt; what stands below a
statement is all that it prints.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from ..nouns import Place, Print

_ECHO = "(lambda value: value is None or print(repr(value)))("


_RAISED = "Traceback (most recent call last):"


class Step(Struct):
    """A statement, by its lines without prompts, the row of the first, and what stands below."""

    row: int
    code: list[str]
    output: list[str]


class Console(Struct, frozen=True):
    """The code of a console's session, the row of each of its lines, and what they print."""

    code: str
    rows: list[int]
    prints: tuple[Print, ...]
    """Each at the row at which its output is stated."""
    stray: int = 0
    """The row of a line that stands above the first prompt; 0 if there is none."""

    def placed(self, lines: list[tuple[str, int]]) -> Console:
        """Return it with its outputs where *lines*, the file and line of each row, stand."""
        prints = (replace(p, place=Place(*lines[p.place.line - 1], 1)) for p in self.prints)
        return replace(self, prints=tuple(prints))


def read(shown: str) -> Console:
    r"""Read *shown*, the text of a fence.

    >>> read(">>> x = 6\n>>> x * 7\n42\n").rows
    [1, 2, 2]
    """
    steps: list[Step] = []
    stray = 0
    for row, line in enumerate(shown.split("\n"), 1):
        if line == ">>>" or line.startswith(">>> "):
            steps.append(Step(row, [line[4:]], []))
        elif steps and not steps[-1].output and (line == "..." or line.startswith("... ")):
            steps[-1].code.append(line[4:])
        elif steps:
            steps[-1].output.append(line)
        elif line.strip():
            stray = stray or row
    lines: list[str] = []
    rows: list[int] = []
    prints = tuple(_laid_out(steps, lines, rows))
    return Console("\n".join(lines) + "\n", rows, prints, stray)


def _laid_out(steps: list[Step], lines: list[str], rows: list[int]) -> Iterator[Print]:
    for step in steps:
        first, last = len(lines) + 1, step.row + len(step.code) - 1
        code = [_ECHO + step.code[0], *step.code[1:], ")"] if _is_value(step) else step.code
        lines += code
        rows += [min(step.row + n, last) for n in range(len(code))]
        stated = "\n".join(step.output).rstrip("\n ")
        error = stated.startswith(_RAISED)
        yield Print(
            first=first,
            last=len(lines),
            own=False,
            place=Place("", last + 1 if stated else step.row, 1),
            stated=stated.rpartition("\n")[2] if error else stated,
            silent=not stated,
            error=error,
        )


def _is_value(step: Step) -> bool:
    try:
        ast.parse("\n".join(step.code).strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
