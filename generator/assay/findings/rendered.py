"""A rendered page read back: what a reader sees there is what the check judged.

Law: it reads the HTML as a browser does, and knows nothing of what rendered it. What assay itself
adds bears a mark that no author can know; all else on the page came from authors.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct
from selectolax.lexbor import LexborHTMLParser

from .. import markup
from ..entries import links, seen
from ..figures.names import Names
from ..nouns import HOLE, Block, Entry, Finding, Place
from . import prose

MARK = "data-assay"
"""The attribute of what assay adds; its value is the build's own."""

_LEFT_OUT = frozenset({"script", "style", "svg", "template", "noscript", "-comment"})
_UNREAD = frozenset({"pre", "code", "math", "samp"})
"""What the check reads as one unread thing at the source: code, formulas."""
_WITHIN_A_LINE = frozenset(
    {
        *("a", "abbr", "b", "bdi", "bdo", "cite", "data", "del", "dfn", "em", "i", "img", "input"),
        *("ins", "kbd", "label", "mark", "q", "s", "small", "span", "strong", "sub", "sup", "time"),
        *("u", "var", "wbr", "-text", *_UNREAD, *_LEFT_OUT),
    }
)
_SPOKEN = ("title", "alt", "aria-label", "summary")
_NUMBERED = frozenset({"footnote-ref", "footnote-backref", "headerlink", "linenos", "linenodiv"})
"""Classes of what Markdown numbers or links by itself."""
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
"""They get their ids from their words: `Claim forms` is `claim-forms`."""
_SPACE = re.compile(r"[ \t\r\n\xa0]+")
_BREAK = "\n"


class Shown(Struct, frozen=True):
    """A claim as the page is to show it."""

    id: str
    status: str
    text: str
    place: Place


class Expected(Struct, frozen=True, kw_only=True):
    """What the check judged on a page."""

    place: Place
    """Where the page begins: for what has no place of its own."""
    mark: str
    """The value of :data:`MARK` in this build."""
    shown: tuple[Shown, ...] = ()
    figures: Counter[str] = Counter()
    """Figures bound to nothing that the check saw at the source, and reported or let through."""
    searched: bool = True
    """Whether figures that are bound to nothing are errors on this page."""
    printed: str = ""
    """What the page shows that its Markdown does not hold: what its snippets printed."""


def unbound(entries: Iterable[Entry], names: Names) -> Counter[str]:
    """Count the figures of *entries* that are bound to nothing."""
    return Counter(
        text
        for entry in entries
        for block in (*entry.blocks, *_of_front(entry))
        for text, _ in prose.figures(block, names)
    )


def differences(html: str, expected: Expected, names: Names) -> tuple[Finding, ...]:
    """Return how *html*, the part of a page that came from Markdown, differs from *expected*."""
    page = LexborHTMLParser(f"<body>{html}").body
    if page is None:
        return ()
    seen_figures = Counter[str]()
    contexts: dict[str, str] = {}
    for text in _blocks(page, expected.mark):
        block = Block(text=text, offsets=tuple(range(len(text))))
        for figure, at in prose.figures(block, names):
            seen_figures[figure] += 1
            contexts.setdefault(figure, " ".join(text[max(0, at - 40) : at + 60].split()))
    unjudged = seen_figures - expected.figures if expected.searched else Counter[str]()
    return (
        *_claims(page, expected),
        *_addresses(page, expected),
        *_imitations(page, expected),
        *(
            _figure(figure, contexts[figure], expected.place)
            for figure in unjudged
            if figure not in expected.printed
        ),
    )


def addresses(html: str, place: Place) -> tuple[Finding, ...]:
    """Return what in the *html* of a page that no check reads looks as if one had."""
    page = LexborHTMLParser(f"<body>{html}").body
    nothing = Expected(place=place, mark="")
    return () if page is None else (*_addresses(page, nothing), *_imitations(page, nothing))


def unchecked_fence(place: Place, code: str) -> Finding:
    """Return the finding of a fence that would have run while its page was rendered."""
    first = next((line.strip() for line in code.splitlines() if line.strip()), "")
    return _finding("A605", place, f"a fence that no check has read was not run: {first!r}")


def live(html: str, place: Place) -> Iterator[Finding]:
    """Yield what a browser would run of *html*, whatever Markdown it came from."""
    for fault in markup.live(html):
        said = f"the rendered page holds what a browser would run: {fault.what}"
        yield Finding(code="A706", place=place, message=said, hint=fault.cure)


def _of_front(entry: Entry) -> tuple[Block, ...]:
    if entry.front is None:
        return ()
    texts = (entry.front.term, entry.front.summary, *entry.front.aliases, *entry.front.code_names)
    return tuple(Block(text=text, offsets=tuple(range(len(text)))) for text in texts)


def _blocks(page: Any, mark: str) -> Iterator[str]:
    """Yield what a reader sees of *page*, by blocks; code, formulas and marks are holes."""
    letters: list[str] = []
    for piece in _pieces(page, mark):
        if piece == _BREAK:
            yield from _joined(letters)
            letters.clear()
        else:
            letters.append(piece)
    yield from _joined(letters)


def _joined(letters: list[str]) -> Iterator[str]:
    text = "".join(letters)
    if text.strip():
        yield text


def _pieces(page: Any, mark: str) -> Iterator[str]:
    """Walk the tree without recursion, since a page may be as deep as it likes."""
    stack: list[tuple[Any, bool]] = [(page.first_child, False)]
    while stack:
        node, is_raised = stack.pop()
        if node is None:
            yield _BREAK  # a block has ended
            continue
        stack.append((node.next, is_raised)) if node.next is not None else None
        if node.tag == "-text":
            text = _SPACE.sub(" ", node.text_content or "")
            yield seen.raised(text) if is_raised else text
        elif node.tag not in _LEFT_OUT:
            yield from _element(node, mark)
            if node.tag not in _WITHIN_A_LINE:
                stack.append((None, False))
            if node.first_child is not None and not _is_closed(node, mark):
                stack.append((node.first_child, is_raised or node.tag == "sup"))


def _element(node: Any, mark: str) -> Iterator[str]:
    """Yield what an element says before its children."""
    if node.tag not in _WITHIN_A_LINE:
        yield _BREAK
    if _is_closed(node, mark):
        yield "" if _is_numbered(node) else HOLE
    else:
        spoken = (node.attributes.get(name) for name in _SPOKEN)
        yield from (f" {_SPACE.sub(' ', value)} " for value in spoken if value)


def _is_closed(node: Any, mark: str) -> bool:
    """Whether the check reads nothing inside of an element."""
    leads_out = node.tag == "a" and links.is_elsewhere(node.attributes.get("href") or "")
    is_ours = node.attributes.get(MARK) == mark
    return node.tag in _UNREAD or is_ours or leads_out or _is_numbered(node)


def _is_numbered(node: Any) -> bool:
    return not _NUMBERED.isdisjoint(_classes(node))


def _classes(node: Any) -> list[str]:
    return (node.attributes.get("class") or "").split()


def _text(node: Any) -> str:
    return " ".join(node.text().split())


def _claims(page: Any, expected: Expected) -> Iterator[Finding]:
    """Yield the claims that do not stand once on the page, in their state and with their text."""
    found: dict[str, list[Any]] = {}
    for node in page.css(f"a.assay-claim[{MARK}={json.dumps(expected.mark)}]"):
        found.setdefault((node.attributes.get("id") or "").removeprefix("claim-"), []).append(node)
    for claim in expected.shown:
        nodes = found.get(claim.id, [])
        said = f"the claim {claim.text!r}"
        if len(nodes) != 1:
            times = f"{len(nodes)} times" if nodes else "not at all"
            yield _finding("A601", claim.place, f"{said} stands {times} on the rendered page")
        elif f"assay-{claim.status}" not in _classes(nodes[0]):
            yield _finding("A601", claim.place, f"{said} is not shown as {claim.status}")
        elif _text(nodes[0]) != " ".join(claim.text.split()):
            shown = f"{said} reads {_text(nodes[0])!r} on the rendered page"
            yield _finding("A601", claim.place, shown)
        elif len(page.css(f"[id={json.dumps('proof-' + claim.id)}]")) != 1:
            yield _finding("A601", claim.place, f"{said} has no proof on the rendered page")


def _addresses(page: Any, expected: Expected) -> Iterator[Finding]:
    """Yield the addresses that would bind a figure, and the text of links that became none."""
    for node in page.css("[href], [src], [cite]"):
        for name in ("href", "src", "cite"):
            address = (node.attributes.get(name) or "").strip()
            if address and links.binds(address):
                said = f"a link to {address!r} is left on the rendered page: {_text(node)!r}"
                yield _finding("A602", expected.place, said)
    for text in _blocks(page, expected.mark):
        for left in links.LEFT_OVER.finditer(text):
            said = f"{left[0]!r} stands on the rendered page as it was written"
            yield _finding("A602", expected.place, said)


def _imitations(page: Any, expected: Expected) -> Iterator[Finding]:
    """Yield the elements that look like those of assay, and are not."""
    for node in page.css(f'[{MARK}], [class*="assay-"], [id^="claim-"], [id^="proof-"]'):
        is_heading = node.tag in _HEADINGS and "assay-" not in (node.attributes.get("class") or "")
        if not is_heading and not _is_ours(node, expected.mark):
            said = f"<{node.tag}> on the rendered page looks like what assay shows: {_text(node)!r}"
            yield _finding("A604", expected.place, said)


def _is_ours(node: Any, mark: str) -> bool:
    while node is not None:
        if node.attributes.get(MARK) == mark:
            return True
        node = node.parent
    return False


def _figure(figure: str, context: str, place: Place) -> Finding:
    said = f"the figure {figure!r} on the rendered page was judged by no check: {context!r}"
    return _finding("A603", place, said)


def _finding(code: str, place: Place, message: str) -> Finding:
    return Finding(code=code, place=place, message=message, hint=_HINTS[code])


_HINTS = {
    "A601": "look at the Markdown around it: it stands in code, in a comment, or in a table's cell "
    "with a pipe in it",
    "A602": "write [12 GB](claim:name) into the page's own Markdown, not into what is included",
    "A603": "write the figure into the page's own Markdown, or bind it there: what is included, a "
    "docstring, and what a plugin makes are not read by the check",
    "A605": "write it into the page's own Markdown, or take exec out of it",
    "A604": "take its class, id or mark out of the page",
}
