"""What every body of the arithmetic is given: tensors that are updated alike, and the options.

Law: a body is a function `update(batch, options) -> None`. It advances the steps and writes the
parameters and their state in place; it makes no state, checks no argument and knows no group.
All tensors of a batch share device, dtypes and state keys, so that one launch can treat them alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

from . import bf16, eight_bit, torch_internals
from .layout import MOMENTS, SIGNED

Number: TypeAlias = float | Tensor


AS_IN_GROUP = (
    *("eps", "weight_decay", "amsgrad", "maximize"),
    *("capturable", "differentiable", "rounding", "seed"),
)
"""Options that a batch takes as they stand in its group; lr and betas may be tensors."""


class Options(NamedTuple):
    """Hyperparameters of a batch, by their names in a parameter group.

    grad_scale and found_inf are those of torch.amp.GradScaler: gradients are divided by the first,
    and a second of 1 skips the step.
    """

    lr: Number
    beta1: Number
    beta2: Number
    eps: float
    weight_decay: Any
    amsgrad: bool
    maximize: bool
    capturable: bool
    differentiable: bool
    rounding: str
    seed: int
    grad_scale: Tensor | None = None
    found_inf: Tensor | None = None

    @classmethod
    def of(
        cls, group: Mapping[str, Any], grad_scale: Tensor | None, found_inf: Tensor | None
    ) -> Options:
        """Return a group's options; 1-element tensors become 0-dimensional."""
        beta1, beta2 = group["betas"]
        named = {name: group[name] for name in AS_IN_GROUP}
        lr, beta1, beta2 = _scalar(group["lr"]), _scalar(beta1), _scalar(beta2)
        return cls(lr, beta1, beta2, **named, grad_scale=grad_scale, found_inf=found_inf)


class Batch(NamedTuple):
    """Tensors of one device and one storage format: one list a role, all in the same order.

    params and grads are real (complex ones come as their real view) and of one shape pairwise.
    steps are 0-dimensional. state holds a list for each other key of `layout`. streams number the
    parameters within the optimizer, for the noise of stochastic rounding. kept is what a body keeps
    from step to step under a name of its own; it lives and dies with the optimizer.
    """

    params: list[Tensor]
    grads: list[Tensor]
    steps: list[Tensor]
    state: dict[str, list[Tensor]]
    streams: list[int]
    kept: dict[str, Any] | None = None

    def pick(self, indices: Sequence[int]) -> Batch:
        """Return the batch of the tensors at indices."""
        return self._replace(
            params=[self.params[i] for i in indices],
            grads=[self.grads[i] for i in indices],
            steps=[self.steps[i] for i in indices],
            state={key: [tensors[i] for i in indices] for key, tensors in self.state.items()},
            streams=[self.streams[i] for i in indices],
        )


class Working(NamedTuple):
    """Tensors in the dtype of the arithmetic; the stored tensors themselves where that is it.

    Gradients are as they came: maximize is the body's to do.
    """

    params: list[Tensor]
    grads: list[Tensor]
    exp_avgs: list[Tensor]
    exp_avg_sqs: list[Tensor]
    max_exp_avg_sqs: list[Tensor] | None


def compute_dtype(batch: Batch, options: Options) -> torch.dtype:
    """Return the dtype a torch body computes in: the parameter's where all storage has it.

    Anything else (8-bit or other moments, a rounding other than bfloat16's own) is computed in
    float32, or in float64 for float64 parameters. So is float16, as by the triton body: it has no
    1e-8, torch's eps, and nothing below 6e-8, the square of a gradient of 2e-4.
    """
    dtype = batch.params[0].dtype
    moments = [batch.state[key][0] for key in MOMENTS[:2] if key in batch.state]  # none: codes
    own = bool(moments) and all(moment.dtype == dtype for moment in moments)
    if own and dtype != torch.float16 and not _rounds(batch, options):
        return dtype
    return torch.float64 if dtype == torch.float64 else torch.float32


def skipped(batch: Batch, options: Options) -> bool:
    """Return whether GradScaler found infinities; if not, divide the gradients by its scale.

    Reads both on the host: as a number the scale is not rounded to the gradients' dtype, in which
    65,536, where GradScaler begins, is float16's infinity. The triton body does it in its kernels.
    """
    if options.found_inf is not None and options.found_inf.item():
        return True
    if options.grad_scale is not None:
        torch_internals.divide_(batch.grads, options.grad_scale.item())
    return False


def load(batch: Batch, options: Options) -> Working:
    """Return batch's tensors ready for arithmetic, decoded and widened where need be."""
    dtype = compute_dtype(batch, options)
    masters = batch.state.get("master_param")
    params = (
        [bf16.master_of(p, m) for p, m in zip(batch.params, masters, strict=True)]
        if masters
        else _as(dtype, batch.params)
    )
    grads = _as(dtype, batch.grads)
    largest = _load_moment(batch, "max_exp_avg_sq", dtype) if options.amsgrad else None
    exp_avgs, exp_avg_sqs = (_load_moment(batch, key, dtype) for key in MOMENTS[:2])
    return Working(params, grads, exp_avgs, exp_avg_sqs, largest)


def store(batch: Batch, working: Working, options: Options) -> None:
    """Write what arithmetic left in working back into batch's storage."""
    found = (working.exp_avgs, working.exp_avg_sqs, working.max_exp_avg_sqs)
    for key, moments in zip(MOMENTS, found, strict=True):
        if moments is not None:
            _store_moment(batch, key, moments)
    if working.params is not batch.params:
        _STORE_PARAMS[options.rounding if _rounds(batch, options) else "nearest"](
            batch, working.params, options
        )


def _scalar(value: Number) -> Number:
    return value.squeeze() if isinstance(value, Tensor) and value.dim() else value


def _rounds(batch: Batch, options: Options) -> bool:
    return options.rounding != "nearest" and batch.params[0].dtype == torch.bfloat16


def _as(dtype: torch.dtype, tensors: list[Tensor]) -> list[Tensor]:
    return tensors if tensors[0].dtype == dtype else [t.to(dtype) for t in tensors]


def _load_moment(batch: Batch, key: str, dtype: torch.dtype) -> list[Tensor]:
    if key in batch.state:
        return _as(dtype, batch.state[key])
    stored = zip(batch.state[f"{key}_codes"], batch.state[f"{key}_scales"], strict=True)
    return _as(dtype, [eight_bit.dequantise(c, s, signed=SIGNED[key]) for c, s in stored])


def _store_moment(batch: Batch, key: str, moments: list[Tensor]) -> None:
    if key not in batch.state:
        stored = zip(batch.state[f"{key}_codes"], batch.state[f"{key}_scales"], strict=True)
        for moment, (codes, scales) in zip(moments, stored, strict=True):
            eight_bit.quantise(moment, codes, scales, signed=SIGNED[key])
    elif moments is not batch.state[key]:
        for moment, kept in zip(moments, batch.state[key], strict=True):
            kept.copy_(moment)


def _store_nearest(batch: Batch, params: list[Tensor], options: Options) -> None:
    for param, value in zip(batch.params, params, strict=True):
        param.copy_(value)


def _store_stochastic(batch: Batch, params: list[Tensor], options: Options) -> None:
    columns = zip(batch.params, params, batch.steps, batch.streams, strict=True)
    for param, value, step, stream in columns:
        key = bf16.noise_key(options.seed, int(step), stream)
        param.copy_(bf16.stochastic_round(value, bf16.noise(key, like=value)))


def _store_master(batch: Batch, params: list[Tensor], options: Options) -> None:
    for param, master, value in zip(batch.params, batch.state["master_param"], params, strict=True):
        param.copy_(value)
        master.copy_(value)


_STORE_PARAMS = {
    "nearest": _store_nearest,
    "stochastic": _store_stochastic,
    "master": _store_master,
}
