"""`assay check --twice`: what holds in one run alone is found, and is never kept."""

from __future__ import annotations

import os
import subprocess
import sys

from .conftest import Make
from .lab import page


def in_the_first_run(expression: str) -> str:
    """What an expression is with the hash seed of first runs."""
    done = subprocess.run(
        [sys.executable, "-c", f"print({expression})"],
        env=os.environ | {"PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


HASH = in_the_first_run("hash('ab') % 1000")
RAISES = in_the_first_run("hash('ab') % 2 == 0")
STEADY = {
    "docs/constant.md": page("x = 1", "[1](claim:x)"),
    "docs/seeded.md": page("import random\nx = random.random()", "[0.844](claim:x)"),
    "docs/digits.md": page("x = 1 + hash('a') % 7 / 1e9", "[1.000](claim:x)"),
    "docs/sorted.md": page(
        "x = ''.join(sorted(set('abc')))\nprint(x)", "[abc](claim:x)", source="above"
    ),
}
UNSTEADY = {
    "docs/value.md": page("x = hash('ab') % 1000", f"[{HASH}](claim:x)"),
    "docs/stated.md": page(f"print(hash('ab') % 1000)  #> {HASH}"),
    "docs/shown.md": page("print(hash('b'))", source="above"),
    "docs/raises.md": page(f"x = 1\nif (hash('ab') % 2 == 0) != {RAISES}: raise ValueError"),
}


def test_what_holds_in_one_run_alone_is_found(make: Make) -> None:
    """Another hash seed and order: what a page states or shows otherwise is named, at its place."""
    made = make(STEADY | UNSTEADY)
    assert made.report()["ok"]
    findings = made.report("--twice")["findings"]
    found = {(f["path"], f["line"], f["severity"]) for f in findings}
    assert found == {
        ("docs/value.md", 5, "error"),
        ("docs/stated.md", 2, "error"),
        ("docs/shown.md", 1, "warning"),
        ("docs/raises.md", 3, "error"),
    }
    assert {f["code"] for f in findings} == {"A114"}
    assert [f["path"] for f in findings] == sorted(f["path"] for f in findings)
    assert all("seed what is drawn" in f["hint"] for f in findings)


def test_what_differs_is_not_kept(make: Make) -> None:
    """After it the sessions that differ run again, and the steady ones do not."""
    made = make(STEADY | UNSTEADY)
    assert made.assay("check", "--twice").returncode == 1
    rows = made.report("--twice")["snippets"]
    differ = {row["path"] for row in rows if "differs between runs" in row["unkept"]}
    assert differ == set(UNSTEADY) | {"docs/digits.md"}
    rows = made.report()["snippets"]
    assert {row["path"] for row in rows if not row["reused"]} == set(UNSTEADY) | {"docs/digits.md"}


def test_a_page_that_repeats_itself_is_as_good_as_before(make: Make) -> None:
    """Twice over pages that are steady finds nothing, and exits 0."""
    done = make(STEADY).assay("check", "--twice")
    assert (done.returncode, done.stdout.count("A114")) == (0, 0)
