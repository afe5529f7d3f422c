"""Block quotes: what they quote, and from where.

Law: the last paragraph of a quote says where its words stand and when they were read there; all
before it is quoted.
"""

from __future__ import annotations

import datetime
import re
from contextlib import suppress
from typing import Any

from ..nouns import Quote
from .positions import Lines, Source
from .seen import end_of, item, visible

_READ = re.compile(r"\bread (\d{4}-\d{2}-\d{2})\b")
_WEB = re.compile(r"https?://[^\s/]+\.[^\s/]+.*", re.IGNORECASE)


def quote(events: list[Any], at: int, source: Source, lines: Lines) -> Quote:
    """Return the block quote that starts at event *at*."""
    end = end_of(events, at)
    span = source.span(events[at][1])
    starts = [n for n in range(at, end) if item(events[n][0]) == ("Start", "Paragraph")]
    last = starts[-1] if len(starts) > 1 else end
    told = events[last:end]
    links = [item(item(event)[1])[1] for event, _ in told if _is_link(event)]
    address = next((one["dest_url"] for one in links if _WEB.fullmatch(one["dest_url"])), "")
    day = _READ.search(visible(told, source))
    is_told = bool(address or day)
    return Quote(
        place=lines.place(span.start),
        end=lines.place(span.end),
        span=span,
        text=" ".join(visible(events[at : last if is_told else end], source).split()),
        source=" ".join(visible(told, source).split()) if is_told else "",
        address=address,
        read=_day(day[1]) if day else None,
    )


def _is_link(event: Any) -> bool:
    name, value = item(event)
    return name == "Start" and item(value)[0] == "Link"


def _day(written: str) -> datetime.date | None:
    with suppress(ValueError):
        return datetime.date.fromisoformat(written)
    return None
