"""Cases as files: Markdown in, findings out. `cases/README.md` tells how to write one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from assay.nouns import Finding
from assay.reports import again

FOLDER = Path(__file__).with_name("cases")
FENCE = "````"


@dataclass
class Case:
    """One case: the files of a tiny project, and the findings that checking them gives."""

    topic: str
    id: str
    title: str
    blocks: dict[str, str] = field(default_factory=dict)

    @property
    def files(self) -> dict[str, str]:
        """The files by path."""
        return {name: text for name, text in self.blocks.items() if name != "findings"}

    @property
    def findings(self) -> list[str]:
        """The expected findings, a line each."""
        return self.blocks["findings"].splitlines()


def read(topic: str) -> Iterator[Case]:
    """Yield the cases of a topic: a title line `# ...`, then blocks fenced by four backticks."""
    for file in sorted((FOLDER / topic).glob("*.md")):
        case, name = None, ""
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if name:
                name = "" if line == FENCE else name
                if case and name:
                    case.blocks[name] += line + "\n"
            elif line.startswith("# "):
                if case:
                    yield case
                case = Case(topic, f"{topic}/{file.name}:{number}", line.removeprefix("# "))
            elif line.startswith(FENCE) and case:
                name = line.removeprefix(FENCE).strip()
                case.blocks[name] = ""
        if case:
            yield case


def topics() -> list[str]:
    """The topics: folders of cases that are checked as one project."""
    return sorted(folder.name for folder in FOLDER.iterdir() if folder.is_dir())


def written(finding: Finding) -> str:
    """Write a finding as a case does, with all that it says."""
    place, said = finding.place, [finding.message]
    said += [f"stated {finding.stated}"] if finding.stated else []
    said += [f"computed {finding.computed}"] if finding.computed else []
    said += [again.hint(finding)] if again.hint(finding) else []
    return f"{place.path}:{place.line}:{place.column} {finding.code} {' | '.join(said)}"


def is_met(expected: str, finding: Finding) -> bool:
    """Whether a finding stands where *expected* says, with its code and each of its words."""
    where, code, *words = expected.split(" ", 2)
    full = written(finding)
    wanted = words[0].split(" | ") if words else []
    return full.startswith(f"{where} {code} ") and all(text in full for text in wanted)
