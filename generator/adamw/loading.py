"""State from a checkpoint, made to fit this optimizer before anything of it is touched.

Law: every tensor is checked and converted first, and only then does torch's own load run, with the
converted tensors sealed against its cast to the parameter's dtype. A moment may come in any format
(torch's, float32, bfloat16, codes and scales) and leaves in the format of the group that it joins.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from . import eight_bit
from .backends import step_on_device
from .layout import MOMENTS, SIGNED, Slot, allocate, layout

OWN_OPTIONS = ("backend", "state_dtype", "rounding", "seed")
"""Options that say how this optimizer works; a checkpoint does not change them."""

OLDEST = {
    "amsgrad": False,
    "maximize": False,
    "foreach": None,
    "capturable": False,
    "differentiable": False,
    "fused": None,
}
"""Options that a checkpoint of an older torch lacks, with what they mean there."""


class _Seal:
    """Holds a state where torch's load sees neither tensor, dict nor iterable."""

    __slots__ = ("state",)

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state


def seal(
    param_groups: list[dict[str, Any]], state_dict: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return state_dict with each parameter's state converted and sealed, or None to leave it.

    Raises ValueError for a tensor whose shape is not its parameter's, named by key and index.
    Groups that do not match are left for torch to refuse.
    """
    saved_groups = [dict(group) for group in state_dict["param_groups"]]
    if [len(g["params"]) for g in saved_groups] != [len(g["params"]) for g in param_groups]:
        return None
    state = dict(state_dict["state"])
    for group, saved in zip(param_groups, saved_groups, strict=True):
        saved.update({name: group[name] for name in OWN_OPTIONS})
        for index, param in zip(saved["params"], group["params"], strict=True):
            if state.get(index):
                state[index] = _Seal(_fit(index, param, OLDEST | saved, state[index]))
    return {**state_dict, "state": state, "param_groups": saved_groups}


def unseal(state: dict[Any, Any]) -> None:
    """Open, in place, the states that `seal` closed."""
    for key, value in state.items():
        if isinstance(value, _Seal):
            state[key] = value.state


def _fit(
    index: Any, param: Tensor, group: Mapping[str, Any], saved: Mapping[str, Any]
) -> dict[str, Any]:
    amsgrad = any(key.startswith("max_exp_avg_sq") for key in saved)
    slots = layout(param, {**group, "amsgrad": amsgrad})
    known = {key for moment in MOMENTS for key in (moment, f"{moment}_codes", f"{moment}_scales")}
    fitted = {key: v for key, v in saved.items() if key not in known | {"master_remainder"}}
    if "step" in saved:
        fitted["step"] = _step(saved["step"], param, group)
    for moment in MOMENTS:
        if moment in saved or f"{moment}_codes" in saved:
            fitted |= _moment(index, moment, param, saved, slots)
    if "master_remainder" in slots:
        rest = saved.get("master_remainder")
        slot = slots["master_remainder"]
        fitted["master_remainder"] = allocate(param, slot)
        if rest is not None:
            fitted["master_remainder"].copy_(_checked(index, "master_remainder", rest, slot.shape))
    return fitted


def _step(step: Any, param: Tensor, group: Mapping[str, Any]) -> Tensor:
    """Return the step as a tensor where torch keeps it: beside the parameter for a device step."""
    tensor = step if isinstance(step, Tensor) else torch.tensor(float(step), dtype=torch.float32)
    if step_on_device(param, group):
        return tensor.to(dtype=torch.float32, device=param.device, copy=True)
    return tensor.clone()


def _moment(
    index: Any, moment: str, param: Tensor, saved: Mapping[str, Any], slots: Mapping[str, Slot]
) -> dict[str, Tensor]:
    shape = tuple(param.shape)
    keys = [key for key in (moment, f"{moment}_codes", f"{moment}_scales") if key in slots]
    new = {key: allocate(param, slots[key]) for key in keys}
    if moment in saved:
        value = _checked(index, moment, saved[moment], shape)
    else:
        value = _decode(index, moment, saved, param)
        if len(new) == 2 and _same_layout(saved[f"{moment}_codes"], new[f"{moment}_codes"]):
            for key, tensor in new.items():
                tensor.copy_(saved[key])  # codes into codes: nothing is rounded
            return new
    if moment in new:
        new[moment].copy_(value)
    else:
        codes, scales = new.values()
        arranged = torch.empty_like(codes, dtype=torch.float32).copy_(value)
        eight_bit.quantise(arranged, codes, scales, signed=SIGNED[moment])
    return new


def _decode(index: Any, moment: str, saved: Mapping[str, Any], param: Tensor) -> Tensor:
    codes = _checked(index, f"{moment}_codes", saved[f"{moment}_codes"], tuple(param.shape))
    shape = (eight_bit.blocks(param.numel()),)
    scales = _checked(index, f"{moment}_scales", saved[f"{moment}_scales"], shape)
    return eight_bit.dequantise(codes, scales, signed=SIGNED[moment])


def _same_layout(a: Tensor, b: Tensor) -> bool:
    return a.stride() == b.stride()


def _checked(index: Any, key: str, value: Tensor, shape: tuple[int, ...]) -> Tensor:
    if tuple(value.shape) != shape:
        raise ValueError(
            f"loaded state dict: {key} of parameter {index} has shape {tuple(value.shape)}, "
            f"expected {shape}"
        )
    return value
