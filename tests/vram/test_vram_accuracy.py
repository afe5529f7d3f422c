"""The comparison with a GPU: what can be tested of it without one."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from vram import Gpu, Training, accuracy, names
from vram.shapes import DecoderShape

from benchmarks import vram_on_a_gpu

ROOT = Path(__file__).parent.parent.parent
SMALL = DecoderShape(2, 64, 96, 4, 2, 100, tied=True)
CARD = Gpu("Test Card", 10**12, 9, "a test")


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A configuration that a CPU trains in a moment."""
    monkeypatch.setitem(names.MODELS, "tiny", SMALL)
    return accuracy.Configuration("tiny", "tiny", Training(sequence=16))


def test_the_configurations_cover_what_the_issue_names() -> None:
    """At least twelve: sizes, dtypes, optimizers, checkpointing, batch and sequence vary."""
    every = accuracy.CONFIGURATIONS.values()
    assert len(every) >= 12
    assert all(name == c.name for name, c in accuracy.CONFIGURATIONS.items())
    assert all(c.needs is None for c in every)
    values = {
        "model": {c.model for c in every},
        "dtype": {c.dtype for c in every},
        **{
            name: {getattr(c.training, name) for c in every}
            for name in ("optimizer", "implementation", "checkpoint", "batch", "sequence")
        },
    }
    assert all(len(found) >= 2 for found in values.values())
    assert values["optimizer"] >= {"adamw", "sgd", "sgd-momentum", "adafactor", "muon"}
    assert values["implementation"] == {"foreach", "single", "fused"}


def test_every_configuration_is_predicted_and_fits_an_h200() -> None:
    """Predictions are in order, and the whole table fits the card of the records."""
    for configuration in {**accuracy.CONFIGURATIONS, **accuracy.EXTRAS}.values():
        found = accuracy.predict(configuration, accuracy.H200)
        assert 0 < found.persistent < found.allocated <= found.reserved
        assert found.reserved < accuracy.H200.capacity_bytes


@pytest.mark.parametrize(
    "plan",
    [
        {},
        {"implementation": "single"},
        {"implementation": "fused"},
        {"optimizer": "sgd"},
        {"optimizer": "sgd-momentum", "checkpoint": True},
        {"optimizer": "adafactor"},
        {"optimizer": "muon"},
        {"lora_rank": 4},
    ],
)
def test_the_measured_loop_holds_what_is_predicted(
    tiny: Any,
    plan: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The very loop that measures, on the CPU: its persistent bytes are the prediction's.

    But for torch's step counters, which are on the CPU whatever the device, unless fused.
    """
    count = accuracy.persistent_bytes

    def without_counters(model: Any, optimizers: list[Any], device: str) -> int:
        states = [state for o in optimizers for state in o.state.values() if "step" in state]
        fused = plan.get("implementation") == "fused"
        return count(model, optimizers, device) - (0 if fused else 4 * len(states))

    monkeypatch.setattr(accuracy, "persistent_bytes", without_counters)
    configuration = replace(tiny, training=replace(tiny.training, **plan))
    trained = accuracy.train(configuration, device="cpu")
    assert trained.persistent == accuracy.predict(configuration, CARD).persistent


def test_a_process_without_a_gpu_says_so() -> None:
    """Measuring where there is no CUDA fails with torch's own reason."""
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(accuracy.MeasurementError, match=r"CUDA|NVIDIA"):
        accuracy.measure(accuracy.CONFIGURATIONS["gpt2-sgd"])


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise MemoryError('CUDA out of memory')", "MemoryError: CUDA out of memory"),
        ("import os; os.kill(os.getpid(), 9)", "ended by SIGKILL"),
        ("import sys; sys.exit(3)", "exit status 3"),
        ("print('hello')", "no figures in its output: 'hello"),
        ("", "no figures in its output: ''"),
        ("print('{\"persistent\": 1}')", "no figures in its output"),
        ("import time; time.sleep(60)", "no answer within 1 s"),
    ],
)
def test_a_process_that_dies_is_reported_with_the_reason(code: str, reason: str) -> None:
    """An error, a signal, a silent end, nonsense and a hang are told apart."""
    with pytest.raises(accuracy.MeasurementError, match=reason):
        accuracy.told_by(
            [sys.executable, "-c", code], dict(os.environ), 1.0 if "sleep" in code else 60
        )


def test_the_process_gets_the_allocators_option_and_nobodys_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """expandable_segments is passed on; what would change workspaces or segments is not."""
    for name in accuracy.SETTINGS_OF_OTHERS:
        monkeypatch.setenv(name, ":4096:8")
    found = accuracy._environment(expandable=True)
    assert found["PYTORCH_ALLOC_CONF"] == "expandable_segments:True"
    assert not set(found) & set(accuracy.SETTINGS_OF_OTHERS)
    assert str(ROOT / "snippets" / "vram") in found["PYTHONPATH"]


def test_one_failure_loses_no_other_row(capsys: pytest.CaptureFixture[str]) -> None:
    """Rows are kept as they come: measured with errors, failed with the reason."""
    kept: list[int] = []

    def measure(configuration: Any) -> Any:
        if configuration.name == "gpt2-bf16":
            raise accuracy.MeasurementError("ended by SIGKILL")
        return accuracy.predict(configuration, CARD)

    names = ["gpt2-sgd", "gpt2-bf16", "gpt2-checkpoint"]
    rows = vram_on_a_gpu.run(names, CARD, 60.0, lambda rows: kept.append(len(rows)), measure)
    assert kept == [1, 2, 3]
    assert rows[1]["failed"] == "ended by SIGKILL"
    assert rows[0]["errors"] == rows[2]["errors"] == dict.fromkeys(rows[0]["predicted"], 0.0)
    assert "ended by SIGKILL" in capsys.readouterr().out
    assert vram_on_a_gpu.worst(rows).startswith("2 of 3 measured; largest error: persistent 0.00%")


@pytest.mark.parametrize(
    ("card", "budget", "reason"),
    [(CARD, -1.0, "no time was left"), (replace(CARD, capacity_bytes=1), 60.0, "bytes at least")],
)
def test_what_is_not_measured_says_why(card: Gpu, budget: float, reason: str) -> None:
    """A run out of time, or a card that is too small, is a row with its prediction."""
    (row,) = vram_on_a_gpu.run(["gpt2-sgd"], card, budget, lambda rows: None)
    assert reason in row["skipped"]
    assert row["predicted"]["persistent"] > 0


def test_the_record_is_whole_json_at_any_moment(tmp_path: Path) -> None:
    """Writing replaces the file at once; nothing else is left in the folder."""
    path = tmp_path / "results" / "vram.json"
    for count in (1, 2):
        vram_on_a_gpu.write(path, {"rows": [{"name": str(i)} for i in range(count)]})
        assert len(json.loads(path.read_text())["rows"]) == count
    assert list(path.parent.iterdir()) == [path]


def test_without_a_gpu_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command prints predictions, says that nothing was measured, and exits 0."""
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    assert vram_on_a_gpu.main(["--only", "gpt2-sgd", "--out", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "gpt2-sgd" in text
    assert "nothing measured and nothing written" in text
    assert not list(tmp_path.iterdir())


def test_a_record_can_be_written_of_every_configuration(tmp_path: Path) -> None:
    """Each row says what was set, dtypes by torch's names, and nothing that is the default."""
    path = tmp_path / "vram.json"
    every = {**accuracy.CONFIGURATIONS, **accuracy.EXTRAS}
    rows = vram_on_a_gpu.run(list(every), CARD, -1.0, lambda rows: None)
    vram_on_a_gpu.write(path, {"rows": rows})
    said = {row["name"]: row["setting"] for row in json.loads(path.read_text())["rows"]}
    assert said["1b-foreach"] == {"dtype": "torch.bfloat16"}
    assert said["gpt2-fp32"] == {"dtype": "torch.float32", "batch": 4, "sequence": 1024}
    assert list(said) == list(every)
