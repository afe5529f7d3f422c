"""Drawings that a session made, as files of the site.

Law: a file of the site may be opened by itself, so a drawing that could run something is none.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from xml.etree import ElementTree

FOLDER = "assets/figures"
MOST = 2_000_000
"""Characters of the largest drawing."""
_PARTS = frozenset(
    {
        *("svg", "g", "path", "defs", "use", "clipPath", "rect", "circle", "ellipse", "line"),
        *("polyline", "polygon", "text", "tspan", "style", "title", "desc", "image", "pattern"),
        *("linearGradient", "radialGradient", "stop", "mask", "marker", "filter", "symbol"),
        *("metadata", "RDF", "Work", "type", "format", "feColorMatrix", "feGaussianBlur"),
    }
)
"""The elements of SVG that draw, and those that describe."""
_FETCHES = re.compile(r"url\(\s*['\"]?(?!#)|@import|expression\(", re.IGNORECASE)
_WITHIN = re.compile(r"#|data:image/png;base64,")


def address(svg: str) -> str:
    """Return the path of a drawing in the site: by what it shows, so that the same is one file."""
    return f"{FOLDER}/{hashlib.sha256(svg.encode()).hexdigest()[:16]}.svg"


def fault(svg: str) -> str:
    """Return why *svg* is no drawing that can be shown, or nothing.

    >>> fault('<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>')
    'it holds <script>'
    """
    if len(svg) > MOST:
        return f"it has {len(svg)} characters, and {MOST} at most are kept"
    try:
        root = ElementTree.fromstring(svg)  # noqa: S314 - expat bounds entities
    except ElementTree.ParseError as error:
        return f"it is no SVG: {error}"
    return next(_faults(root), "")


def _faults(root: ElementTree.Element) -> Iterator[str]:
    for element in root.iter():
        name = element.tag.rpartition("}")[2]
        if name not in _PARTS:
            yield f"it holds <{name}>"
        for key, value in element.attrib.items():
            bare = key.rpartition("}")[2].lower()
            if bare.startswith("on") or (bare == "href" and not _WITHIN.match(value)):
                yield f"it holds {bare}={value[:40]!r}"
        if _FETCHES.search(" ".join((element.text or "", *element.attrib.values()))):
            yield "it fetches something from elsewhere"
