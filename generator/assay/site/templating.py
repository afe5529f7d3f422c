"""The templates of assay's own parts of pages, and what they may call.

Law: whatever a template is given is text, to Markdown and to HTML, unless a filter made it HTML.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import jinja2
import markupsafe

from ..nouns import Status
from ..plain import escaped
from ..reports import again, provenance
from ..reports.compared import condition_words
from ..reports.summary import counted, plural
from . import statements, weave
from .inline import OURS, coded, inert, text_of


@cache
def environment() -> jinja2.Environment:
    """Return the templates: whatever they are given is text, to Markdown and to HTML."""
    env = jinja2.Environment(
        loader=jinja2.PackageLoader("assay.site"),
        autoescape=True,
        finalize=_as_text,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    env.globals["ours"] = markupsafe.Markup(OURS)  # noqa: S704 - written here
    env.filters["counted"] = counted
    env.filters["worst"] = _worst
    env.filters["figure"] = lambda text: markupsafe.Markup(text_of(text))  # noqa: S704 - escaped there
    env.filters["shown"] = lambda verdict: markupsafe.Markup(text_of(weave.shown(verdict)))  # noqa: S704 - escaped there
    env.filters["coded"] = lambda text: markupsafe.Markup(coded(text))  # noqa: S704 - escaped there
    env.filters["condition"] = condition_words
    env.filters["plural"] = plural
    env.filters["judged"] = statements.words
    env.filters["provenance"] = provenance.of
    env.filters["again"] = again.check
    env.filters["measure"] = again.measure_session
    return env


def _as_text(value: object) -> object:
    """Return what a template is given as text on one line, unless a filter made it HTML."""
    if isinstance(value, markupsafe.Markup):
        return value
    return markupsafe.Markup(inert(escaped(str(value))).replace("\n", "&#10;"))  # noqa: S704 - escaped


def _worst(counts: Mapping[Status, int]) -> str:
    """Return the name of the worst status that *counts* has some of.

    "good" where each is as it should be, "none" without claims.
    """
    there = [status for status, number in counts.items() if number]
    if not there:
        return "none"
    return "good" if max(there).is_good else max(there).value
