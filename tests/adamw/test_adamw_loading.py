"""What a load refuses: state and options that do not fit, with nothing changed."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from adamw import AdamW
from torch import nn

from .training import parameters, with_gradients

NAN = float("nan")


def put(index: int, **entries: Any) -> Any:
    """Return a function that puts entries into a parameter's saved state."""
    return lambda saved: saved["state"][index].update(entries)


def option(**options: Any) -> Any:
    """Return a function that puts options into the saved group."""
    return lambda saved: saved["param_groups"][0].update(options)


def lose(*path: Any) -> Any:
    """Return a function that takes the entry at path out of a saved state."""

    def spoil(saved: dict[str, Any]) -> None:
        for key in path[:-1]:
            saved = saved[key]
        del saved[path[-1]]

    return spoil


# What is wrong with the state of a (0-dimensional), b (7 elements) and c (5,000, in codes).
BAD_STATES: dict[str, tuple[Any, str]] = {
    "shape": (
        put(1, exp_avg_sq=torch.zeros(3)),
        "exp_avg_sq of parameter 1 has shape (3,), expected (7,)",
    ),
    "scales": (
        put(2, exp_avg_scales=torch.zeros(3)),
        "exp_avg_scales of parameter 2 has shape (3,), expected (20,)",
    ),
    "integers": (
        put(1, exp_avg=torch.ones(7, dtype=torch.int64)),
        "exp_avg of parameter 1 has dtype torch.int64, expected torch.float32",
    ),
    "complex": (
        put(1, exp_avg=torch.ones(7, dtype=torch.complex64)),
        "exp_avg of parameter 1 has dtype torch.complex64, expected torch.float32",
    ),
    "codes": (
        put(2, exp_avg_codes=torch.ones(5000)),
        "exp_avg_codes of parameter 2 has dtype torch.float32, expected torch.uint8",
    ),
    "a number": (put(1, exp_avg=3.0), "exp_avg of parameter 1 is 3.0, not a dense tensor"),
    "sparse": (
        put(1, exp_avg=torch.ones(7).to_sparse()),
        "exp_avg of parameter 1 is a torch.sparse_coo tensor",
    ),
    "elsewhere": (
        put(1, exp_avg=torch.ones(7, device="meta")),
        "exp_avg of parameter 1 is on meta, its parameter on cpu",
    ),
    "no moment": (lose("state", 1, "exp_avg"), "exp_avg of parameter 1 is missing"),
    "no scales": (
        lose("state", 2, "exp_avg_sq_scales"),
        "exp_avg_sq_scales of parameter 2 is missing",
    ),
    "no step": (lose("state", 0, "step"), "step of parameter 0 is missing"),
    "no largest moment": (option(amsgrad=True), "max_exp_avg_sq of parameter 0 is missing"),
    "word for a step": (put(0, step="x"), "step of parameter 0 is 'x', expected one number"),
    "steps": (put(0, step=torch.ones(2)), "step of parameter 0 is a torch.strided tensor of shape"),
    "step before 0": (put(0, step=-1.0), "step of parameter 0 is -1.0, expected a count of steps"),
    "step NaN": (put(0, step=torch.tensor(NAN)), "step of parameter 0 is nan, expected a count"),
    "no state": (
        lambda saved: saved["state"].update({0: 3}),
        "state of parameter 0 is 3, not a dict",
    ),
    "lr a string": (
        option(lr="1e-3"),
        "learning rate: '1e-3' is a string, not a number",
    ),
    "lr NaN": (option(lr=NAN), "Invalid learning rate: nan"),
    "betas": (option(betas=(0.9, 1.0)), "Invalid beta parameter at index 1: 1.0"),
    "no lr": (lose("param_groups", 0, "lr"), "lr of group 0 is missing"),
    "groups": (
        lambda saved: saved["param_groups"].append(saved["param_groups"][0]),
        "different number of parameter groups",
    ),
    "count": (option(params=[0]), "doesn't match the size of optimizer's group"),
}


@pytest.mark.parametrize(("spoil", "message"), BAD_STATES.values(), ids=BAD_STATES)
def test_a_state_that_does_not_fit_changes_nothing(spoil: Any, message: str) -> None:
    """Loaded state that cannot be used is a ValueError; state and options stay as they were."""
    params = [*parameters(torch.float32)[:2], nn.Parameter(torch.ones(5000))]
    optimizer = AdamW(with_gradients(params), state_dtype="8bit", lr=0.5)
    optimizer.step()
    saved = optimizer.state_dict()
    loaded = {
        "state": {index: dict(state) for index, state in saved["state"].items()},
        "param_groups": [{**group, "lr": 0.25} for group in saved["param_groups"]],
    }
    spoil(loaded)
    before = {param: dict(state) for param, state in optimizer.state.items()}
    with pytest.raises(ValueError, match=re.escape(message)):
        optimizer.load_state_dict(loaded)
    assert optimizer.param_groups[0]["lr"] == 0.5
    assert all(optimizer.state[p][k] is v for p, kept in before.items() for k, v in kept.items())
