"""From the parameters of a group to batches: what is refused, what state begins as, who goes along.

Law: `refuse` and `check_devices` come before the first write of a step; `batches` makes missing
state (zeros) and sorts parameters that a body can treat alike into one batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

import torch
from torch import Tensor

from . import torch_internals
from .backends import choose, step_on_device
from .batch import Batch, Options
from .hyperparameters import check_usable
from .layout import allocate, is_8bit, keeps_master, layout


def refuse_format(params: Iterable[Tensor], group: Mapping[str, Any]) -> None:
    """Raise RuntimeError for a format of bits and blocks on a tensor that wraps others.

    On a DTensor some of those operations fail in the middle of a step, and its view as int16 gives
    wrong numbers without a word. A master is no such format: it is compared as numbers.
    """
    if group["state_dtype"] != "8bit" and group["rounding"] != "stochastic":
        return
    for param in params:
        coded = is_8bit(param, group["state_dtype"])
        rounded = group["rounding"] == "stochastic" and param.dtype == torch.bfloat16
        if (coded or rounded) and torch_internals.wraps_tensors(param):
            option = "state_dtype" if coded else "rounding"
            raise RuntimeError(
                f"{option}={group[option]!r} takes plain tensors, not {type(param).__name__}"
            )


def refuse(group: Mapping[str, Any]) -> None:
    """Raise for what no step can use: sparse gradients, NaN options, devices without support."""
    check_usable(group)
    refuse_format(group["params"], group)
    capturable = torch_internals.capturable_devices() if group["capturable"] else []
    for param in group["params"]:
        if param.grad is None:
            continue
        if param.grad.is_sparse:
            raise RuntimeError(
                "AdamW does not support sparse gradients, please consider SparseAdam instead"
            )
        if group["fused"]:
            torch_internals.check_fused(param)
        if capturable and param.device.type not in capturable:
            raise AssertionError(
                "If capturable=True, params and state_steps must be on supported devices: "
                f"{capturable}, not {param.device}."
            )


def batches(
    states: MutableMapping[Tensor, Any],
    group: Mapping[str, Any],
    first_stream: int,
    kept: dict[str, Any],
) -> list[tuple[str, Batch]]:
    """Return group's parameters that have a gradient, in batches, each with its body's name.

    kept is what bodies keep between steps of this optimizer.
    """
    masters = group["rounding"] == "master"  # looked up once: a step of many small tensors shows it
    alike: dict[Any, list[tuple[Tensor, Tensor, dict[str, Tensor], int]]] = {}
    for stream, param in enumerate(group["params"], first_stream):
        grad = param.grad
        if grad is None:
            continue
        state = states[param]
        if not state:
            state.update(_initial_state(param, group))
        elif masters and keeps_master(param, group) and "master_param" not in state:  # a cast since
            state["master_param"] = allocate(param, layout(param, group)["master_param"])
        key = (type(param), param.device, param.dtype, grad.dtype, "exp_avg_codes" in state)
        alike.setdefault(key, []).append((param, grad, state, stream))
    return [
        (choose(members[0][0], group), _batch(members, group)._replace(kept=kept))
        for members in alike.values()
    ]


def check_devices(body: str, batch: Batch, options: Options) -> None:
    """Raise ValueError for state, or a tensor hyperparameter, away from its parameter's device."""
    device = batch.params[0].device
    for name, tensors in batch.state.items():
        for tensor in tensors:
            if tensor.device != device:
                raise ValueError(f"state {name} is on {tensor.device}, its parameter on {device}")
    if body == "triton" or options.capturable:
        for step in batch.steps:
            if step.device != device:
                raise ValueError(f"state step is on {step.device}, its parameter on {device}")
    for name in ("lr", "beta1", "beta2", "eps", "weight_decay"):
        value = getattr(options, name)
        if isinstance(value, Tensor) and value.device != device and not value.is_cpu:
            raise ValueError(f"{name} is on {value.device}, a parameter on {device}")


def _initial_state(param: Tensor, group: Mapping[str, Any]) -> dict[str, Tensor]:
    slots = layout(param, group)
    # The step is only ever read as a number: on the CPU, unless a kernel is what reads it.
    device = param.device if step_on_device(param, group) else torch.device("cpu")
    step = torch.zeros((), dtype=slots.pop("step").dtype, device=device)
    return {"step": step} | {key: allocate(param, slot) for key, slot in slots.items()}


def _batch(
    members: list[tuple[Tensor, Tensor, dict[str, Tensor], int]], group: Mapping[str, Any]
) -> Batch:
    params, grads, states, streams = (list(column) for column in zip(*members, strict=True))
    keys = [key for key in layout(params[0], group) if key != "step"]
    state = {key: [s[key] for s in states] for key in keys}
    steps = [s["step"] for s in states]
    if params[0].is_complex():
        params, grads = _real(params), _real(grads)
        state = {key: _real(tensors) for key, tensors in state.items()}
    return Batch(params, grads, steps, state, streams)


def _real(tensors: list[Tensor]) -> list[Tensor]:
    return [torch.view_as_real(tensor) for tensor in tensors]
