"""A report to the Markdown of every page: those of the project, woven, and those that are made.

Law: a page is a function of the report and the sources; making it runs nothing and decides nothing.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from msgspec import Struct

from .. import pictures
from ..entries import sentences
from ..findings.codes import CODES
from ..findings.quotes import Judgement
from ..made import CATEGORIES, FINDINGS, LEDGER, STATEMENTS, TERMS, address_of
from ..nouns import Checked, Entry, Key, Paper, Report, Status, Verdict
from ..project import Project
from ..reports import schemas
from ..reports.badge import as_badge
from ..reports.csv import as_csv
from ..reports.json import as_json
from ..reports.summary import Summary, statuses, summary
from . import backlinks, ledger, paths, standing, statements, templating, weave
from .anchors import anchors
from .guard import shielded
from .inline import UNSET
from .repository import Repository

STATUS = "<!-- assay:status -->"


class Site(Struct, frozen=True, kw_only=True):
    """What every page may ask for, indexed once."""

    project: Project
    report: Report
    commit: str
    repository: Repository
    directory_urls: bool
    """Whether ``a/b.md`` is served as ``a/b/``, else as ``a/b.html``."""
    addresses: dict[str, str]
    """The page that each file of the sources becomes, by its path from the root."""
    checks: dict[Key, Checked]
    verdicts: dict[str, tuple[Verdict, ...]]
    """By the slug of their entry."""
    terms: dict[str, Entry]
    """By slug, in the order of the index."""
    categories: dict[str, tuple[Entry, ...]]
    category_paths: dict[str, str]
    followers: dict[str, tuple[Entry, ...]]
    """The terms that name a slug among their prerequisites."""
    mentions: dict[str, tuple[backlinks.Mention, ...]]
    """By the path of a page, the sentences of other pages that link to it."""
    paths: frozenset[str]
    """The paths of all pages that have a source."""
    counts: Summary
    statuses: dict[Status, int]
    when: str
    """The last day on which a session ran."""

    @property
    def has_ledger(self) -> bool:
        """Whether there is a claim to list."""
        return bool(self.report.verdicts)

    @property
    def has_statements(self) -> bool:
        """Whether a page quotes what is said elsewhere."""
        return bool(self.counts.statements)

    mark: str
    """What marks the parts of assay on a rendered page: no text of the project knows it."""

    def url(self, here: str, target: str) -> str:
        """Return the address of the page *target* as seen from the page *here*."""
        start, end = self._served(here), self._served(target)
        folder = start if start.endswith("/") else posixpath.dirname(start)
        path = posixpath.relpath(end or ".", folder or ".")
        return f"{path}/" if end.endswith("/") or not end else path

    def _served(self, path: str) -> str:
        name = path.removesuffix(".md")
        folder, base = posixpath.split(name)
        if base in {"index", "README"}:
            return posixpath.join(folder, "") + ("" if self.directory_urls else "index.html")
        return f"{name}/" if self.directory_urls else f"{name}.html"


def site_of(
    project: Project,
    report: Report,
    commit: str,
    *,
    directory_urls: bool,
    repository: str = "",
) -> Site:
    """Index what the pages of *project*, checked as *report* says, are made from."""
    terms = sorted((e for e in report.entries if e.front), key=_name_of)
    addresses = _addresses(project, report)
    categories = _grouped((e.front.category, e) for e in paths.ordered(terms) if e.front)
    return Site(
        project=project,
        report=report,
        commit=commit,
        repository=Repository(repository),
        directory_urls=directory_urls,
        addresses=addresses,
        paths=frozenset(addresses.values()),
        counts=summary(report),
        statuses=statuses(report.verdicts),
        when=max((checked.outcome.when for checked in report.checked), default=""),
        mark=_mark(report.entries),
        checks={checked.session.key: checked for checked in report.checked},
        verdicts=_grouped((v.entry, v) for v in report.verdicts),
        terms={entry.slug: entry for entry in terms},
        categories=categories,
        category_paths=_category_paths(categories),
        mentions=backlinks.of(report),
        followers=_grouped((s, e) for e in terms if e.front for s in e.front.prerequisites),
    )


def pages(site: Site) -> dict[str, str]:
    """Return the text of every page and data file, by its path."""
    published = [entry for entry in site.report.entries if entry.path in site.addresses]
    return made(site) | figures(site) | {site.addresses[e.path]: _woven(site, e) for e in published}


def figures(site: Site) -> dict[str, str]:
    """Return the pictures that snippets drew, by their paths."""
    drawn = (
        svg
        for checked in site.report.checked
        for ran in checked.outcome.snippets
        for svg in ran.figures
        if not pictures.fault(svg)
    )
    return {pictures.address(svg): svg for svg in drawn}


class PageError(Exception):
    """A page that could not be woven, by a fault of assay."""


def _woven(site: Site, entry: Entry) -> str:
    try:
        return weave_page(site, entry)
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise PageError(f"{entry.path} cannot be shown, by a fault of assay: {said}") from error


def weave_page(site: Site, entry: Entry) -> str:
    """Return the Markdown of an entry's page, front matter included."""
    here = site.addresses[entry.path]
    verdicts = site.verdicts.get(entry.slug, ())
    woven = weave.weave(entry, verdicts, site.checks, site.project.givens, site.addresses)
    needs = entry.front.prerequisites if entry.front else ()
    return _render(
        site,
        here,
        "entry.md" if entry.front else "page.md",
        entry=entry,
        woven=woven,
        said=sentences.of_claims(entry),
        papers=_papers_of(entry, site.project.papers),
        before=[site.terms[slug] for slug in needs if slug in site.terms],
        after=site.followers.get(entry.slug, ()),
        standing=standing.of(verdicts, site.checks),
        step=paths.step(entry, site.categories[entry.front.category]) if entry.front else None,
        mentions=site.mentions.get(entry.path, ()),
    )


def made(site: Site) -> dict[str, str]:
    """Return the pages and files that no source holds: indexes, the ledger, the codes, data."""
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    if site.terms:
        found[f"{TERMS}/index.md"] = "index.md", {"letters": _letters(site)}
        found[FINDINGS] = "findings.md", {"codes": CODES}
    if site.has_ledger:
        found[f"{LEDGER}.md"] = "ledger.md", _ledger(site)
    if topics := statements.by_topic(_pages(site)):
        known = Counter(one.judgement for told in topics.values() for one in told)
        judged = {judgement: known[judgement] for judgement in Judgement if known[judgement]}
        found[STATEMENTS] = "statements.md", {"topics": topics, "counts": judged}
    for category, entries in site.categories.items():
        page = {"category": category, "entries": entries}
        found[site.category_paths[category]] = ("category.md", page)
    rendered = {path: _render(site, path, name, **more) for path, (name, more) in found.items()}
    texts = {f"{LEDGER}/schemas/{name}.json": schemas.schema(name) for name in schemas.NAMES}
    texts |= {f"{LEDGER}.json": as_json(site.report), f"{LEDGER}.csv": as_csv(site.report)}
    texts |= {f"{LEDGER}/badge.json": as_badge(site.report)}
    return rendered | texts


def nav(site: Site) -> list[Any]:
    """Return the pages in the order in which a reader finds them, as MkDocs writes a nav.

    A site without terms has that which MkDocs makes by itself.
    """
    if not site.terms:
        return []
    terms: list[Any] = [{"A–Z": f"{TERMS}/index.md"}]
    for category, entries in site.categories.items():
        listed = [{shielded(e.front.term): site.addresses[e.path]} for e in entries if e.front]
        terms.append({shielded(category): [site.category_paths[category], *listed]})
    others = [e.path for e in site.report.entries if not e.front and e.path in site.addresses]
    unlooked = [path for path in site.project.unlooked if path in site.addresses]
    docs = sorted(site.addresses[path] for path in (*others, *unlooked))
    top = [path for path in docs if "/" not in path and path != "index.md"]
    folders = defaultdict(list)
    for path in [p for p in docs if "/" in p] + [FINDINGS]:
        folders[path.partition("/")[0]].append(path)
    home = [{"Home": "index.md"}] if "index.md" in docs else []
    nested = [{shielded(name.capitalize()): paths} for name, paths in sorted(folders.items())]
    claims = [{"Claims": f"{LEDGER}.md"}] if site.has_ledger else []
    claims += [{"Statements": STATEMENTS}] if site.has_statements else []
    return [*home, {"Glossary": terms}, *claims, *top, *nested]


def _render(site: Site, here: str, template: str, **more: Any) -> str:
    context = {"site": site, "url": partial(site.url, here)} | more
    text = templating.environment().get_template(template).render(context)
    if STATUS in text:
        status = templating.environment().get_template("status.html").render(context).strip()
        text = text.replace(STATUS, status)
    return text.replace(UNSET, site.mark)


def _mark(entries: Iterable[Entry]) -> str:
    texts = "\0".join(text for entry in entries for text in (entry.path, entry.text))
    return hashlib.blake2b(texts.encode("utf-8", "replace"), digest_size=8).hexdigest()


def _category_paths(categories: Iterable[str]) -> dict[str, str]:
    names = anchors("", categories).items()
    return {category: f"{CATEGORIES}/{name}/index.md" for category, name in names}


def _addresses(project: Project, report: Report) -> dict[str, str]:
    docs, glossary = project.settings.docs, project.settings.glossary
    head = f"{docs}/"
    others = {path: path.removeprefix(head) for path in project.files if path.startswith(head)}
    others |= {path: path.replace(glossary, TERMS, 1) for path in shown_beside(project, report)}
    pages = ((e.path, address_of(e.path, e.slug, docs, glossary)) for e in report.entries)
    return others | {path: address for path, address in pages if address is not None}


def shown_beside(project: Project, report: Report) -> set[str]:
    """Return the files beside the entries that pages show or link to, such as images."""
    head = f"{project.settings.glossary}/"
    linked = {link.target for entry in report.entries for link in entry.links}
    named = {path for path in linked if path.startswith(head) and "." in posixpath.basename(path)}
    return {path for path in named & set(project.files) if not path.endswith((".md", ".toml"))}


def _letters(site: Site) -> dict[str, list[tuple[str, Entry, bool]]]:
    """Return the index: by letter, the terms and aliases under it (true: an alias)."""
    terms = [e for e in site.terms.values() if e.front]
    named = [(e.front.term, e, False) for e in terms if e.front]
    named += [(alias, e, True) for e in terms if e.front for alias in e.front.aliases]
    letters = defaultdict(list)
    for name, entry, alias in sorted(named, key=lambda item: item[0].lower()):
        letters[name[:1].upper()].append((name, entry, alias))
    return dict(letters)


def _pages(site: Site) -> list[tuple[Entry, str, tuple[Verdict, ...]]]:
    """Return each page with its address and its verdicts, terms first."""
    others = [e for e in site.report.entries if not e.front and e.path in site.addresses]
    return [
        (entry, site.addresses[entry.path], site.verdicts.get(entry.slug, ()))
        for entry in (*site.terms.values(), *others)
    ]


def _ledger(site: Site) -> dict[str, list[ledger.Group]]:
    pages = _pages(site)
    return {
        "groups": ledger.groups(pages, awaiting=False),
        "awaiting": ledger.groups(pages, awaiting=True),
    }


def _papers_of(entry: Entry, papers: Mapping[str, Paper]) -> list[Paper]:
    return [papers[key] for key in (entry.front.papers if entry.front else ()) if key in papers]


def _name_of(entry: Entry) -> str:
    return entry.front.term.lower() if entry.front else entry.slug


def _grouped(pairs: Iterable[tuple[str, Any]]) -> dict[str, tuple[Any, ...]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for key, item in pairs:
        found[key].append(item)
    return {key: tuple(items) for key, items in found.items()}
