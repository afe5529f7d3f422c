"""Links: which are claims, givens or opinions, which lead to a file, and which only look like one.

Law: an address that is nearly ``claim:``, ``given:`` or ``opinion:`` is never a link to elsewhere.
"""

from __future__ import annotations

import difflib
import posixpath
import re

from msgspec.structs import replace

from ..nouns import Finding, Link, Place, Span

KINDS = ("claim", "given", "opinion")
_ARTICLES = {"claim": "a", "given": "a", "opinion": "an"}
_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):")
_ESCAPED = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
LEFT_OVER = re.compile(
    r"!?\[[^\[\]]*\]\(\s?(?:claim|given|opinion)s?:"
    r"|(?<![\w\]])\[[^\[\]]*\d[^\[\]]*\]\[(?:[A-Za-z][^\[\]]*)?\]"
)
"""What would bind a figure, and stands in the prose as it was written."""


def is_elsewhere(destination: str) -> bool:
    """Whether an address leads out of the project."""
    return _SCHEME.match(destination) is not None or destination.startswith("/")


def nearly(destination: str) -> str:
    """Return the kind that the scheme of an address nearly is, or nothing.

    >>> [nearly(one) for one in ("claims:x", "https://example.org", "claim:x")]
    ['claim', '', '']
    """
    match = _SCHEME.match(destination)
    if match is None or match["scheme"] in KINDS or len(match["scheme"]) > 20:
        return ""
    near = difflib.get_close_matches(match["scheme"].lower(), KINDS, 1, 0.7)
    return near[0] if near else ""


def binds(destination: str) -> bool:
    """Whether an address is, or nearly is, that of a claim, a given or an opinion."""
    return destination.partition(":")[0] in KINDS or nearly(destination) != ""


def inner(page: str, place: Place, span: Span, destination: str, written: str) -> Link | None:
    """Return a link to a file; None for one by reference, whose address stands elsewhere."""
    path, _, fragment = destination.partition("#")
    path = _ESCAPED.sub(lambda match: _decoded(match[0]), path)
    target = posixpath.normpath(posixpath.join(posixpath.dirname(page), path)) if path else page
    at = written.rfind(f"({destination}")
    if at < 0:
        return None
    start = span.start + at + 1
    where = Span(start, start + len(destination))
    return Link(place=place, destination=where, target=target, fragment=fragment)


def binds_nothing(place: Place, written: str, kind: str = "claim") -> Finding:
    """Return the finding of a link that is nearly a claim."""
    return Finding(
        code="A206",
        place=place,
        message=f"{written!r} is nearly {_ARTICLES[kind]} {kind}, and binds nothing",
        hint=f"write [12 GB]({kind}:name), without a space, and define what it names",
    )


def left_over(place: Place, written: str, in_html: bool) -> Finding:
    """Return the finding of what stands in the prose as it was written, or in HTML."""
    found = binds_nothing(place, written)
    return replace(found, hint=_APART) if in_html else found


_APART = "put an empty line between the tag and the text, so that it is read as Markdown"


def _decoded(escaped: str) -> str:
    try:
        return bytes.fromhex(escaped.replace("%", "")).decode()
    except UnicodeDecodeError:
        return escaped
