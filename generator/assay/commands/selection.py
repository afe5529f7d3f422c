"""From paths on the command line to the pages that a check is about.

Law: a check of nothing is not a pass. A path that selects no page is an error that says why; what
the site leaves out, and nothing changed, are said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..check import read_entries
from ..hints import nearest
from ..nouns import Entry
from ..project import Project
from ..settings import SettingsError
from .options import Nothing


def files_of(root: Path, paths: Iterable[Path]) -> list[str]:
    """Return the files that *paths* name, from *root*; of a folder its Markdown files."""
    return [file for path in paths for file in _files(root, path)]


def _files(root: Path, path: Path) -> Iterator[str]:
    full = path.resolve()
    if not full.is_relative_to(root):
        raise SettingsError(f"{path} is not inside of the project {root}")
    if not full.is_dir():
        yield full.relative_to(root).as_posix()
        return
    found = [f for f in sorted(full.rglob("*.md")) if not _is_hidden(f.relative_to(full))]
    if not found:
        raise SettingsError(f"{path} holds no Markdown file, so there is nothing to check")
    yield from (file.relative_to(root).as_posix() for file in found)


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def pages_for(project: Project, files: Iterable[str]) -> frozenset[str]:
    """Return the pages that *files*, named by the user, select; raise for one that selects none."""
    entries = read_entries(project)
    known = {entry.path for entry in entries}
    chosen: set[str] = set()
    for file in files:
        if file in known:
            chosen.add(file)
        elif file not in project.left_out | project.unlooked:
            chosen |= _depending(project, entries, file)
    if not chosen and project.unlooked.intersection(files):
        raise Nothing("the settings exclude these files; nothing of them is checked")
    if not chosen:
        raise Nothing("the site leaves these files out; nothing of them is published or checked")
    return frozenset(chosen)


def page_named(project: Project, name: str) -> Entry:
    """Return the page that *name* is the path or the slug of."""
    entries = read_entries(project)
    for entry in entries:
        if name in {entry.path, entry.slug}:
            return entry
    hint = nearest(name, [n for e in entries for n in (e.path, e.slug)])
    raise SettingsError(f"{name} is no page of this project; {hint or 'name a file or an entry'}")


def _depending(project: Project, entries: Iterable[Entry], file: str) -> set[str]:
    """Return the pages that depend on a file that is no page."""
    found = {entry.path for entry in entries if _depends(project, entry, file)}
    if not found:
        raise SettingsError(
            f"{file} is no page and no page depends on it, so there is nothing to check; "
            "name a Markdown file, or a file that a page includes, imports or cites from"
        )
    return found


def _depends(project: Project, entry: Entry, file: str) -> bool:
    settings = project.settings
    if file == f"{settings.glossary}/papers.toml":
        return bool(entry.front and entry.front.papers)
    if file.startswith(f"{settings.glossary}/givens/"):
        return bool(entry.givens)
    record = project.records.get(file)
    if record is not None:
        return record.page == entry.slug
    modules = _modules(project, file)
    return any(
        file in {path for path, _ in snippet.lines}
        or any(_imports(snippet.code, module) for module in modules)
        for snippet in entry.snippets
    )


def _modules(project: Project, file: str) -> list[str]:
    """Return the names by which a session can import *file*, or a package that holds it."""
    folders = [f"{folder}/" for folder in project.settings.path if file.startswith(f"{folder}/")]
    tails = [file.removeprefix(folder) for folder in folders] if file.endswith(".py") else []
    return [tail.partition("/")[0].removesuffix(".py") for tail in tails]


def _imports(code: str, module: str) -> bool:
    pattern = rf"^\s*(?:from\s+{re.escape(module)}\b|import\s.*\b{re.escape(module)}\b)"
    return re.search(pattern, code, re.MULTILINE) is not None


def changed_pages(project: Project, changed: Iterable[str]) -> frozenset[str] | None:
    """Return the pages to check after a change; None, all of them, where another file changed.

    A page whose claims ask a session of a changed page is one of them. Whatever is no page may be
    read by any page: a snippet, a citation, data. A check of all is cheap, as what did not
    change is not run again.
    """
    given = set(changed)
    pages = {page.path for page in project.pages}
    if not given:
        raise Nothing("nothing differs from the last commit")
    return frozenset(given) | _asking(project, given) if given <= pages else None


def _asking(project: Project, changed: set[str]) -> set[str]:
    """Return the pages whose claims ask a session of one of the *changed* pages."""
    slugs = {page.slug for page in project.pages if page.path in changed}
    return {
        entry.path
        for entry in read_entries(project)
        for claim in entry.claims
        for address in (claim.address, *_OTHERS.findall(claim.title))
        if address.rpartition("/")[0] in slugs
    }


_OTHERS = re.compile(r"(?:true|false) for (\S+?)(?:[,;]|$)")
