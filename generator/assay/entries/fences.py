"""Executable fences: the options, the code as shown, and the code as it is sent to run.

Law: what the page states (``#>``) is taken out of the code, line for line, before it can be sent.
"""

from __future__ import annotations

import ast
import io
import re
import symtable
import tokenize
from collections.abc import Iterator, Mapping

from ..hints import nearest
from ..nouns import Finding, Place, Print, Snippet, Span
from . import options

_INCLUDE = re.compile(r"""^\s*-{1,2}8<-{1,2}\s+(?P<q>["'])(?P<file>[^"']+)(?P=q)\s*$""")
_PYTHON = frozenset({"python", "py", "python3"})


class Fence:
    """An executable fence on its way to a :class:`Snippet`, gathering findings."""

    def __init__(self, place: Place, span: Span, info: str, text: str, number: int) -> None:
        self.place, self.span, self.text = place, span, text
        self.language, self.written = options.split(info)
        self.options, self.refused = options.typed(self.written)
        self.id = self.options.id or f"snippet-{number}"
        self.findings: list[Finding] = []
        self.broken = False

    def snippet(self, files: Mapping[str, str], folder: str) -> Snippet:
        """Return the snippet, its includes taken from *files* (path to text) under *folder*."""
        self._check_options()
        shown, lines = self._included(files, folder)
        code, stated = self._without_stated(shown, lines)
        is_python = self.language in _PYTHON
        names, open_names = self._names(code, lines) if is_python else (frozenset(), False)
        return Snippet(
            place=self.place,
            span=self.span,
            id=self.id,
            session=self.options.session or self.id,
            shown=shown,
            code=code,
            lines=tuple(lines),
            options=self.options,
            prints=tuple(self._prints(code, stated, lines)),
            names=names,
            open_names=open_names,
            broken=self.broken,
        )

    def _break(self, code: str, message: str, hint: str, place: Place | None = None) -> None:
        """Note what keeps the snippet from being run."""
        self.broken = True
        self._say(code, message, hint, place)

    def _say(self, code: str, message: str, hint: str, place: Place | None = None) -> None:
        place = place or self.place
        page = self.place.path if place.path != self.place.path else ""
        self.findings.append(Finding(code=code, place=place, message=message, hint=hint, page=page))

    def _check_options(self) -> None:
        if self.language not in _PYTHON:
            self._break(
                "A310", f"only Python runs, not {self.language!r}", 'write ```python exec="on"'
            )
        for message, hint in self.refused:
            self._break("A310", message, hint)

    def _included(self, files: Mapping[str, str], folder: str) -> tuple[str, list[tuple[str, int]]]:
        shown: list[str] = []
        lines: list[tuple[str, int]] = []
        for line, number in self._with_file(self.options.file):
            include = _INCLUDE.match(line)
            if include is None:
                shown.append(line)
                lines.append((self.place.path, number))
                continue
            path = f"{folder}/{include['file']}"
            if path not in files:
                self._missing(path, files, number)
                continue
            included = _lines(files[path])
            shown += included
            lines += [(path, n) for n in range(1, len(included) + 1)]
        return "\n".join(shown) + "\n", lines

    def _with_file(self, wanted: str) -> Iterator[tuple[str, int]]:
        if wanted:
            yield f'--8<-- "{wanted}"', self.place.line
        for n, line in enumerate(_lines(self.text)):
            yield line, self.place.line + 1 + n

    def _missing(self, path: str, files: Mapping[str, str], line: int) -> None:
        hint = nearest(path, files) or "add the file, or correct the path"
        place = Place(self.place.path, line, 1 if line != self.place.line else self.place.column)
        self._break("A309", f"the snippet file {path!r} does not exist", hint, place)

    def _without_stated(
        self, shown: str, lines: list[tuple[str, int]]
    ) -> tuple[str, dict[int, tuple[str, bool]]]:
        """Blank out ``#>`` comments; return the code and, by line, what each stated.

        The second item of a value tells a comment behind code from one on a line of its own.
        """
        code = _lines(shown)
        stated: dict[int, tuple[str, bool]] = {}
        if "#>" not in shown:
            return shown, stated
        try:
            for token in tokenize.generate_tokens(io.StringIO(shown).readline):
                if token.type == tokenize.COMMENT and token.string.startswith("#>"):
                    row, column = token.start
                    behind = code[row - 1][:column]
                    stated[row] = (token.string[2:].removeprefix(" "), bool(behind.strip()))
                    code[row - 1] = behind.rstrip()
        except (tokenize.TokenError, SyntaxError):
            pass  # the syntax error is reported by _names, with its line
        return "\n".join(code) + "\n", stated

    def _names(self, code: str, lines: list[tuple[str, int]]) -> tuple[frozenset[str], bool]:
        try:
            table = symtable.symtable(code, "snippet", "exec")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            row = getattr(error, "lineno", None) or 1
            path, number = lines[min(row, len(lines)) - 1] if lines else (self.place.path, 1)
            message = f"syntax error: {getattr(error, 'msg', error)}"
            indent = self.place.column - 1 if path == self.place.path else 0
            place = Place(path, number, (getattr(error, "offset", None) or 1) + indent)
            self._break("A305", message, "mend the code; it must be valid Python", place)
            return frozenset(), True
        bound = set(_bound_by(table))
        return frozenset(bound), "import *" in code or bool(re.search(r"\b(exec|globals)\(", code))

    def _prints(
        self, code: str, stated: dict[int, tuple[str, bool]], lines: list[tuple[str, int]]
    ) -> Iterator[Print]:
        if not stated:
            return
        try:
            calls = [n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Call)]
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return
        row_of = {call.end_lineno: call for call in calls if _is_print(call)}
        for first, rows in _runs(stated):
            call = row_of.get(first if stated[first][1] else first - 1)
            place = Place(*lines[first - 1], 1)
            if call is None or call.end_lineno is None:
                self._say(
                    "A311", "this stated output belongs to no print", "put #> behind a print", place
                )
                continue
            text = "\n".join(stated[row][0] for row in rows)
            yield Print(first=call.lineno, last=call.end_lineno, place=place, stated=text)


def _bound_by(table: symtable.SymbolTable) -> Iterator[str]:
    """Yield the names that code binds at top level, also by ``global`` and in a comprehension."""
    is_top = table.get_type() == "module"
    for symbol in table.get_symbols():
        binds = symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
        if binds and (is_top or symbol.is_declared_global()):
            yield symbol.get_name()
    for inner in table.get_children():
        yield from _bound_by(inner)


def _lines(text: str) -> list[str]:
    """Split at line feeds alone, as Python does, where str.splitlines knows other line ends."""
    return text.removesuffix("\n").split("\n") if text else []


def _runs(stated: dict[int, tuple[str, bool]]) -> Iterator[tuple[int, list[int]]]:
    """Group stated lines: each comment behind code starts a group, lines of their own go on."""
    rows = sorted(stated)
    while rows:
        run = [rows.pop(0)]
        while rows and rows[0] == run[-1] + 1 and not stated[rows[0]][1]:
            run.append(rows.pop(0))
        yield run[0], run


def _is_print(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "print"
