"""The MkDocs plugin: points MkDocs at the staged pages, watches the sources, fails the build.

Law: it is thin. No flag or log level of MkDocs lets a failing claim through, because a build with
one ends by an exception before MkDocs has touched the site.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Literal

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.livereload import LiveReloadServer
from mkdocs.plugins import BasePlugin

from .. import progress, project
from ..reports import formats
from . import mkdocs
from ..check import check
from ..sessions.runner import Fresh, Warm, WorkerError, default_runner
from ..settings import SettingsError
from .stage import Staged

log = logging.getLogger("mkdocs.plugins.assay")


class AssayPlugin(BasePlugin):  # type: ignore[type-arg, no-untyped-call]
    """Checks and stages the glossary when MkDocs reads its configuration."""

    staged: Staged | None = None
    """Pages that were checked and staged already, by ``assay build``."""

    def __init__(self) -> None:
        self._command = "build"
        self._runner: Fresh | Warm | None = None

    def on_startup(self, *, command: Literal["build", "gh-deploy", "serve"], dirty: bool) -> None:
        """Note the command; with this method, MkDocs keeps the plugin between live builds."""
        self._command = command

    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        """Check, stage, and let MkDocs read the staged pages."""
        staged = self.staged or self._stage(config)
        config.docs_dir = str(staged.folder)
        config.nav = config.nav or staged.nav
        config.extra_css.append("assets/assay.css")
        config.extra_javascript.append("assets/assay.js")
        return config

    def on_serve(
        self, server: LiveReloadServer, /, *, config: MkDocsConfig, builder: object
    ) -> LiveReloadServer:
        """Watch what the pages are made from, not the pages."""
        server.unwatch(config.docs_dir)
        root = _root(config)
        settings = project.read(root).settings
        own = (settings.glossary, settings.docs, settings.snippets, settings.evidence)
        for folder in sorted({*own, *settings.path}):
            if (root / folder).is_dir():
                server.watch(str(root / folder))
        return server

    def on_shutdown(self) -> None:
        """End the worker."""
        if self._runner is not None:
            self._runner.close()

    def _stage(self, config: MkDocsConfig) -> Staged:
        try:
            found = project.read(_root(config))
            setup = project.setup_of(found)
            if self._runner is None:
                self._runner = default_runner(setup, os.cpu_count() or 1)
            self._runner.use(setup)  # the settings may be other ones since the last time
            with progress.watch() as watch:
                result = check(found, self._runner, project.store_of(found), watch)
        except (SettingsError, WorkerError) as error:
            raise PluginError(f"assay: {error}") from error
        if not result.ok and self._command != "serve":
            raise PluginError(formats.as_text(result))
        if not result.ok:
            log.error("%s", formats.as_text(result))
        return mkdocs.staged_pages(found, result, config)


def _root(config: MkDocsConfig) -> Path:
    return Path(config.config_file_path or "mkdocs.yml").resolve().parent
