"""Answers against what an H200 measured: the record that benchmarks/vram_on_a_gpu.py wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from vram import accuracy

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
RECORD = RESULTS / "vram-nvidia-h200-2026-11-26.json"
ROWS: list[dict[str, Any]] = json.loads(RECORD.read_text(encoding="utf-8"))["rows"]
EVERY = {**accuracy.CONFIGURATIONS, **accuracy.EXTRAS}


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_a_step_measured_on_an_h200_is_predicted(row: dict[str, Any]) -> None:
    """What stays is equal, what is allocated is within 0.1 %, what is reserved within 4 %."""
    errors = accuracy.predict(EVERY[row["name"]], accuracy.H200).errors(
        accuracy.Bytes(**row["measured"])
    )
    assert errors["persistent"] == 0
    assert abs(errors["allocated"]) < 0.001
    assert abs(errors["reserved"]) < 0.04


def test_every_configuration_was_measured() -> None:
    """A configuration that is added is measured before it is one."""
    assert [row["name"] for row in ROWS if "measured" in row] == list(EVERY)
