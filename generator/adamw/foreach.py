"""The foreach body: torch operations over lists of tensors, the default on a CPU.

Line for line `reference.adamw_step`, in the order and grouping of torch's own paths, so that float32
results agree with torch.optim.AdamW. A step goes through the batch in runs: a run is a list
of whole small tensors, or a piece of a large one, that stays in the CPU's cache from the first
operation to the last. The only temporary of the default format is the root of one run's second
moment, where torch keeps the roots of all parameters at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from . import batch as batches
from .batch import Batch, Options
from .eight_bit import BLOCK, blocks

RUN_ELEMENTS = {"cpu": 2**16}
"""Elements of a run; four float32 tensors and a root of it take 1.25 MiB, a share of an L2 cache."""

OTHER_RUN_ELEMENTS = 2**26
"""Elsewhere a run saves memory, not cache misses: large, and tensors are not cut."""


class Corrections(NamedTuple):
    """1 - beta1**t and (1 - beta2**t)**0.5 of each tensor: bias corrections moved to scalars."""

    beta1: list[float]
    beta2_sqrt: list[float]


def update(batch: Batch, options: Options) -> None:
    """Advance batch by one step, in place. See `batch` for the contract of a body.

    Steps are read on the host: lists of CPU steps cost nothing, steps on a GPU wait for it.
    """
    if options.found_inf is not None and options.found_inf.item():
        return
    if options.grad_scale is not None:
        torch._foreach_div_(batch.grads, options.grad_scale.to(batch.grads[0].dtype))
    options = options._replace(
        lr=_number(options.lr), beta1=_number(options.beta1), beta2=_number(options.beta2)
    )
    corrections = advance(batch.steps, options)
    for run, run_corrections in runs(batch, corrections):
        working = batches.load(run, options)
        adamw_(working, run_corrections, options)
        batches.store(run, working, options)


def advance(steps: list[Tensor], options: Options) -> Corrections:
    """Count the step in each of steps and return the bias corrections that it needs."""
    torch._foreach_add_(steps, 1)
    known: dict[float, tuple[float, float]] = {}
    for t in (ts := [step.item() for step in steps]):
        if t not in known:
            known[t] = (1 - options.beta1**t, (1 - options.beta2**t) ** 0.5)
    return Corrections([known[t][0] for t in ts], [known[t][1] for t in ts])


def adamw_(working: batches.Working, corrections: Corrections, options: Options) -> None:
    """Update working in place: m_hat / (sqrt(v_hat) + eps) without a corrected copy of a moment."""
    params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs = working
    lr, beta1, beta2 = options.lr, options.beta1, options.beta2
    if options.weight_decay != 0:
        torch._foreach_mul_(params, 1 - lr * options.weight_decay)  # decay
    torch._foreach_lerp_(exp_avgs, grads, 1 - beta1)  # first_moment
    torch._foreach_mul_(exp_avg_sqs, beta2)  # second_moment
    torch._foreach_addcmul_(exp_avg_sqs, grads, grads, 1 - beta2)
    if max_exp_avg_sqs is not None:
        torch._foreach_maximum_(max_exp_avg_sqs, exp_avg_sqs)
        exp_avg_sqs = max_exp_avg_sqs

    denominators = torch._foreach_sqrt(exp_avg_sqs)
    torch._foreach_div_(denominators, corrections.beta2_sqrt)  # bias_correct of v
    torch._foreach_add_(denominators, options.eps)
    step_sizes = [-lr / correction for correction in corrections.beta1]  # bias_correct of m
    torch._foreach_addcdiv_(params, exp_avgs, denominators, step_sizes)  # adam_direction


def runs(batch: Batch, corrections: Corrections) -> Iterator[tuple[Batch, Corrections]]:
    """Cut batch into runs of at most RUN_ELEMENTS, whole tensors where they fit."""
    device = batch.params[0].device.type
    limit = RUN_ELEMENTS.get(device, OTHER_RUN_ELEMENTS)
    sizes = [param.numel() for param in batch.params]
    if sum(sizes) <= limit:
        yield batch, corrections
        return
    first, held = 0, 0
    for index, size in enumerate([*sizes, limit + 1]):
        if held + size > limit:
            if held:
                yield _whole(batch, first, index), _slice(corrections, first, index)
            first, held = index, 0
            if index < len(sizes) and size > limit:
                yield from _pieces(_whole(batch, index, index + 1), corrections, index, limit)
                first = index + 1
                continue
        held += size


def _pieces(
    one: Batch, corrections: Corrections, index: int, limit: int
) -> Iterator[tuple[Batch, Corrections]]:
    """Cut a batch of one large tensor, where its memory can be cut."""
    own = _slice(corrections, index, index + 1)
    size = one.params[0].numel()
    tensors = [one.params[0], one.grads[0], *(column[0] for column in one.state.values())]
    if not one.params[0].is_cpu or not all(tensor.is_contiguous() for tensor in tensors):
        yield one, own
        return
    for a in range(0, size, limit):
        b = min(a + limit, size)
        state = {key: [_piece(key, column[0], a, b)] for key, column in one.state.items()}
        piece = (t.view(-1)[a:b] for t in (one.params[0], one.grads[0]))
        yield Batch(*([t] for t in piece), one.steps, state, one.streams, [a]), own


def _piece(key: str, tensor: Tensor, a: int, b: int) -> Tensor:
    if key.endswith("_scales"):
        a, b = a // BLOCK, blocks(b)
    return tensor.view(-1)[a:b]


def _whole(batch: Batch, a: int, b: int) -> Batch:
    params, grads, steps, state, streams, starts = batch
    columns = {key: tensors[a:b] for key, tensors in state.items()}
    return Batch(params[a:b], grads[a:b], steps[a:b], columns, streams[a:b], starts[a:b])


def _slice(corrections: Corrections, a: int, b: int) -> Corrections:
    return Corrections(corrections.beta1[a:b], corrections.beta2_sqrt[a:b])


def _number(value: float | Tensor) -> float:
    return value.item() if isinstance(value, Tensor) else value
