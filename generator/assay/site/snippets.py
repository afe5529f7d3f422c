"""Snippets as the page shows them: their source, their output and how they ran.

Law: no fence that leaves here would run, and none ends before its code does.
"""

from __future__ import annotations

import re
import textwrap

from .. import pictures
from ..findings.endings import End, end_of
from ..findings.hidden import html_of
from ..nouns import Checked, Ran, Snippet
from ..plain import escaped
from ..reports.summary import plural
from . import printed
from .guard import guarded
from .inline import OURS, inert

_TABS = re.compile(r"(?<!\\)\|")
_QUOTED = re.compile(r"[\"`\\\n]")


def snippet(snippet: Snippet, checked: Checked | None, resting: int, to_root: str) -> str:
    """Return *snippet* as Markdown with how it ran; *resting* claims rest on its session.

    *to_root* leads from its page to the root of the site.
    """
    anchor = f'<div {OURS} class="assay-snippet" id="snippet-{inert(snippet.id)}"></div>'
    block = guarded(_laid_out(snippet, _ran(snippet, checked)))
    shown = _figure(snippet, _ran(snippet, checked), to_root)
    return f"{anchor}\n\n{block}\n\n{shown}{_note(snippet, checked, resting)}\n"


def _figure(snippet: Snippet, ran: Ran | None, to_root: str) -> str:
    """Return the picture that a snippet drew, with its text for those who do not see it."""
    if ran is None or len(ran.figures) != 1 or pictures.fault(ran.figures[0]):
        return ""
    return f"![{inert(snippet.options.figure)}]({to_root}{pictures.address(ran.figures[0])})\n\n"


def _ran(snippet: Snippet, checked: Checked | None) -> Ran | None:
    ran = checked.outcome.snippets if checked else ()
    number = checked.session.snippets.index(snippet) if checked else 0
    return ran[number] if number < len(ran) else None


def _output(snippet: Snippet, ran: Ran | None) -> str:
    """Return what is shown of what the snippet printed: nothing that stands beside the code."""
    is_stated = snippet.prints and not snippet.options.result
    return "" if ran is None or is_stated or not ran.output.strip() else ran.output


def _laid_out(snippet: Snippet, ran: Ran | None) -> str:
    options, output = snippet.options, _output(snippet, ran)
    if options.source == "console":
        text = f"{_source(snippet)}\n{output}".rstrip("\n")
        return printed.block(text, options.result or "python")
    output = printed.framed(output, options) if output else ""
    if options.source is None:
        return output
    if options.source == "folded":
        return f"{_folded(snippet)}\n\n{output}"
    names = [name.replace(r"\|", "|").strip() for name in _TABS.split(options.tabs, maxsplit=1)]
    code = _fence(snippet)
    if options.source == "tabbed-left":
        return _tabbed((names[0], code), (names[-1], output))
    if options.source == "tabbed-right":
        return _tabbed((names[-1], output), (names[0], code))
    return f"{output}\n\n{code}" if options.source == "below" else f"{code}\n\n{output}"


def _folded(snippet: Snippet) -> str:
    """Return the source behind a line that says what is there."""
    source = _source(snippet)
    lines = plural(source.count("\n") + 1, "line")
    title = snippet.options.title or "How it was computed"
    return (
        f'<details {OURS} class="assay-code" data-search-exclude><summary>{inert(title)}: '
        f"{inert(lines)}</summary>{printed.block(source, snippet.language)}</details>"
    )


def _source(snippet: Snippet) -> str:
    lines = snippet.shown.rstrip("\n").split("\n")
    return escaped("\n".join(line for line in lines if "markdown-exec: hide" not in line))


def _fence(snippet: Snippet) -> str:
    """Return the source as a fence that is longer than any in it."""
    options, source = snippet.options, _source(snippet)
    display = {"title": options.title, "linenums": options.linenums, "hl_lines": options.hl_lines}
    shown = "".join(f' {k}="{_QUOTED.sub("", value)}"' for k, value in display.items() if value)
    marks = "`" * max(7, *map(len, re.findall(r"`+", f"`{source}"))) + "`"
    return f"{marks}{snippet.language}{shown}\n{source}\n{marks}"


def _tabbed(*tabs: tuple[str, str]) -> str:
    return "\n\n".join(
        f'=== "{inert(title)}"\n{textwrap.indent(text, " " * 4)}' for title, text in tabs
    )


def _note(snippet: Snippet, checked: Checked | None, resting: int) -> str:
    kind, text = _said(snippet, checked)
    rests = (
        f"; {_resting(resting, snippet.session)}" if checked and resting and kind != "fails" else ""
    )
    is_cut = checked is not None and checked.outcome.is_cut
    cut = "; its session printed more than is kept, and is cut short here" if is_cut else ""
    said = f"{inert(text)}{rests}{cut}{_left_out(snippet, checked)}"
    return f'<p {OURS} class="assay-ran assay-{kind}">{said}.</p>'


def _left_out(snippet: Snippet, checked: Checked | None) -> str:
    ran = _ran(snippet, checked)
    shown = html_of(ran.output, snippet.options) if ran else None
    parts = ", ".join(shown.taken) if shown else ""
    return f"; left out of what it printed: <code>{inert(parts)}</code>" if parts else ""


_SAID = {
    End.RAN: ("done", "This code ran{where}"),
    End.RAISED_AS_EXPECTED: ("done", "This code ran{where} and raised {raises}, as it should"),
    End.RAISED_NOTHING: ("fails", "This code raised nothing; it was to raise {raises}"),
    End.RAISED: ("fails", "This code did not run to its end: it raised an error"),
    End.EXITED: ("fails", "This code did not run to its end: it ended its process"),
    End.STOPPED: ("fails", "This code did not run to its end"),
    End.NOT_RUN: ("fails", "This code did not run"),
    End.AWAITED: ("unmeasured", "This code needs {device} and is not measured yet"),
}
"""The status of a snippet on the page, and what is said of it, by how it ended."""


def _said(snippet: Snippet, checked: Checked | None) -> tuple[str, str]:
    gpus = " and ".join(checked.gpus) if checked else ""
    if checked is not None and checked.changed:
        return "stale", f"This code was measured on {gpus} before something it uses changed"
    end = end_of(snippet, checked) if checked else End.NOT_RUN
    kind, text = _SAID[end]
    where = f" on {gpus}, {checked.outcome.when}" if checked and gpus else ""
    device = checked.session.job.device.value if checked else ""
    return kind, text.format(where=where, raises=snippet.options.raises, device=device)


def _resting(number: int, session: str) -> str:
    claims = "1 claim rests on it" if number == 1 else f"{number} claims rest on it"
    return f'<a href="#session-{inert(session)}">{claims}</a>'
