"""The reference body: `reference`'s equations, one tensor at a time, results written back.

Nothing in it is in place before the last line, so autograd can record it (differentiable=True), and
every number may be a tensor, so a CUDA graph can (capturable=True).
Temporaries: about eight tensors of the size of the largest parameter.
"""

from __future__ import annotations

import torch

from . import batch as batches
from .batch import Batch, Number, Options, Working
from .reference import adam_direction, bias_correct, decay, first_moment, second_moment


def update(batch: Batch, options: Options) -> None:
    """Advance batch by one step, in place. See `batch` for the contract of a body."""
    on_device = options.capturable or options.differentiable
    for index, step in enumerate(batch.steps):
        step += 1
        one = _only(batch, index)
        t = step if on_device else step.item()
        batches.store(one, _stepped(batches.load(one, options), t, options), options)


def _stepped(working: Working, t: Number, options: Options) -> Working:
    """Return the tensors that step t makes of working, a batch of one parameter."""
    (theta,), (g,), (m,), (v,), largest = working
    m = first_moment(m, g, options.beta1)
    v = second_moment(v, g, options.beta2)
    v_used = v
    if largest is not None:
        # Reddi et al. 2018, arXiv 1904.09237: the largest second moment so far stands in for v.
        v_used = torch.maximum(largest[0], v)
    m_hat = bias_correct(m, options.beta1, t)
    v_hat = bias_correct(v_used, options.beta2, t)
    theta = decay(theta, options.lr, options.weight_decay)
    theta = theta - options.lr * adam_direction(m_hat, v_hat, options.eps)
    return Working([theta], [g], [m], [v], None if largest is None else [v_used])


def _only(batch: Batch, index: int) -> Batch:
    params, grads, steps, state, streams, starts = batch
    columns = {key: [tensors[index]] for key, tensors in state.items()}
    lists = ([column[index]] for column in (params, grads, steps))
    return Batch(*lists, columns, [streams[index]], [starts[index]])
