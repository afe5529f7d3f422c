"""The fused body: torch's own fused step for CPUs, one pass over each operand.

Law: it does what `torch.optim.AdamW(fused=True)` does, to the bit, or says why it cannot. One thing
it does better: where a gradient lies in memory in another order than its parameter, torch's class
pairs the elements wrongly. Source: aten/src/ATen/native/cpu/FusedAdamKernel.cpp of PyTorch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from . import torch_internals
from .batch import Batch, Options
from .dense import dense
from .layout import MOMENTS, is_8bit, moment_dtype


def missing(param: Tensor, group: Mapping[str, Any]) -> str:
    """Return why torch's fused step cannot update param as group asks; nothing if it can."""
    if not param.is_cpu:
        return f"torch's fused step stands here for a CPU; a parameter is on {param.device}"
    if group["rounding"] != "nearest" and param.dtype == torch.bfloat16:
        return f"torch's fused step rounds to nearest, not with rounding={group['rounding']!r}"
    state_dtype = group["state_dtype"]
    if not is_8bit(param, state_dtype) and moment_dtype(param, state_dtype) == param.dtype:
        return ""
    return (
        f"torch's fused step keeps moments in the parameter's dtype, {param.dtype}, "
        f"not with state_dtype={state_dtype!r}"
    )


def update(batch: Batch, options: Options) -> None:
    """Advance batch by one step, in place. See `batch` for the contract of a body."""
    if options.found_inf is not None and options.found_inf.item():
        return
    arranged, write_back = dense(batch)
    exp_avgs, exp_avg_sqs, largest = (arranged.state.get(moment, []) for moment in MOMENTS)
    torch_internals.count_(batch.steps)
    scale = options.grad_scale
    torch_internals.fused_adamw_(
        arranged.params,
        [g.to(p.dtype) for p, g in zip(arranged.params, arranged.grads, strict=True)],
        exp_avgs,
        exp_avg_sqs,
        largest,
        arranged.steps,
        lr=float(options.lr),
        beta1=float(options.beta1),
        beta2=float(options.beta2),
        weight_decay=float(options.weight_decay),
        eps=float(options.eps),
        amsgrad=options.amsgrad,
        maximize=options.maximize,
        grad_scale=None if scale is None else scale.to("cpu", torch.float32),
    )
    for param, copy in write_back:
        param.copy_(copy)
