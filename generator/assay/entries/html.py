"""What a reader sees of raw HTML: its text, and the attributes that are shown.

Law: one pass, whatever the HTML holds. What is not closed is text, so that no figure hides in it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

_HIDDEN = (("<!--", "-->"), ("<![CDATA[", "]]>"), ("<!", ">"), ("<?", ">"))
"""How what is not shown begins, and how it ends."""
_SPOKEN = frozenset({"title", "alt", "aria-label", "summary"})
_SILENT = frozenset({"script", "style"})
_WITHIN_A_LINE = frozenset(
    {
        *("a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "del", "dfn", "em", "i", "ins"),
        *("kbd", "mark", "q", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "u"),
        *("var", "wbr"),
    }
)
"""Tags that part no words; any other does."""
# Possessive, so that a tag that never ends is looked at once.
_TAG = re.compile(
    r"""</?(?P<name>[A-Za-z][^\s/<>"']*+)(?:[^"'<>]++|"[^"]*+"|'[^']*+')*+>""", re.DOTALL
)
_ATTRIBUTE = re.compile(
    r"""(?P<key>[^\s"'<>/=]++)\s*+=\s*+(?:"(?P<d>[^"]*+)"|'(?P<s>[^']*+)'|(?P<b>[^\s"'<>]++))"""
)


def spoken(source: str) -> Iterator[tuple[str, int]]:
    """Yield what is seen of *source*, each piece with the offset at which it starts.

    >>> list(spoken('<b title="a">x &amp; y</b><!-- z -->'))
    [(' a ', 0), ('x & y', 13)]
    """
    begun = at = 0
    endless: set[str] = set()
    while (mark := source.find("<", at)) >= 0:
        tag = _TAG.match(source, mark)
        end = tag.end() if tag else _hidden(source, mark, endless)
        if end is None:
            at = mark + 1  # a sign, no markup
            continue
        if mark > begun:
            yield html.unescape(source[begun:mark]), begun
        if tag:
            yield from _gap(tag, mark)
            yield from _attributes(tag[0], mark)
            end = _behind(tag, source)
        begun = at = end
    if begun < len(source):
        yield html.unescape(source[begun:]), begun


def _hidden(source: str, at: int, endless: set[str]) -> int | None:
    """Return where what is hidden at *at* ends; *endless* remembers which ends come no more."""
    for start, end in _HIDDEN:
        if source.startswith(start, at) and end not in endless:
            found = source.find(end, at + len(start))
            if found >= 0:
                return found + len(end)
            endless.add(end)
    return None


def _behind(tag: re.Match[str], source: str) -> int:
    """Return where reading goes on behind a tag: behind all of a script or a style."""
    name = tag["name"].lower()
    if name not in _SILENT or tag[0].startswith("</"):
        return tag.end()
    closing = re.compile(rf"</{name}\b", re.IGNORECASE).search(source, tag.end())
    return closing.start() if closing else len(source)


def _gap(tag: re.Match[str], at: int) -> Iterator[tuple[str, int]]:
    if tag["name"].lower() not in _WITHIN_A_LINE:
        yield " ", at


def _attributes(tag: str, at: int) -> Iterator[tuple[str, int]]:
    for match in _ATTRIBUTE.finditer(tag):
        value = match["d"] or match["s"] or match["b"]
        if value and match["key"].lower() in _SPOKEN:
            yield f" {html.unescape(value)} ", at
