"""`python -m vram` prints one answer, and refuses what makes no sense in one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import vram
from vram.cli import main

GIB = 2**30
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
    "sentence",
    "peak_phase",
    "moments",
]


def test_the_command_prints_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    """--format json prints exactly the keys of the issue, and exits 0 though it does not fit."""
    arguments = "llama-3.2-1b --optimizer adamw8bit --seq 64 --gpu t4 --format json --batch 1"
    assert main(arguments.split()) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == KEYS
    assert found["gpu"] == {"name": "T4", "capacity_bytes": int(14.56 * GIB)}
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
        ("gpt2 --seq 8 --gpu 4099", "unknown GPU '4099'"),
        ("gpt2 --seq 8 --no-such-option", "unrecognized arguments: --no-such-option"),
        ("gpt2 --seq eight", "argument --seq: invalid int value"),
        ("gpt2 --seq 8 --ranks 0", "ranks must be at least 1: 0"),
        ("gpt2 --seq 8 --lora 8 --lora-targets wte", "no linear layer (nn.Linear) is named"),
        ("llama-3.2-1b --seq 8 --lora 513", "rank 513 is more than 512, a side of k_proj"),
        ("gpt2 --seq 99999999999999999999", "sequence must be at most 536,870,912"),
        ("llama-3.2-1b --batch 536870912 --seq 536870912", "more bytes than torch can count"),
        ("gpt2 --seq 8 --optimizer adafactor --implementation fused", "no fused adafactor"),
        ("gpt2 --seq 8 --layout rows", "unknown layout 'rows': fsdp, zero"),
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
    command = [sys.executable, "-m", "vram", "gpt2", "--no-such-option", "8"]
    env = {"PYTHONPATH": str(Path(vram.__file__).parent.parent)}
    found = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert found.returncode == 2
    assert "Traceback" not in found.stderr


def run(command: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """A command line of the shell, in which `vram` is the command."""
    env = {**os.environ, "PYTHONPATH": str(Path(vram.__file__).parent.parent)}
    line = command.replace("vram", f"{sys.executable} -W ignore -m vram", 1)
    return subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, env=env, check=False, **options
    )


@pytest.mark.parametrize(
    ("command", "status", "message"),
    [
        ("vram gpt2 --seq 8 | head -1; exit ${PIPESTATUS[0]}", 0, ""),
        ("vram gpt2 --seq 8 --format json | true; exit ${PIPESTATUS[0]}", 0, ""),
        ("vram gpt2 --seq 8 > /dev/full", 2, "the answer could not be written"),
    ],
)
def test_a_pipe_that_closes_and_a_full_disk(command: str, status: int, message: str) -> None:
    """A reader that has read enough is no error; an answer that cannot be written is one line."""
    found = run(command)
    assert found.returncode == status
    assert message in found.stderr
    assert found.stderr.count("\n") == bool(message)


STOPPED = """
import runpy, sys
import vram.cli
def estimate(*_, **__):
    raise KeyboardInterrupt
vram.cli.estimate = estimate
sys.argv = ["vram", "gpt2"]
runpy.run_module("vram", run_name="__main__")
"""


def test_ctrl_c_ends_without_a_traceback() -> None:
    """An interrupt exits with the shell's own status for it, 130, and says nothing."""
    env = {"PYTHONPATH": str(Path(vram.__file__).parent.parent)}
    command = [sys.executable, "-W", "ignore", "-c", STOPPED]
    found = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert (found.returncode, found.stdout, found.stderr) == (130, "", "")


def test_an_unknown_torch_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where torch is neither known nor states its constants, the command says what to install."""
    from vram import internals

    monkeypatch.setattr(internals, "HEADER", "include/none.h")
    monkeypatch.setattr(internals, "LAST", (2, 0))
    internals.constants.cache_clear()
    assert main(["gpt2", "--seq", "8"]) == 2
    assert "install torch 2.9 to" in capsys.readouterr().err
    internals.constants.cache_clear()


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
