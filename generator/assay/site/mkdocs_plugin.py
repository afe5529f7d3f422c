"""The MkDocs plugin: gives MkDocs the woven pages in its own hooks, and fails the build.

Law: it is thin. No flag or log level of MkDocs lets a failing claim through, because a build with
one ends by an exception before MkDocs has touched the site.
"""

from __future__ import annotations

import logging
import os
import posixpath
from html import unescape
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from jinja2 import Environment
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.livereload import LiveReloadServer
from mkdocs.plugins import BasePlugin, CombinedEvent, event_priority
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page
from mkdocs.utils.meta import get_data

from .. import git, made, progress
from ..check import check_root
from ..entries import sentences
from ..findings import prose, rendered
from ..nouns import Entry, Finding, Place, Report
from ..project import Project, setup_of
from ..reports.text import as_text, finding_text
from ..sessions.runner import Fresh, Warm, WorkerError, default_runner
from ..settings import SettingsError, load
from . import extensions, guard, head, lost, pages, policy, readback, terms, texts, unrun
from .stage import ASSETS, leads_out

log = logging.getLogger("mkdocs.plugins.assay")
FIRST, LAST = 100, -100
"""Priorities of hooks: other plugins see what the first return, and never what the last mend."""


class AssayPlugin(BasePlugin):  # type: ignore[type-arg, no-untyped-call]
    """Checks the glossary when MkDocs reads its configuration, and gives it the woven pages."""

    checked: tuple[Project, Report] | None = None
    """A project that was checked already, by ``assay build``."""

    def __init__(self) -> None:
        self._command = "build"
        self._runner: Fresh | Warm | None = None
        self._site: pages.Site | None = None
        self._texts: dict[str, str] = {}
        self._entries: dict[str, Entry] = {}
        self._given: set[str] = set()
        self._differing: list[Finding] = []
        self._rendering = ""
        self._unknown: frozenset[str] = frozenset()
        self._has_nav = False

    def on_startup(self, *, command: Literal["build", "gh-deploy", "serve"], dirty: bool) -> None:
        """Note the command; with this method, MkDocs keeps the plugin between live builds."""
        self._command = command

    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        """Check, and make the pages; a nav of the configuration stays as it is."""
        project, report = self.checked or self._check(config)
        self._site = pages.site_of(
            project,
            report,
            git.commit(project.root),
            directory_urls=config.use_directory_urls,
            repository=config.repo_url or "",
        )
        try:
            self._texts = pages.pages(self._site) | terms.files(self._site)
        except pages.PageError as error:
            raise PluginError(f"assay: {error}; report it with this page") from error
        entries = report.entries
        self._entries = {self._site.addresses.get(entry.path, ""): entry for entry in entries}
        self._given, self._differing = set(), []
        self._has_nav = bool(config.nav)
        config.nav = config.nav or pages.nav(self._site) or None
        extensions.complete(config, report)
        config.extra_css.append("assets/assay.css")
        scripts = ["assay.js", "search.js"] if self._site.terms else ["assay.js"]
        config.extra_javascript += [f"assets/{name}" for name in scripts]
        return config

    @event_priority(FIRST)
    def on_files(self, files: Files, /, *, config: MkDocsConfig) -> Files:
        """Add the entries, which stand outside of the docs, and the pages that have no source."""
        assert self._site is not None
        known = self._texts.keys() | self._unlooked()
        unread = [f.src_uri for f in files.documentation_pages() if f.src_uri not in known]
        if unread:
            raise PluginError(
                f"assay: no check has read {', '.join(unread[:5])}; name pages with .md, keep them "
                f"in {self._site.project.settings.docs}/, the docs of assay's settings, and list "
                "what is not to be published under exclude_docs"
            )
        unrun.stop(
            config.mdx_configs,
            lambda said: self._differing.append(self._unrun(said)),
            lambda: self._rendering in self._unlooked(),
        )
        root, docs = self._site.project.root, self._site.project.settings.docs
        sources = {address: path for path, address in self._site.addresses.items()}
        self._refuse_links_out(files, config)
        for path, text in self._texts.items():
            source = sources.get(path)
            if source is None:
                files.append(File.generated(config, path, content=text))
            elif files.get_file_from_path(path) is None:
                files.append(_entry_file(path, root / source, config))
                files.src_uris[path].edit_uri = posixpath.relpath(source, docs)
        for path in pages.shown_beside(self._site.project, self._site.report):
            if not leads_out(root / path, root):
                uri = self._site.addresses[path]
                files.append(File.generated(config, uri, abs_src_path=str(root / path)))
        for asset in sorted(ASSETS.iterdir()):
            uri = f"assets/{asset.name}"
            files.append(File.generated(config, uri, abs_src_path=str(asset)))
        return files

    def _unlooked(self) -> set[str]:
        """Return the pages of the docs that the settings exclude: they are as without assay."""
        assert self._site is not None
        project = self._site.project
        return {path.removeprefix(f"{project.settings.docs}/") for path in project.unlooked}

    def _refuse_links_out(self, files: Files, config: MkDocsConfig) -> None:
        """Raise where a link in the docs leads out of the project: it would be published."""
        assert self._site is not None
        docs, root = Path(config.docs_dir), self._site.project.root
        for file in files:
            path = Path(file.abs_src_path or "")
            if not path.is_relative_to(docs) or file.inclusion is InclusionLevel.EXCLUDED:
                continue
            if leads_out(path, root):
                raise PluginError(
                    f"assay: {docs.name}/{file.src_uri} leads out of the project, to "
                    f"{path.resolve()}; put the file into the docs, or list it in exclude_docs"
                )

    @event_priority(FIRST)
    def on_page_read_source(self, /, *, page: Page, config: MkDocsConfig) -> str | None:
        """Return the woven text of a page, its front matter included."""
        self._given.add(page.file.src_uri)
        return self._texts.get(page.file.src_uri)

    @event_priority(FIRST)
    def _woven_body(self, markdown: str, /, *, page: Page, **_: Any) -> str | None:
        """Return the woven body of a page that a plugin has read by itself, as blog reads posts."""
        uri = page.file.src_uri
        if uri in self._given or uri not in self._texts:
            return None
        return str(get_data(self._texts[uri])[0])

    @event_priority(LAST)
    def _unmarked(self, markdown: str, /, *, page: Page, **_: Any) -> str:
        """Take out the marks that kept other plugins' templates away from what a run printed."""
        self._rendering = page.file.src_uri
        return guard.removed(markdown)

    @event_priority(FIRST)
    def _shielded_meta(self, markdown: str, /, *, page: Page, **_: Any) -> None:
        """Make text of what front matter says, which templates write into pages as it is."""
        entry = self._entries.get(page.file.src_uri)
        is_stating = entry is not None and bool(entry.front or entry.claims)
        said = {"description": sentences.first(entry)} if entry and is_stating else {}
        page.meta = guard.shielded(said | dict(page.meta))

    on_page_markdown = CombinedEvent(_woven_body, _shielded_meta, _unmarked)

    @event_priority(FIRST)
    def _titled(self, html: str, /, *, page: Page, **_: Any) -> None:
        """Look for what would run in what Markdown made, and make text of the page's title.

        A title of the configuration's own nav stays as its owner wrote it.
        """
        self._differing += rendered.live(html, self._place(page.file.src_uri))
        if not (self._has_nav and type(page) is Page and "title" in vars(page)):
            page.title = guard.shielded(unescape(str(page.title)))

    @event_priority(LAST)
    def _read_back(self, html: str, /, *, page: Page, **_: Any) -> str:
        """Read a rendered page back."""
        assert self._site is not None
        address, site = page.file.src_uri, self._site
        entry = self._entries.get(address)
        if entry is None and address in self._unlooked():
            self._differing += rendered.addresses(html, Place(address, 1, 1))
        elif entry is not None or not made.has(address):
            names = prose.names_of(site.project.settings)
            expected = (
                readback.of_page(site, entry, names)
                if entry
                else readback.of_another(site, address)
            )
            self._differing += rendered.differences(html, expected, names)
        return html.replace(f'{rendered.MARK}="{site.mark}"', rendered.MARK)

    on_page_content = CombinedEvent(_titled, _read_back)

    def _unrun(self, fence: str) -> Finding:
        assert self._site is not None
        return rendered.unchecked_fence(self._place(self._rendering), fence)

    def _place(self, address: str) -> Place:
        entry = self._entries.get(address)
        return Place(entry.path if entry else address, 1, 1)

    @event_priority(LAST)
    def on_env(self, env: Environment, /, **_: Any) -> Environment:
        """End the build before a page is written, if one differs from what was checked."""
        if self._differing:
            text = "\n\n".join(finding_text(f) for f in self._differing)
            if self._command != "serve":
                raise PluginError(text)
            log.error("%s", text)
        return policy.marking(env)

    @event_priority(FIRST)
    def _look(self, output: str, /, **_: Any) -> None:
        """Note which scripts the content of a page holds, before other plugins add theirs."""
        self._unknown = policy.unknown(output)

    @event_priority(LAST)
    def _secured(self, output: str, /, *, config: MkDocsConfig, **more: Any) -> str:
        """Show what was shielded, and say what the page may run; live reload is a script."""
        shown = self._described(guard.revealed(output), config, more)
        if self._command == "serve" or not more.get("template_name", ".html").endswith(".html"):
            return policy.unmarked(shown)
        return policy.with_policy(shown, self._unknown, self._sources(config))

    def _described(self, shown: str, config: MkDocsConfig, more: dict[str, Any]) -> str:
        """Return a page with what its head says of its term, or a search where one is lost."""
        assert self._site is not None
        page, site = more.get("page"), self._site
        if page is not None and (entry := self._entries.get(page.file.src_uri)):
            return head.with_head(shown, site, entry, config.site_name, page.canonical_url or "")
        if more.get("template_name") != "404.html" or not site.terms:
            return shown
        base = urlsplit(config.site_url or "").path or "/"
        index = site.url("index.md", f"{made.TERMS}/index.md")
        return lost.with_search(shown, base, posixpath.join(base, index))

    on_post_page = CombinedEvent(_look, _secured)
    on_post_template = CombinedEvent(_look, _secured)

    def _sources(self, config: MkDocsConfig) -> policy.Sources:
        assert self._site is not None
        scripts = [str(script) for script in config.extra_javascript]
        return policy.Sources(
            scripts=tuple(policy.source_of(s) for s in scripts if "//" in s),
            hosts=self._site.project.settings.hosts,
            repository=config.repo_url or "",
        )

    @event_priority(LAST)
    def on_post_build(self, *, config: MkDocsConfig) -> None:
        """Show what was shielded in files of other plugins, and write the pages as Markdown."""
        assert self._site is not None
        folder, said = Path(config.site_dir), config.site_description or ""
        guard.reveal(folder)
        texts.write(folder, texts.texts(self._site, config.site_name, said, config.site_url or ""))

    def on_serve(
        self, server: LiveReloadServer, /, *, config: MkDocsConfig, builder: Any
    ) -> LiveReloadServer:
        """Watch what the pages are made from beside the docs, which MkDocs watches."""
        root = _root(config)
        settings = load(root)
        own = (settings.glossary, settings.snippets, settings.evidence)
        for folder in sorted({*own, *settings.path}):
            if (root / folder).is_dir():
                server.watch(str(root / folder))
        return server

    def on_shutdown(self) -> None:
        """End the worker."""
        if self._runner is not None:
            self._runner.close()

    def _check(self, config: MkDocsConfig) -> tuple[Project, Report]:
        try:
            root = _root(config)
            setup = setup_of(root, load(root))
            if self._runner is None:
                self._runner = default_runner(setup, os.cpu_count() or 1)
            self._runner.use(setup)  # the settings may be other ones since the last time
            with progress.watch() as watch:
                project, report = check_root(root, runner=self._runner, watch=watch)
        except (SettingsError, WorkerError) as error:
            raise PluginError(f"assay: {error}") from error
        if not report.ok and self._command != "serve":
            raise PluginError(as_text(report))
        if not report.ok:
            log.error("%s", as_text(report))
        return project, report


def _entry_file(path: str, source: Path, config: MkDocsConfig) -> File:
    """Return an entry as a file of the site, backed by its source for dates and edit links."""
    file = File(path, None, config.site_dir, config.use_directory_urls)
    file.abs_src_path = str(source)
    return file


def _root(config: MkDocsConfig) -> Path:
    return Path(config.config_file_path or "mkdocs.yml").resolve().parent
