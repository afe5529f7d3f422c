"""Which tensors a parameter's state is made of, and how many bytes they take.

Law: `layout` is the only place that decides; allocation, loading and `state_bytes` all follow it.
Keys are torch's (`step`, `exp_avg`, `exp_avg_sq`, `max_exp_avg_sq`) wherever the tensor means what
torch means by it. An 8-bit moment has keys of its own (`exp_avg_codes`, `exp_avg_scales`), so that
another optimizer that is given it fails at once instead of reading codes as moments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor

from . import eight_bit
from .hyperparameters import check_storage

MIN_8BIT_ELEMENTS = 4096
"""Smaller tensors keep float32 moments under state_dtype="8bit", as in bitsandbytes."""

MOMENTS = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")
"""The moments by their state key; the last one only with amsgrad."""

SIGNED = {"exp_avg": True, "exp_avg_sq": False, "max_exp_avg_sq": False}


class Slot(NamedTuple):
    """One tensor of a state: its shape and dtype."""

    shape: tuple[int, ...]
    dtype: torch.dtype

    @property
    def nbytes(self) -> int:
        """Bytes of the tensor's elements."""
        return prod(self.shape) * self.dtype.itemsize


def layout(param: Tensor, group: Mapping[str, Any]) -> dict[str, Slot]:
    """Return the slots of param's state, by key, under a group's amsgrad, state_dtype, rounding."""
    slots = {"step": Slot((), _step_dtype(group))}
    for moment in MOMENTS if group["amsgrad"] else MOMENTS[:2]:
        slots |= _moment_slots(moment, param, group["state_dtype"])
    if keeps_master(param, group):
        slots["master_param"] = Slot(tuple(param.shape), torch.float32)
    return slots


def keeps_master(param: Tensor, group: Mapping[str, Any]) -> bool:
    """Return whether param is the rounding of a float32 master in its state."""
    return group["rounding"] == "master" and param.dtype == torch.bfloat16


def is_8bit(param: Tensor, state_dtype: Any) -> bool:
    """Return whether param's moments are codes: asked for, real, and large enough to pay."""
    return (
        state_dtype == "8bit" and param.is_floating_point() and param.numel() >= MIN_8BIT_ELEMENTS
    )


def _moment_slots(moment: str, param: Tensor, state_dtype: Any) -> dict[str, Slot]:
    if is_8bit(param, state_dtype):
        return {
            f"{moment}_codes": Slot(tuple(param.shape), torch.uint8),
            f"{moment}_scales": Slot((eight_bit.blocks(param.numel()),), torch.float32),
        }
    return {moment: Slot(tuple(param.shape), moment_dtype(param, state_dtype))}


def moment_dtype(param: Tensor, state_dtype: Any) -> torch.dtype:
    """Return the dtype of a moment that is not 8-bit; complex parameters keep their own."""
    if state_dtype is None or param.is_complex():
        return param.dtype
    return torch.float32 if state_dtype == "8bit" else state_dtype


def _step_dtype(group: Mapping[str, Any]) -> torch.dtype:
    # torch's rule: float64 where that is the default dtype, float32 always on a fused device.
    double = torch.get_default_dtype() == torch.float64 and not group.get("fused")
    return torch.float64 if double else torch.float32


def allocate(param: Tensor, slot: Slot) -> Tensor:
    """Return zeros for a slot on param's device, in param's memory layout where shapes agree."""
    if slot.shape == tuple(param.shape):
        return torch.zeros_like(param, dtype=slot.dtype, memory_format=torch.preserve_format)
    return torch.zeros(slot.shape, dtype=slot.dtype, device=param.device)


def state_bytes(
    params: Iterable[Any],
    *,
    amsgrad: bool = False,
    state_dtype: torch.dtype | str | None = None,
    rounding: str = "nearest",
) -> int:
    """Return the bytes of all state that AdamW will hold for params, before anything is allocated.

    A parameter of n elements takes 4 bytes of step, n moments twice (thrice with amsgrad) in
    state_dtype, where "8bit" is n bytes and 4 for each 256 begun, and 4 n bytes of master.

    Args:
        params: what AdamW takes: tensors (meta ones too), (name, tensor) pairs, or groups, whose
            own amsgrad, state_dtype and rounding count.
        amsgrad: as in AdamW.
        state_dtype: as in AdamW.
        rounding: as in AdamW.

    The count is exact: the sum of nbytes over `optimizer.state` once every parameter has had a
    gradient, 4 bytes of step each included. It leaves out what is not state: parameters,
    gradients, the temporaries of a step and the tables of the triton body (about 100 bytes a
    tensor).

    Raises ValueError for a state_dtype or rounding that AdamW does not know.
    """
    options = {"amsgrad": amsgrad, "state_dtype": state_dtype, "rounding": rounding}
    return sum(
        slot.nbytes
        for param, group in _each(params, options)
        for slot in layout(param, group).values()
    )


def _each(
    params: Iterable[Any], options: Mapping[str, Any]
) -> Iterator[tuple[Tensor, Mapping[str, Any]]]:
    check_storage(options)
    for item in params:
        if isinstance(item, dict):
            members = item["params"]
            yield from _each(
                [members] if isinstance(members, Tensor) else members, {**options, **item}
            )
        else:
            yield (item[1] if isinstance(item, tuple) else item), options
