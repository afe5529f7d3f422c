"""The case files themselves: what --update writes into them, and what it leaves."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .lab import REPOSITORY

GOOD = """\
# All of this is as it was found,  odd blanks too\t

````docs/good.md
```python exec="on"
x = 1
```

[1](claim:x), [2](claim:x "id=b")
````

````page docs/good.md

>1</a>, <a
! >3</a>
````

````findings

docs/good.md:5:15 A104 computed 1 | stated 2
````
"""
WRONG = """\
# Nothing of this is as it was found

````docs/wrong.md
```python exec="on"
x = 1
```

12 GB, then [1](claim:x), [2](claim:x "id=b"), [3](claim:x "id=c")

```python exec="on" id="two"
1 / 0
```
````

````page docs/wrong.md
computed 7">1</a>
computed 1">3</a>
! >4</a>
````

````findings
docs/wrong.md:5:1 A104 stated 2
docs/wrong.md:5:48 A104
docs/wrong.md:5:90 A105 what is not found
docs/wrong.md:8:1 A301 'two' raised SystemExit
````

# Nothing of this is written yet

````docs/empty.md
Twelve.
````

````page docs/empty.md
````

````findings
````
"""
RIGHT = WRONG
for old, new in (
    ("computed 7", "computed 1"),
    ("page docs/empty.md\n", "page docs/empty.md\nTwelve.\n"),
    (
        """\
docs/wrong.md:5:1 A104 stated 2
docs/wrong.md:5:48 A104
docs/wrong.md:5:90 A105 what is not found
docs/wrong.md:8:1 A301 'two' raised SystemExit
""",
        """\
docs/wrong.md:5:1 A201 ...
docs/wrong.md:5:27 A104 stated 2
docs/wrong.md:5:48 A104
docs/wrong.md:8:1 A301 ...
""",
    ),
):
    assert RIGHT.count(old) == 1
    RIGHT = RIGHT.replace(old, new)


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A copy of what reads case files, with a topic of its own."""
    ours, here = REPOSITORY / "tests", tmp_path / "tests"
    (here / "assay/cases/topic").mkdir(parents=True)
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    shutil.copy(ours / "conftest.py", here)
    for name in ("conftest.py", "lab.py", "casefiles.py", "test_cases.py"):
        shutil.copy(ours / "assay" / name, here / "assay")
    return here / "assay"


def run(suite: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-k", "topic/", "test_cases.py", *options]
    return subprocess.run(command, cwd=suite, capture_output=True, text=True, timeout=120)


def test_update_rights_what_is_wrong_and_leaves_what_is_right(suite: Path) -> None:
    """Wrong lines become what was found, in the case's words where they hold; good ones stay."""
    good, wrong = suite / "cases/topic/good.md", suite / "cases/topic/wrong.md"
    good.write_text(GOOD, encoding="utf-8")
    wrong.write_text(WRONG, encoding="utf-8")
    after = run(suite, "--update")
    assert "6 passed" in after.stdout, after.stdout
    assert good.read_text(encoding="utf-8") == GOOD
    text = wrong.read_text(encoding="utf-8")
    assert re.sub(r"(?<=A201|A301) .+", " ...", text) == RIGHT
    assert "6 passed" in run(suite).stdout


def test_update_takes_out_no_line_that_must_not_stand(suite: Path) -> None:
    """What a page must not hold is a law: a case whose page holds it fails on."""
    file = suite / "cases/topic/banned.md"
    file.write_text(GOOD.replace("! >3</a>", "! >2</a>"), encoding="utf-8")
    done = run(suite, "--update")
    assert "1 failed, 1 passed" in done.stdout, done.stdout
    assert "it stands there: >2</a>" in done.stdout
    assert "! >2</a>" in file.read_text(encoding="utf-8")
