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

from ..entries.fences import DISPLAY, FALSE
from ..nouns import Checked, Ran, Snippet

_TABS = re.compile(r"(?<!\\)\|")


def snippet(snippet: Snippet, checked: Checked | None, resting: int) -> str:
    """Return *snippet* as Markdown with how it ran; *resting* claims rest on its session."""
    ran = _ran(snippet, checked)
    anchor = f'<div class="assay-snippet" id="snippet-{html.escape(snippet.id)}"></div>'
    block = _laid_out(snippet, _output(snippet, ran))
    return f"{anchor}\n\n{block}\n\n{_note(snippet, checked, ran, resting)}\n"


def _ran(snippet: Snippet, checked: Checked | None) -> Ran | None:
    if checked is None or snippet not in checked.session.snippets:
        return None
    number = checked.session.snippets.index(snippet)
    ran = checked.outcome.snippets
    return ran[number] if number < len(ran) else None


def _output(snippet: Snippet, ran: Ran | None) -> str:
    """Return what the snippet printed, as its options ask for: HTML, a block, or Markdown."""
    options = snippet.options
    if ran is None or not ran.output.strip():
        return ""
    if snippet.prints and "result" not in options:
        return ""  # the page states it beside the code
    if options.get("html", "").lower() not in FALSE:
        return nh3.clean(ran.output)
    if options.get("result") and options.get("source") != "console":
        return markdown_exec.code_block(options["result"], ran.output.rstrip("\n"))
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
    location = snippet.options.get("source", "")
    if not location:
        return output
    tabs = _TABS.split(snippet.options.get("tabs", "Source|Result"), maxsplit=1)
    return markdown_exec.add_source(
        source=snippet.shown.rstrip("\n"),
        location=location,
        output=output,
        language="python",
        tabs=(tabs[0], tabs[-1]),
        result=snippet.options.get("result", ""),
        **{key: value for key, value in snippet.options.items() if key in DISPLAY},
    )


def _note(snippet: Snippet, checked: Checked | None, ran: Ran | None, resting: int) -> str:
    kind, text = _said(snippet, checked, ran)
    rests = f"; {_resting(resting, checked.session.name)}" if checked and kind != "fails" else ""
    return f'<p class="assay-ran assay-{kind}">{html.escape(text)}{rests}.</p>'


def _said(snippet: Snippet, checked: Checked | None, ran: Ran | None) -> tuple[str, str]:
    """Return the status of a snippet, and what the page says of it."""
    if checked is not None and checked.is_awaited:
        device = checked.session.job.device
        return "unmeasured", f"This code needs {device} and is not measured yet"
    gpus = " and ".join(checked.gpus) if checked else ""
    if checked is not None and checked.changed:
        return "stale", f"This code was measured on {gpus} before something it uses changed"
    unexpected = ran is not None and ran.raised and snippet.raises not in ran.raised.kinds
    if checked is None or ran is None or checked.outcome.failure or unexpected:
        return "fails", "This code did not run to its end"
    expected = f" and raised {snippet.raises}, as it should" if snippet.raises else ""
    where = f" on {gpus}, {checked.outcome.when}," if gpus else ""
    return "holds", f"This code ran{where}{expected}".rstrip(",")


def _resting(number: int, session: str) -> str:
    if number == 0:
        return "no claim rests on it"
    claims = "1 claim rests on it" if number == 1 else f"{number} claims rest on it"
    return f'<a href="#session-{html.escape(session)}">{claims}</a>'
