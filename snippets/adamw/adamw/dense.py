"""Tensors of a batch in one order in memory, for the bodies that read addresses.

Law: element i of every tensor of a parameter is the i-th in memory; what had to be copied for that
is copied back by the caller. Almost always nothing is: parameters have no holes, and their
gradients and moments are laid out like them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .batch import Batch


def dense(batch: Batch) -> tuple[Batch, list[tuple[Tensor, Tensor]]]:
    """Return batch with every tensor in its state's memory order, and parameters to copy back."""
    orders = batch.state.get("exp_avg_codes") or batch.state["exp_avg"]
    params = [_like(order, param) for order, param in zip(orders, batch.params, strict=True)]
    grads = [_like(order, grad) for order, grad in zip(orders, batch.grads, strict=True)]
    copies = [(a, b) for a, b in zip(batch.params, params, strict=True) if a is not b]
    return batch._replace(params=params, grads=grads), copies


def _like(order: Tensor, tensor: Tensor) -> Tensor:
    if tensor.stride() == order.stride() or (tensor.is_contiguous() and order.is_contiguous()):
        return tensor
    return torch.empty_like(order, dtype=tensor.dtype).copy_(tensor)
