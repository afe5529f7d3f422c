"""Entry text to :class:`Entry`: CommonMark by pulldown-cmark, whose events carry source ranges.

Strategy: one pass over the events keeps a stack of open links and one growing block of prose.
Text that Markdown calls indented code is read again as prose, since the site's admonitions and tabs
indent what the reader sees. No I/O: the files that fences include are passed in.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from typing import Any

import pyromark

from ..nouns import (
    HOLE,
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
from . import fences, frontmatter, html, options
from .positions import Lines, Source

_OPTIONS = (
    pyromark.Options.ENABLE_TABLES
    | pyromark.Options.ENABLE_FOOTNOTES
    | pyromark.Options.ENABLE_MATH
    | pyromark.Options.ENABLE_STRIKETHROUGH
    | pyromark.Options.ENABLE_TASKLISTS
)
_INLINE = frozenset({"Emphasis", "Strong", "Strikethrough", "Link", "Image"})
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
DEEPEST = 50
"""How deep text may be indented to be read: deeper than anyone writes."""


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


class _Text:
    """A text that is being read: its events, and how far it has been read."""

    def __init__(self, events: list[Any], source: Source) -> None:
        self.events, self.source, self.at = events, source, 0


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
        self._indented: list[tuple[str, list[int]]] = []
        self._letters: list[str] = []
        self._offsets: list[int] = []
        self._heading = False

    def read(self, text: str, offsets: Iterable[int]) -> None:
        """Read *text*, whose character *i* stands at ``offsets[i]`` of the file."""
        self._indented = [(text, list(offsets))]
        open_texts: list[_Text] = []
        while open_texts or self._indented:
            if self._indented:
                open_texts.append(self._opened(*self._indented.pop()))
            reading = open_texts[-1]
            if reading.at < len(reading.events):
                reading.at = self._event(reading.events, reading.at, reading.source)
                self._bound_depth(len(open_texts))
            else:
                self._flush()
                open_texts.pop()

    def _opened(self, text: str, offsets: list[int]) -> _Text:
        events = list(pyromark.events_with_range(text, options=_OPTIONS))
        return _Text(events, Source(text, offsets))

    def _bound_depth(self, depth: int) -> None:
        """Refuse what is indented too deeply: each level is read on its own."""
        while self._indented and depth >= DEEPEST:
            _, offsets = self._indented.pop()
            self.findings.append(
                Finding(
                    code="A510",
                    place=self.lines.place(offsets[0]),
                    message=f"the text is indented more than {DEEPEST} levels deep, and not read",
                    hint="take out some of the spaces in front of it",
                )
            )

    def _event(self, events: list[Any], at: int, source: Source) -> int:
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

    def _start(self, tag: Any, events: list[Any], at: int, source: Source) -> int:
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

    def _link(self, link: dict[str, str], events: list[Any], at: int, source: Source) -> int:
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

    def _code(self, detail: Any, events: list[Any], at: int, source: Source) -> int:
        end = _end_of(events, at, "CodeBlock")
        inside = [(e["Text"], where) for e, where in events[at + 1 : end] if "Text" in e]
        text = "".join(value for value, _ in inside)
        if detail == "Indented":
            offsets = [o for value, where in inside for o in source.offsets_of(value, where)]
            self._indented.append((text, offsets))
            return end + 1
        info = detail["Fenced"]
        if options.is_executable(options.split(info)[1]):
            span = source.span(events[at][1])
            number = len(self.snippets) + 1
            fence = fences.Fence(self.lines.place(span.start), span, info, text, number)
            self.snippets.append(fence.snippet(self.files, self.folder))
            self.findings += fence.findings
        return end + 1

    def _hear(self, source: str, offsets: list[int]) -> None:
        """Add what a reader sees of raw HTML; text with entities stands where it starts."""
        for spoken, at in html.spoken(source):
            as_written = source.startswith(spoken, at)
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
