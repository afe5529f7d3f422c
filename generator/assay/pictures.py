"""Pictures that sessions drew, as files of the site.

Law: a file of the site may be opened by itself, so a picture that could run something is none.
"""

from __future__ import annotations

import hashlib
import re
from xml.etree import ElementTree

from . import markup

FOLDER = "assets/figures"
MOST = 2_000_000
"""Characters of the largest picture."""
_NEEDLESS = re.compile(
    r"""<(?:\w+:)?foreignObject|url\(\s*['"]?(?!#)|@import|href\s*=\s*["'](?!#|data:image/png;)""",
    re.IGNORECASE,
)


def address(svg: str) -> str:
    """Return the path of a picture in the site: by what it shows, so that the same is one file."""
    return f"{FOLDER}/{hashlib.sha256(svg.encode()).hexdigest()[:16]}.svg"


def fault(svg: str) -> str:
    """Return why *svg* is no picture that can be shown, or nothing.

    >>> fault('<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>')
    'it holds <script>'
    """
    if len(svg) > MOST:
        return f"it has {len(svg)} characters, and {MOST} at most are kept"
    try:
        ElementTree.fromstring(svg)  # noqa: S314 - only read; expat bounds entities
    except ElementTree.ParseError as error:
        return f"it is no SVG: {error}"
    fault = next(markup.live(svg), None)
    if fault or "<!ENTITY" in svg:
        return f"it holds {fault.what if fault else 'an entity'}"
    needless = _NEEDLESS.search(svg)
    return f"it holds what no plot needs: {needless[0]}" if needless else ""
