"""The command line, as a program: what it prints, how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from .conftest import Make
from .lab import Project, needs_proc, page, running_in, wait_for_none_in

FILES = {
    "docs/good.md": page("x = 1", "[1](claim:x)"),
    "docs/bad.md": page(
        'size = 64_242_089_984\nprint("a")  #> b',
        '[64.2 GB](claim:size), [64.3 GB](claim:size "within 0.01 GB, id=near"), '
        "[1](claim:sise) 12 GB",
        id="sizes",
    ),
    "docs/broken.md": page("1 / 0", "[1](claim:good/x)"),
    "docs/gpu.md": page("y = 1", "[1](claim:y)", device="cuda"),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with findings, its results kept."""
    root = tmp_path_factory.mktemp("cli")
    made = Project(root / "project", root / "store").write(FILES)
    made.check()
    return made


Printed = dict[str, subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def printed(project: Project) -> Printed:
    """What a check of the project prints, by format."""
    return {f: project.assay("check", "--format", f) for f in ("text", "json", "github")}


@pytest.fixture(scope="module")
def found(printed: Printed) -> dict[str, Any]:
    """The object that --format json prints."""
    data: dict[str, Any] = json.loads(printed["json"].stdout)
    return data


# --- formats -------------------------------------------------------------------------------------

NUMBER = (int, float)
SCHEMA: dict[str, Mapping[str, object]] = {
    "": {"schema": int, "ok": bool, "claims": list, "statements": list, "snippets": list,
         "findings": list, "summary": dict},
    "claims": {"id": str, "entry": str, "probe": str, "path": str, "line": int, "column": int,
               "end_line": int, "end_column": int, "sentence": str, "stated": str,
               "condition": str, "computed": (int, float, str, bool, type(None)), "unit": str,
               "verdict": str, "reason": str, "device": str, "reused": bool, "code": str,
               "versions": dict, "date": str},
    "statements": {"path": str, "line": int, "column": int, "end_line": int, "end_column": int,
                   "entry": str, "verdict": str, "quote": str, "source": str, "address": str,
                   "read": str, "claims": list},
    "snippets": {"path": str, "line": int, "id": str, "session": str, "status": str,
                 "seconds": NUMBER,
                 "reused": bool, "ran_since": str, "unkept": list},
    "findings": {"code": str, "severity": str, "path": str, "line": int, "column": int,
                 "end_line": int, "end_column": int, "page": str, "message": str, "hint": str,
                 "stated": str, "computed": str, "fix": list},
}  # fmt: skip


def test_json_has_the_keys_that_programs_read(found: dict[str, Any]) -> None:
    """--format json prints one object with these keys and no others, each of its type."""
    assert found["schema"] == 2
    for name, keys in SCHEMA.items():
        for item in found[name] if name else [found]:
            assert set(item) == set(keys), name
            assert all(isinstance(item[key], kind) for key, kind in keys.items()), item  # type: ignore[arg-type]


def test_json_says_what_was_found(found: dict[str, Any]) -> None:
    """Claims, snippets and findings stand in the object with their places and exact values."""
    claims = {(c["path"], c["line"], c["column"]): c for c in found["claims"]}
    claim = claims["docs/bad.md", 6, 24]
    assert claim["computed"] == 64_242_089_984
    assert (claim["stated"], claim["condition"]) == ("64.3 GB", "within 0.01 GB")
    assert (claim["unit"], claim["verdict"], claim["entry"]) == ("GB", "fails", "bad")
    assert claims["docs/good.md", 5, 1]["verdict"] == "verified"
    assert claims["docs/gpu.md", 5, 1]["verdict"] == "unmeasured"
    (missing,) = [c for c in found["claims"] if c["probe"] == "sise"]
    assert missing["verdict"] == "unchecked"
    statuses = {snippet["path"]: snippet["status"] for snippet in found["snippets"]}
    assert statuses["docs/good.md"] == "ok"
    assert statuses["docs/broken.md"] == "failed"
    assert {f["code"] for f in found["findings"]} == {
        "A104",
        "A105",
        "A110",
        "A201",
        "A301",
        "A304",
    }
    assert found["summary"]["claims"] == len(found["claims"]) == 6
    assert not found["ok"]


def test_everything_that_does_not_hold_is_a_finding(found: dict[str, Any]) -> None:
    """A claim that does not hold and a snippet that failed each have a finding at their page."""
    places = {(f["path"], f["line"], f["column"]) for f in found["findings"]}
    bad = [c for c in found["claims"] if c["verdict"] != "verified"]
    assert len(bad) == 3
    assert {(c["path"], c["line"], c["column"]) for c in bad} <= places
    failed = {s["path"] for s in found["snippets"] if s["status"] == "failed"}
    assert failed <= {f["path"] for f in found["findings"]}


def test_text_shows_place_caret_values_hint_and_how_to_run_it_again(printed: Printed) -> None:
    """A finding in text form has one shape, with the caret under its column."""
    done = printed["text"]
    assert done.returncode == 1
    (part,) = [p for p in done.stdout.split("\n\n") if p.startswith("docs/bad.md:6:24:")]
    head, source, caret, *rest = part.split("\n")
    assert re.fullmatch(r"docs/bad\.md:6:24: error A104: .+", head)
    assert source[caret.index("^")] == "["
    assert source[caret.index("^") :].startswith("[64.3 GB]")
    assert rest[0].split() == ["stated", "64.3", "GB", "(within", "0.01", "GB)"]
    assert rest[1].split() == ["computed", "64.242089984", "GB"]
    assert rest[2].startswith("  hint: ")
    of_page = [p for p in done.stdout.split("\n\n") if p.startswith("docs/bad.md:")]
    assert [p for p in of_page if "  again: " in p] == of_page[-1:]
    assert of_page[-1].endswith("\n  again: assay check docs/bad.md")
    assert "6 claims: 3 verified" in done.stdout.split("\n\n")[-1]


def test_the_command_that_runs_it_again_does(project: Project, printed: Printed) -> None:
    """The last line of a finding is a command that finds it again."""
    command = next(
        line.partition("again: assay ")[2]
        for line in printed["text"].stdout.splitlines()
        if "again:" in line and "bad.md" in line
    )
    done = project.assay(*command.split())
    assert (done.returncode, "docs/bad.md:6:24: error A104" in done.stdout) == (1, True)


def test_github_prints_one_annotation_a_finding(found: dict[str, Any], printed: Printed) -> None:
    """--format github prints a workflow command for each finding, on one line each."""
    done = printed["github"]
    lines = [line for line in done.stdout.splitlines() if line.startswith("::")]
    assert len(lines) == len(found["findings"])
    for line, finding in zip(lines, found["findings"], strict=True):
        place = f"file={finding['path']},line={finding['line']},col={finding['column']}"
        assert line.startswith(f"::{finding['severity']} {place},")
        assert f",title=assay {finding['code']}::" in line


def test_github_obeys_no_text_of_a_page(make: Make) -> None:
    """A page cannot smuggle a workflow command into the output."""
    made = make({"docs/a.md": page('raise ValueError("%0A::error::x\\n::set-output::y")')})
    lines = made.assay("check", "--format", "github").stdout.splitlines()
    assert [line[:8] for line in lines if line.startswith("::")] == ["::error "]
    assert "%250A" in lines[0]


OBEYED = "\x1b[2J\x1b]0;a title\x07\u202e"
SPOKEN = {
    "a source line": f"{OBEYED} 12 GB",
    "a stated figure": page("x = 1", f"[2{OBEYED}](claim:x)"),
    "a stated output": page(f'print("a")  #> {OBEYED}b'),
    "a computed text": page(f"x = {OBEYED!r}", "[a](claim:x)"),
    "a printed output": page(f"print({OBEYED!r})  #> a"),
    "an error's message": page(f"raise ValueError({OBEYED!r})"),
}


@pytest.mark.parametrize("format_", ["text", "github"])
@pytest.mark.parametrize("where", SPOKEN)
def test_a_terminal_obeys_no_text_of_a_page(
    make: Make, tmp_path: Path, where: str, format_: str
) -> None:
    """No control character of a page or of what it runs reaches what a terminal or a log shows."""
    file = tmp_path / "report"
    done = make({"docs/a.md": SPOKEN[where]}).assay(
        "check", "--format", format_, "--output", str(file)
    )
    text = file.read_text(encoding="utf-8")
    assert (done.returncode, "docs/a.md" in text) == (1, True)
    assert [c for c in text if not c.isprintable() and c != "\n"] == []


@pytest.mark.parametrize("format_", ["text", "json", "github"])
def test_output_writes_what_would_be_printed(
    project: Project, printed: Printed, tmp_path: Path, format_: str
) -> None:
    """--output writes the report to a file, prints nothing, and changes no exit status."""
    file = tmp_path / "report"
    done = project.assay("check", "--format", format_, "--output", str(file))
    assert (done.stdout, done.returncode) == ("", 1)

    def timeless(text: str) -> str:
        return re.sub(r"\d+\.\d+ s\b|\"seconds\": [\d.e-]+", "", text)

    assert timeless(file.read_text(encoding="utf-8")) == timeless(printed[format_].stdout)


def test_a_report_that_cannot_be_written_is_said_in_one_line(
    project: Project, tmp_path: Path
) -> None:
    """A path that --output cannot write to ends with status 2, one line and no traceback."""
    done = project.assay("check", "--output", str(tmp_path / "no-such-folder" / "report"))
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if not line.startswith("assay: [")]
    assert "no-such-folder" in lines[-1]
    assert "Traceback" not in done.stderr


# --- exit status ---------------------------------------------------------------------------------


def test_exit_status_says_whether_all_holds(make: Make) -> None:
    """0 where everything holds, a warning included; 1 where something does not."""
    made = make({"docs/good.md": FILES["docs/good.md"], "docs/gpu.md": FILES["docs/gpu.md"]})
    assert made.assay("check").returncode == 0
    made.edit("docs/good.md", "[1]", "[2]")
    assert made.assay("check").returncode == 1
    assert made.assay("check", "--format", "json", "--output", os.devnull).returncode == 1


HIDING = (".*", r"\d+ ?[A-Z]+", r"\d+ ?%", "[0-9.,]+", r"\d")
BAD_SETTINGS = {
    "not TOML": ("glossary = [", ""),
    "an unknown key": ('glosary = "x"', "did you mean 'glossary'?"),
    "a wrong type": ("timeout = 'long'", "timeout"),
    "a pattern that is none": ("names = [{pattern = '(', reason = 'r'}]", "names"),
    "a pattern without a reason": ("names = [{pattern = 'GPT-4', reason = ' '}]", "no reason"),
    "a name without a pattern": ("names = [{reason = 'r'}]", "pattern"),
    "a preload that does not exist": ("preload = ['no_such_module']", "no_such_module"),
    **{
        f"names that hide figures: {p}": (f"names = [{{pattern = '{p}', reason = 'r'}}]", "hide")
        for p in HIDING
    },
}


@pytest.mark.parametrize("name", BAD_SETTINGS)
def test_bad_settings_are_one_line_and_exit_status_2(make: Make, name: str) -> None:
    """Settings that cannot be used end the work with one line that names what is wrong."""
    text, words = BAD_SETTINGS[name]
    done = make({"assay.toml": text, "docs/good.md": FILES["docs/good.md"]}).assay("check")
    lines = [line for line in done.stderr.splitlines() if not line.startswith("assay: 1 session ")]
    assert done.returncode == 2
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("assay: error: ")
    assert words in lines[0]


def test_what_a_name_kept_out_of_the_check_is_counted_by_its_numbers(make: Make) -> None:
    """The summary says how many numbers each name kept out, and counts no name without one."""
    names = "names = [{pattern = 'Zebra(?: [0-9])?', reason = 'a model'}]"
    made = make({"assay.toml": names, "docs/a.md": "Zebra, Zebra 3, the Zebra and Zebra 4."})
    kept = {name["reason"]: name["kept"] for name in made.report()["summary"]["names"]}
    assert kept["a model"] == 2
    assert {count for reason, count in kept.items() if reason != "a model"} == {0}
    assert "names kept 2 numbers out of the figure check:" in made.assay("check").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "no-such-file.md"],
        ["check", "--format", "xml"],
        ["check", "--jobs", "0"],
        ["check", "--no-such-option"],
        ["check", "/etc/passwd"],
        ["check", "--root", "/no/such/folder"],
        ["nonsense"],
    ],
)
def test_bad_usage_is_exit_status_2(project: Project, arguments: list[str]) -> None:
    """What the program was asked for and cannot do is exit status 2, without a traceback."""
    done = project.assay(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_folder_without_settings_is_exit_status_2(tmp_path: Path) -> None:
    """Where no project is, the program says so and how to name one."""
    done = Project(tmp_path, tmp_path / "store").assay("check")
    assert done.returncode == 2
    assert "--root" in done.stderr


# --- what is checked -----------------------------------------------------------------------------


def paths_of(report: Mapping[str, list[dict[str, str]]]) -> set[str]:
    return {item["path"] for key in ("claims", "findings") for item in report[key]}


def test_paths_choose_the_pages(project: Project) -> None:
    """PATH arguments, files or folders, from any working directory, choose what is reported."""
    assert paths_of(project.report("docs/bad.md")) == {"docs/bad.md"}
    assert paths_of(project.report("docs/good.md", "docs/gpu.md")) == {
        "docs/good.md",
        "docs/gpu.md",
    }
    assert paths_of(project.report("docs")) == set(FILES)
    done = project.assay("check", "bad.md", "--format", "json", cwd=project.root / "docs")
    assert paths_of(json.loads(done.stdout)) == {"docs/bad.md"}
    root = ["--root", str(project.root)]
    file = str(project.root / "docs/good.md")
    done = project.assay("check", file, *root, "--format", "json", cwd=Path("/"))
    assert paths_of(json.loads(done.stdout)) == {"docs/good.md"}


def test_paths_run_what_their_claims_ask(make: Make) -> None:
    """A chosen page runs its own sessions, those that its claims ask, and no other."""
    made = make(FILES | {"docs/asks.md": "[1](claim:good/x)"})
    found = made.report("docs/asks.md")
    assert found["ok"]
    assert [snippet["path"] for snippet in found["snippets"]] == ["docs/good.md"]


def test_a_chosen_page_fails_with_what_it_includes(make: Make) -> None:
    """What is wrong in a file of snippets is a finding of the chosen page that includes it."""
    made = make(
        {
            "docs/raises.md": page("", file="raises.py"),
            "docs/syntax.md": page("", file="syntax.py"),
            "snippets/raises.py": "1 / 0\n",
            "snippets/syntax.py": "1 +\n",
        }
    )
    assert made.assay("check", "docs/raises.md").stdout.startswith("snippets/raises.py:1:1: error")
    assert made.assay("check", "docs/syntax.md").stdout.startswith("snippets/syntax.py:1:4: error")


def test_progress_goes_to_standard_error(make: Make) -> None:
    """Where standard error is no terminal, each session is a plain line there."""
    done = make(FILES).assay("check", "--no-store")
    lines = done.stderr.splitlines()
    assert lines[0] == "assay: 3 sessions to run"
    assert [line[:13] for line in lines[1:]] == [f"assay: [{n}/3] " for n in (1, 2, 3)]
    assert "[1/3]" not in done.stdout


@needs_proc
def test_an_interrupt_ends_everything_and_keeps_what_is_finished(make: Make) -> None:
    """Ctrl-C ends the check with status 130, leaves nothing running, and keeps finished results."""
    made = make(
        {
            "docs/quick.md": page("x = 1", "[1](claim:x)"),
            "docs/slow.md": page(
                'import subprocess\nsubprocess.run(["sleep", "60"])', timeout="60"
            ),
        }
    )
    command = [sys.executable, "-m", "assay", "check", "--jobs", "2"]
    said = made.root.parent / "said"
    with said.open("w") as stderr:
        running = subprocess.Popen(
            command,
            cwd=made.root,
            env=made.environment(),
            stderr=stderr,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    try:
        for _ in range(2000):  # assay, its worker, a supervisor, a session, its child
            if "quick" in said.read_text() and len(running_in(made.root)) >= 5:
                break
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        assert running.wait(30) == 130, "half of what the session would take"
    finally:
        running.kill()
    assert "Traceback" not in said.read_text()
    assert "interrupted" in said.read_text()
    assert wait_for_none_in(made.root) == []
    (made.root / "docs/slow.md").unlink()
    assert made.report()["summary"]["reused"] == 1
