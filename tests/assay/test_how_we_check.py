"""Each rule of docs/how-we-check.md that a page cannot show of itself is run here."""

from __future__ import annotations

import re

import pytest

from .conftest import Make
from .lab import REPOSITORY, Project, lines_of, page

TEXT = (REPOSITORY / "docs" / "how-we-check.md").read_text(encoding="utf-8")
WORDS = " ".join(TEXT.split())

FAILURES = {
    "An exception": "1 / 0",
    "a syntax error": "1 +",
    "`SystemExit`": "raise SystemExit",
    "`os._exit(0)`": "import os\nos._exit(0)",
    "a kill": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "the time limit": "while True: pass",
    "endless output": "while True: print('x' * 100_000)",
    "a name that does not exist": "",
    "NaN": "x = float('nan')",
    "infinity": "x = float('inf')",
}
NEVER_KEPT = {
    "read the clock": "import time\nx = 1 + (time.time() < 0)",
    "`default_rng()`": "import numpy\nx = 1 + 0 * numpy.random.default_rng().integers(9)",
    "`secrets`": "import secrets\nx = 1 + 0 * secrets.randbelow(9)",
    "`uuid4`": "import uuid\nx = 1 + 0 * uuid.uuid4().int",
    "asked for the machine": "import platform\nx = len(platform.node()) and 1",
    "started another program": "import subprocess\nx = 1 + subprocess.call(['true'])",
    "spoke to the network": "import socket\nx = 1 + 0 * len(socket.gethostbyname('localhost'))",
}
KEPT = {
    "names for temporary files": "import tempfile\nx = 1 + 0 * len(tempfile.mkdtemp())",
    "the environment is built anew": "import os\nx = 1 + 0 * len(os.environ['TZ'])",
}
CHANGES_NOTHING = {
    "Prose": ("It is", "It was"),
    "stated figures": ("[1]", "[1.0]"),
    "line numbers": ("# A page", "# A page\n\nMore."),
    "display options": ('exec="on"', 'exec="on" source="above"'),
    "time limits": ('exec="on"', 'exec="on" timeout="9"'),
}


@pytest.mark.parametrize("rule", [*FAILURES, *NEVER_KEPT, *KEPT, *CHANGES_NOTHING])
def test_the_page_states_the_rule(rule: str) -> None:
    """What is run below stands on the page, in these words."""
    assert re.search(re.escape(rule), WORDS, re.IGNORECASE)


@pytest.mark.parametrize("rule", FAILURES)
def test_a_check_that_could_not_run_is_never_a_pass(make: Make, rule: str) -> None:
    """The claim does not hold, the check fails, and another page is still checked."""
    failing = page(FAILURES[rule], "# A page\n\nIt is [1](claim:x).\n", timeout="2")
    project = make({"docs/a.md": failing, "docs/b.md": page("y = 2", "It is [2](claim:y).\n")})
    report = project.check()
    assert not report.ok
    assert [v.status.value for v in report.verdicts if v.entry == "b"] == ["verified"]
    assert all(not v.status.is_good for v in report.verdicts if v.entry == "a")
    assert {line.split(":")[0] for line in lines_of(report)} == {"docs/a.md"}


def reused(project: Project) -> list[bool]:
    report = project.check()
    assert report.ok, lines_of(report)
    return [checked.reused for checked in report.checked]


@pytest.mark.parametrize("rule", NEVER_KEPT)
def test_what_another_run_would_give_otherwise_is_not_kept(make: Make, rule: str) -> None:
    """The second check runs it again, and says why."""
    project = make({"docs/a.md": page(NEVER_KEPT[rule], "It is [1](claim:x).\n")})
    assert reused(project) == [False]
    report = project.check()
    assert [checked.reused for checked in report.checked] == [False]
    assert all(checked.unkept for checked in report.checked)


@pytest.mark.parametrize("rule", KEPT)
def test_what_a_library_does_for_itself_forbids_nothing(make: Make, rule: str) -> None:
    """The second check runs nothing."""
    project = make({"docs/a.md": page(KEPT[rule], "It is [1](claim:x).\n")})
    assert reused(project) == [False]
    assert reused(project) == [True]


@pytest.mark.parametrize("rule", CHANGES_NOTHING)
def test_what_is_no_part_of_a_result_runs_nothing(make: Make, rule: str) -> None:
    """An edit of it compares again and runs nothing."""
    text = page("x = 1 + 0", "# A page\n\nIt is [1](claim:x).\n")
    project = make({"docs/a.md": text})
    assert reused(project) == [False]
    old, new = CHANGES_NOTHING[rule]
    project.edit("docs/a.md", old, new)
    assert reused(project) == [True]
