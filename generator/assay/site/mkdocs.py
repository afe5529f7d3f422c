"""Pages to a site, by MkDocs: build into a new folder and swap it in, or serve it live.

Law: the last good site is replaced only by a whole new one.
"""

from __future__ import annotations

import logging
import os
import tempfile
import traceback
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from ..nouns import Report
from ..plain import message
from ..project import Project
from ..reports.summary import plural
from ..sessions import processes
from ..settings import SettingsError
from . import linkcheck
from .swap import ForeignError, new_beside, refuse_foreign, swap_in

_CONFIG = "mkdocs.yml"


class SiteError(Exception):
    """MkDocs could not render the pages; *status* is the exit status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def build(project: Project, report: Report) -> tuple[Path, int]:
    """Render the pages; return the site's folder and their number.

    *report* holds, or this is not called.
    """
    from mkdocs.commands.build import build as render
    from mkdocs.exceptions import Abort, MkDocsException

    _show_log(logging.WARNING)
    try:
        config = _config(project.root, strict=True)
        target = Path(config.site_dir)
        refuse_foreign(target)
        with new_beside(target) as new:
            config.site_dir = str(new)
            plugin_of(config).checked = project, report
            config.plugins.on_startup(command="build", dirty=False)
            render(config)
            _check_links(new, config, project)
            swap_in(new, target)
    except (Abort, MkDocsException) as error:
        message = f"mkdocs could not render the pages: {error}"
        raise SiteError(f"{message}; the site was left as it was", 1) from error
    except SiteError:
        raise
    except ForeignError as error:
        raise SiteError(str(error), 2) from error
    except Exception as error:
        where = _place_of(error, project.root)
        if not where:
            raise  # no file of the project has a part in it
        said = f"{where}: {type(error).__name__}: {error}"
        raise SiteError(f"{said}; the site was left as it was", 1) from error
    return target, sum(1 for _ in target.rglob("*.html"))


SHOWN = 20
"""Links that lead nowhere, of which more are only counted."""


def _check_links(folder: Path, config: Any, project: Project) -> None:
    """Raise where a page has a link that leads nowhere; those that are not checked may have."""
    from mkdocs.structure.files import File

    docs = f"{project.settings.docs}/"
    unlooked = {path.removeprefix(docs) for path in project.unlooked}
    urls = config.use_directory_urls
    passed = {File(path, None, str(folder), urls).dest_uri for path in unlooked}
    base = urlsplit(config.site_url or "").path or "/"
    found = linkcheck.broken(folder, base.rstrip("/") + "/", passed)
    if found:
        shown = "\n".join(f"  {one}" for one in found[:SHOWN])
        more = f"\n  and {len(found) - SHOWN} more" if found[SHOWN:] else ""
        said = f"{plural(len(found), 'link')} of the rendered pages lead nowhere:\n{shown}{more}"
        raise SiteError(f"{said}\nassay: the site was left as it was", 1)


def _place_of(error: Exception, root: Path) -> str:
    """Return the last line of a file of the project, such as a hook, that *error* came through."""
    frames = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    frames += [(error.filename or "", error.lineno)] if isinstance(error, SyntaxError) else []
    own = [(Path(file), line) for file, line in frames if Path(file).is_relative_to(root)]
    outside = [(file, line) for file, line in own if "site-packages" not in file.parts]
    return f"{outside[-1][0].relative_to(root)}:{outside[-1][1]}" if outside else ""


def serve(root: Path, address: str, open_in_browser: bool) -> None:
    """Serve the site of *root* until interrupted."""
    from mkdocs.commands import serve as serving
    from mkdocs.exceptions import Abort, MkDocsException

    _quiet_banner()
    _show_log(logging.INFO)
    # MkDocs serves from a temporary folder; with our mark the next run removes it after a kill.
    marked = partial(tempfile.mkdtemp, prefix=f"assay-{processes.mark()}-")
    ours = SimpleNamespace(mkdtemp=lambda prefix: marked())
    setattr(serving, "tempfile", ours)  # noqa: B010 - a name of the module, whatever its type
    try:
        serving.serve(str(_config_file(root)), dev_addr=address, open_in_browser=open_in_browser)
    except (Abort, MkDocsException) as error:
        raise SiteError(str(error), 1) from error


def plugin_of(config: Any) -> Any:
    """Return the assay plugin of a MkDocs configuration."""
    plugin = config.plugins.get("assay")
    if plugin is None:
        raise SettingsError(f"{_CONFIG}: the plugin is missing; add '- assay' under plugins:")
    return plugin


def _config(root: Path, **overrides: Any) -> Any:
    from mkdocs.config import load_config

    _quiet_banner()
    return load_config(str(_config_file(root)), **overrides)


def _config_file(root: Path) -> Path:
    file = root / _CONFIG
    if not file.is_file():
        raise SettingsError(f"{root} has no {_CONFIG}; the site is rendered by MkDocs")
    return file


class _Shown(logging.Formatter):
    """Writes what MkDocs says, names of pages among it, so that no log obeys it."""

    def format(self, record: logging.LogRecord) -> str:
        return message(super().format(record))


def _show_log(level: int) -> None:
    """Show MkDocs' log as its own command line does; as a library it is silent."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Shown("%(levelname)s  %(message)s"))
    logger = logging.getLogger("mkdocs")
    logger.addHandler(handler)
    logger.setLevel(level)


def _quiet_banner() -> None:
    # Material prints a notice about MkDocs 2 on every start; this is its own switch for it.
    os.environ.setdefault("NO_MKDOCS_2_WARNING", "1")
    os.environ.setdefault("DISABLE_MKDOCS_2_WARNING", "true")
