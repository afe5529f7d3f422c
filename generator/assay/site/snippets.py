"""Snippets as the page shows them: source and output, laid out by markdown-exec's public helpers.

Law: what a snippet printed is data. HTML that it asks to show is sanitised, any other is shown as
text, and a fence in its output is never one that would run.
"""

from __future__ import annotations

import html
import re

import markdown_exec
import nh3
import pyromark

from ..findings.endings import End, end_of
from ..nouns import Checked, Ran, Snippet
from .guard import guarded
from .inline import OURS

_TABS = re.compile(r"(?<!\\)\|")


def snippet(snippet: Snippet, checked: Checked | None, resting: int) -> str:
    """Return *snippet* as Markdown with how it ran; *resting* claims rest on its session."""
    anchor = f'<div {OURS} class="assay-snippet" id="snippet-{html.escape(snippet.id)}"></div>'
    block = guarded(_laid_out(snippet, _output(snippet, _ran(snippet, checked))))
    return f"{anchor}\n\n{block}\n\n{_note(snippet, checked, resting)}\n"


def _ran(snippet: Snippet, checked: Checked | None) -> Ran | None:
    ran = checked.outcome.snippets if checked else ()
    number = checked.session.snippets.index(snippet) if checked else 0
    return ran[number] if number < len(ran) else None


def _output(snippet: Snippet, ran: Ran | None) -> str:
    """Return what the snippet printed, as its options ask for: HTML, a block, or Markdown."""
    options = snippet.options
    if ran is None or not ran.output.strip():
        return ""
    if snippet.prints and not options.result:
        return ""  # the page states it beside the code
    if options.html:
        return nh3.clean(ran.output)
    if options.result and options.source != "console":
        return markdown_exec.code_block(options.result, ran.output.rstrip("\n"))
    return re.sub(r"\bexec\s*=", "data-exec=", _without_html(ran.output))


def _without_html(markdown: str) -> str:
    """Show raw HTML in *markdown* as text."""
    data = markdown.encode()
    for event, where in reversed(list(pyromark.events_with_range(markdown))):
        if isinstance(event, dict) and event.keys() & {"Html", "InlineHtml"}:
            start, end = where["start"], where["end"]
            data = data[:start] + data[start:end].replace(b"<", b"&lt;") + data[end:]
    return data.decode()


def _laid_out(snippet: Snippet, output: str) -> str:
    options = snippet.options
    if options.source is None:
        return output
    tabs = _TABS.split(options.tabs, maxsplit=1)
    display = {"title": options.title, "linenums": options.linenums, "hl_lines": options.hl_lines}
    return markdown_exec.add_source(
        source=snippet.shown.rstrip("\n"),
        location=options.source,
        output=output,
        language="python",
        tabs=(tabs[0], tabs[-1]),
        result=options.result,
        **{key: value for key, value in display.items() if value},
    )


def _note(snippet: Snippet, checked: Checked | None, resting: int) -> str:
    kind, text = _said(snippet, checked)
    rests = f"; {_resting(resting, snippet.session)}" if checked and kind != "fails" else ""
    is_cut = checked is not None and checked.outcome.is_cut
    cut = "; its session printed more than is kept, and is cut short here" if is_cut else ""
    return f'<p {OURS} class="assay-ran assay-{kind}">{html.escape(text)}{rests}{cut}.</p>'


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
    if number == 0:
        return "no claim rests on it"
    claims = "1 claim rests on it" if number == 1 else f"{number} claims rest on it"
    return f'<a href="#session-{html.escape(session)}">{claims}</a>'
