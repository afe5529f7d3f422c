"""A project as read from disk: the rim of the check. Everything behind it works on these values.

Law: a file that cannot be read is a finding at its path, never an exception and never skipped.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from . import baseline, git, mkdocs_yml
from .entries import drawings, includes
from .nouns import Checked, Citation, Finding, Paper, Place, Record
from .plain import HIDDEN, named
from .sessions import records
from .sessions.runner import Setup, WorkerError
from .sessions.sources import Sources
from .sessions.store import Store, write
from .settings import Settings, load
from .tables import leaves, line_of

T = TypeVar("T")
Texts = Mapping[str, str]

LARGEST = 1_000_000
"""Bytes of the largest page that is read."""


class Page(Struct, frozen=True):
    """A Markdown file with the slug by which claims and links name it."""

    path: str
    slug: str
    text: str
    term: bool


class Part(Struct, frozen=True):
    """What a page includes from another file; *path* is empty where that is not found."""

    page: str
    place: Place
    wanted: str
    path: str = ""
    text: str = ""


class Project(Struct, frozen=True, kw_only=True):
    """Everything that a check reads."""

    root: Path
    settings: Settings
    sources: Sources
    pages: tuple[Page, ...]
    snippets: dict[str, str]
    papers: dict[str, Paper]
    givens: dict[str, Citation]
    records: dict[str, Record]
    """By the file that holds each, from the root."""
    files: tuple[str, ...]
    """Paths from the root that a link of a page may go to."""
    left_out: frozenset[str]
    """Pages of the docs that the site's configuration leaves out; nothing of them is published."""
    unlooked: frozenset[str]
    """Pages that the settings exclude from the check; those of the docs are published as is."""
    baseline: dict[str, dict[str, int]]
    """Unbound figures that are known, by page: how often each stands there."""
    parts: tuple[Part, ...]
    """What pages include from other files."""
    findings: tuple[Finding, ...]


def read(root: Path, named: Iterable[str] = ()) -> Project:
    """Read the project at *root*; *named* are more Markdown files, from the root, to be pages."""
    settings = load(root)
    reader = _Reader(root)
    terms = reader.texts(settings.glossary, "*.md") if settings.glossary else {}
    docs, left_out = _docs(reader, settings)
    reader.drawings(settings.docs)
    docs = {path: text for path, text in docs.items() if path not in terms}
    others = [path for path in (*settings.also, *named) if path not in {**terms, **docs}]
    also = {path: reader.text(path) for path in dict.fromkeys(others) if path not in left_out}
    also_read = {path: text for path, text in also.items() if text is not None}
    unlooked = settings.leaves_out((*terms, *docs, *also_read))
    pages = tuple(
        page for page in _pages(settings, terms, docs, also_read) if page.path not in unlooked
    )
    return Project(
        root=root,
        settings=settings,
        sources=Sources(root, settings.path),
        pages=pages,
        parts=reader.parts([page for page in pages if page.path not in also_read]),
        snippets=reader.texts(settings.snippets, "*.py"),
        papers=reader.papers(f"{settings.glossary or '.'}/papers.toml"),
        givens=reader.givens(f"{settings.glossary or '.'}/givens"),
        records=reader.records(settings.evidence),
        files=reader.files(*([""] if also else [settings.glossary, settings.docs])),
        left_out=left_out,
        unlooked=frozenset(unlooked),
        baseline=baseline.read(root / settings.baseline) if settings.baseline else {},
        findings=tuple(reader.findings),
    )


def _pages(settings: Settings, terms: Texts, docs: Texts, also: Texts) -> Iterator[Page]:
    yield from (Page(path, Path(path).stem, text, term=True) for path, text in terms.items())
    yield from (Page(p, _slug(p, settings.docs), t, term=False) for p, t in docs.items())
    yield from (Page(path, path, text, term=False) for path, text in also.items())


def _docs(reader: _Reader, settings: Settings) -> tuple[dict[str, str], frozenset[str]]:
    """Return the pages of the docs, and the paths of those that the site leaves out."""
    head = f"{settings.docs}/"
    there = [path.removeprefix(head) for path in reader.paths(settings.docs, "*.md")]
    out = mkdocs_yml.read(reader.root).left_out(there)
    texts = {head + path: reader.text(head + path) for path in there if path not in out}
    return {p: t for p, t in texts.items() if t is not None}, frozenset(head + path for path in out)


def _slug(path: str, docs: str) -> str:
    return path.removeprefix(f"{docs}/").removesuffix(".md")


def setup_of(root: Path, settings: Settings) -> Setup:
    """Return what the sessions of the project at *root* are run with."""
    return Setup(
        root=str(root),
        path=tuple(str(root / folder) for folder in settings.path),
        preload=settings.preload,
    )


def store_of(project: Project) -> Store:
    """Return where results are kept: the setting, ``ASSAY_STORE``, or the user's cache folder."""
    chosen = os.environ.get("ASSAY_STORE") or project.settings.store
    folder = project.root / chosen if chosen else _user_cache() / "results"
    return Store(folder, project.sources, setup_of(project.root, project.settings))


def keep_record(project: Project, checked: Checked) -> str:
    """Write the record of a session that has just run; return its path from the root."""
    if "gpu" not in checked.outcome.environment:
        session = checked.session
        raise WorkerError(f"no record of {session.page} {session.name}: nvidia-smi names no GPU")
    sources = project.sources
    files = sources.depended_on(checked.outcome.traced)
    record = records.make(checked, files, sources.digest, git.commit(project.root))
    path = f"{project.settings.evidence}/{records.file_of(record)}"
    write(project.root / path, records.encode(record))
    return path


def _user_cache() -> Path:
    import platformdirs

    return Path(platformdirs.user_cache_dir("assay", appauthor=False))


class _Reader:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.findings: list[Finding] = []

    def paths(self, folder: str, pattern: str) -> list[str]:
        files = sorted((self.root / folder).rglob(pattern))
        return [file.relative_to(self.root).as_posix() for file in files]

    def texts(self, folder: str, pattern: str) -> dict[str, str]:
        found = {path: self.text(path) for path in self.paths(folder, pattern)}
        return {path: text for path, text in found.items() if text is not None}

    def text(self, path: str) -> str | None:
        return self._text(self.root / path)

    def files(self, *folders: str) -> tuple[str, ...]:
        found = []
        for top in (os.walk(self.root / folder) for folder in folders):
            for folder, below, names in top:
                below[:] = [n for n in below if not _is_apart(os.path.join(folder, n))]
                found += [os.path.join(folder, name) for name in (*below, *names)]
        return tuple(Path(os.path.relpath(path, self.root)).as_posix() for path in found)

    def parts(self, pages: Iterable[Page]) -> tuple[Part, ...]:
        """Return what *pages*, which are published, include, each file of each page once."""
        told = mkdocs_yml.read(self.root)
        if not told.bases:
            return ()
        return tuple(part for page in pages for part in self._included(page, told))

    def _included(self, page: Page, told: mkdocs_yml.Published) -> Iterator[Part]:
        last = page.text.count("\n") + 1
        ends = (includes.Include(last, 1, file) for file in told.appended)
        waiting = [(page.path, one) for one in (*includes.of(page.text), *ends)]
        seen = set[tuple[str, str, int]]()
        for path, one in waiting:
            place = Place(path, one.line, one.column)
            file = next(filter(os.path.isfile, self._candidates(one.file, told.bases)), None)
            text = self._text(Path(file)) if file else None
            part = includes.part(text, one) if text is not None else None
            if file is None or part is None:
                yield Part(page.path, place, one.file)
                continue
            inner = Path(os.path.relpath(file, self.root)).as_posix()
            if (key := (inner, one.section, one.first)) not in seen:
                seen.add(key)
                yield Part(page.path, place, one.file, inner, part)
                waiting += [(inner, more) for more in includes.of(part)]

    def _candidates(self, file: str, bases: Iterable[str]) -> Iterator[str]:
        """Yield where an included file may be: below its base, and in the project."""
        for base in bases:
            folder = os.path.abspath(self.root / base)
            path = os.path.abspath(os.path.join(folder, file))
            if path.startswith(os.path.join(folder, "")) and Path(path).is_relative_to(
                os.path.abspath(self.root)
            ):
                yield path

    def drawings(self, folder: str) -> None:
        for path in self.paths(folder, "*.svg"):
            with suppress(OSError):  # what cannot be read is not published
                self.findings += drawings.found(path, (self.root / path).read_bytes())

    def papers(self, path: str) -> dict[str, Paper]:
        file = self.root / path
        return self._tables(file, Paper, "A404") if file.is_file() else {}

    def givens(self, folder: str) -> dict[str, Citation]:
        found: dict[str, Citation] = {}
        for file in sorted((self.root / folder).glob("*.toml")):
            tables = self._tables(file, Citation, "A403")
            for key in found.keys() & tables.keys():
                path = file.relative_to(self.root).as_posix()
                place = Place(path, line_of(self._text(file) or "", key))
                self._say("A403", place, f"[{key}] stands in another file too", "keep one of them")
            found |= tables
        return found

    def records(self, folder: str) -> dict[str, Record]:
        found: dict[str, Record] = {}
        for path, text in self.texts(folder, "*.json").items():
            try:
                found[path] = records.decode(text.encode())
            except msgspec.DecodeError as error:
                message = f"the record cannot be read: {error}"
                self._say("A405", Place(path), message, "remove it, and measure again")
        return found

    def _text(self, file: Path) -> str | None:
        path = file.relative_to(self.root).as_posix()
        shown = path.encode("utf-8", "backslashreplace").decode()
        if shown != path:
            self._say("A001", Place(shown), "the file's name is not UTF-8", "rename it")
            return None
        try:
            if not file.is_file():
                raise OSError("it is not a regular file")
            if file.stat().st_size > LARGEST:
                raise OSError(f"it is larger than {LARGEST} bytes")
            data = file.read_bytes()
            return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
        except UnicodeDecodeError as error:
            before = data[: error.start]
            place = Place(path, before.count(b"\n") + 1, len(before.rpartition(b"\n")[2]) + 1)
            self._say("A002", place, "the file is not UTF-8", "save it as UTF-8")
        except OSError as error:
            self._say("A001", Place(path), f"the file cannot be read: {error}", "mend or remove it")
        return None

    def _tables(self, file: Path, kind: type[T], code: str) -> dict[str, T]:
        text = self._text(file)
        path = file.relative_to(self.root).as_posix()
        if text is None:
            return {}
        try:
            found_tables = leaves(tomllib.loads(text))
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            self._say(code, Place(path), f"the file is not TOML: {error}", "mend the file")
            return {}
        found: dict[str, T] = {}
        for key, table in found_tables:
            try:
                hidden = HIDDEN.search(" ".join(map(str, table.values())))
                if hidden:
                    place, message = Place(path, line_of(text, key)), named(hidden[0])
                    self._say("A704", place, f"[{key}] holds {message}", "take it out")
                found[key] = msgspec.convert(table, kind)
            except msgspec.ValidationError as error:
                place = Place(path, line_of(text, key), 1)
                self._say(code, place, *_refusal(key, str(error), kind))
        return found

    def _say(self, code: str, place: Place, message: str, hint: str) -> None:
        self.findings.append(Finding(code=code, place=place, message=message, hint=hint))


def _is_apart(folder: str) -> bool:
    """Whether a folder is no part of the project: hidden, or a virtual environment."""
    hidden = os.path.basename(folder).startswith(".")
    return hidden or os.path.isfile(os.path.join(folder, "pyvenv.cfg"))


def _refusal(key: str, error: str, kind: type[Any]) -> tuple[str, str]:
    """Return what is wrong with a table, in msgspec's words, and what mends it."""
    if "matching regex" in error:
        field = error.partition("`$.")[2].strip("`")
        return f"[{key}]: {field} is no address on the web", "write it from https:// on"
    return f"[{key}]: {error}", f"a table here holds: {', '.join(kind.__struct_fields__)}"
