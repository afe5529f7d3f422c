"""The pytest plugin: with ``--assay`` a page is a file of tests, and each claim in it a test.

Law: pytest says which claims are wanted and the check decides them; without ``--assay`` nothing of
assay is imported.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .nouns import Entry, Finding, Report, Verdict
    from .project import Project

PAGE = "(page)"
"""The test of a page that is about all else than its claims."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--assay``, and ``assay`` for the configuration file."""
    help_ = "test the claims of Markdown pages, with assay"
    parser.getgroup("assay").addoption("--assay", action="store_true", help=help_)
    parser.addini("assay", help_, type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Take part only where it is asked for."""
    if config.getoption("--assay") or config.getini("assay"):
        config.pluginmanager.register(Pages(config), "assay-pages")


class Pages:
    """The pages of one run of pytest, and what was found out of them."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._roots: dict[Path, Checks] = {}

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> Any:
        """Return the tests of a page of the project; other Markdown files have none."""
        if file_path.suffix != ".md":
            return None
        checks = self._checks(file_path)
        path = file_path.relative_to(checks.root).as_posix() if checks else ""
        if checks is None or path not in checks.entries:
            return None
        page = PageFile.from_parent(parent, path=file_path)
        page.checks, page.entry = checks, checks.entries[path]
        return page

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note what was chosen: it is checked at once, but by a worker of xdist page by page."""
        if not hasattr(self._config, "workerinput"):
            for item in session.items:
                if isinstance(item, Test):
                    item.page.checks.chosen.add(item.page.entry.path)

    def pytest_unconfigure(self) -> None:
        """End the workers."""
        for checks in self._roots.values():
            checks.close()

    def _checks(self, file: Path) -> Checks | None:
        from .settings import SettingsError, find_root, root_without_settings

        try:
            root = find_root(file.parent)
        except SettingsError:
            root = root_without_settings(file.parent)
        if root not in self._roots:
            named = [Path(self._config.invocation_params.dir, a) for a in self._config.args]
            self._roots[root] = Checks(root, [path.resolve() for path in named])
        return self._roots[root]


class Checks:
    """A project, and the reports on those of its pages that were asked for."""

    def __init__(self, root: Path, named: list[Path]) -> None:
        from .project import read

        self.root = root
        files = (path for path in named if path.suffix == ".md" and path.is_relative_to(root))
        names = [path.relative_to(root).as_posix() for path in files]
        self.project: Project = read(root, names)
        self.chosen: set[str] = set()
        self._reports: dict[str, Report] = {}

    @cached_property
    def entries(self) -> dict[str, Entry]:
        """The pages of the project by path."""
        from .check import read_entries

        return {entry.path: entry for entry in read_entries(self.project)}

    @cached_property
    def _runner(self) -> Any:
        import os

        from .project import setup_of
        from .sessions.runner import default_runner

        return default_runner(setup_of(self.root, self.project.settings), os.cpu_count() or 1)

    def report(self, path: str) -> Report:
        """Return a report that holds the page *path*."""
        from .check import check_project
        from .plan import Scope

        if path not in self._reports:
            scope = Scope(pages=frozenset({path, *self.chosen}))
            report = check_project(self.project, scope, runner=self._runner)
            self._reports |= dict.fromkeys(scope.pages or (), report)
        return self._reports[path]

    def close(self) -> None:
        """End the worker, if one was started."""
        if "_runner" in self.__dict__:
            self._runner.close()


class PageFile(pytest.File):
    """A page: a test a claim, and one for all else."""

    checks: Checks
    entry: Entry

    def collect(self) -> Iterator[Test]:
        """Yield the tests, claims in the order of the page and named by their ids."""
        from .ids import of_claims

        claims = self.entry.claims
        for claim, own in zip(claims, of_claims(claims), strict=True):
            yield Test.from_parent(self, name=own.name, line=claim.place.line)
        yield Test.from_parent(self, name=PAGE, line=1)


class Test(pytest.Item):
    """A claim, or all else of its page."""

    __test__ = False

    def __init__(self, *, line: int, **how: Any) -> None:
        super().__init__(**how)
        self.line = line

    @property
    def page(self) -> PageFile:
        """The page it stands on."""
        assert isinstance(self.parent, PageFile)
        return self.parent

    def runtest(self) -> None:
        """Fail with what the check found here; skip what awaits a device."""
        path = self.page.entry.path
        report = self.page.checks.report(path)
        own = [v for v in report.verdicts if v.claim.place.path == path and v.id == self.name]
        found = _of_claim(report, own[0]) if own else _beside(report, path)
        errors = [finding for finding in found if finding.severity == "error"]
        if errors:
            raise Found(report, errors)
        waiting = [finding.message for finding in found if finding.awaits]
        if waiting and own:
            raise pytest.skip.Exception(waiting[0], _use_item_location=True)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show the findings as a check does."""
        if isinstance(excinfo.value, Found):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return where the claim stands."""
        return self.path, self.line - 1, f"{self.page.entry.slug}#{self.name}"


class Found(Exception):
    """What a check found."""

    def __init__(self, report: Report, findings: list[Finding]) -> None:
        from .reports.text import shown

        super().__init__("\n\n".join(shown(report, findings)))


def _of_claim(report: Report, verdict: Verdict) -> list[Finding]:
    here = [f for f in report.findings if f.place == verdict.claim.place]
    return here or ([verdict.finding] if verdict.finding else [])


def _beside(report: Report, path: str) -> list[Finding]:
    """Return what was found of a page that no claim's test tells."""
    claims = {verdict.claim.place for verdict in report.verdicts}
    return [f for f in report.findings if f.checked_with == path and f.place not in claims]
