"""State from a checkpoint, made to fit this optimizer before anything of it is touched.

Law: every option and tensor is checked and every tensor converted first, and only then does torch's
own load run, with the converted tensors sealed against its cast to the parameter's dtype. A moment
may come in any format (torch's, float32, bfloat16, codes and scales) and leaves in the format of
the group that it joins.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from . import eight_bit
from .backends import step_on_device
from .groups import OWN_OPTIONS
from .hyperparameters import check_hyperparameters
from .layout import MOMENTS, SIGNED, Slot, allocate, layout

OLDEST = {
    "amsgrad": False,
    "maximize": False,
    "foreach": None,
    "capturable": False,
    "differentiable": False,
    "fused": None,
}
"""Options that a checkpoint of an older torch lacks, with what they mean there."""

NEEDED = ("lr", "betas", "eps", "weight_decay")

OUR_KEYS = {"step", "master_param"} | {
    f"{moment}{part}" for moment in MOMENTS for part in ("", "_codes", "_scales")
}
"""Keys of a state that are checked and converted; any other is kept as it is, as by torch."""


class _Seal:
    """Holds a state where torch's load sees neither tensor, dict nor iterable."""

    __slots__ = ("state",)

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state


def seal(
    param_groups: list[dict[str, Any]], state_dict: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return state_dict with each parameter's state converted and sealed, or None to leave it.

    Raises ValueError for an option or a tensor that does not fit, named with its place and value.
    Groups that do not match are left for torch to refuse.
    """
    saved_groups = [dict(group) for group in state_dict["param_groups"]]
    if [len(g["params"]) for g in saved_groups] != [len(g["params"]) for g in param_groups]:
        return None
    state = dict(state_dict["state"])
    for number, (group, saved) in enumerate(zip(param_groups, saved_groups, strict=True)):
        saved.update({name: group[name] for name in OWN_OPTIONS})
        options = OLDEST | saved
        for name in NEEDED:
            if name not in options:
                raise ValueError(f"loaded state dict: {name} of group {number} is missing")
        check_hyperparameters(options)
        for index, param in zip(saved["params"], group["params"], strict=True):
            if state.get(index):
                state[index] = _Seal(_fit(_Saved(index, state[index]), param, options))
    return {**state_dict, "state": state, "param_groups": saved_groups}


def unseal(state: dict[Any, Any]) -> None:
    """Open, in place, the states that `seal` closed."""
    for key, value in state.items():
        if isinstance(value, _Seal):
            state[key] = value.state


class _Saved:
    """A parameter's state as it was saved: nothing leaves it unchecked."""

    def __init__(self, index: Any, state: Any) -> None:
        self.index = index
        if not isinstance(state, Mapping):
            raise self.error("state", f"is {_kind(state)}, not a dict")
        self.state = state

    def error(self, key: str, problem: str) -> ValueError:
        """Return the error that says what is wrong with key."""
        return ValueError(f"loaded state dict: {key} of parameter {self.index} {problem}")

    def tensor(self, key: str, param: Tensor, shape: tuple[int, ...], like: torch.dtype) -> Tensor:
        """Return the tensor of a key, of shape, and of a dtype that like's can be made from."""
        value = self._of(key, param)
        if not isinstance(value, Tensor) or value.layout != torch.strided:
            raise self.error(key, f"is {_kind(value)}, not a dense tensor")
        if tuple(value.shape) != shape:
            raise self.error(key, f"has shape {tuple(value.shape)}, expected {shape}")
        if not (value.dtype == like or (like.is_floating_point and value.is_floating_point())):
            raise self.error(key, f"has dtype {value.dtype}, expected {like}")
        return value

    def step(self, param: Tensor) -> Tensor:
        """Return the step as a floating-point tensor without dimensions."""
        value = self._of("step", param)
        if isinstance(value, (int, float)):  # of an old torch
            value = torch.tensor(float(value), dtype=torch.float32)
        if not isinstance(value, Tensor) or value.numel() != 1 or value.is_complex():
            raise self.error("step", f"is {_kind(value)}, expected one number")
        if not value.is_meta and not 0 <= value.item() < math.inf:
            raise self.error("step", f"is {value.item()}, expected a count of steps")
        return (value if value.is_floating_point() else value.float()).reshape(())

    def _of(self, key: str, param: Tensor) -> Any:
        if key not in self.state:
            raise self.error(key, "is missing")
        value = self.state[key]
        if isinstance(value, Tensor) and value.is_meta and not param.is_meta:
            raise self.error(key, f"is on meta, its parameter on {param.device}")
        return value


def _kind(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a {value.layout} tensor of shape {tuple(value.shape)} and {value.dtype}"
    return repr(value)


def _fit(saved: _Saved, param: Tensor, group: Mapping[str, Any]) -> dict[str, Any]:
    """Return what saved becomes as the state of param in group."""
    amsgrad = group["amsgrad"] or any(key.startswith("max_exp_avg_sq") for key in saved.state)
    slots = layout(param, {**group, "amsgrad": amsgrad})
    fitted = {"step": _step(saved.step(param), param, group)}
    for moment in MOMENTS if amsgrad else MOMENTS[:2]:
        fitted |= _moment(saved, moment, param, slots)
    if slot := slots.get("master_param"):
        fitted["master_param"] = allocate(param, slot)  # zeros: the parameter itself counts
        if "master_param" in saved.state:
            master = saved.tensor("master_param", param, slot.shape, slot.dtype)
            fitted["master_param"].copy_(master)
    return fitted | {key: v for key, v in saved.state.items() if key not in OUR_KEYS}


def _step(step: Tensor, param: Tensor, group: Mapping[str, Any]) -> Tensor:
    """Return a copy of the step where torch keeps it: beside the parameter for a device step."""
    if step_on_device(param, group):
        return step.to(dtype=torch.float32, device=param.device, copy=True)
    return step.clone()


def _moment(
    saved: _Saved, moment: str, param: Tensor, slots: Mapping[str, Slot]
) -> dict[str, Tensor]:
    own = param.dtype if param.is_complex() else torch.float32
    keys = [key for key in (moment, f"{moment}_codes", f"{moment}_scales") if key in slots]
    new = {key: allocate(param, slots[key]) for key in keys}
    if moment in saved.state or f"{moment}_codes" not in saved.state:
        value = saved.tensor(moment, param, tuple(param.shape), own)
    else:
        scales = (eight_bit.blocks(param.numel()),)
        coded = {
            f"{moment}_codes": saved.tensor(
                f"{moment}_codes", param, tuple(param.shape), torch.uint8
            ),
            f"{moment}_scales": saved.tensor(f"{moment}_scales", param, scales, torch.float32),
        }
        value = eight_bit.dequantise(*coded.values(), signed=SIGNED[moment])
        if all(key in new and new[key].stride() == t.stride() for key, t in coded.items()):
            for key, tensor in coded.items():
                new[key].copy_(tensor)  # codes into codes: nothing is rounded
            return new
    if moment in new:
        new[moment].copy_(value)
    else:
        codes, into = new.values()
        arranged = torch.empty_like(codes, dtype=torch.float32).copy_(value)
        eight_bit.quantise(arranged, codes, into, signed=SIGNED[moment])
    return new
