"""Any Markdown of any repository: without settings, hidden fences, files, commands and counts."""

from __future__ import annotations

import html
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from assay.results import ResultError, asked
from hypothesis import given
from hypothesis import strategies as st

from .conftest import Make
from .lab import Project, lines_of, pages_of

README = """# pkg

<!--
```python exec="on" id="speed"
import pkg
t = pkg.f()
```
-->

A call takes [12.5 ms](claim:t), and 3 GB.
"""
HERE = {
    "README.md": README,
    "src/pkg/__init__.py": "def f():\n    return 0.0125\n",
    "docs/more.md": "See [it](../README.md).\n",
    "glossary/words.md": "No front matter is asked of this.\n",
}


@pytest.fixture
def repository(tmp_path: Path) -> Project:
    """A repository without a glossary, a site or settings."""
    root = tmp_path / "project"
    for path, text in HERE.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    return Project(root, tmp_path / "store")


# --- without settings ----------------------------------------------------------------------------


def test_files_are_checked_where_there_are_no_settings(repository: Project) -> None:
    """A README and a folder are checked as they are; what they bind is, the rest is a warning."""
    done = repository.assay("check", "README.md", "docs/", "glossary")
    assert (done.returncode, "1 claim: 1 verified" in done.stdout) == (0, True), done.stdout
    assert "README.md:10:38: warning A201" in done.stdout
    repository.edit("README.md", "12.5 ms", "13.5 ms")
    done = repository.assay("check", "../README.md", cwd=repository.root / "docs")
    assert (done.returncode, "README.md:10:14: error A104" in done.stdout) == (1, True)


def test_a_check_of_nothing_named_says_what_to_name(repository: Project) -> None:
    """Without settings and without a file there is nothing to check, and it says what to name."""
    done = repository.assay("check")
    assert (done.returncode, "assay check README.md" in done.stderr) == (2, True)


def test_it_needs_no_torch(repository: Project) -> None:
    """A check of a README imports neither torch nor MkDocs, nor does its session."""
    code = (
        "import sys\n"
        "from assay.commands import main\n"
        "try:\n    main(['check', 'README.md'], standalone_mode=False)\n"
        "except SystemExit as end:\n    assert end.code == 0, end.code\n"
        "print(sorted({'torch', 'mkdocs', 'pint', 'markdown', 'numpy'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=repository.root, env=repository.environment(), capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stdout + done.stderr


# --- hidden fences -------------------------------------------------------------------------------

X, Y = '```python exec="on"\nx = 1\n```\n', '~~~py exec="1"\ny = 2\n~~~\n'
COMMENTS = {
    "two in one": f"<!--\n{X}\nnote\n\n{Y}-->\n\n",
    "two comments": f"<!--\n{X}-->\n<!--\n{Y}-->\n\n",
    "in a list": "- item\n\n" + "".join(f"  {line}\n" for line in f"<!--\n{X}{Y}-->".split("\n")),
    "within HTML": f"<div>\n<!-- note\n{X}{Y}-->\n</div>\n\n",
}


@pytest.mark.parametrize("name", COMMENTS)
def test_a_fence_in_a_comment_runs(make: Make, name: str) -> None:
    """A fence that a comment holds is a snippet like any other, wherever the comment stands."""
    made = make({"docs/a.md": COMMENTS[name] + "\n[1](claim:x) and [2](claim:y)\n"})
    report = made.check()
    assert lines_of(report) == []
    assert [v.status.value for v in report.verdicts] == ["verified"] * 2


def test_a_hidden_fence_is_found_at_its_line(make: Make) -> None:
    """An error in a hidden fence stands at its own line; one that is not closed is a finding."""
    hidden = '<!--\n```python exec="on"\nx = 1\n1 / 0\n```\n-->\n'
    report = make({"docs/a.md": hidden, "docs/b.md": hidden.replace("```\n-->", "-->")}).check()
    assert lines_of(report) == ["docs/a.md:4:1 A301", "docs/b.md:2:1 A313"]


def test_the_site_shows_what_a_comment_hid(make: Make) -> None:
    """On the site the code of a hidden fence stands with the proofs, and the comment is gone."""
    made = make({"docs/a.md": COMMENTS["two in one"] + "[1](claim:x) and [2](claim:y)\n"})
    page = pages_of(made.check(), made)["docs/a.md"]
    assert "<!--" not in page
    assert page.count("<summary>Code of snippet-") == 2


# --- files, commands, counts ---------------------------------------------------------------------

DATA = {
    "bench.json": '{"rows": [{"p99": 1.25}, {"p99": 2.5}, {"p99": 0.0125}], "a-b": {"c d": 3}}',
    "t.csv": 'name,ms\nx,12\ny,"1,300"\n',
    "t.toml": "[sizes]\nsmall = 16_000_000\n",
    "assay.toml": """
[commands.tests]
run = ["python", "-c", "print('ran, 1,300 tests collected')"]
find = '([\\d,]+) tests'
[commands.table]
run = ["python", "-c", "print('{\\"a\\": [1, 2]}')"]
format = "json"
""",
}
HOLD = {
    "[12.5 ms](claim:bench.json#rows[2].p99)": 0.0125,
    "[2.5](claim:bench.json#max(rows[*].p99))": 2.5,
    "[three rows](claim:bench.json#count(rows))": 3,
    "[3.76](claim:bench.json#sum(rows[*].p99))": 3.7625,
    "[3](<claim:bench.json#a-b['c d']>)": 3,
    '[each took some time](claim:bench.json#all(rows[*].p99) "is true")': True,
    "[1,300](claim:t.csv#rows[1].ms)": 1300,
    "[y](claim:t.csv#rows[1].name)": "y",
    "[16 MB](claim:t.toml#sizes.small)": 16_000_000,
    "[1,300 tests](claim:command:tests)": 1300,
    "[2](claim:command:table#a[1])": 2,
    "[two pages](claim:count:docs/*.md)": 2,
}


@pytest.mark.parametrize("claim", HOLD)
def test_a_claim_asks_a_file_a_command_or_a_count(make: Make, claim: str) -> None:
    """What a file, a command or a count gives is compared as a snippet's value is."""
    made = make(DATA | {"docs/a.md": f"It is {claim}.\n", "docs/b.md": "Nothing."})
    (verdict,) = made.check().verdicts
    assert (verdict.status.value, verdict.computed) == ("verified", HOLD[claim])


REFUSED = {
    "[1](claim:bench.json#rwos)": ("A105", "did you mean 'rows'?"),
    "[1](claim:bench.json#rows[3].p99)": ("A105", "there is"),
    "[1](claim:no.json#rows)": ("A301", "from the root of the project"),
    "[1](claim:bench.json#rows[*].p99)": ("A105", "count(rows[*].p99), min, max or sum"),
    "[1](claim:bench.json#a[b)": ("A105", "write rows[2].p99"),
    "[1](claim:x.yaml#a)": ("A105", ".json, .csv or .toml"),
    "[1](claim:command:test)": ("A105", "did you mean 'tests'?"),
    "[1](claim:command:tests#a)": ("A105", 'format = "json"'),
    "[2 GB](claim:t.toml#sizes.small)": ("A104", "snippet 't.toml'"),
}


@pytest.mark.parametrize("claim", REFUSED)
def test_what_cannot_be_asked_is_said_with_its_cure(make: Make, claim: str) -> None:
    """An address that names nothing is a finding at its claim, with what to write instead."""
    finding, *_ = make(DATA | {"docs/a.md": f"It is {claim}.\n"}).check().findings
    code, hint = REFUSED[claim]
    assert (finding.code, finding.place.line) == (code, 1)
    assert hint in finding.hint


def test_a_result_that_changes_is_asked_again(make: Make) -> None:
    """A kept result of a file stands until that changes; of a count, until a file comes or goes."""
    claims = "[1.25](claim:bench.json#rows[0].p99) [one page](claim:count:docs/*.md)\n"
    made = make(DATA | {"docs/a.md": claims})
    assert made.check().ok
    assert all(checked.reused for checked in made.check().checked)
    made.edit("bench.json", "1.25", "1.5")
    made.write({"docs/b.md": "Nothing."})
    statuses = [verdict.status.value for verdict in made.check().verdicts]
    assert statuses == ["fails", "fails"]


def test_a_page_says_no_command(make: Make) -> None:
    """What a page names as a command is a name of the settings, and never runs by itself."""
    made = make({"docs/a.md": "[1](<claim:command:touch$IFS/tmp/x>) [1](claim:command:ls)\n"})
    report = made.check()
    assert [finding.code for finding in report.findings] == ["A105", "A105"]
    assert report.checked == ()


def test_a_bad_command_of_the_settings_is_one_line(make: Make) -> None:
    """A command that is no list of words ends the work with the key that is wrong."""
    done = make({"assay.toml": '[commands.x]\nrun = "ls"\n', "docs/a.md": "x"}).assay("check")
    assert (done.returncode, "commands" in done.stderr) == (2, True)


def test_the_proof_of_a_file_shows_what_read_it(make: Make) -> None:
    """On the site the proof has the code that read the file, and the claim is known by its id."""
    made = make(DATA | {"docs/a.md": "It is [2.5](claim:bench.json#max(rows[*].p99)).\n"})
    page = pages_of(made.check(), made)["docs/a.md"]
    assert "<summary>Code of bench.json#max(rows[*].p99)</summary>" in html.unescape(page)
    assert 'id="claim-bench-json-max-rows-p99"' in page
    assert 'href="#snippet-bench' not in page


STEPS = st.lists(
    st.integers(0, 3).map(lambda n: f"[{n}]") | st.sampled_from([".name", "['a b']", '["c"]']),
    max_size=4,
)


@given(st.sampled_from(["rows", "a_b"]), STEPS)
def test_a_path_is_read_as_python_would(first: str, steps: list[str]) -> None:
    """A path finds in data what its steps name, one by one."""
    found = asked(f"x.json#{first}{''.join(steps)}", {})
    assert found is not None
    data: object = 7
    for step in reversed([f".{first}", *steps]):
        key: object = int(step[1:-1]) if step[1:-1].isdigit() else step.strip(".[]'\"")
        data = {key: data}
    assert eval(found.probe, {"data": data}) == 7


@given(st.text(max_size=30))
def test_no_address_is_read_as_code(text: str) -> None:
    """Whatever stands behind the sign is a path or refused; nothing of it becomes code."""
    commands: Mapping[str, object] = {}
    try:
        found = asked(f"x.json#{text}", commands)  # type: ignore[arg-type]
    except ResultError:
        return
    assert found is not None
    import ast

    tree = ast.parse(found.probe if found.probe != "value" else found.code)
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    called = {function.id for function in calls if isinstance(function, ast.Name)}
    assert called <= {"len", "min", "max", "sum", "all", "any", "Path"}
