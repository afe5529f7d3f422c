"""Formulas as MathML, and text that Markdown leaves alone.

Readers need no script to see an equation; its LaTeX stays in the page as alternative text.
"""

from __future__ import annotations

import html
import re

from ..findings import formulas, rendered

UNSET = "\U0010fff5"
"""Stands for the build's mark until the page is made."""
OURS = f'{rendered.MARK}="{UNSET}"'
"""The attribute of each element that assay adds to a page."""
SHORT = 20
"""Characters of a figure with its unit, which is not broken over two lines."""


def mathml(latex: str, *, display: bool, kind: str = "assay-math") -> str:
    """Return *latex* as MathML that Markdown leaves alone, the source in ``alttext``."""
    math = formulas.converted(latex, display=display)
    if math is None:
        return f"<code>{html.escape(latex)}</code>"
    math = re.sub(r">([^<]+)<", lambda m: f">{inert(html.unescape(m[1]))}<", math)
    alt = inert(" ".join(latex.split()))
    math = math.replace("<math", f'<math alttext="{alt}"', 1)
    if display:
        return f'\n\n<div {OURS} class="{kind}" tabindex="0">{math}</div>\n\n'
    return f'<span {OURS} class="assay-math">{math}</span>'


def inert(text: str) -> str:
    """Write every character that Markdown or HTML could read as markup as a reference."""
    return re.sub(r"[^\w\s.,+=\-/;:()]|_", lambda m: f"&#{ord(m[0])};", text)


def coded(text: str) -> str:
    """Return text as HTML, with what stands between backticks as code."""
    return re.sub(r"&#96;(.+?)&#96;", r"<code>\1</code>", inert(text))


def text_of(text: str) -> str:
    """Return the text of a claim as HTML; a figure with its unit stays on one line."""
    escaped = inert(text)
    return escaped.replace(" ", "&nbsp;") if len(text) <= SHORT else escaped
