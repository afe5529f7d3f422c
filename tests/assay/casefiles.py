"""Cases as files: Markdown in, findings and woven pages out.

`cases/README.md` tells how to write one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher, get_close_matches
from pathlib import Path

from assay.nouns import Finding
from assay.reports import again

FOLDER = Path(__file__).with_name("cases")
FENCE = "````"
PAGE = "page "
NOT = "! "


@dataclass
class Case:
    """One case: the files of a tiny project, and what checking and weaving them gives."""

    topic: str
    id: str
    title: str
    file: Path
    number: int
    """Which case of its file it is, from 0."""
    blocks: dict[str, str] = field(default_factory=dict)

    @property
    def files(self) -> dict[str, str]:
        """The files by path."""
        return {
            name: text
            for name, text in self.blocks.items()
            if name != "findings" and not name.startswith(PAGE)
        }

    @property
    def findings(self) -> list[str]:
        """The expected findings, a line each."""
        return lines_of(self.blocks["findings"])

    @property
    def pages(self) -> dict[str, list[str]]:
        """The lines expected of woven pages, by path."""
        return {
            name.removeprefix(PAGE): lines_of(text)
            for name, text in self.blocks.items()
            if name.startswith(PAGE)
        }


def lines_of(block: str) -> list[str]:
    """Return the lines of a block that say something."""
    return [line for line in block.split("\n") if line.strip()]


def read(topic: str, folder: Path = FOLDER) -> Iterator[Case]:
    """Yield the cases of a topic: a title line `# ...`, then blocks fenced by four backticks."""
    for file in sorted((folder / topic).glob("*.md")):
        cases: list[Case] = []
        for at, line, block, is_inside in _lines(file):
            if line.startswith("# ") and not block:
                where = f"{topic}/{file.name}:{at}"
                cases.append(Case(topic, where, line.removeprefix("# "), file, len(cases)))
            elif cases and block:
                text = cases[-1].blocks.setdefault(block, "")
                cases[-1].blocks[block] = f"{text}{line}\n" if is_inside else text
        yield from cases


def _lines(file: Path) -> Iterator[tuple[int, str, str, bool]]:
    """Yield each line with its number, the name of its block, and whether it is inside of it."""
    block = ""
    for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), 1):
        before = block
        if not block and line.startswith(FENCE):
            block = line.removeprefix(FENCE).strip()
        elif line == FENCE:
            block = ""
        yield number, line, block, bool(before)


def rewrite(case: Case, blocks: Mapping[str, list[str]]) -> None:
    """Put *blocks*, by name, in the place of those of *case* in its file, and leave all else."""
    number, made = -1, list[str]()
    for _, line, block, is_inside in _lines(case.file):
        number += line.startswith("# ") and not block
        is_new = number == case.number and block in blocks
        made += [] if is_new and is_inside else [line]
        made += blocks[block] if is_new and not is_inside else []
    case.file.write_text("\n".join(made), encoding="utf-8")


def topics() -> list[str]:
    """The topics: folders of cases that are checked as one project."""
    return sorted(folder.name for folder in FOLDER.iterdir() if folder.is_dir())


# --- findings ------------------------------------------------------------------------------------


def written(finding: Finding) -> str:
    """Write a finding as a case does, with all that it says."""
    return f"{_head(finding)} {' | '.join(_said(finding))}"


def _head(finding: Finding) -> str:
    place = finding.place
    return f"{place.path}:{place.line}:{place.column} {finding.code}"


def _said(finding: Finding) -> list[str]:
    said = [finding.message]
    said += [f"stated {finding.stated}"] if finding.stated else []
    said += [f"computed {finding.computed}"] if finding.computed else []
    hint = again.hint(finding)
    return [*said, hint] if hint else said


def is_met(expected: str, finding: Finding) -> bool:
    """Whether a finding stands where *expected* says, with its code and each of its words."""
    head, words = _parted(expected)
    full = written(finding)
    return head == _head(finding) and all(text in full for text in words)


def _parted(expected: str) -> tuple[str, list[str]]:
    where, _, rest = expected.partition(" ")
    code, _, words = rest.partition(" ")
    return f"{where} {code}", words.split(" | ") if words else []


def updated_findings(expected: list[str], found: list[Finding]) -> list[str]:
    """Return a line for each finding, with the words of *expected* wherever they still hold."""
    left = list(expected)
    as_it_was = [_taken(left, {line: line for line in left if is_met(line, f)}) for f in found]
    return [
        line or _taken(left, _moved(left, finding)) or _in_full(finding)
        for line, finding in zip(as_it_was, found, strict=True)
    ]


def _taken(left: list[str], lines: dict[str, str]) -> str:
    """Take the first of *lines* out of *left*; return what it becomes, or ""."""
    for line, becomes in lines.items():
        left.remove(line)
        return becomes
    return ""


def _moved(left: list[str], finding: Finding) -> dict[str, str]:
    """Return the lines of *left* whose words *finding* says elsewhere, and as what it says them."""
    moved = {line: f"{_head(finding)} {' | '.join(_parted(line)[1])}" for line in left}
    path = f"{finding.place.path}:"
    return {
        line: new
        for line, new in moved.items()
        if line.startswith(path) and _parted(line)[1] and is_met(new, finding)
    }


def _in_full(finding: Finding) -> str:
    """Write a finding on one line: of each thing that it says, the first line."""
    return f"{_head(finding)} {' | '.join(said.partition(chr(10))[0] for said in _said(finding))}"


# --- pages ---------------------------------------------------------------------------------------


def met_by_page(expected: list[str], page: str) -> list[str]:
    """Return *expected* with each line that the woven *page* does not meet said to be so."""
    got, at = [], 0
    for line in expected:
        if line.startswith(NOT):
            stands = line.removeprefix(NOT) in page
            got.append(f"it stands there: {line.removeprefix(NOT)}" if stands else line)
        elif (start := page.find(line, at)) >= 0:
            got.append(line)
            at = start + len(line)
        else:
            got.append(f"not there, or not in this order; the nearest: {_nearest(line, page[at:])}")
    return got


def updated_page(expected: list[str], page: str) -> list[str]:
    """Return the lines that *page* meets: those of *expected*, mended where it has one like them.

    A line that must not stand there is a law, and stays; so does one that nothing is like.
    """
    if not expected:
        return [line for line in lines_of(page) if line != FENCE]
    if met_by_page(expected, page) == expected:
        return expected
    lines, at = list[str](), 0
    for number, line in enumerate(expected, 1):
        if not line.startswith(NOT):
            between = page[at : _start_of_next(expected[number:], page, at)]
            line = line if line in between else _nearest(line, between) or line
            at = page.find(line, at) + len(line) if line in page[at:] else at
        lines.append(line)
    return lines


def _start_of_next(later: list[str], page: str, at: int) -> int:
    """Return where the next of the lines that the page still has stands."""
    found = (page.find(line, at) for line in later if not line.startswith(NOT))
    return next((start for start in found if start > at), len(page))


def _nearest(fragment: str, page: str) -> str:
    """Return the stretch of *page* that is most like *fragment*, or ""."""
    stretches = (_stretch(fragment, line) for line in page.split("\n") if line.strip())
    return next(iter(get_close_matches(fragment, filter(None, stretches), 1, 0.5)), "")


def _stretch(fragment: str, line: str) -> str:
    """Return the stretch of *line* that what it shares with *fragment* lies in."""
    *blocks, _ = SequenceMatcher(None, fragment, line, autojunk=False).get_matching_blocks()
    if not blocks:
        return ""
    first, last = blocks[0], blocks[-1]
    end = last.b + last.size + (len(fragment) - last.a - last.size)
    return line[max(first.b - first.a, 0) : end]
