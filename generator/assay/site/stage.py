"""Report to pages: ordinary Markdown in a build folder, for a site generator to render.

Law: a page is a function of the report and the sources; staging runs nothing and decides nothing.
Files are written only where their content changed, so that a live site rebuilds what it must.
"""

from __future__ import annotations

import posixpath
import re
import shutil
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct

from ..findings import codes
from ..reports import formats
from . import weave
from ..nouns import Checked, Entry, Report, Verdict
from ..plan import Key
from ..project import Project

PACKAGE = Path(__file__).parent
TERMS = "glossary"
CATEGORIES = "categories"
LEDGER = "claims"
CODES = "reference/findings.md"
STATUS = "<!-- assay:status -->"


class Staged(Struct, frozen=True, kw_only=True):
    """The staged pages: where they are, and in which order a reader finds them."""

    folder: Path
    nav: list[Any]


class _Site(Struct, frozen=True, kw_only=True):
    """What every page's template may ask for."""

    project: Project
    report: Report
    commit: str
    staged: dict[str, str]
    checks: dict[Key, Checked]
    directory_urls: bool

    def url(self, here: str, target: str) -> str:
        """Return the address of the staged page *target* as seen from the staged page *here*."""
        start, end = self._served(here), self._served(target)
        folder = start if start.endswith("/") else posixpath.dirname(start)
        path = posixpath.relpath(end or ".", folder or ".")
        return f"{path}/" if end.endswith("/") or not end else path

    def _served(self, path: str) -> str:
        name = path.removesuffix(".md")
        if posixpath.basename(name) == "index":
            return name.removesuffix("index") + ("" if self.directory_urls else "index.html")
        return f"{name}/" if self.directory_urls else f"{name}.html"

    def verdicts(self, entry: Entry) -> tuple[Verdict, ...]:
        return tuple(v for v in self.report.verdicts if v.entry == entry.slug)

    @property
    def terms(self) -> list[Entry]:
        found = [entry for entry in self.report.entries if entry.front is not None]
        return sorted(found, key=lambda entry: entry.front.term.lower())  # type: ignore[union-attr]


def stage(
    project: Project,
    found: Report,
    folder: Path,
    commit: str = "",
    *,
    directory_urls: bool = True,
) -> Staged:
    """Write the pages of *project* with the verdicts of *found* to *folder*.

    With *directory_urls*, ``a/b.md`` is served as ``a/b/``, else as ``a/b.html``.
    """
    site = _Site(
        project=project,
        report=found,
        commit=commit,
        staged=_paths(project, found),
        directory_urls=directory_urls,
        checks={(c.session.page, c.session.name): c for c in found.checked},
    )
    files = {**_assets(project), **{path: text.encode() for path, text in _pages(site).items()}}
    _write(folder, files)
    return Staged(folder=folder, nav=_nav(site))


def _paths(project: Project, found: Report) -> dict[str, str]:
    """Map the path of each source page to that of its staged page."""
    docs = f"{project.settings.docs}/"
    paths = {
        entry.path: f"{TERMS}/{entry.slug}.md" if entry.front else entry.path.removeprefix(docs)
        for entry in found.entries
    }
    root = project.root / project.settings.docs
    others = [p.relative_to(project.root).as_posix() for p in root.rglob("*") if p.is_file()]
    return {path: path.removeprefix(docs) for path in others} | paths


def _assets(project: Project) -> dict[str, bytes]:
    docs = project.root / project.settings.docs
    found = {
        p.relative_to(docs).as_posix(): p.read_bytes()
        for p in docs.rglob("*")
        if p.is_file() and p.suffix != ".md"
    }
    found["assets/assay.css"] = (PACKAGE / "assets" / "assay.css").read_bytes()
    found["assets/assay.js"] = (PACKAGE / "assets" / "assay.js").read_bytes()
    return found


def _pages(site: _Site) -> dict[str, str]:
    env = weave.environment()
    context = {
        "counts": formats.summary(site.report),
        "commit": site.commit,
        "terms": site.terms,
        "categories": _categories(site),
        "category_path": _category_path,
        "staged": site.staged,
        "pages": set(site.staged.values()),
        "when": max((c.outcome.when for c in site.report.checked), default=""),
    }

    def page(path: str, template: str, **more: Any) -> str:
        here = {"url": partial(site.url, path), **context, **more}
        text = env.get_template(template).render(here)
        if STATUS in text:
            text = text.replace(STATUS, env.get_template("status.html").render(here).strip())
        return text

    made: dict[str, tuple[str, dict[str, Any]]] = {
        f"{TERMS}/index.md": ("index.md", {"letters": _letters(site)}),
        f"{LEDGER}.md": ("ledger.md", _ledger(site)),
        CODES: ("findings.md", {"codes": codes.CODES}),
    }
    for category, entries in _categories(site).items():
        made[_category_path(category)] = (
            "category.md",
            {"category": category, "entries": entries},
        )
    for entry in site.report.entries:
        name = "entry.md" if entry.front else "page.md"
        made[site.staged[entry.path]] = (name, _entry_context(site, entry))
    pages = {path: page(path, template, **more) for path, (template, more) in made.items()}
    return pages | {f"{LEDGER}.json": formats.as_json(site.report)}


def _entry_context(site: _Site, entry: Entry) -> dict[str, Any]:
    verdicts = site.verdicts(entry)
    woven = weave.weave(entry, verdicts, site.checks, site.project.givens, site.staged)
    by_slug = {term.slug: term for term in site.terms}
    needs = entry.front.prerequisites if entry.front else ()
    return {
        "entry": entry,
        "woven": woven,
        "papers": weave.papers_of(entry, site.project.papers),
        "before": [by_slug[slug] for slug in needs if slug in by_slug],
        "after": [t for t in site.terms if t.front and entry.slug in t.front.prerequisites],
        "statuses": _statuses(verdicts),
    }


def _statuses(verdicts: tuple[Verdict, ...]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for verdict in verdicts:
        counts[verdict.status] += 1
    return dict(counts)


def _categories(site: _Site) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in site.terms:
        if entry.front:
            found[entry.front.category].append(entry)
    return dict(sorted(found.items()))


def _category_path(category: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", category.lower()).strip("-")
    return f"{CATEGORIES}/{name}/index.md"


def _letters(site: _Site) -> dict[str, list[tuple[str, Entry, bool]]]:
    """Return the index: by letter, the terms and aliases under it (true: an alias)."""
    named = [(e.front.term, e, False) for e in site.terms if e.front]
    named += [(alias, e, True) for e in site.terms if e.front for alias in e.front.aliases]
    letters: dict[str, list[tuple[str, Entry, bool]]] = defaultdict(list)
    for name, entry, alias in sorted(named, key=lambda item: item[0].lower()):
        letters[name[0].upper()].append((name, entry, alias))
    return dict(letters)


def _ledger(site: _Site) -> dict[str, list[tuple[Entry, str, weave.Row]]]:
    """Return the rows of the ledger; those that await a GPU stand apart."""
    found = [
        (entry, site.staged[entry.path], row)
        for entry in (*site.terms, *(e for e in site.report.entries if not e.front))
        for row in weave.rows(site.verdicts(entry))
    ]
    parts: dict[str, list[tuple[Entry, str, weave.Row]]] = {"rows": [], "awaiting": []}
    for item in found:
        is_awaited = item[2].verdict.status in {"stale", "unmeasured"}
        parts["awaiting" if is_awaited else "rows"].append(item)
    return parts


def _nav(site: _Site) -> list[Any]:
    terms: list[Any] = [{"A–Z": f"{TERMS}/index.md"}]
    for category, entries in _categories(site).items():
        pages = [{e.front.term: site.staged[e.path]} for e in entries if e.front]
        terms.append({category: [_category_path(category), *pages]})
    docs = sorted(site.staged[e.path] for e in site.report.entries if not e.front)
    top = [path for path in docs if "/" not in path and path != "index.md"]
    folders: dict[str, list[str]] = defaultdict(list)
    for path in docs:
        if "/" in path:
            folders[path.partition("/")[0]].append(path)
    folders["reference"].append(CODES)
    home = [{"Home": "index.md"}] if "index.md" in docs else []
    nested = [{name.capitalize(): paths} for name, paths in sorted(folders.items())]
    return [*home, {"Glossary": terms}, {"Claims": f"{LEDGER}.md"}, *top, *nested]


def _write(folder: Path, files: dict[str, bytes]) -> None:
    for path, data in files.items():
        target = folder / path
        if target.is_file() and target.read_bytes() == data:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    for old in sorted(folder.rglob("*"), reverse=True):
        if old.is_dir():
            if not any(old.iterdir()):
                shutil.rmtree(old)
        elif old.relative_to(folder).as_posix() not in files:
            old.unlink()
