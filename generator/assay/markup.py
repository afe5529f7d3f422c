"""What HTML may do on a page: the tags, attributes and addresses that run nothing in a browser.

Law: HTML is read here as a browser reads it, one tag after another, and each part that is not known
to be harmless is named with its offset.
"""

from __future__ import annotations

import base64
import html
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from xml.etree import ElementTree

import nh3
from msgspec import Struct

TAGS = frozenset(
    {
        *("a", "abbr", "article", "aside", "audio", "b", "bdi", "bdo", "blockquote", "br"),
        *("caption", "center", "cite", "code", "col", "colgroup", "dd", "del", "details", "dfn"),
        *("div", "dl", "dt", "em", "figcaption", "figure", "font", "footer", "h1", "h2", "h3"),
        *("h4", "h5", "h6", "header", "hr", "i", "img", "ins", "kbd", "li", "main", "mark", "ol"),
        *("p", "picture", "pre", "q", "rp", "rt", "ruby", "s", "samp", "section", "small"),
        *("source", "span", "strike", "strong", "sub", "summary", "sup", "table", "tbody", "td"),
        *("tfoot", "th", "thead", "time", "tr", "track", "tt", "u", "ul", "var", "video", "wbr"),
    }
)
"""The tags that an author may write."""

ADDRESSES = frozenset({"href", "src", "poster", "cite", "longdesc", "background", "xlink:href"})
_ASKS = frozenset({"srcdoc", "formaction", "action", "ping", "http-equiv", "xmlns", "is", "slot"})
_KEY = re.compile(r"[A-Za-z_:@][\w:.-]*\Z")
_HANDLER = re.compile(r"on(?!(?:ce|e|es|going|line|ly|set|to|ward)\b)[a-z]+")
"""A name of an event handler, and no word: nothing happens that is called ``ly``."""
_STYLE = re.compile(r"url\s*\(|expression\s*\(|@import|behavior\s*:|-moz-binding|\\", re.IGNORECASE)
_BLANK = re.compile("[\\s\x00-\x20\x7f-\xa0\xad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]+")
_RUNS = ("javascript:", "vbscript:", "livescript:", "data:", "blob:", "filesystem:")

# Possessive, so that a tag that never ends is looked at once.
_TAG = re.compile(r"<(?P<close>/?)(?P<name>[A-Za-z][^\s/>]*+)")
_ATTRIBUTE = re.compile(
    r"""[\s/]*+(?P<key>[^\s/>][^\s/>=]*+)
        (?:\s*+=\s*+(?P<value>"[^"]*+"|'[^']*+'|[^\s>]*+))?+""",
    re.VERBOSE,
)
_END = re.compile(r"[\s/]*+>")
_COMMENT = re.compile(r"<!--(?:-?>|(?:(?!--!?>).)*+(?:--!?>|\Z))", re.DOTALL)
"""As HTML has it: ``<!-->`` is a whole one, and one without an end hides all that follows."""


class Fault(Struct, frozen=True):
    """A part of HTML that no page may hold: where it starts, what it is, what to do instead."""

    at: int
    kind: str
    """``tag``, ``attribute`` or ``address``."""
    what: str
    cure: str


def runs(address: str) -> str:
    """Return the scheme of an address that runs or holds what it names, however it is disguised.

    >>> [runs(a) for a in ("java&Tab;script:alert(1)", "https://example.org", "data/a.csv")]
    ['javascript:', '', '']
    """
    bare = _BLANK.sub("", html.unescape(html.unescape(address))).lower()
    return next((scheme for scheme in _RUNS if bare.startswith(scheme)), "")


def faults(source: str, *, closed: bool = True) -> Iterator[Fault]:
    """Yield what may not stand in raw HTML; *closed*: a tag that has no end is text.

    >>> [f.what for f in faults('<b>x</b> <img src=x onerror="y">')]
    ['onerror=']
    """
    for tag in _tags(source):
        if tag.end is None and not closed:
            yield Fault(tag.start, "tag", f"<{tag.name} without an end"[:40], "close it with >")
        elif tag.end is not None and tag.name not in TAGS:
            yield of_tag(tag.name, tag.start)
        elif tag.end is not None:
            found = (of_attribute(*attribute) for attribute in tag.attributes)
            yield from (fault for fault in found if fault)


def live(page: str) -> Iterator[Fault]:
    """Yield what of rendered HTML a browser would run, whoever wrote it.

    >>> [f.what for f in live('<script type="math/tex">a</script><a href="javascript:x">b</a>')]
    ['javascript:']
    """
    for tag in _tags(page):
        values = {key.lower(): value.strip("\"'") for key, value, _ in tag.attributes}
        kind = html.unescape(values.get("type", "")).lower()
        name = tag.name.rpartition(":")[2]  # as XML may have it
        if name in _LIVE and _runs_as(name, kind):
            yield of_tag(name, tag.start)
        for key, value in values.items():
            if _HANDLER.match(key) or key in {"srcdoc", "http-equiv"}:
                yield Fault(tag.start, "attribute", f"{key}=", "take it out; a page runs nothing")
            is_image = tag.name in {"img", "image", "source"}
            scheme = runs(value) if key in _LED else ""
            if scheme and not (is_image and scheme == "data:"):
                yield Fault(tag.start, "address", scheme, cure_of(scheme))


def _runs_as(name: str, kind: str) -> bool:
    return name != "script" or kind in {"", "module"} or "javascript" in kind or "ecma" in kind


_LED = ADDRESSES | {"action", "formaction", "data", "values", "from", "to"}
"""Attributes that lead somewhere, in HTML and in drawings that move."""
_LIVE = frozenset({"script", "object", "embed", "base", "meta", "applet", "portal", "frame"})
"""Elements that run what they hold or name, or change what others name."""


class _Tag(Struct, frozen=True):
    """A tag that opens an element; *end* is None where it has none."""

    start: int
    name: str
    attributes: list[tuple[str, str, int]]
    """Key, value as written, and offset of each."""
    end: int | None


def _tags(source: str) -> Iterator[_Tag]:
    """Yield the tags of *source* up to one without an end: what follows is within it, or text."""
    at = 0
    while (at := source.find("<", at)) >= 0:
        comment = _COMMENT.match(source, at) if source.startswith("<!--", at) else None
        tag = _TAG.match(source, at)
        if comment is not None or tag is None:
            at = comment.end() if comment else at + 1
            continue
        found = _read(tag, source)
        if not tag["close"]:
            yield found
        if found.end is None:
            return
        at = found.end


def _read(tag: re.Match[str], source: str) -> _Tag:
    at, attributes = tag.end(), []
    while not (end := _END.match(source, at)):
        attribute = _ATTRIBUTE.match(source, at)
        if attribute is None:
            break
        key, value = attribute["key"], attribute["value"] or ""
        attributes.append((key, value, attribute.start("key")))
        at = attribute.end()
    return _Tag(tag.start(), tag["name"].lower(), attributes, end.end() if end else None)


_SHOWN = "write it between backticks to show it, or take it out"
_ELSEWHERE = "it belongs to the site: put it into a file, and name that in mkdocs.yml"
CURES = {
    "svg": "save the drawing as a file beside the page, and show it: ![what it shows](drawing.svg)",
    "math": "write the formula between dollar signs",
    "script": f"{_ELSEWHERE} under extra_javascript",
    "style": f"{_ELSEWHERE} under extra_css",
    "link": f"{_ELSEWHERE} under extra_css",
    "iframe": "link to it: [what it is](https://...)",
    "object": "link to it: [what it is](https://...)",
    "embed": "link to it: [what it is](https://...)",
}
"""What to do instead of a tag that no page may hold."""


def of_tag(name: str, at: int) -> Fault:
    """Return that a tag may not stand on a page, with what to do instead."""
    return Fault(at, "tag", f"<{name}>", CURES.get(name, _SHOWN))


def of_attribute(key: str, value: str, at: int) -> Fault | None:
    """Return what is wrong with an attribute of a tag or of an attribute list."""
    bare = value[1:-1] if value[:1] in {'"', "'"} and value[-1:] == value[:1] else value
    name = key.lower()
    if _HANDLER.match(name):
        return Fault(at, "attribute", f"{name}=", "take it out; a page runs nothing")
    if not _KEY.match(key) or (bare == value and re.search(r"[\"'<`]", value)):
        return Fault(at, "attribute", f"{key}={value}"[:40], 'write each attribute as name="value"')
    if name in _ASKS:
        return Fault(at, "attribute", f"{name}=", "take it out; a page sends nothing")
    if name in ADDRESSES and (scheme := runs(bare)):
        return Fault(at, "address", scheme, cure_of(scheme))
    if name == "srcset" and any(runs(part) for part in bare.split(",")):
        return Fault(at, "address", "srcset=", cure_of("data:"))
    if name == "style" and _STYLE.search(html.unescape(bare)):
        return Fault(at, "attribute", "style= that fetches", "name sizes and colours alone")
    classes = html.unescape(bare).lower().split() if name == "class" else ()
    if name.startswith("data-assay") or any(one.startswith("assay-") for one in classes):
        marks = "a claim is marked as one by the check alone: write [12 GB](claim:name)"
        return Fault(at, "attribute", f"{name}={bare}"[:40], marks)
    return None


def cure_of(scheme: str) -> str:
    """Say what to write instead of an address of a scheme that runs or holds what it names."""
    if scheme == "data:":
        return "save it as a file beside the page, and name that"
    return "link to a page: https://..., or to a file of the project"


class Cleaned(Struct, frozen=True):
    """HTML that may stand on a page, and what was taken out of it."""

    html: str
    taken: tuple[str, ...]


@lru_cache(maxsize=256)
def cleaned(source: str) -> Cleaned:
    """Return HTML that a program made with what is harmless of it; drawings become images.

    >>> cleaned("<b onclick='x()'>a</b><script>b</script>")
    Cleaned(html='<b>a</b>', taken=('<script>', 'onclick='))
    """
    drawn = _drawn(source)
    kept = nh3.clean(
        drawn,
        tags=set(TAGS),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        attribute_filter=_filtered,
        filter_style_properties=set(_PROPERTIES),
        url_schemes={"http", "https", "mailto", "data"},
    )
    lost = _counted(drawn) - _counted(kept)
    return Cleaned(kept, tuple(sorted(lost)))


_ATTRIBUTES = {
    "*": ("class", "title", "lang", "dir", "style", "aria-label"),
    "a": ("href",),
    "img": ("src", "alt", "width", "height"),
    "td": ("colspan", "rowspan", "align", "valign", "headers"),
    "th": ("colspan", "rowspan", "align", "valign", "scope"),
    "tr": ("align", "valign"),
    "table": ("border", "align"),
    "ol": ("start", "type", "reversed"),
    "time": ("datetime",),
    "details": ("open",),
}
"""The attributes that a program may print, by tag."""
_PROPERTIES = (
    *("color", "background-color", "font-weight", "font-style", "font-family", "font-size"),
    *("text-align", "text-decoration", "vertical-align", "white-space", "line-height", "width"),
    *("height", "max-width", "max-height", "min-width", "margin", "padding", "border"),
    *("border-collapse", "border-bottom", "border-top", "border-left", "border-right"),
)
_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp|avif|svg\+xml)[;,]", re.IGNORECASE)
_SVG = re.compile(r"<(?P<close>/?)svg\b[^<>]*+(?P<end>>?)", re.IGNORECASE)


def _filtered(tag: str, name: str, value: str) -> str | None:
    """Keep of an attribute what neither runs nor passes for a part of the site."""
    if name == "class":
        kept = [one for one in value.split() if not one.lower().startswith(("assay-", "md-"))]
        return " ".join(kept) or None
    if name == "src" and _IMAGE.match(value):
        return value
    return None if name in ADDRESSES and runs(value) else value


def _drawn(source: str) -> str:
    """Put an image in the place of each drawing, where nothing that it holds can run."""
    parts, at, depth, start = [], 0, 0, 0
    for match in _SVG.finditer(source):
        if match[0].endswith("/>") or not match["end"]:
            continue
        start = match.start() if depth == 0 else start
        depth = max(depth - 1, 0) if match["close"] else depth + 1
        if match["close"] and depth == 0 and start >= at:
            parts += [source[at:start], _image(source[start : match.end()])]
            at = match.end()
    return "".join([*parts, source[at:]])


def _image(svg: str) -> str:
    """Return a drawing as an image; one that is no XML is left to be taken out."""
    for name, space in (("", "2000/svg"), (":xlink", "1999/xlink")):
        if f"xmlns{name}=" not in svg and (not name or "xlink:" in svg):
            svg = f'<svg xmlns{name}="http://www.w3.org/{space}"{svg[4:]}'
    try:
        root = ElementTree.fromstring(svg)  # noqa: S314 - only read; expat bounds entities
    except ElementTree.ParseError:
        return svg
    title = html.escape(root.findtext("{*}title") or "a drawing")
    data = base64.b64encode(svg.encode()).decode()
    return f'<img alt="{title}" src="data:image/svg+xml;base64,{data}">'


def _counted(source: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for tag in _tags(source):
        found[f"<{tag.name}>"] += 1
        names = (key.lower() for key, _, _ in tag.attributes if tag.name in TAGS)
        found.update(f"{name}=" for name in names if name != "rel")
    return found
