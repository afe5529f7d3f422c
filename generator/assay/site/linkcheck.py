"""The links of a built site: each leads to a file that is there, and to a place that it has.

Law: it reads the HTML that readers get, and knows nothing of what made it; no other host is asked.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from msgspec import Struct
from selectolax.lexbor import LexborHTMLParser, LexborNode

_NAMES = ("href", "src", "poster", "data")
_EVERYWHERE = frozenset({"", "top"})
"""Fragments that every page has."""


class Broken(Struct, frozen=True, order=True):
    """A link that leads nowhere: on which file of the site, to what, and what is missing."""

    page: str
    link: str
    missing: str

    def __str__(self) -> str:
        return f"{self.page}: the link {self.link!r} leads nowhere: there is no {self.missing}"


class _Page(Struct, frozen=True):
    ids: frozenset[str]
    links: tuple[str, ...]


def broken(folder: Path, base: str = "/", passed: Collection[str] = ()) -> list[Broken]:
    """Return the links of the site in *folder* that lead nowhere, each once a page.

    *base* is the path under which the site is served; links of the pages *passed* are not looked
    at, but may be led to.
    """
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    pages = {
        name: _read((folder / name).read_text("utf-8", "replace"))
        for name in files
        if name.endswith(".html")
    }
    found = {
        Broken(name, link, missing)
        for name, page in pages.items()
        if name not in passed
        for link in page.links
        for missing in _missing(name, link, base, files, pages)
    }
    return sorted(found)


def _read(text: str) -> _Page:
    page = LexborHTMLParser(text)
    marked = page.css("[id], [name]")
    ids = frozenset(filter(None, (n.attributes.get(k) for n in marked for k in ("id", "name"))))
    for frame in page.css(".assay-output"):
        frame.decompose()  # what a program printed is its own, and stands in a frame that says so
    nodes = page.css("[href], [src], [poster], object[data]")
    return _Page(ids, tuple(dict.fromkeys(link for node in nodes for link in _links(node))))


def _links(node: LexborNode) -> Iterator[str]:
    if node.attributes.get("rel") in {"canonical", "preconnect", "dns-prefetch"}:
        return
    for name in _NAMES:
        if (value := node.attributes.get(name)) and (name != "data" or node.tag == "object"):
            yield value.strip()


def _missing(
    page: str, link: str, base: str, files: Collection[str], pages: dict[str, _Page]
) -> Iterator[str]:
    """Yield what a link of *page* lacks: its file, or the place in it."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return
    path = unquote(parts.path)
    if path.startswith("/"):
        if not f"{path}/".startswith(base):
            return  # beside the site
        path = path[len(base) :] or "."
    else:
        path = posixpath.join(posixpath.dirname(page), path) if path else page
    target = _file(posixpath.normpath(path), files)
    if target is None:
        yield f"file {posixpath.normpath(path)}"
    elif target in pages and not _has(pages[target], parts.fragment):
        yield f"place {parts.fragment!r} in {target}"


def _file(path: str, files: Collection[str]) -> str | None:
    """Return the file that is served at *path*: itself, or what stands for its folder."""
    tried = (path, posixpath.normpath(posixpath.join(path, "index.html")), f"{path}.html")
    return next((one for one in tried if one in files), None)


def _has(page: _Page, fragment: str) -> bool:
    asked = {fragment, unquote(fragment)}
    return not asked.isdisjoint(page.ids | _EVERYWHERE) or fragment.startswith(":~:")
