"""Stated output: ``#>`` comments, and the statement whose output each of them states.

Law: what a page states is taken out of the code, line for line, before it can be sent. A comment
states the output of one statement: the one that ends on its line, or on the line before it.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from ..nouns import Place, Print

_NEARLY = re.compile(r"#\s+>|#\s*=+>|#.+#\s*>")


class Comment(Struct, frozen=True):
    """A run of ``#>`` comments, one below the other: where it begins, and what it states."""

    row: int
    column: int
    above: int
    """The row of the code that it stands behind or below; its own, if it stands behind code."""
    text: str

    @property
    def behind(self) -> bool:
        """Whether it stands behind code, not on a line of its own."""
        return self.above == self.row


def taken_out(shown: str) -> tuple[str, list[Comment]]:
    """Return the code without its ``#>`` comments, and them."""
    code = lines_of(shown)
    found: list[Comment] = []
    for text, (row, column) in _comments(shown) if "#>" in shown else ():
        if text.startswith("#>"):
            behind = code[row - 1][:column]
            code[row - 1] = behind.rstrip()
            below = found[-1] if found and found[-1].row == row - 1 else None
            above = row if behind.strip() else below.above if below else row - 1
            found.append(Comment(row, column, above, text[2:].removeprefix(" ")))
    return ("\n".join(code) + "\n" if found else shown), list(_runs(found))


def nearly(code: str) -> list[int]:
    """Return the rows of comments that are nearly ``#>``, and stand behind or below a ``print``."""
    lines = ["", *lines_of(code)]
    return [
        row
        for text, (row, column) in _comments(code)
        if _NEARLY.match(text) and "print(" in f"{lines[row - 1]} {lines[row][:column]}"
    ]


def _comments(code: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield each comment and where it begins, up to what is no Python."""
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline) if "#" in code else ():
            if token.type == tokenize.COMMENT:
                yield token.string, token.start
    except (tokenize.TokenError, SyntaxError):
        return  # the syntax error is reported with its line where the code is compiled


def _runs(comments: list[Comment]) -> Iterator[Comment]:
    """Join the comments that go on: those on lines of their own, as far in as the one above."""
    run: list[Comment] = []
    for comment in comments:
        if run and not _goes_on(run[-1], comment):
            yield _joined(run)
            run = []
        run.append(comment)
    if run:
        yield _joined(run)


def _goes_on(before: Comment, after: Comment) -> bool:
    follows = after.row == before.row + 1 and not after.behind
    return follows and (before.behind or before.column == after.column)


def _joined(run: list[Comment]) -> Comment:
    return replace(run[0], text="\n".join(comment.text for comment in run))


def stating(code: str, comments: list[Comment]) -> list[Print | None]:
    """Return what each comment states the output of, by its lines; None where nothing prints.

    That is a ``print`` that ends there; else the outermost statement that does, and that is
    indented as far as the comment.
    """
    try:
        tree = ast.parse(code) if comments else ast.Module([], [])
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return [None for _ in comments]
    nodes = [n for n in ast.walk(tree) if isinstance(n, (ast.stmt, ast.Call))]
    return [_stated_by(comment, nodes) for comment in comments]


def _stated_by(comment: Comment, nodes: list[ast.stmt | ast.Call]) -> Print | None:
    ends = [n for n in nodes if n.end_lineno == comment.above]
    within = [n for n in ends if comment.behind or n.col_offset >= comment.column]
    statements = [n for n in within if isinstance(n, ast.stmt)]
    if not statements:
        return None
    outermost = min(statements, key=lambda n: (n.lineno, n.col_offset))
    if not any(isinstance(n, ast.Call) for n in ast.walk(outermost)):
        return None
    prints = [n for n in within if _is_print(n)]
    own = bool(prints) and (comment.behind or not hasattr(outermost, "body"))
    node = prints[-1] if own else outermost
    return Print(first=node.lineno, last=comment.above, own=own, place=Place(""), stated="")


def _is_print(node: ast.AST) -> bool:
    function = node.func if isinstance(node, ast.Call) else None
    return isinstance(function, ast.Name) and function.id == "print"


def lines_of(text: str) -> list[str]:
    """Split at line feeds alone, as Python does, where str.splitlines knows other line ends."""
    return text.removesuffix("\n").split("\n") if text else []
