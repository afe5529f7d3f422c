"""Drawings (SVG): what of one would run where a reader opens it by itself.

Law: a drawing that a page shows is an image and runs nothing; its file is a page at its address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .. import markup
from ..nouns import Finding
from .positions import Lines

_ENTITY = re.compile(r"<!ENTITY\s[^<>]*?[\"'][^\"'>]*(?:<|&#)")
"""A text that stands for markup wherever it is named."""


def found(path: str, data: bytes) -> Iterator[Finding]:
    """Yield the first thing in a drawing that a browser would run."""
    is_wide = data[:2] in {b"\xff\xfe", b"\xfe\xff"}
    text = data.decode("utf-16" if is_wide else "utf-8", "replace")
    entity, fault = _ENTITY.search(text), next(markup.live(text), None)
    if entity or fault:
        at, what = (fault.at, fault.what) if fault else (entity.start() if entity else 0, "ENTITY")
        yield Finding(
            code="A707",
            place=Lines(path, text).place(at),
            message=f"the drawing holds what a browser would run: {what}",
            hint="save the drawing without scripts, handlers and entities",
        )
