"""Characters that no reader sees, on pages and in what snippets printed, and HTML that is not kept.

Law: on a page they are errors; what a program printed may hold them, and is shown with them written
out.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pyromark

from .. import markup, plain
from ..entries.positions import Lines
from ..nouns import Checked, Entry, Finding, Options, Place, Snippet

_CODE = "A704"
_MARKDOWN = (
    pyromark.Options.ENABLE_TABLES
    | pyromark.Options.ENABLE_FOOTNOTES
    | pyromark.Options.ENABLE_STRIKETHROUGH
)


def of_page(entry: Entry) -> Iterator[Finding]:
    """Yield the first place of a page where something is hidden, and how many more there are."""
    lines = Lines(entry.path, entry.text)
    places = [
        *((lines.place(m.start()), m[0]) for m in plain.HIDDEN.finditer(entry.text)),
        *((place, c) for place, text in _read(entry, lines) for c in plain.HIDDEN.findall(text)),
    ]
    if places:
        (place, character), *others = places
        more = f", and {len(others)} more" if others else ""
        message = f"the page holds a character that is not seen: {plain.named(character)}{more}"
        hint = "take it out; show it in code, written as Python does"
        yield Finding(code=_CODE, place=place, message=message, hint=hint)


def _read(entry: Entry, lines: Lines) -> Iterator[tuple[Place, str]]:
    """Yield what is written in other letters than it is read in, by entities or YAML's escapes."""
    for block in entry.blocks:
        for match in plain.HIDDEN.finditer(block.text):
            at = block.offsets[match.start()]
            if not plain.HIDDEN.match(entry.text, at):
                yield lines.place(at), match[0]
    for key, value in msgspec.to_builtins(entry.front).items() if entry.front else ():
        for number, text in enumerate([value] if isinstance(value, str) else value):
            place = entry.keys.get(key if isinstance(value, str) else f"{key}[{number}]")
            if place and isinstance(text, str) and key != "summary":  # which is a block
                yield place, text


def of_output(checked: Checked) -> Iterator[Finding]:
    """Yield what of a session's output is shown written out, or not at all."""
    for snippet, ran in zip(checked.session.snippets, checked.outcome.snippets, strict=False):
        if match := plain.HIDDEN.search(ran.output):
            yield _warning(
                _CODE,
                snippet,
                f"the output holds what is not seen: {plain.named(match[0])}",
                "it is shown written out; print without colours and progress bars",
            )
        html = html_of(ran.output, snippet.options)
        if html and html.taken:
            yield _warning(
                "A705",
                snippet,
                f"the HTML that it printed is shown without {', '.join(html.taken)}",
                "print less HTML, or show the output as text",
            )


def html_of(output: str, options: Options) -> markup.Cleaned | None:
    """Return the HTML that *output* is shown as, where its fence says that it is no text."""
    if options.html or options.output == "html":
        return markup.cleaned(output)
    if options.output == "markdown":
        return markup.cleaned(pyromark.html(output, options=_MARKDOWN))
    return None


def _warning(code: str, snippet: Snippet, message: str, hint: str) -> Finding:
    place = snippet.place
    return Finding(code=code, place=place, message=message, hint=hint, severity="warning")
