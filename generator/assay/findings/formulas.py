"""LaTeX to MathML at build time, by math-core: readers need no script to see an equation.

Law: what math-core cannot end with is never given to it. Its time doubles with each bracket that
stays open, and text that nests deeply ends the whole process.
"""

from __future__ import annotations

import re
from functools import cache

import math_core

from ..entries.positions import Lines
from ..nouns import Entry, Finding

DEEPEST, MOST_OPEN = 200, 12
"""How deep a formula may nest, and how many of its brackets may stay open, as in [0, 1)."""

_SORTS = "floor|ceil|angle|ang|brack|brace|Brace|paren|vert|Vert|group|moustache|lbracket|lparen"
_TOKEN = re.compile(
    rf"""(?P<begin>\{{|\\left\s*(?:\\.[A-Za-z]*|.)|\\begin\b)
    | (?P<end>\}}|\\right\s*(?:\\.[A-Za-z]*|.)|\\end\b)
    | (?P<sized>\\[bB]igg?[lrm]?\s*(?:\\.[A-Za-z]*|.))
    | (?P<open>[(\[⟨⟦⌊⌈⟮]|\\\{{|\\(?:l(?:{_SORTS})|ulcorner|llcorner)(?![A-Za-z]))
    | (?P<close>[)\]⟩⟧⌋⌉⟯]|\\\}}|\\(?:r(?:{_SORTS})|urcorner|lrcorner)(?![A-Za-z]))
    | (?P<cell>&|\\\\)
    | (?P<command>\\[A-Za-z]+)
    | (?P<other>\S)""",
    re.VERBOSE | re.DOTALL,
)


@cache
def _converter() -> math_core.LatexToMathML:
    return math_core.LatexToMathML(fancy_error=False)


def check(entry: Entry) -> list[Finding]:
    """Return the formulas of *entry* that are not LaTeX."""
    lines = Lines(entry.path, entry.text)
    found = []
    for formula in entry.formulas:
        try:
            _convert(formula.latex, display=formula.display)
        except _NoFormulaError as error:
            message = f"the formula cannot be read: {error}"
            place = lines.place(formula.span.start)
            hint = r"mend the LaTeX; write \$ for a dollar sign"
            found.append(Finding(code="A509", place=place, message=message, hint=hint))
    return found


def converted(latex: str, *, display: bool) -> str | None:
    """Return *latex* as MathML, or None if it is not LaTeX."""
    try:
        return _convert(latex, display=display)
    except _NoFormulaError:
        return None


class _NoFormulaError(ValueError):
    """Text that is no formula, or none that can be converted."""


def _convert(latex: str, *, display: bool) -> str:
    shape = _Shape()
    for token in _TOKEN.finditer(latex):
        shape.add(token.lastgroup or "")
    shape.add("cell")
    if shape.deepest > DEEPEST:
        raise _NoFormulaError(f"it nests more than {DEEPEST} deep")
    if shape.left_open > MOST_OPEN:
        raise _NoFormulaError(f"more than {MOST_OPEN} of its brackets are not closed")
    try:
        return _converter().convert_with_local_state(latex, displaystyle=display)
    except math_core.LatexError as error:
        raise _NoFormulaError(str(error).splitlines()[0]) from error


class _Shape:
    """How deep a formula nests, and how many brackets stay open in their group or cell."""

    def __init__(self) -> None:
        self.deepest = self.left_open = 0
        self._depth, self._open, self._commands = 0, 0, 0
        self._around: list[tuple[int, int]] = []

    def add(self, kind: str) -> None:
        """Go on by one token."""
        if kind == "begin":
            self._around.append((self._depth, self._open))
            self._depth, self._open = self._depth + self._commands + 1, 0
        elif kind in {"end", "cell"}:
            self.left_open += self._open
            self._open = 0
            if kind == "end" and self._around:
                self._depth, self._open = self._around.pop()
        elif kind in {"open", "close"}:
            self._open = max(0, self._open + (1 if kind == "open" else -1))
        self._commands = self._commands + 1 if kind == "command" else 0
        self.deepest = max(self.deepest, self._depth + self._open + self._commands)
