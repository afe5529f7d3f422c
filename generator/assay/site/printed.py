"""What a snippet printed, as HTML that Markdown does not read again.

Law: output is text, unless its fence declares it to be HTML or Markdown. Both are cleaned when they
are HTML already, and then sealed: no character is left that a second parser could take for markup.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pygments
from pygments.formatters.html import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.lexers.special import TextLexer
from pygments.util import ClassNotFound

from ..findings.hidden import html_of
from ..nouns import Options
from ..plain import escaped
from .inline import OURS

_READ = re.compile(r"[^\w ]|_|[^\S ]")
"""Whatever some Markdown parser or an extension of one could read as more than text."""


def framed(output: str, options: Options) -> str:
    """Return *output* as *options* ask for, in a frame that says what it is, on one line."""
    html = html_of(output, options)
    inside = sealed(html.html) if html else block(output.strip("\n"), options.result or "text")
    return f'<div {OURS} class="assay-output" role="group" aria-label="Output">{inside}</div>'


def block(text: str, language: str, **options: str) -> str:
    """Return *text* as a block of code, in the colours of *language*, sealed."""
    try:
        lexer = get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        lexer = TextLexer(stripnl=False)
    shown: str = pygments.highlight(escaped(text), lexer, HtmlFormatter(wrapcode=True, **options))
    return sealed(shown.strip("\n"))


def sealed(source: str) -> str:
    """Return well-formed HTML with its texts and attributes written as references, on one line.

    >>> sealed('<b title="*">a_b</b>')
    '<b title="&#42;">a&#95;b</b>'
    """
    writer = _Sealing()
    writer.feed(source)
    writer.close()
    return "".join(writer.parts)


def references(text: str) -> str:
    """Write all but letters, digits and spaces as references, and what is hidden out."""
    return _READ.sub(lambda match: f"&#{ord(match[0])};", escaped(text))


class _Sealing(HTMLParser):
    """Writes what it reads, and nothing that could be read in another way."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        written = "".join(f' {name}="{references(value or "")}"' for name, value in attrs)
        self.parts.append(f"<{tag}{written}>")

    def handle_endtag(self, tag: str) -> None:
        self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.parts.append(references(data))
