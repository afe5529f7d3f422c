"""What a reader sees of Markdown: text, raised digits, money; not attribute lists.

Law: whatever the site shows as text is text here, in the same letters and at the same places.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..nouns import HOLE
from .positions import Source

_RAISED = str.maketrans("0123456789+-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")
_ATTRIBUTE = r"""(?:[#.][\w-]+|[\w-]+=(?:"[^"{}]*"|'[^'{}]*'|[^\s"'{}]+))"""
_ATTRIBUTES = re.compile(
    rf"(?:(?<=\S)|(?<=\s)(?=\{{:)|\A)\{{:?\s*{_ATTRIBUTE}(?:\s+{_ATTRIBUTE})*\s*\}}"
)


def item(tag: Any) -> tuple[str, Any]:
    """Return the name of an event or tag, and what it carries."""
    return next(iter(tag.items())) if isinstance(tag, dict) else (tag, None)


def end_of(events: list[Any], at: int) -> int:
    """Return where the element ends that starts at *at*."""
    depth = 0
    for index in range(at, len(events)):
        event = events[index][0]
        if isinstance(event, dict) and "Start" in event:
            depth += 1
        elif isinstance(event, dict) and "End" in event:
            depth -= 1
            if depth == 0:
                return index
    raise AssertionError("every start has an end")


def raises(html: str) -> bool | None:
    """Whether a tag raises what follows (``<sup>``), lowers it again, or neither."""
    return {"<sup>": True, "</sup>": False}.get(html.lower())


def raised(text: str) -> str:
    """Write digits as they stand in ``<sup>``: ten to the ninth is 10⁹."""
    return text.translate(_RAISED)


def is_money(source: Source, where: dict[str, int]) -> bool:
    """Whether what Markdown takes for math is two prices: ``$3-$4``."""
    start, end = source.chars(where)
    return source.text[start : start + 1] == "$" and source.text[end : end + 1].isdigit()


def visible(events: list[Any], source: Source) -> str:
    """Return the text of the events inside of a link."""
    return without_attributes("".join(_pieces(events, source)))


def without_attributes(text: str) -> str:
    """Blank out attribute lists, such as ``{ width=50% }``, which no reader sees."""
    if "{" not in text:
        return text
    return _ATTRIBUTES.sub(lambda match: HOLE * len(match[0]), text)


def _pieces(events: list[Any], source: Source) -> Iterator[str]:
    is_raised = False
    for event, where in events:
        name, value = item(event)
        if name == "Text":
            yield raised(value) if is_raised else value
        elif name == "Code":
            yield value
        elif name in {"SoftBreak", "HardBreak"}:
            yield " "
        elif name == "InlineHtml":
            after = raises(value)
            is_raised = is_raised if after is None else after
        elif name == "InlineMath" and is_money(source, where):
            start, end = source.chars(where)
            yield source.text[start:end]
        elif name in {"InlineMath", "DisplayMath"}:
            yield HOLE


_OPENS = re.compile(r"[ \t]*(?:!!!|\?\?\?\+?|===)[ \t!+]*[\w\"']")
_MARK = re.compile(r"[ \t>]*(`{3,}|~{3,})")


def apart(text: str, offsets: list[int]) -> tuple[str, list[int]]:
    r"""Put an empty line behind each line that opens an admonition or a tab.

    Python-Markdown takes what is indented below it for its content; CommonMark, for which it is a
    paragraph, would take that for more of the paragraph, and see no fence in it.

    >>> apart("!!! note\n    It is.", list(range(18)))[0]
    '!!! note\n\n    It is.'
    """
    if not any(mark in text for mark in ("!!!", "???", "===")):
        return text, offsets
    parts, places, at, mark = list[str](), list[int](), 0, ""
    lines = text.splitlines(keepends=True)
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        parts.append(line)
        places += offsets[at : at + len(line)]
        at += len(line)
        fence = _MARK.match(line)
        if fence:
            mark = fence[1] if not mark else "" if fence[1].startswith(mark) else mark
        elif not mark and _OPENS.match(line) and below.strip() and below[:1] in " \t":
            parts.append("\n")
            places.append(offsets[at - 1])
    return "".join(parts), places
