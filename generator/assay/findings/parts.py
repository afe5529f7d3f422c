"""Files that pages include: readers see their text, so its figures are judged like those of a page.

Law: what binds a figure or runs stands on a page, never in a file that is included.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..entries import parse
from ..figures.names import Names
from ..nouns import Claim, Finding, Given, Opinion
from . import prose

if TYPE_CHECKING:
    from ..project import Part, Project

_HINT = "write it into the page itself, and let the file hold plain text"


def missing(part: Part) -> Finding:
    """Return the finding of an included file, or a section of one, that is not found."""
    return Finding(
        code="A315",
        place=part.place,
        message=f"the included {part.wanted!r} is not found, and not checked",
        hint="look at its name, its section, and the base_path of pymdownx.snippets",
        page=part.page,
    )


def findings(part: Part, project: Project, names: Names) -> Iterator[Finding]:
    """Yield what is wrong in an included file, at its own lines."""
    entry = parse.parse(
        part.path,
        part.path,
        part.text,
        project.snippets,
        term=False,
        snippets=project.settings.snippets,
    )
    found = [*entry.findings, *prose.check(entry, names).findings]
    yield from (replace(finding, page=part.page) for finding in found)
    binding: list[Claim | Given | Opinion] = [*entry.claims, *entry.givens, *entry.opinions]
    for bound in binding:
        message = f"{bound.text!r} is bound to nothing: {part.page} includes this file"
        yield Finding(code="A315", place=bound.place, message=message, hint=_HINT, page=part.page)
    for snippet in entry.snippets:
        message = f"the fence does not run: {part.page} includes this file"
        yield Finding(code="A315", place=snippet.place, message=message, hint=_HINT, page=part.page)
