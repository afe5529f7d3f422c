"""Entry text to :class:`Entry`: CommonMark by pulldown-cmark, whose events carry source ranges.

Strategy: one pass over the events keeps a stack of open links and one growing block of prose.
Text that Markdown calls indented code is read again as prose, since the site's admonitions and tabs
indent what the reader sees. No I/O: the files that fences include are passed in.
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from html.parser import HTMLParser
from typing import Any

import pyromark

from ..nouns import (
    Block,
    Claim,
    Entry,
    Finding,
    Formula,
    Given,
    Link,
    Opinion,
    Place,
    Snippet,
    Span,
)
from . import fences, frontmatter, options
from .positions import Lines

HOLE = "\ufffc"
"""Stands in a block for what is not prose: code, math, a claim."""

_OPTIONS = (
    pyromark.Options.ENABLE_TABLES
    | pyromark.Options.ENABLE_FOOTNOTES
    | pyromark.Options.ENABLE_MATH
    | pyromark.Options.ENABLE_STRIKETHROUGH
    | pyromark.Options.ENABLE_TASKLISTS
)
_INLINE = frozenset({"Emphasis", "Strong", "Strikethrough", "Link", "Image"})
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_SPOKEN_ATTRIBUTES = frozenset({"title", "alt", "aria-label", "summary"})


def parse(
    path: str, slug: str, text: str, files: Mapping[str, str], *, term: bool, snippets: str
) -> Entry:
    """Parse one page; *files* maps project paths to text for includes from *snippets*."""
    yaml, body = frontmatter.split(text)
    front, keys, findings = frontmatter.read(path, yaml) if term else (None, {}, [])
    reader = _Reader(path, text, files, snippets)
    reader.read(text[body:], range(body, len(text) + 1))
    blocks = list(reader.blocks)
    if front is not None and "summary" in keys:
        blocks.insert(0, _front_block(text, front.summary, keys["summary"], reader))
    return Entry(
        path=path,
        slug=slug,
        text=text,
        body=body,
        front=front,
        keys=keys,
        blocks=tuple(blocks),
        snippets=tuple(reader.snippets),
        claims=tuple(reader.claims),
        givens=tuple(reader.givens),
        opinions=tuple(reader.opinions),
        links=tuple(reader.links),
        formulas=tuple(reader.formulas),
        findings=(*findings, *reader.findings),
    )


def _front_block(text: str, value: str, key: Place, reader: _Reader) -> Block:
    """The summary is read on the page and in every index, so it is prose like any other."""
    at = reader.lines.offset(key) + len("summary:")
    folded = re.compile(r"\s+".join(map(re.escape, value.split()))).search(text, at)
    if folded is None:  # written with escapes
        return Block(value, (at,) * len(value))
    letters = (i for i in range(*folded.span()) if not text[i].isspace())
    offsets: list[int] = []
    for letter in value:
        at = at + 1 if letter.isspace() else next(letters)
        offsets.append(at)
    return Block(value, tuple(offsets))


class _Reader:
    """The state of one pass; what it gathers, it gathers in source order."""

    def __init__(self, path: str, text: str, files: Mapping[str, str], folder: str) -> None:
        self.path, self.files, self.folder = path, files, folder
        self.lines = Lines(path, text)
        self.blocks: list[Block] = []
        self.snippets: list[Snippet] = []
        self.claims: list[Claim] = []
        self.givens: list[Given] = []
        self.opinions: list[Opinion] = []
        self.links: list[Link] = []
        self.formulas: list[Formula] = []
        self.findings: list[Finding] = []
        self._letters: list[str] = []
        self._offsets: list[int] = []
        self._heading = False

    def read(self, text: str, offsets: Iterable[int]) -> None:
        """Read *text*, whose character *i* stands at ``offsets[i]`` of the file."""
        source = _Source(text, list(offsets))
        events = list(pyromark.events_with_range(text, options=_OPTIONS))
        at = 0
        while at < len(events):
            at = self._event(events, at, source)
        self._flush()

    def _event(self, events: list[Any], at: int, source: _Source) -> int:
        event, where = events[at]
        name, value = _item(event)
        span = source.span(where)
        if name == "Start":
            return self._start(value, events, at, source)
        if name == "End":
            if _item(value)[0] not in _INLINE:
                self._flush()
        elif name == "Text":
            self._add(value, source.offsets_of(value, where))
        elif name in {"SoftBreak", "HardBreak"}:
            self._add(" ", [span.start])
        elif name in {"InlineMath", "DisplayMath"}:
            self.formulas.append(Formula(span, value, name == "DisplayMath"))
            self._add(HOLE, [span.start])
        elif name == "Code":
            self._add(HOLE, [span.start])
        elif name == "InlineHtml":
            self._hear(value, source.offsets_of(value, where))
        return at + 1

    def _start(self, tag: Any, events: list[Any], at: int, source: _Source) -> int:
        name, detail = _item(tag)
        if name == "Link":
            return self._link(detail, events, at, source)
        if name == "CodeBlock":
            self._flush()
            return self._code(detail, events, at, source)
        if name == "HtmlBlock":
            self._flush()
            end = _end_of(events, at, name)
            inside = [(_item(e)[1], where) for e, where in events[at + 1 : end]]
            offsets = [o for value, where in inside for o in source.offsets_of(value, where)]
            self._hear("".join(value for value, _ in inside), offsets)
            return end
        if name not in _INLINE:
            self._flush()
            self._heading = name == "Heading"
        return at + 1

    def _link(self, link: dict[str, str], events: list[Any], at: int, source: _Source) -> int:
        """Read a link: a claim, a given, an opinion, a link of the project or one to elsewhere."""
        end = _end_of(events, at, "Link")
        span = source.span(events[at][1])
        destination, title = link["dest_url"], link["title"]
        kind, _, rest = destination.partition(":")
        text = "".join(_visible(events[at + 1 : end]))
        place = self.lines.place(span.start)
        end_place = self.lines.place(span.end)
        stands: dict[str, Any] = {"place": place, "end": end_place, "span": span, "text": text}
        if kind == "claim":
            self.claims.append(Claim(address=rest, title=title, **stands))
        elif kind == "given":
            self.givens.append(Given(key=rest, **stands))
        elif kind == "opinion":
            self.opinions.append(Opinion(owner=title or rest, **stands))
        elif not _SCHEME.match(destination) and not destination.startswith(("/", "#")):
            self._inner_link(place, span, destination, source.text_of(span))
            return at + 1  # its text is prose
        elif destination.startswith("#"):
            return at + 1
        self._add(HOLE, [span.start])
        return end + 1

    def _inner_link(self, place: Place, span: Span, destination: str, written: str) -> None:
        path, _, fragment = destination.partition("#")
        target = posixpath.normpath(posixpath.join(posixpath.dirname(self.path), path))
        at = written.rfind(f"({destination}")
        if at < 0:
            return  # a reference-style link: its destination stands elsewhere
        start = span.start + at + 1
        where = Span(start, start + len(destination))
        self.links.append(Link(place=place, destination=where, target=target, fragment=fragment))

    def _code(self, detail: Any, events: list[Any], at: int, source: _Source) -> int:
        end = _end_of(events, at, "CodeBlock")
        inside = [(e["Text"], where) for e, where in events[at + 1 : end] if "Text" in e]
        text = "".join(value for value, _ in inside)
        if detail == "Indented":
            offsets = [o for value, where in inside for o in source.offsets_of(value, where)]
            self.read(text, offsets)
            return end + 1
        info = detail["Fenced"]
        if options.is_executable(options.split(info)[1]):
            span = source.span(events[at][1])
            number = len(self.snippets) + 1
            fence = fences.Fence(self.lines.place(span.start), span, info, text, number)
            self.snippets.append(fence.snippet(self.files, self.folder))
            self.findings += fence.findings
        return end + 1

    def _hear(self, html: str, offsets: list[int]) -> None:
        """Add what a reader sees of raw HTML; text with entities stands where it starts."""
        for spoken, at in _spoken(html):
            as_written = html.startswith(spoken, at)
            here = offsets[at : at + len(spoken)] if as_written else [offsets[at]] * len(spoken)
            self._add(spoken, here)

    def _add(self, text: str, offsets: Iterable[int]) -> None:
        self._letters.append(text)
        self._offsets.extend(offsets)

    def _flush(self) -> None:
        text = "".join(self._letters)
        if text.strip():
            self.blocks.append(Block(text, tuple(self._offsets), self._heading))
        self._letters, self._offsets, self._heading = [], [], False


class _Source:
    """A text given to the parser, and where each of its characters stands in the file."""

    def __init__(self, text: str, offsets: list[int]) -> None:
        self.text = text
        self.offsets = [*offsets, (offsets[-1] + 1 if offsets else 0)]
        # Bytes beyond one a character, and the byte at which each character with some ends.
        self._extra, self._ends, extra = [0], [0], 0
        for match in re.finditer(r"[^\x00-\x7f]", text):
            extra += len(match[0].encode()) - 1
            self._extra.append(extra)
            self._ends.append(match.end() + extra)

    def chars(self, where: dict[str, int]) -> tuple[int, int]:
        """Return a range of bytes as one of characters."""
        return self._char(where["start"]), self._char(where["end"])

    def _char(self, byte: int) -> int:
        return byte - self._extra[bisect_right(self._ends, byte) - 1]

    def span(self, where: dict[str, int]) -> Span:
        start, end = self.chars(where)
        return Span(self.offsets[start], self.offsets[end - 1] + 1 if end > start else 0)

    def text_of(self, span: Span) -> str:
        first = self.offsets.index(span.start)
        return self.text[first : first + span.end - span.start]

    def offsets_of(self, value: str, where: dict[str, int]) -> list[int]:
        start, end = self.chars(where)
        if end - start == len(value):
            return self.offsets[start:end]
        return [self.offsets[start]] * len(value)  # an entity: ``&nbsp;``


def _item(tag: Any) -> tuple[str, Any]:
    """Return the name of an event or tag, and what it carries."""
    return next(iter(tag.items())) if isinstance(tag, dict) else (tag, None)


def _end_of(events: list[Any], at: int, name: str) -> int:
    depth = 0
    for index in range(at, len(events)):
        event = events[index][0]
        if isinstance(event, dict) and "Start" in event:
            depth += 1
        elif isinstance(event, dict) and "End" in event:
            depth -= 1
            if depth == 0:
                return index
    raise AssertionError(f"no end of {name}")


def _visible(events: list[Any]) -> Iterable[str]:
    for event, _ in events:
        if isinstance(event, dict):
            yield event.get("Text") or event.get("Code") or ""
        elif event in {"SoftBreak", "HardBreak"}:
            yield " "


class _Spoken(HTMLParser):
    """Gathers what a reader sees of raw HTML: its text, and the attributes that are shown."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, int]] = []
        self._starts = [0, *(i + 1 for i, c in enumerate(html) if c == "\n")]
        self.feed(html)
        self.close()

    def _at(self) -> int:
        line, column = self.getpos()
        return self._starts[line - 1] + column

    def handle_data(self, data: str) -> None:
        if self.cdata_elem not in {"script", "style"}:
            self.found.append((data, self._at()))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for key, value in attrs:
            if key in _SPOKEN_ATTRIBUTES and value:
                self.found.append((f" {value} ", self._at()))


def _spoken(html: str) -> list[tuple[str, int]]:
    return _Spoken(html).found
