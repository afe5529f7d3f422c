"""A fault of assay's own on one page: a finding there, so that all others are still checked.

Law: nothing that a page holds ends a check; what could not be checked is never a pass.
"""

from __future__ import annotations

from ..nouns import Finding, Place


def found(path: str, error: Exception, place: Place | None = None) -> Finding:
    """Return the finding of what *error* kept from being checked on the page *path*."""
    said = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return Finding(
        code="A003",
        place=place or Place(path),
        message=f"this could not be checked, by a fault of assay: {said}",
        hint="report it with this page; to go on, write more simply what is unusual on it",
        page=path,
    )
