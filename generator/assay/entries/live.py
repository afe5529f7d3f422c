"""What of a page would run, or pass for checked, in a reader's browser.

Law: what either of two Markdown parsers may take for HTML, for an address or for a list of
attributes is looked at; code is not, since both show it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .. import markup
from ..nouns import HOLE, Finding
from . import links, seen
from .positions import Lines, Source

Events = list[Any]

_LEFT_OVER = re.compile(r"(?<!\\)</?[A-Za-z](?:(?!\n[ \t>]*\n)[^<])*?>")
"""What one of the parsers takes for text, and the other may take for a tag."""
_LIST = re.compile(r"\{:?(?P<list>[^{}]*+)\}")
_ATTRIBUTE = re.compile(
    r"""(?P<key>[^\s=:"'{}]++)\s*=\s*(?P<value>"[^"]*"|'[^']*'|[^\s"'}]+|)|\.(?P<class>assay-)"""
)
_ADDRESS = re.compile(
    r"\]\s*+\(\s*+<?(?P<inline>[^)>]{0,200})"
    r"|^[ \t>]*+\[(?!\^)[^\]\n]++\]:\s*+<?(?P<reference>[^\n>]{0,200})"
    r"|\[(?!\^)[^\[\]\n]{1,200}\]:\s*+<?(?P<inner>[^\n>]{0,200})",
    re.MULTILINE,
)
_BLOCK = re.compile(r"^[ \t>*+:-]*/{3,}[ \t]*html[ \t]*\|[ \t]*(?P<name>[\w-]+)", re.MULTILINE)
"""A tag as pymdownx's blocks write it."""
_CODES = {"tag": "A701", "attribute": "A702", "address": "A703"}
_SAID = {
    "tag": "HTML that may not stand on a page: {}",
    "attribute": "an attribute that may not stand on a page: {}",
    "address": "an address that a browser would run or unpack: {}",
}
_Fault = tuple[int, markup.Fault]


def found(events: Events, source: Source, lines: Lines) -> Iterator[Finding]:
    """Yield a finding for each part of a text that would be live, at its place."""
    marked, prose, written = _apart(events, source)
    faults = [*_of_html(marked, source), *_of_links(events, source), *_of_fences(events, source)]
    faults += [*_of_prose(prose), *_of_lists(written), *_of_addresses(written)]
    places: dict[tuple[str, int], Finding] = {}
    for at, fault in faults:
        place = lines.place(source.offsets[at])
        finding = Finding(
            code=_CODES[fault.kind],
            place=place,
            message=_SAID[fault.kind].format(fault.what),
            hint=fault.cure,
        )
        places.setdefault((finding.code, place.line), finding)
    yield from places.values()


def _apart(events: Events, source: Source) -> tuple[list[tuple[int, int]], str, str]:
    """Return where HTML stands, and the text without code: once without HTML, once with it."""
    marked: list[tuple[int, int]] = []
    letters, written = list(source.text), list(source.text)
    for event, where in events:
        name, detail = seen.item(event)
        tag = seen.item(detail)[0] if name == "Start" else ""
        start, end = source.chars(where)
        is_html = tag == "HtmlBlock" or name == "InlineHtml"
        if is_html:
            marked.append((start, end))
        start = _agreed(name, detail, start, source, where)
        hole = ["\n" if c == "\n" else HOLE for c in letters[start:end]]
        letters[start:end] = hole
        written[start:end] = written[start:end] if is_html else hole
    return marked, "".join(letters), "".join(written)


def _agreed(name: str, detail: Any, start: int, source: Source, where: dict[str, int]) -> int:
    """Return from where on both parsers agree on what stands here, or its end.

    That is HTML, code, math, ``<https://...>``, what is bound, and where a link leads with a title.
    """
    end = source.chars(where)[1]
    more: Any
    tag, more = seen.item(detail) if name == "Start" else ("", {})
    if name in {"InlineMath", "DisplayMath"}:
        return end if seen.is_money(source, where) else start
    if tag in {"Link", "Image"}:
        is_whole = source.text.startswith("<", start) or links.binds(more["dest_url"])
        behind = source.text.rfind("](", start, end)
        return start if is_whole else behind if behind >= 0 else end
    is_apart = name in {"Code", "InlineHtml"} or tag in {"CodeBlock", "HtmlBlock"}
    return start if is_apart else end


def _of_html(marked: list[tuple[int, int]], source: Source) -> Iterator[_Fault]:
    for start, end in marked:
        for fault in markup.faults(source.text[start:end], closed=False):
            yield start + fault.at, fault


def _of_links(events: Events, source: Source) -> Iterator[_Fault]:
    link: Any
    for event, where in events:
        name, detail = seen.item(event)
        tag, link = seen.item(detail) if name == "Start" else ("", {})
        if tag in {"Link", "Image"} and (scheme := markup.runs(link["dest_url"])):
            yield source.chars(where)[0], _address(scheme)


def _of_fences(events: Events, source: Source) -> Iterator[_Fault]:
    """Look at what stands behind the marks of a fence: some of it becomes attributes."""
    for event, where in events:
        name, detail = seen.item(event)
        tag, kind = seen.item(detail) if name == "Start" else ("", None)
        if tag == "CodeBlock" and isinstance(kind, dict):
            start, info = source.chars(where)[0], kind["Fenced"]
            of_info = (*_listed(info, 0), *_of_prose(info), *_of_addresses(info))
            yield from ((start, fault) for _, fault in of_info)


def _of_prose(prose: str) -> Iterator[_Fault]:
    for match in _LEFT_OVER.finditer(prose):
        for fault in markup.faults(match[0]):
            yield match.start() + fault.at, fault
    for match in _BLOCK.finditer(prose):
        if match["name"].lower() not in markup.TAGS:
            yield match.start("name"), markup.of_tag(match["name"].lower(), 0)


def _of_lists(text: str) -> Iterator[_Fault]:
    for match in _LIST.finditer(text):
        yield from _listed(match["list"], match.start("list"))


def _of_addresses(text: str) -> Iterator[_Fault]:
    for match in _ADDRESS.finditer(text):
        scheme = markup.runs(match["inline"] or match["reference"] or match["inner"] or "")
        if scheme and not (match["inner"] and scheme == "data:"):  # as in "see [it]: data: ..."
            yield match.start(), _address(scheme)


def _listed(text: str, at: int) -> Iterator[_Fault]:
    for match in _ATTRIBUTE.finditer(text):
        key, value = match["key"] or "class", match["value"] or match["class"] or ""
        fault = markup.of_attribute(key.lstrip(".#"), value, match.start())
        if fault:
            yield at + fault.at, fault


def _address(scheme: str) -> markup.Fault:
    return markup.Fault(0, "address", scheme, markup.cure_of(scheme))
