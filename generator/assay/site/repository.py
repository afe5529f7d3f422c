"""Where a site's source is kept, as its pages name it: commits, and where an error is told.

Law: a site without a repository has no such links; nothing is guessed but a host's own addresses.
"""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from msgspec import Struct


class Repository(Struct, frozen=True):
    """A repository on the web; without *url* there is none."""

    url: str = ""

    def commit(self, commit: str) -> str:
        """Return the address of a commit; empty where there is none."""
        return f"{self._top}{_form(self.url)[0]}{commit}" if self.url and commit else ""

    def report(self, title: str, body: str) -> str:
        """Return where an error is told, with what is said already filled in."""
        _, new, fields = _form(self.url)
        asked = urlencode(dict(zip(fields, (title, body), strict=True)))
        return f"{self._top}{new}?{asked}" if self.url else ""

    @property
    def _top(self) -> str:
        return self.url.rstrip("/").removesuffix(".git")


_FIELDS = "title", "body"
_FORMS = {
    "gitlab": ("/-/commit/", "/-/issues/new", ("issue[title]", "issue[description]")),
    "bitbucket": ("/commits/", "/issues/new", ("title", "content")),
}
"""Of hosts that differ from GitHub, whose addresses Gitea and Forgejo share."""


def _form(url: str) -> tuple[str, str, tuple[str, str]]:
    host = urlsplit(url).hostname or ""
    known = (form for name, form in _FORMS.items() if name in host)
    return next(known, ("/commit/", "/issues/new", _FIELDS))
