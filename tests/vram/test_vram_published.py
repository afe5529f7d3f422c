"""Answers against steps whose memory others published: cases/published.toml, a run each."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import torch
from vram import Answer, estimate

CASES = Path(__file__).parent / "cases" / "published.toml"
RUNS: list[dict[str, Any]] = tomllib.loads(CASES.read_text(encoding="utf-8"))["run"]
DTYPES = {"lora_dtype", "master_dtype", "autocast"}


def answer(run: dict[str, Any]) -> Answer:
    """What vram says of a run; dtypes are by their names in torch."""
    settings = {
        name: getattr(torch, value) if name in DTYPES else value
        for name, value in run["settings"].items()
    }
    return estimate(run["model"], gpu="A100 80GB", **settings)


@pytest.mark.parametrize("run", RUNS, ids=[run["name"] for run in RUNS])
def test_a_published_step_is_predicted(run: dict[str, Any]) -> None:
    """What is allocated or reserved lies as near as the row says, a process in its interval."""
    found, measured = answer(run), run["measured"]
    if run["of"] == "process":
        least, most = found.low_bytes - run["rounding"], found.high_bytes + run["rounding"]
        assert least <= measured <= most
        return
    said = {
        "allocated": found.peak_allocated_bytes,
        "reserved": found.reserved_bytes,
        "low": found.low_bytes,
    }
    assert said[run["of"]] == pytest.approx(measured, rel=run["within"])
