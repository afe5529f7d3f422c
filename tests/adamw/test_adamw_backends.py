"""Choosing a body: auto, by name, and the errors that say what is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import adamw
import pytest
import torch
from adamw import AdamW, backends

from .training import parameters

GROUP: dict[str, Any] = {
    "backend": "auto",
    "foreach": None,
    "fused": None,
    "capturable": False,
    "differentiable": False,
    "rounding": "nearest",
    "state_dtype": None,
}

# Options of a group, and the body they choose for a CPU parameter.
ON_CPU: list[tuple[dict[str, Any], str]] = [
    ({}, "foreach"),
    ({"fused": True}, "fused"),
    ({"foreach": False}, "foreach"),
    ({"differentiable": True}, "reference"),
    ({"capturable": True}, "reference"),
    ({"backend": "reference"}, "reference"),
    ({"backend": "foreach"}, "foreach"),
    ({"backend": "fused"}, "fused"),
    ({"backend": "foreach", "fused": True}, "foreach"),
]


@pytest.mark.parametrize(("options", "body"), ON_CPU)
def test_what_runs_on_a_cpu(options: dict[str, Any], body: str) -> None:
    """Each combination of options has one body, the same every time."""
    assert backends.choose(torch.ones(1), {**GROUP, **options}) == body


def on_gpu(monkeypatch: pytest.MonkeyPatch, *, triton: bool) -> torch.Tensor:
    """A parameter that passes for one on a GPU, on a machine with or without Triton."""
    monkeypatch.setattr(backends, "TRITON_DEVICES", ("meta",))
    monkeypatch.setattr(backends, "_triton_installed", lambda: triton)
    return torch.empty(1, device="meta")


ON_GPU: list[tuple[dict[str, Any], str, str]] = [
    ({}, "triton", "foreach"),
    ({"capturable": True}, "triton", "reference"),
    ({"foreach": True}, "foreach", "foreach"),
    ({"foreach": False}, "foreach", "foreach"),
    ({"differentiable": True}, "reference", "reference"),
]


@pytest.mark.parametrize(("options", "with_triton", "without"), ON_GPU)
def test_what_runs_on_a_gpu(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], with_triton: str, without: str
) -> None:
    """On a GPU auto is Triton where it is installed, unless foreach or autograd is asked for."""
    for triton, body in ((True, with_triton), (False, without)):
        assert backends.choose(on_gpu(monkeypatch, triton=triton), {**GROUP, **options}) == body


# Options of a group on a GPU without Triton, and what the error says.
IMPOSSIBLE: list[tuple[dict[str, Any], str]] = [
    ({"backend": "triton"}, "backend='triton' cannot run here: Triton is not installed"),
    ({"fused": True}, "fused=True cannot run here: Triton is not installed"),
    ({"backend": "foreach", "capturable": True}, "read steps on the host"),
    ({"capturable": True, "rounding": "stochastic"}, "read steps on the host"),
]


@pytest.mark.parametrize(("options", "message"), IMPOSSIBLE)
def test_an_impossible_request_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], message: str
) -> None:
    """What cannot run is an error with the reason, never another body in its place."""
    with pytest.raises(RuntimeError, match=message):
        backends.choose(on_gpu(monkeypatch, triton=False), {**GROUP, **options})


def test_triton_on_a_cpu_is_refused_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a GPU and outside its interpreter, Triton is refused by the constructor."""
    monkeypatch.setenv("TRITON_INTERPRET", "0")
    monkeypatch.setattr(backends, "_triton_installed", lambda: True)
    with pytest.raises(RuntimeError, match="a parameter is on cpu, and Triton needs a GPU"):
        AdamW(parameters(), backend="triton")
    optimizer = AdamW(parameters())
    with pytest.raises(RuntimeError, match="Triton needs a GPU"):
        optimizer.add_param_group({"params": parameters(seed=1), "backend": "triton"})
    assert len(optimizer.param_groups) == 1


def test_a_body_that_cannot_record_gradients_is_refused() -> None:
    """differentiable=True goes with the reference body alone."""
    with pytest.raises(RuntimeError, match="backend='foreach' does not support `differentiable`"):
        AdamW(parameters(), backend="foreach", differentiable=True)


def test_triton_is_imported_by_the_body_that_needs_it_alone() -> None:
    """Importing adamw leaves Triton unimported, stepping on a CPU the module with the kernels."""
    program = """
import sys, torch, adamw
print(*(name for name in sys.modules if name.partition(".")[0] == "triton"))
param = torch.nn.Parameter(torch.ones(3))
param.grad = torch.ones(3)
adamw.AdamW([param]).step()  # torch's own Optimizer imports Triton here, if it is installed
print(*(name for name in sys.modules if name.startswith("adamw.triton")))
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(Path(adamw.__file__).parents[1]), "PATH": ""},
    )
    assert done.stdout.split() == []


def test_meta_parameters_step_without_storage() -> None:
    """On the meta device a step makes the state's shapes and computes nothing."""
    param = torch.nn.Parameter(torch.empty(2**20, 2**10, device="meta"))
    param.grad = torch.empty_like(param)
    optimizer = AdamW([param])
    optimizer.step()
    assert optimizer.state[param]["exp_avg"].shape == (2**20, 2**10)
