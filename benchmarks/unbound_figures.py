"""How well the search for unbound figures does on pages that others wrote.

    python benchmarks/unbound_figures.py FOLDER [SEED]

FOLDER holds clones, as OWNER/NAME. Of each, at most 20 Markdown files with numbers are read. A line
is printed for each of a sample of the figures that are found, and of the numbers that are left; a
person marks the false alarms among the first and the misses among the second. What came of that
stands in results/unbound_figures.json, with the files' identities and without their text.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from assay.entries.parse import parse
from assay.entries.positions import Lines
from assay.figures.names import Names
from assay.findings import prose

EACH, SAMPLE = 20, 300
OTHERS = ("changelog", "license", "third_party", "release", "i18n", "/zh", "_zh", "/ko/", "/ja/")


class Page(NamedTuple):
    """A file of a repository, at a commit."""

    repository: str
    commit: str
    path: str
    sha256: str
    text: str


class Number(NamedTuple):
    """A number that readers see, where it stands, and what stands around it."""

    page: Page
    line: int
    column: int
    around: str


def git(folder: Path, *command: str) -> bytes:
    """Return what git says."""
    return subprocess.run(["git", "-C", folder, *command], capture_output=True, check=True).stdout


def pages(folder: Path) -> Iterator[Page]:
    """Yield the pages: of each clone some, in an order that does not depend on their names."""
    for clone in sorted(path for path in folder.glob("*/*") if path.is_dir()):
        commit = git(clone, "rev-parse", "HEAD").decode().strip()
        names = git(clone, "ls-tree", "-r", "--name-only", "HEAD").decode().splitlines()
        found = [page for name in names if (page := read(clone, commit, name))]
        found.sort(key=lambda page: page.sha256)
        yield from found[:EACH]


def read(clone: Path, commit: str, name: str) -> Page | None:
    """Return a file, if it is English Markdown with numbers."""
    if not name.endswith(".md") or any(word in name.lower() for word in OTHERS):
        return None
    data = git(clone, "show", f"HEAD:{name}")
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    if not 1500 < len(text) < 200_000 or sum(map(str.isdigit, text)) < 60:
        return None
    repository = "/".join(clone.parts[-2:])
    return Page(repository, commit, name, hashlib.sha256(data).hexdigest(), text)


def numbers(page: Page) -> tuple[list[Number], list[Number]]:
    """Return the figures that are found on a page, and the numbers that are left."""
    entry = parse(page.path, "page", page.text, {}, term=False, snippets="snippets")
    lines, written = Lines(page.path, page.text), page.text.split("\n")
    found, spans = [], []
    for finding in prose.check(entry, Names()).findings:
        if finding.code == "A201":
            line, column = finding.place.line, finding.place.column
            said = re.findall(r"unbound figure ['\"](.*)['\"]:", finding.message)[0]
            start = lines.offset(finding.place)
            spans.append((start, start + len(said)))
            around = written[line - 1][max(0, column - 60) : column + 50]
            found.append(Number(page, line, column, f"{said!r} in {around!r}"))
    left = []
    for block in entry.blocks:
        for match in re.finditer(r"\d[\d.,_]*\d|\d", block.text):
            offset = block.offsets[match.start()]
            if not any(start <= offset < end for start, end in spans):
                place = lines.place(offset)
                around = block.text[max(0, match.start() - 50) : match.end() + 40]
                left.append(Number(page, place.line, place.column, f"{match[0]!r} in {around!r}"))
    return found, left


def main(folder: str, seed: str = "1") -> None:
    """Print both samples, and the identities of the files."""
    chosen = list(pages(Path(folder)))
    both = [numbers(page) for page in chosen]
    found, left = ([number for pair in both for number in pair[i]] for i in (0, 1))
    drawn = random.Random(int(seed))
    for name, some in (("found", found), ("left", left)):
        for number in drawn.sample(some, min(SAMPLE, len(some))):
            print(name, f"{number.page.path}:{number.line}:{number.column}", number.around)
    identities = [page._asdict() | {"text": len(page.text)} for page in chosen]
    print(json.dumps({"found": len(found), "left": len(left), "files": identities}))


if __name__ == "__main__":
    main(*sys.argv[1:])
