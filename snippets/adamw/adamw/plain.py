"""The reference body: `reference`'s equations, one tensor at a time, results written back.

Nothing in it is in place before the last line, so autograd can record it (differentiable=True), and
every number may be a tensor, so a CUDA graph can (capturable=True).
Temporaries: about eight tensors of the size of the largest parameter.
"""

from __future__ import annotations

from typing import Any

import torch

from . import batch as batches
from .batch import Batch, Options, Working
from .reference import adam_direction, bias_correct, decay, first_moment, second_moment


def update(batch: Batch, options: Options) -> None:
    """Advance batch by one step, in place. See `batch` for the contract of a body."""
    if batches.skipped(batch, options):
        return
    on_device = options.capturable or options.differentiable
    for index, step in enumerate(batch.steps):
        step += 1
        one = batch.pick([index])
        # In float64 on the device too: 1 - beta**t has none of float32's digits to lose.
        t = step.to(torch.float64, copy=True) if on_device else step.item()
        working = batches.load(one, options)
        if options.differentiable:
            working = _apart(working)
        batches.store(one, _stepped(working, t, options), options)


def _apart(working: Working) -> Working:
    """Return copies: autograd keeps what it differentiates, and storing would write over it."""
    return Working(*([t.clone() for t in tensors] if tensors else None for tensors in working))  # type: ignore[arg-type]


def _stepped(working: Working, t: Any, options: Options) -> Working:
    """Return the tensors that step t makes of working, a batch of one parameter."""
    (theta,), (g,), (m,), (v,), largest = working
    beta1: Any = options.beta1  # a float or a tensor: the equations take either
    beta2: Any = options.beta2
    lr: Any = options.lr
    g = -g if options.maximize else g
    m = first_moment(m, g, beta1)
    v = second_moment(v, g, beta2)
    v_used = v
    if largest is not None:
        # Reddi et al. 2018, arXiv 1904.09237: the largest second moment so far stands in for v.
        v_used = torch.maximum(largest[0], v)
    m_hat = bias_correct(m, beta1, t)
    v_hat = bias_correct(v_used, beta2, t)
    theta = decay(theta, lr, options.weight_decay)
    theta = theta - lr * adam_direction(m_hat, v_hat, options.eps)
    return Working([theta], [g], [m], [v], None if largest is None else [v_used])
