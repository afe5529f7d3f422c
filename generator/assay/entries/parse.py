"""Entry text to :class:`Entry`: front matter, then Markdown.

Law: no I/O; the files that fences include are passed in. What a page shows beside its body, such as
a summary or a title, is prose like any other.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..nouns import Block, Entry, Place
from . import facts, frontmatter, headings
from .positions import written
from .reader import Reader


def parse(
    path: str, slug: str, text: str, files: Mapping[str, str], *, term: bool, snippets: str
) -> Entry:
    """Parse one page; *files* maps project paths to text for includes from *snippets*."""
    yaml, body = frontmatter.split(text)
    front, keys, findings = frontmatter.read(path, yaml) if term else (None, {}, [])
    shown: Mapping[str, tuple[str, Place]] = {}
    if front is not None and "summary" in keys:
        shown = {"summary": (front.summary, keys["summary"])}
    elif not term and yaml is not None:
        found, findings = frontmatter.shown(path, yaml)
        shown, body = found or {}, 0 if found is None else body
    reader = Reader(path, text, files, snippets)
    stated, unread = facts.read(reader, text, front, keys)
    reader.read(text[body:], range(body, len(text) + 1))
    before = [_front_block(text, key, *shown[key], reader) for key in shown]
    return Entry(
        path=path,
        slug=slug,
        text=text,
        body=body,
        front=front,
        keys=keys,
        facts=stated,
        blocks=(*before, *reader.blocks),
        snippets=tuple(reader.snippets),
        claims=tuple(reader.claims),
        givens=tuple(reader.givens),
        opinions=tuple(reader.opinions),
        quotes=tuple(reader.quotes),
        links=tuple(reader.links),
        formulas=tuple(reader.formulas),
        codes=tuple(reader.codes),
        anchors=headings.anchors(text, [*([front.term] if front else ()), *reader.headings]),
        findings=(*findings, *unread, *reader.findings),
    )


def _front_block(text: str, key: str, value: str, place: Place, reader: Reader) -> Block:
    at = reader.lines.offset(place) + len(f"{key}:")
    offsets = written(text, value, at)
    return Block(value, tuple(offsets or [at] * len(value)))
