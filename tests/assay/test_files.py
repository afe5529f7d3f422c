"""Files that are no text, or no file: what a case file cannot hold."""

from __future__ import annotations

import os

from .conftest import Make
from .lab import lines_of, page


def test_files_that_cannot_be_read_are_findings(make: Make) -> None:
    """Each file that cannot be read is a finding at its place, beside all others, in one run."""
    project = make({"docs/good.md": page("x = 1", "[2](claim:x)")})
    for name in ("glossary/givens", "snippets"):
        (project.root / name).mkdir(parents=True)
    (project.root / "docs/latin.md").write_bytes("Grün\nist gr".encode() + b"\xfcn.\n")
    (project.root / "docs/zero.md").write_bytes(b"\xff\xfe\x00")
    (project.root / "docs/folder.md").mkdir()
    (project.root / "docs/gone.md").symlink_to("nowhere.md")
    (project.root / "docs/large.md").write_bytes(b"x" * 1_000_001)
    os.mkfifo(project.root / "docs/pipe.md")
    (project.root / "glossary/papers.toml").write_bytes(b"\xff")
    (project.root / "glossary/givens/a.toml").write_bytes(b"a = 1\n\xff")
    (project.root / "snippets/code.py").write_bytes(b"# \xff")
    report = project.check(keep=False)
    assert lines_of(report) == [
        "docs/folder.md:1:1 A001",
        "docs/gone.md:1:1 A001",
        "docs/good.md:5:1 A104",
        "docs/large.md:1:1 A001",
        "docs/latin.md:2:7 A002",
        "docs/pipe.md:1:1 A001",
        "docs/zero.md:1:1 A002",
        "glossary/givens/a.toml:2:1 A002",
        "glossary/papers.toml:1:1 A002",
        "snippets/code.py:1:3 A002",
    ]
    assert all(finding.hint for finding in report.findings)


def test_other_line_ends_and_a_byte_order_mark_change_nothing(make: Make) -> None:
    """Windows or old Mac line ends and a byte order mark change no finding, and no place."""
    text = page('x = 1\nprint("a")  #> a', "[2](claim:x) and\n12 GB.")
    project = make({"docs/unix.md": text})
    windows, mac = project.root / "docs/windows.md", project.root / "docs/mac.md"
    windows.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    mac.write_bytes(text.replace("\n", "\r").encode())
    found = lines_of(project.check(keep=False))
    assert found == [
        "docs/mac.md:6:1 A104",
        "docs/mac.md:7:1 A201",
        "docs/unix.md:6:1 A104",
        "docs/unix.md:7:1 A201",
        "docs/windows.md:6:1 A104",
        "docs/windows.md:7:1 A201",
    ]


def test_an_empty_project_holds(make: Make) -> None:
    """A project without any page has no finding."""
    assert make({}).check().ok


def test_only_a_line_feed_ends_a_line_of_code(make: Make) -> None:
    """Characters that other programs take for line ends shift no finding in code."""
    project = make({"docs/a.md": page('a = "\u2028\x85\x0b\x1c"\n\x0c\nb = len(a)\nc = b / 0')})
    assert lines_of(project.check(keep=False)) == ["docs/a.md:2:6 A704", "docs/a.md:5:1 A301"]


def test_a_file_name_that_is_no_text_is_a_finding(make: Make) -> None:
    """A page whose name is not UTF-8 is a finding, and breaks no format of the report."""
    project = make({"docs/a.md": "12 GB"})
    with open(os.fsencode(project.root) + b"/docs/\xff.md", "w", encoding="utf-8"):
        pass
    for name in ("text", "json", "github"):
        done = project.assay("check", "--format", name)
        assert (done.returncode, done.stderr) == (1, "")
        assert "docs/\\udcff.md" in done.stdout.replace("\\\\", "\\")
        assert "12 GB" in done.stdout


def test_a_glossary_within_the_docs_is_read_once(make: Make) -> None:
    """Its entries are terms, and no pages of the docs beside."""
    entry = (
        "---\nterm: Adam\ncategory: Optimizers\nsummary: An optimizer.\nprerequisites: []\n"
        f"reviewed: {{by: maintainers, on: 2026-11-20}}\n---\n\n{page('n = 2', '[2](claim:n)')}"
    )
    made = make({"docs/terms/adam.md": entry, "assay.toml": 'glossary = "docs/terms"\n'})
    report = made.check()
    assert [e.slug for e in report.entries] == ["adam"]
    assert [v.status.value for v in report.verdicts] == ["verified"]
