"""Questions as people type them: an answer, or one line that says what to type."""

from __future__ import annotations

import json
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
from vram.cli import main
from vram.lists import LISTS

QUESTIONS = tomllib.loads((Path(__file__).parent / "cases" / "questions.toml").read_text())


@pytest.mark.parametrize("question", QUESTIONS["question"], ids=lambda q: q["typed"])
def test_a_question_as_typed(question: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """It is answered with a verdict that what happened allows, or told in one line what to type."""
    status = main([*shlex.split(question["typed"]), "--format", "json"])
    printed = capsys.readouterr()
    if "says" in question:
        assert status == 2
        assert question["says"] in printed.err
        assert printed.err.count("\n") == 1
        return
    assert status == 0, printed.err
    answer = json.loads(printed.out)
    assert answer["low_bytes"] > 0
    assert "verdicts" not in question or answer["verdict"] in question["verdicts"]


@pytest.mark.parametrize("name", LISTS)
def test_what_can_be_named_is_listed(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m vram models`, and the like, print one line for each."""
    assert main([name]) == 0
    assert len(capsys.readouterr().out.splitlines()) > 10
