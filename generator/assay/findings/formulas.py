"""LaTeX to MathML at build time, by math-core: readers need no script to see an equation."""

from __future__ import annotations

from functools import cache

import math_core

from ..entries.positions import Lines
from ..nouns import Entry, Finding


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
        except math_core.LatexError as error:
            message = f"the formula cannot be read: {str(error).splitlines()[0]}"
            place = lines.place(formula.span.start)
            hint = r"mend the LaTeX; write \$ for a dollar sign"
            found.append(Finding(code="A509", place=place, message=message, hint=hint))
    return found


def converted(latex: str, *, display: bool) -> str | None:
    """Return *latex* as MathML, or None if it is not LaTeX."""
    try:
        return _convert(latex, display=display)
    except math_core.LatexError:
        return None


def _convert(latex: str, *, display: bool) -> str:
    return _converter().convert_with_local_state(latex, displaystyle=display)
