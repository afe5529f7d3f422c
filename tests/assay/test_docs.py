"""The pages for authors: what they say is what the program has and does."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from assay.commands import main
from assay.reports import FORMATS
from assay.settings import Settings

from .lab import REPOSITORY, Project, page

DOCS = REPOSITORY / "docs"
COMMANDS = DOCS / "reference" / "command-line.md"
FENCE = re.compile(r"^(?P<mark>`{3,})(?P<info>[^\n]*)\n(?P<text>.*?)^(?P=mark)$", re.M | re.S)


def fences(page: Path) -> Iterator[tuple[str, str]]:
    """Yield the fences of a page: what stands behind the marks, and the text."""
    for match in FENCE.finditer(page.read_text(encoding="utf-8")):
        yield match["info"], match["text"]


def options_of(command: click.Command) -> Iterator[str]:
    """Yield the rows of a command's table: arguments, then options, each with its help."""
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            names = ", ".join(f"`{name}`" for name in parameter.opts)
            kind = "" if parameter.is_flag else f" {parameter.make_metavar(click.Context(command))}"
            yield f"| {names}{f' `{kind.strip()}`' if kind else ''} | {parameter.help or ''} |"


def described() -> str:
    """Return the part of the page that says what the program has."""
    parts = []
    for name, command in sorted(main.commands.items()):
        usage = " ".join(command.collect_usage_pieces(click.Context(command)))
        help_ = re.sub(r"\s+", " ", command.help or "")
        rows = list(options_of(command))
        table = ["", "| option | |", "|---|---|", *rows] if rows else []
        parts.append(
            "\n".join([f"## assay {name}", "", f"`assay {name} {usage}`", "", help_, *table])
        )
    text = "\n\n".join(parts) + "\n"
    return _escaped(text)


def _escaped(text: str) -> str:
    """Let a pipe within a cell's code end no cell."""
    return re.sub(r"`[^`\n]*`", lambda m: m[0].replace("|", "\\|"), text)


def test_the_page_of_the_command_line_is_the_command_line(
    request: pytest.FixtureRequest,
) -> None:
    """Each command stands there with its usage and options, as the program has them."""
    head, mark, said = COMMANDS.read_text(encoding="utf-8").partition("## assay ")
    if request.config.getoption("--update"):
        COMMANDS.write_text(head + described(), encoding="utf-8")
        return
    assert mark + said == described(), "pytest tests/assay/test_docs.py --update writes it"


def test_every_option_says_what_it_does() -> None:
    """No option of a command is without help."""
    for name, command in main.commands.items():
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{name} {parameter.opts}"


def test_every_setting_has_its_row() -> None:
    """The table of settings has each key of the settings once, and no other."""
    text = (DOCS / "reference" / "settings.md").read_text(encoding="utf-8")
    table = text.partition("| key |")[2].partition("\n\n")[0]
    assert sorted(re.findall(r"^\| `(\w+)` \|", table, re.M)) == sorted(Settings.__struct_fields__)


def test_every_format_has_its_row() -> None:
    """The table of reports has each format once."""
    text = (DOCS / "reference" / "tools.md").read_text(encoding="utf-8")
    table = text.partition("| `--format` |")[2].partition("\n\n")[0]
    assert sorted(re.findall(r"^\| `(\w+)` \|", table, re.M)) == sorted(FORMATS)


def played(project: Project, name: str, *, before: dict[str, str]) -> list[str]:
    """Do what a page says, from nothing: write its files, run its commands; return the commands."""
    done = []
    for path, text in before.items():
        (project.root / path).parent.mkdir(parents=True, exist_ok=True)
        (project.root / path).write_text(text, encoding="utf-8")
    for info, text in fences(DOCS / "start" / name):
        if title := re.search(r'title="([^"]+)"', info):
            (project.root / title[1]).write_text(text, encoding="utf-8")
        for line in text.splitlines() if info == "sh" else ():
            program, *arguments = shlex.split(line)
            if program == "assay":
                ran = project.assay(*arguments)
                assert ran.returncode == 0, f"{line}\n{ran.stdout}{ran.stderr}"
                if arguments == ["adopt"]:
                    settings = ran.stdout.partition("to start from:\n")[2]
                    (project.root / "assay.toml").write_text(settings, encoding="utf-8")
                done.append(line)
    return done


@pytest.fixture
def nothing(tmp_path: Path) -> Project:
    """An empty folder."""
    (tmp_path / "project").mkdir()
    return Project(tmp_path / "project", tmp_path / "store")


def test_who_has_a_readme_is_led_to_green(nothing: Project) -> None:
    """The page for a README is true from its first line to its last, without settings."""
    assert played(nothing, "readme.md", before={}) == [
        "assay check README.md",
        "assay show README.md",
    ]
    report = nothing.report("README.md")
    assert [claim["verdict"] for claim in report["claims"]] == ["verified"] * 3
    nothing.edit("README.md", "2.5 ms", "2.4 ms")
    assert nothing.assay("check", "README.md").returncode == 1


def test_who_begins_a_glossary_is_led_to_green(nothing: Project) -> None:
    """The page for a new glossary is true, in an empty folder."""
    assert len(played(nothing, "glossary.md", before={})) == 5
    assert (nothing.root / "site/glossary/running-mean/index.html").is_file()


OLD = {
    "mkdocs.yml": "site_name: My site\nplugins:\n  - search\n",
    "docs/index.md": "# Home\n\nSee [the guide](guide/use.md), 5.5 GB.\n",
    "docs/guide/use.md": "---\ntitle: Welcome\n---\n\n# Use\n\n" + page("print(6 * 7)"),
    "docs/guide/shell.md": '# Shell\n\n```bash exec="on"\necho hi\n```\n',
    **{f"docs/blog/{n}.md": f"# Post {n}\n\nIt got 12.{n} % better in 3 ms.\n" for n in range(8)},
}


def test_who_has_a_site_is_led_to_green(nothing: Project) -> None:
    """The page for a site that is there is true; the same pages are published as before."""
    assert len(played(nothing, "site.md", before=OLD)) == 4
    site = nothing.root / "site"
    for path in OLD:
        if path.startswith("docs/") and path != "docs/index.md":
            assert (site / path.removeprefix("docs/").removesuffix(".md") / "index.html").is_file()
    assert "<title>Welcome" in (site / "guide/use/index.html").read_text(encoding="utf-8")
    nothing.edit("docs/index.md", "5.5 GB", "5.5 GB and 6.5 GB")
    assert nothing.assay("check").returncode == 1
