"""LaTeX to MathML at build time, by math-core: readers need no script to see an equation."""

from __future__ import annotations

import html
import re
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
            _converter().convert_with_local_state(formula.latex, displaystyle=formula.display)
        except math_core.LatexError as error:
            message = f"the formula cannot be read: {str(error).splitlines()[0]}"
            place = lines.place(formula.span.start)
            hint = r"mend the LaTeX; write \$ for a dollar sign"
            found.append(Finding(code="A509", place=place, message=message, hint=hint))
    return found


def mathml(latex: str, *, display: bool) -> str:
    """Return *latex* as MathML that Markdown leaves alone, the source in ``alttext``."""
    try:
        math = _converter().convert_with_local_state(latex, displaystyle=display)
    except math_core.LatexError:
        return f"<code>{html.escape(latex)}</code>"
    math = re.sub(r">([^<]+)<", lambda m: f">{inert(html.unescape(m[1]))}<", math)
    alt = inert(" ".join(latex.split()))
    math = math.replace("<math", f'<math alttext="{alt}"', 1)
    if display:
        return f'\n\n<div class="assay-math" tabindex="0">{math}</div>\n\n'
    return f'<span class="assay-math">{math}</span>'


def inert(text: str) -> str:
    """Write every character that Markdown or HTML could read as markup as a reference."""
    return re.sub(r"[^\w\s.,+=\-/;:()]|_", lambda m: f"&#{ord(m[0])};", text)
