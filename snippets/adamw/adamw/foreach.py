"""The foreach body: torch operations over lists of tensors, the default on a CPU.

Line for line `reference.adamw_step`, in the order and grouping of torch's own paths, so that
float32 results agree with torch.optim.AdamW. A step goes through the batch in runs of tensors
that stay in the CPU's cache from the first operation to the last. The only temporary of the
default format is the root of one run's second moment, where torch keeps the roots of all
parameters at once. A tensor larger than a run is a run of its own: cut into pieces it is faster on
an idle machine and far slower on a busy one, where each operation waits for its slowest thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from . import batch as batches
from .batch import Batch, Number, Options

RUN_ELEMENTS = {"cpu": 2**20}
"""Elements of a run: four float32 tensors and a root of it take 20 MiB, a server's last cache."""

OTHER_RUN_ELEMENTS = 2**26
"""Elsewhere a run saves memory, not cache misses, and may be large."""


class Scalars(NamedTuple):
    """The numbers of step t.

    decay multiplies the parameter (None for no decay); the bias corrections 1 - beta1**t and
    (1 - beta2**t)**0.5 are in step_size and root_correction, so that no moment is copied.
    """

    decay: Number | None
    one_minus_beta1: float
    beta2: Number
    one_minus_beta2: float
    root_correction: Number
    eps: Number
    step_size: float


def update(batch: Batch, options: Options) -> None:
    """Advance batch by one step, in place. See `batch` for the contract of a body.

    Steps are read on the host: CPU steps cost nothing, steps on a GPU wait for it.
    """
    if batches.skipped(batch, options):
        return
    for t, alike in _advance(batch):
        scalars = scalars_of(t, options, alike.params[0])
        for run in runs(alike):
            working = batches.load(run, options)
            adamw_(working, scalars, maximize=options.maximize)
            batches.store(run, working, options)


def scalars_of(t: float, options: Options, param: Tensor) -> Scalars:
    """Return the scalars of step t, counted from 1, for parameters like param.

    Tensor hyperparameters are used in their own dtype, as by torch, and read at the end.
    """
    lr, beta1, beta2, weight_decay = options.lr, options.beta1, options.beta2, options.weight_decay
    decay, root_correction = 1 - lr * weight_decay, (1 - beta2**t) ** 0.5
    numbers: Sequence[Number] = [float(x) for x in (decay, beta2, root_correction, options.eps)]
    plain = type(param) in (Tensor, torch.nn.Parameter)
    if plain and param.is_cpu and param.dtype in (torch.float32, torch.float64):
        # On a CPU foreach wraps a float anew for each tensor, at a third of a small step's time.
        # A DTensor takes it as a float: torch 2.11 cannot add a tensor to a list of them.
        numbers = torch.tensor(numbers, dtype=param.dtype).unbind()
    return Scalars(
        decay=numbers[0] if weight_decay != 0 else None,
        one_minus_beta1=float(1 - beta1),
        beta2=numbers[1],
        one_minus_beta2=float(1 - beta2),
        root_correction=numbers[2],
        eps=numbers[3],
        step_size=float(lr / (1 - beta1**t)),
    )


def adamw_(working: batches.Working, scalars: Scalars, *, maximize: bool) -> None:
    """Update working in place by one step; the names behind the lines are `reference`'s."""
    params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs = working
    if scalars.decay is not None:
        torch._foreach_mul_(params, scalars.decay)  # decay
    if maximize:  # the mean of -g is minus the mean of g, to the bit, and takes no copy of g
        torch._foreach_neg_(exp_avgs)
    torch._foreach_lerp_(exp_avgs, grads, scalars.one_minus_beta1)  # first_moment
    if maximize:
        torch._foreach_neg_(exp_avgs)
    torch._foreach_mul_(exp_avg_sqs, scalars.beta2)  # second_moment
    torch._foreach_addcmul_(exp_avg_sqs, grads, grads, scalars.one_minus_beta2)
    if max_exp_avg_sqs is not None:
        torch._foreach_maximum_(max_exp_avg_sqs, exp_avg_sqs)
        exp_avg_sqs = max_exp_avg_sqs

    denominators = torch._foreach_sqrt(exp_avg_sqs)
    torch._foreach_div_(denominators, scalars.root_correction)  # bias_correct of v
    if isinstance(scalars.eps, Tensor):
        # Without alpha the tensor is read and each addition wraps the number anew.
        torch._foreach_add_(denominators, scalars.eps, alpha=1.0)
    else:
        torch._foreach_add_(denominators, scalars.eps)
    torch._foreach_addcdiv_(params, exp_avgs, denominators, -scalars.step_size)  # adam_direction


def runs(batch: Batch) -> Iterator[Batch]:
    """Cut batch into runs of whole tensors, of at most RUN_ELEMENTS or of a single tensor."""
    limit = RUN_ELEMENTS.get(batch.params[0].device.type, OTHER_RUN_ELEMENTS)
    first, held = 0, 0
    for index, param in enumerate(batch.params):
        if held and held + param.numel() > limit:
            yield batch.pick(range(first, index))
            first, held = index, 0
        held += param.numel()
    yield batch.pick(range(first, len(batch.params))) if first else batch


def _advance(batch: Batch) -> Iterator[tuple[float, Batch]]:
    """Count the step, and yield it with the tensors that take it: all of them, as a rule."""
    one = torch.ones((), dtype=batch.steps[0].dtype, device=batch.steps[0].device)
    torch._foreach_add_(batch.steps, one, alpha=1.0)
    members: dict[float, list[int]] = {}
    for index, step in enumerate(batch.steps):
        members.setdefault(step.item(), []).append(index)
    for t, indices in members.items():
        yield t, batch if len(members) == 1 else batch.pick(indices)
