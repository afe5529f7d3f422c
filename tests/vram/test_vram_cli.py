"""`python -m vram` prints one answer, and refuses what makes no sense in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import vram
from vram.cli import main

MIB = 2**20
KEYS = [
    "parameters",
    "parts",
    "persistent_bytes",
    "peak_allocated_bytes",
    "reserved_bytes",
    "low_bytes",
    "high_bytes",
    "not_counted",
    "gpu",
    "verdict",
]


def test_the_command_prints_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    """--format json prints exactly the keys of the issue, and exits 0 though it does not fit."""
    arguments = "llama-3.2-1b --optimizer adamw8bit --seq 64 --gpu t4 --format json --batch 1"
    assert main(arguments.split()) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == KEYS
    assert found["gpu"] == {"name": "T4", "capacity_bytes": 15_360 * MIB}
    assert found["parameters"] == 1_235_814_400
    assert all(set(part) == {"name", "bytes", "formula"} for part in found["parts"])
    assert found["verdict"] == "fits"


def test_the_command_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    """The table has a line for each part, both totals and the verdict with its margin."""
    assert main(["gpt2", "--seq", "64", "--gpu", "L4"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in ("parameters", "optimizer states", "low", "high"))
    assert "Verdict: fits, with" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("lama-3.1-8b", "did you mean 'llama-3.1-8b'"),
        ("gpt2 --seq 2048", "longer than 1024 positions"),
        ("gpt2 --batch -3", "batch must be at least 1: -3"),
        ("gpt2 --seq 8 --gpu 4090", "did you mean 'RTX 4090'"),
        ("gpt2 --seq 8 --ranks 0", "ranks must be at least 1: 0"),
        ("gpt2 --seq 8 --lora 8", "no linear layer is named"),
    ],
)
def test_senseless_requests_exit_2(
    arguments: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A request that makes no sense is one line on stderr and exit 2, without a traceback."""
    assert main(arguments.split()) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_the_module_runs_as_a_command() -> None:
    """`python -m vram` is the command; an argument it does not know exits 2."""
    command = [sys.executable, "-m", "vram", "gpt2", "--sequence-length", "8"]
    env = {"PYTHONPATH": str(Path(vram.__file__).parent.parent)}
    found = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert found.returncode == 2
    assert "Traceback" not in found.stderr


# A fresh process, for its own peak of memory; twice the 5 s, as CI's cores are shared.
PROBE = """
import resource, time
from vram import estimate
estimate("llama-3.1-405b")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time())
"""


def test_405b_is_answered_in_seconds_and_without_memory() -> None:
    """An answer for 405B takes under 1 GiB of memory, and seconds of one processor."""
    env = {"PYTHONPATH": str(Path(vram.__file__).parent.parent)}
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROBE],
        capture_output=True,
        text=True,
        env=env,
        check=True,
    )
    kibibytes, seconds = found.stdout.split()
    assert int(kibibytes) < 2**20
    assert float(seconds) < 10
