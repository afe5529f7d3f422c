"""Markdown to blocks, claims and snippets: CommonMark by pulldown-cmark, whose events have places.

Strategy: one pass over the events with one growing block of prose. Text that Markdown calls
indented code is read again as prose, since the site's admonitions and tabs indent what readers see.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pyromark
from msgspec import Struct

from ..nouns import (
    HOLE,
    Block,
    Claim,
    Finding,
    Formula,
    Given,
    Link,
    Opinion,
    Place,
    Quote,
    Snippet,
    Span,
)
from . import commented, fences, html, links, live, options, quotes, rows, seen
from .positions import Lines, Source

_OPTIONS = (
    pyromark.Options.ENABLE_TABLES
    | pyromark.Options.ENABLE_FOOTNOTES
    | pyromark.Options.ENABLE_MATH
    | pyromark.Options.ENABLE_STRIKETHROUGH
    | pyromark.Options.ENABLE_TASKLISTS
)
_INLINE = frozenset({"Emphasis", "Strong", "Strikethrough", "Link", "Image"})
DEEPEST = 50
"""How deep text may be indented to be read: deeper than anyone writes."""

_CONTAINER = re.compile(r"\s*(?:!!!|\?\?\?|===|\[\^[^\]]+\]:|[-*+] |\d+[.)] |: )")
"""The line above text that is indented because it belongs there: an admonition, a tab, an item."""
_FAR = 10_000
"""How many characters above indented text the line is looked for that it belongs to."""
_CLOSED = re.compile(r"\n[ \t>]*(?P<mark>`{3,}|~{3,})[ \t]*\Z")
_IN_HTML = re.compile(r"^[ \t]*(?:`{3,}|~{3,})[^\n]*\bexec\s*=", re.MULTILINE)


class _Text:
    """A text that is being read: its events, and how far it has been read."""

    def __init__(self, text: str, offsets: list[int], *, example: bool) -> None:
        text, offsets = seen.apart(text, offsets)
        self.events: list[Any] = list(pyromark.events_with_range(text, options=_OPTIONS))
        self.source, self.example, self.at = Source(text, offsets), example, 0


class _Indented(Struct, frozen=True):
    """Text that is to be read on its own; an *example* is shown as code, and does not run."""

    text: str
    offsets: list[int]
    example: bool


class Reader:
    """The state of one pass; what it gathers, it gathers in source order."""

    def __init__(self, path: str, text: str, files: Mapping[str, str], folder: str) -> None:
        self.path, self._text, self.files, self.folder = path, text, files, folder
        self.lines = Lines(path, text)
        self.blocks: list[Block] = []
        self.snippets: list[Snippet] = []
        self.claims: list[Claim] = []
        self.givens: list[Given] = []
        self.opinions: list[Opinion] = []
        self.quotes: list[Quote] = []
        self.links: list[Link] = []
        self.formulas: list[Formula] = []
        self.headings: list[str] = []
        self.codes: list[str] = []
        self.findings: list[Finding] = []
        self._indented: list[_Indented] = []
        self._letters: list[str] = []
        self._offsets: list[int] = []
        self._heading = self._raised = self._in_html = False

    def read(self, text: str, offsets: Iterable[int]) -> None:
        """Read *text*, whose character *i* stands at ``offsets[i]`` of the file."""
        self._indented = [_Indented(text, list(offsets), example=False)]
        texts: list[_Text] = []
        while texts or self._indented:
            if self._indented:
                new = self._indented.pop()
                texts.append(_Text(new.text, new.offsets, example=new.example))
                for look in () if new.example else (live.found, rows.found):
                    self.findings += look(texts[-1].events, texts[-1].source, self.lines)
            if texts[-1].at < len(texts[-1].events):
                texts[-1].at = self._event(texts[-1])
                self._bound_depth(len(texts))
            else:
                self._flush()
                texts.pop()

    def _bound_depth(self, depth: int) -> None:
        """Refuse what is indented too deeply: each level is read on its own."""
        while self._indented and depth >= DEEPEST:
            place = self.lines.place(self._indented.pop().offsets[0])
            message = f"the text is indented more than {DEEPEST} levels deep, and not read"
            self._say("A313", place, message, "take out some of the spaces in front of it")

    def _event(self, text: _Text) -> int:
        event, where = text.events[text.at]
        name, value = seen.item(event)
        source, span = text.source, text.source.span(where)
        if name == "Start":
            return self._start(value, text)
        if name == "End":
            if seen.item(value)[0] not in _INLINE:
                self._flush()
        elif name == "Text":
            shown = seen.raised(value) if self._raised else value
            self._add(shown, source.offsets_of(value, where))
        elif name in {"SoftBreak", "HardBreak"}:
            self._add(" ", [span.start])
        elif name == "InlineMath" and seen.is_money(source, where):
            start, end = source.chars(where)
            self._add(source.text[start:end], source.offsets[start:end])
        elif name in {"InlineMath", "DisplayMath"}:
            self.formulas.append(Formula(span, value, name == "DisplayMath"))
            self._add(HOLE, [span.start])
        elif name == "Code":
            self.codes.append(value)
            self._add(HOLE, [span.start])
        elif name == "InlineHtml":
            self._inline_html(value, source.offsets_of(value, where))
        return text.at + 1

    def _start(self, tag: Any, text: _Text) -> int:
        name, detail = seen.item(tag)
        if name == "Link":
            return self._link(detail, text)
        if name == "Image":
            self._image(detail["dest_url"], text.source, text.source.span(text.events[text.at][1]))
            self._hear_title(detail["title"], text.source.span(text.events[text.at][1]).start)
        if name in {"CodeBlock", "HtmlBlock"}:
            self._flush()
            return self._code(detail, text) if name == "CodeBlock" else self._html_block(text)
        if name == "BlockQuote" and not text.example:
            self._quote(text)
        if name not in _INLINE:
            self._flush()
            self._heading = name == "Heading"
        if name == "Heading":
            end = seen.end_of(text.events, text.at)
            self.headings.append(seen.visible(text.events[text.at + 1 : end], text.source))
        return text.at + 1

    def _quote(self, text: _Text) -> None:
        """Note a quote; one inside of another is a part of it."""
        start = text.source.span(text.events[text.at][1]).start
        if not self.quotes or start >= self.quotes[-1].span.end:
            self.quotes.append(quotes.quote(text.events, text.at, text.source, self.lines))

    def _link(self, link: dict[str, str], text: _Text) -> int:
        """Read a link: a claim, a given, an opinion, a link of the project or one to elsewhere."""
        end = seen.end_of(text.events, text.at)
        span = text.source.span(text.events[text.at][1])
        destination, title = link["dest_url"], link["title"]
        kind, _, rest = destination.partition(":")
        written = seen.visible(text.events[text.at + 1 : end], text.source)
        place = self.lines.place(span.start)
        end_place = self.lines.place(span.end)
        stands: dict[str, Any] = {"place": place, "end": end_place, "span": span, "text": written}
        if kind == "claim":
            self.claims.append(Claim(address=rest, title=title, **stands))
        elif kind == "given":
            self.givens.append(Given(key=rest, **stands))
        elif kind == "opinion":
            self.opinions.append(Opinion(owner=title or rest, **stands))
        elif near := links.nearly(destination):
            self.findings.append(links.binds_nothing(place, destination, near))
        elif not links.is_elsewhere(destination):
            found = links.inner(self.path, place, span, destination, text.source.text_of(span))
            self.links += [found] if found else []
            self._hear_title(title, span.start)
            return text.at + 1  # its text is prose
        self._add(HOLE, [span.start])
        return end + 1

    def _image(self, destination: str, source: Source, span: Span) -> None:
        """Read an image: a file of the project, or one from elsewhere; it binds nothing."""
        place = self.lines.place(span.start)
        if links.binds(destination):
            self.findings.append(links.binds_nothing(place, destination))
        elif not links.is_elsewhere(destination):
            found = links.inner(self.path, place, span, destination, source.text_of(span))
            self.links += [found] if found else []

    def _code(self, detail: Any, text: _Text) -> int:
        end = seen.end_of(text.events, text.at)
        where = text.events[text.at][1]
        inside = [(e["Text"], at) for e, at in text.events[text.at + 1 : end] if "Text" in e]
        code = "".join(value for value, _ in inside)
        if detail == "Indented":
            offsets = [o for value, at in inside for o in text.source.offsets_of(value, at)]
            example = text.example or not _belongs(text.source, where)
            self._indented.append(_Indented(code, offsets, example))
            return end + 1
        span = text.source.span(where)
        if not _is_closed(text.source, where):
            message = "the fence is never closed: one reader takes all that follows for code"
            self._say("A313", self.lines.place(span.start), message, "close it with as many marks")
        if not text.example and options.is_executable(options.split(detail["Fenced"])[1]):
            self._run(self.lines.place(span.start), span, detail["Fenced"], code)
            self._hear_title(self.snippets[-1].options.figure, span.start)
            self._flush()
        elif not text.example and (why := fences.not_run(detail["Fenced"], code)):
            self._say("A314", self.lines.place(span.start), *why)
        return end + 1

    def _html_block(self, text: _Text) -> int:
        end = seen.end_of(text.events, text.at)
        inside = [(seen.item(e)[1], where) for e, where in text.events[text.at + 1 : end]]
        offsets = [o for value, where in inside for o in text.source.offsets_of(value, where)]
        source = "".join(value for value, _ in inside)
        self._hear(source, offsets)
        self._in_html = True
        comments = commented.comments(source)
        for mark in _IN_HTML.finditer(source):
            if not any(span.start <= mark.start() < span.end for span in comments):
                place = self.lines.place(offsets[mark.start()])
                message = "a fence that stands right behind HTML does not run"
                self._say("A313", place, message, "put an empty line before it")
        for fence in commented.fences(source) if not text.example else ():
            self._hidden(fence, [*offsets, offsets[-1] + 1])
        return end

    def _hidden(self, found: commented.Hidden, offsets: list[int]) -> None:
        """Read a fence of a comment; what it stands for is replaced on the site."""
        place = self.lines.place(offsets[found.at])
        if not found.closed:
            message = "the fence is not closed before its comment ends, so it does not run"
            self._say("A313", place, message, "close it with as many marks, above -->")
            return
        start, end = offsets[found.span.start], offsets[found.span.end - 1] + 1
        span = Span(start if found.span.end > found.span.start else end, end)
        self._run(place, span, found.info, found.code)

    def _run(self, place: Place, span: Span, info: str, code: str) -> None:
        fence = fences.Fence(place, span, info, code, len(self.snippets) + 1)
        self.snippets.append(fence.snippet(self.files, self.folder))
        self.findings += fence.findings

    def _inline_html(self, source: str, offsets: list[int]) -> None:
        after = seen.raises(source)
        self._raised = self._raised if after is None else after
        self._hear(source, offsets)

    def _hear(self, source: str, offsets: list[int]) -> None:
        """Add what a reader sees of raw HTML; text with entities stands where it starts."""
        for spoken, at in html.spoken(source):
            as_written = source.startswith(spoken, at)
            here = offsets[at : at + len(spoken)] if as_written else [offsets[at]] * len(spoken)
            self._add(spoken, here)

    def _hear_title(self, title: str, at: int) -> None:
        """Add what a reader sees of a link or an image when pointing at it."""
        found = self._text.find(title, at) if title else -1
        letters = range(found, found + len(title)) if found >= 0 else [at] * len(title)
        if title:
            self._add(f" {title} ", [letters[0], *letters, letters[-1]])

    def _add(self, text: str, offsets: Iterable[int]) -> None:
        self._letters.append(text)
        self._offsets.extend(offsets)

    def _say(self, code: str, place: Place, message: str, hint: str) -> None:
        self.findings.append(Finding(code=code, place=place, message=message, hint=hint))

    def _flush(self) -> None:
        text = seen.without_attributes("".join(self._letters))
        if text.strip():
            self.blocks.append(Block(text, tuple(self._offsets), self._heading))
        for match in links.LEFT_OVER.finditer(text):
            at = self._offsets[match.start()]
            if self._text[at - 1 : at] != "\\":
                self.findings.append(links.left_over(self.lines.place(at), match[0], self._in_html))
        self._letters, self._offsets = [], []
        self._heading = self._raised = self._in_html = False


def _belongs(source: Source, where: dict[str, int]) -> bool:
    """Whether indented text belongs to the line above it, as to an admonition."""
    start, _ = source.chars(where)
    start = source.text.rfind("\n", 0, start) + 1
    indent = _indent(source.text[start : source.text.find("\n", start)])
    for line in reversed(source.text[max(0, start - _FAR) : start].split("\n")):
        if line.strip() and _indent(line) < max(indent, 1):
            return _CONTAINER.match(line) is not None
    return False


def _indent(line: str) -> int:
    expanded = line.expandtabs(4)
    return len(expanded) - len(expanded.lstrip())


def _is_closed(source: Source, where: dict[str, int]) -> bool:
    start, end = source.chars(where)
    written = source.text[start:end].rstrip("\n")
    mark = re.match(r"[`~]+", written)
    closing = _CLOSED.search(written)
    return mark is None or (closing is not None and closing["mark"].startswith(mark[0]))
