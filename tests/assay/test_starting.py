"""The cost of starting: the preload is imported where a session may use it, and named then."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from assay.nouns import Job, Source
from assay.reports import provenance
from assay.sessions import need
from assay.sessions.runner import Setup

from .conftest import Make
from .lab import page, pages_of

PRELOAD = {"assay.toml": 'preload = ["xmlschema"]'}
IS_THERE = "import sys\nthere = ('xml' + 'schema') in sys.modules"


def test_what_no_session_may_use_is_not_imported(make: Make) -> None:
    """Where no snippet names the preload, sessions start without it."""
    made = make(PRELOAD | {"docs/a.md": page(IS_THERE, '[it is not](claim:there "is true")')})
    (verdict,) = made.check().verdicts
    assert (verdict.status.value, verdict.computed) == ("fails", False)


def test_what_one_session_names_is_there_for_all(make: Make) -> None:
    """Where one snippet names it, it is imported once, before they are forked."""
    page_ = page(IS_THERE, '[it is](claim:there "is true")') + page("import xmlschema")
    (verdict,) = make(PRELOAD | {"docs/a.md": page_}).check().verdicts
    assert verdict.status.value == "verified"


def jobs(code: str) -> list[Job]:
    return [Job(sources=(Source(code),), probes=(), timeout=1)]


@pytest.mark.parametrize(
    ("code", "needed"),
    [
        ("x = 1", False),
        ("import json, math", False),
        ("import xmlschema", True),
        ("from xmlschema.names import *", True),
        ("__import__('xmlschema')", True),
        ("import helper", True),
        ("import plain", False),
        ("import package.part", True),
        ("import numpy", False),
        ("import elementpath", True),
        ("import no_such_package", True),
        ("if 1:\n    import plain, helper as h", True),
    ],
)
def test_the_text_tells_what_may_be_used(tmp_path: Path, code: str, needed: bool) -> None:
    """Its own text, that of the project's modules and what packages require tell; in doubt, yes."""
    (tmp_path / "helper.py").write_text("import xmlschema\n")
    (tmp_path / "plain.py").write_text("import json, plain\n")
    (tmp_path / "package").mkdir()
    (tmp_path / "package/part.py").write_text("from . import other\n")
    (tmp_path / "package/other.py").write_text("import helper\n")
    setup = Setup(root=str(tmp_path), path=(str(tmp_path),), preload=("xmlschema.names",))
    assert need.of_preload(setup, jobs(code)) is needed


def test_a_preload_that_may_change_all_is_always_there(tmp_path: Path) -> None:
    """A module of the project, or one that is missing, is imported whatever sessions name."""
    setup = Setup(root=str(tmp_path), path=(str(tmp_path),), preload=("own_module",))
    assert need.of_preload(setup, jobs("x = 1"))
    none = Setup(root=str(tmp_path), path=())
    assert not need.of_preload(none, jobs("x = 1"))


# --- what is named -------------------------------------------------------------------------------


def test_provenance_names_what_was_imported(make: Make) -> None:
    """The page says which packages a session imported, in which version, and no device unasked."""
    made = make({"docs/a.md": page("import numpy as np\nx = int(np.int8(1))", "[1](claim:x)")})
    report = made.check()
    (checked,) = report.checked
    found = provenance.of(checked)
    assert list(found) == ["python", "numpy", "machine"]
    import numpy

    assert found["numpy"] == numpy.__version__
    assert f"numpy {numpy.__version__}" in pages_of(report, made)["docs/a.md"]
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    plain = make({"docs/a.md": page("x = 1", "[1](claim:x)")}).check()
    assert list(provenance.of(plain.checked[0])) == ["python", "machine"]
