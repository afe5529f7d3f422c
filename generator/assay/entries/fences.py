"""Executable fences: the options, the code as shown, and the code as it is sent to run.

Law: what keeps a fence from being run is found here, with its line, and never by running it.
"""

from __future__ import annotations

import re
import symtable
import warnings
from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from ..hints import nearest
from ..nouns import Finding, Place, Print, Snippet, Span
from . import options, outputs, pycon

_INCLUDE = re.compile(r"""^\s*-{1,2}8<-{1,2}\s+(?P<q>["'])(?P<file>[^"']+)(?P=q)\s*$""")
_CONSOLE = "pycon"
_PYTHON = frozenset({"python", "py", "python3", _CONSOLE})
_SHELL = frozenset({"bash", "sh", "shell", "zsh", "console"})


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
        typed = self._typed(shown, lines) if self.language == _CONSOLE else None
        code, comments = outputs.taken_out(shown) if typed is None else (typed.code, [])
        lines = lines if typed is None else [lines[row - 1] for row in typed.rows]
        for row in outputs.nearly(code):
            message = "this is nearly #>, so nothing compares it"
            self._say(
                "A314", message, "write #> first, and what is printed", Place(*lines[row - 1], 1)
            )
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
            prints=tuple(self._prints(code, comments, lines)) if typed is None else typed.prints,
            language=_CONSOLE if typed is not None else "python",
            names=names,
            open_names=open_names,
            broken=self.broken,
        )

    def _typed(self, shown: str, lines: list[tuple[str, int]]) -> pycon.Console:
        """Read a console's session, each stated output at its own line."""
        console = pycon.read(shown)
        if console.stray or not console.rows:
            message = "a console's session begins with >>>, and this line stands above it"
            place = Place(*lines[max(console.stray, 1) - 1], 1)
            self._break("A310", message, "write >>> before each statement", place)
        return console.placed(lines)

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
            self._break("A310", f"only Python runs, not {self.language!r}", _cure(self.language))
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
            included = outputs.lines_of(files[path])
            shown += included
            lines += [(path, n) for n in range(1, len(included) + 1)]
        return "\n".join(shown) + "\n", lines

    def _with_file(self, wanted: str) -> Iterator[tuple[str, int]]:
        if wanted:
            yield f'--8<-- "{wanted}"', self.place.line
        for n, line in enumerate(outputs.lines_of(self.text)):
            yield line, self.place.line + 1 + n

    def _missing(self, path: str, files: Mapping[str, str], line: int) -> None:
        hint = nearest(path, files) or "add the file, or correct the path"
        place = Place(self.place.path, line, 1 if line != self.place.line else self.place.column)
        self._break("A309", f"the snippet file {path!r} does not exist", hint, place)

    def _names(self, code: str, lines: list[tuple[str, int]]) -> tuple[frozenset[str], bool]:
        try:
            table = symtable.symtable(code, "snippet", "exec")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the session that runs it warns
                compile(code, "snippet", "exec", dont_inherit=True)
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
        self, code: str, comments: list[outputs.Comment], lines: list[tuple[str, int]]
    ) -> Iterator[Print]:
        for comment, stating in zip(comments, outputs.stating(code, comments), strict=True):
            place = Place(*lines[comment.row - 1], 1)
            if stating is not None:
                yield replace(stating, place=place, stated=comment.text)
            elif not self.broken:
                message = "this stated output belongs to nothing that prints"
                self._say("A311", message, "put #> behind what prints, or on the next line", place)


def not_run(info: str, code: str) -> tuple[str, str] | None:
    """Return a message and a hint for a fence that does not run and looks as if it should."""
    language, written = options.split(info)
    for key in written:
        if key != "exec" and sorted(key.lower()) == sorted("exec"):
            return (
                f"the option {key!r} is nearly exec, and the fence does not run",
                'write exec="on"',
            )
    if language in _PYTHON and any(comment.text for comment in outputs.taken_out(code)[1]):
        hint = 'write exec="on" behind the language, or take #> out'
        return "the fence states output (#>), and does not run", hint
    return None


def _cure(language: str) -> str:
    if language.lower() in _PYTHON:
        return f"write it small: {language.lower()}"
    if language.lower() in _SHELL:
        return "no shell runs here: show it without exec, or start the program from Python"
    return "show it without exec, or compute it in Python"


def _bound_by(table: symtable.SymbolTable) -> Iterator[str]:
    """Yield the names that code binds at top level, also by ``global`` and in a comprehension."""
    is_top = table.get_type() == "module"
    for symbol in table.get_symbols():
        binds = symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
        if binds and (is_top or symbol.is_declared_global()):
            yield symbol.get_name()
    for inner in table.get_children():
        yield from _bound_by(inner)
