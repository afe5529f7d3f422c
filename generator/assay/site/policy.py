"""The content security policy of a page: what it may run, load and speak to.

Law: an inline script runs if a template of the theme or another plugin's own hook wrote it. What
stands in the content of a page was written by neither, and does not.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
import secrets
from collections.abc import Collection, Iterable, Iterator
from urllib.parse import urlsplit

import jinja2
from jinja2.ext import Extension
from msgspec import Struct

MARK = f"data-assay-{secrets.token_hex(8)}"
"""An attribute that no content can guess, on each script and style that a template writes."""

_INLINE = re.compile(
    r"<(?P<tag>script|style)\b(?P<attributes>[^>]*)>(?P<text>.*?)</(?P=tag)\s*>", re.S | re.I
)
_LINKED = re.compile(r"<(?P<tag>script|link)\b(?P<attributes>[^>]*)>", re.I)
_ADDRESS = re.compile(r"""(?:src|href)\s*=\s*["']?(?P<address>(?:https?:)?//[^\s"'>]+)""", re.I)
_TYPE = re.compile(r"""\btype\s*=\s*["']?(?P<type>[^\s"'>]+)""", re.I)
_RUN = frozenset({"", "module", "text/javascript", "application/javascript", "importmap"})
_HEAD = tuple(re.compile(start, re.I) for start in (r"<meta\s+charset[^>]*>", r"<head\b[^>]*>"))
_STATISTICS = {"github.com": "https://api.github.com", "gitlab.com": "https://gitlab.com"}
"""What Material asks how often a repository was starred, by the repository's host."""


class Marking(Extension):
    """Marks each script and style that stands in a template."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Return the source of a template with its scripts, styles and links marked."""
        if not (name or "").endswith(".html"):
            return source
        return re.sub(r"<(script|style|link)\b(?!-)", rf"<\1 {MARK}", source)


class Sources(Struct, frozen=True):
    """What pages of a site may use beside the site's own files."""

    scripts: tuple[str, ...] = ()
    """Addresses of scripts that the configuration names."""
    styles: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    """Hosts that the settings name."""
    repository: str = ""
    """The address of the site's repository."""


def marking(env: jinja2.Environment) -> jinja2.Environment:
    """Return the theme's templates so that what they write is known from what pages hold."""
    env.add_extension(Marking)
    return env


def unknown(page: str) -> frozenset[str]:
    """Return the inline scripts and styles of *page* that no template wrote."""
    return frozenset(m["text"] for m in _INLINE.finditer(page) if MARK not in m["attributes"])


def with_policy(page: str, untrusted: Collection[str], sources: Sources) -> str:
    """Return *page* with its policy, for all of it but *untrusted* inline scripts and styles."""
    content = html.escape("; ".join(_directives(page, untrusted, sources)), quote=False)
    meta = f'<meta http-equiv="Content-Security-Policy" content="{content}">'
    shown = unmarked(page)
    head = next(filter(None, (start.search(shown) for start in _HEAD)), None)
    if head is None:
        return shown
    return f"{shown[: head.end()]}\n{meta}\n{shown[head.end() :].removeprefix(chr(10))}"


def unmarked(page: str) -> str:
    """Return *page* without the marks of templates."""
    return page.replace(f" {MARK}", "")


def _directives(page: str, untrusted: Collection[str], sources: Sources) -> Iterator[str]:
    every = _INLINE.finditer(page)
    inline = [m for m in every if MARK in m["attributes"] or m["text"] not in untrusted]
    scripts = [m["text"] for m in inline if m["tag"].lower() == "script" and _is_run(m)]
    styles = [m["text"] for m in inline if m["tag"].lower() == "style"]
    linked = [*_linked(page)]
    files = [address for tag, address in linked if tag == "script"]
    sheets = [address for tag, address in linked if tag == "link"]
    hosts = sources.hosts
    fonts = ["https://fonts.gstatic.com"] if any("//fonts.g" in s for s in sheets) else []
    asked = _STATISTICS.get(urlsplit(sources.repository).hostname or "", "")
    yield "default-src 'self'"
    yield _directive("script-src", _hashes(scripts), sources.scripts, files, hosts)
    yield _directive("style-src-elem", _hashes(styles), sources.styles, sheets, hosts)
    yield "style-src-attr 'unsafe-inline'"
    yield "img-src * data:"
    yield "media-src *"
    yield _directive("font-src", ["data:"], fonts, hosts)
    yield _directive("connect-src", [asked] if asked else [], hosts)
    yield f"frame-src {' '.join(hosts)}" if hosts else "frame-src 'none'"
    yield "object-src 'none'"
    yield "base-uri 'self'"
    yield "form-action 'self'"


def _directive(name: str, *sources: Iterable[str]) -> str:
    each = dict.fromkeys(source for group in sources for source in group)
    return " ".join([name, "'self'", *each])


def _linked(page: str) -> Iterator[tuple[str, str]]:
    """Yield what templates name elsewhere: the tag, and the address as a policy writes it."""
    for match in _LINKED.finditer(page):
        tag, attributes = match["tag"].lower(), match["attributes"]
        address = _ADDRESS.search(attributes)
        if address and MARK in attributes and (tag == "script" or "stylesheet" in attributes):
            yield tag, source_of(address["address"])


def source_of(address: str) -> str:
    """Return an address as the source of a policy, which has no query.

    >>> source_of("https://fonts.googleapis.com/css?family=A")
    'https://fonts.googleapis.com/css'
    """
    parts = urlsplit(address)
    origin = f"{parts.scheme or 'https'}://{parts.netloc}"
    return origin if re.search(r"[;,\s]", parts.path) else f"{origin}{parts.path}"


def _is_run(script: re.Match[str]) -> bool:
    kind = _TYPE.search(script["attributes"])
    return bool(script["text"].strip()) and (kind["type"].lower() if kind else "") in _RUN


def _hashes(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        digest = hashlib.sha256(text.replace("\r\n", "\n").encode()).digest()
        yield f"'sha256-{base64.b64encode(digest).decode()}'"
