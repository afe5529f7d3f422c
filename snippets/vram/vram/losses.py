"""The loss of a language model: over all logits at once, in chunks that are recomputed, or fused.

The three give the same loss and differ in what they keep. In chunks and fused, the output layer is
a part of the loss: the module is run without it, so that the logits are never there as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint as recompute

Loss = Callable[[Any], Tensor]
Contexts = tuple[AbstractContextManager[Any], AbstractContextManager[Any]]

FULL, CHUNKED, FUSED = "full", "chunked", "fused"
KINDS = (FULL, CHUNKED, FUSED)
CHUNKS = 8  # torchtune's num_output_chunks


@dataclass(frozen=True)
class Objective:
    """How the loss is computed: one of KINDS, and the number of chunks of "chunked"."""

    kind: str = FULL
    chunks: int = CHUNKS

    @classmethod
    def named(cls, text: str) -> Objective:
        """Return what "full", "chunked", "chunked:16" or "fused" asks for. Raises ValueError."""
        kind, colon, count = text.partition(":")
        if kind not in KINDS or (colon and kind != CHUNKED):
            raise ValueError(f"unknown loss {text!r}: full, chunked, chunked:N, fused")
        if colon and not (count.isdigit() and int(count) > 0):
            raise ValueError(f"chunks must be a whole number above 0: {count!r}")
        return cls(kind, int(count)) if colon else cls(kind)


ALL_AT_ONCE = Objective()


def next_token_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross entropy of logits (B, T, V) in float32 and int64 labels (B, T)."""
    return F.cross_entropy(logits.float().flatten(0, -2), labels.flatten())


@contextmanager
def without_output(model: nn.Module) -> Iterator[nn.Linear]:
    """Within it the module returns what its output layer would be given; yields that layer.

    Raises ValueError for a module whose last linear layer is not as wide as an embedding.
    """
    layer = output_layer(model)
    if layer is None:
        raise ValueError("no linear layer is as wide as an embedding: give loss 'full'")
    layer.forward = _as_it_is  # type: ignore[method-assign]
    try:
        yield layer
    finally:
        del layer.forward


def _as_it_is(input: Tensor) -> Tensor:  # noqa: A002 - torch's own name
    return input


def output_layer(model: nn.Module) -> nn.Linear | None:
    """Return the linear layer with as many outputs as an embedding has rows, or None."""
    rows = {m.num_embeddings for m in model.modules() if isinstance(m, nn.Embedding)}
    layers = [m for m in model.modules() if isinstance(m, nn.Linear) and m.out_features in rows]
    return layers[-1] if layers else None


def chunked_loss(
    layer: nn.Linear, hidden: Tensor, labels: Tensor, chunks: int, again: Callable[[], Contexts]
) -> Tensor:
    """Return the mean cross entropy of hidden (B, T, D), the logits of each chunk made twice.

    Each chunk keeps its hidden states; backward computes its logits again, in the contexts that
    `again` gives.
    """
    parts = zip(hidden.flatten(0, -2).chunk(chunks), labels.flatten().chunk(chunks), strict=True)
    once = partial(recompute, _part, layer, use_reentrant=False, context_fn=again)
    losses = [once(*part) for part in parts]
    total: Tensor = torch.stack(losses).sum() / labels.numel()
    return total


def _part(layer: nn.Linear, hidden: Tensor, labels: Tensor) -> Tensor:
    logits = F.linear(hidden, layer.weight, layer.bias)
    return F.cross_entropy(logits.float(), labels, reduction="sum")


def fused_loss(layer: nn.Linear, hidden: Tensor, labels: Tensor) -> Tensor:
    """Return the loss as Liger's fused linear cross entropy computes it: gradients in forward."""
    flat = hidden.flatten(0, -2)
    return _Fused.apply(flat, layer.weight, labels.flatten())  # type: ignore[no-any-return, no-untyped-call]


class _Fused(torch.autograd.Function):
    """liger-kernel 0.8.5, ops/fused_linear_cross_entropy.py: so many rows at once as D allows.

    Keeps the gradients of hidden states and of a trained weight, which forward has made; the
    logits of one chunk, their gradient in their place, are all that is ever there.
    """

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, labels: Tensor) -> Tensor:
        rows, width = hidden.shape
        share = -(-weight.shape[0] // width)
        chunk = min(1 << (-(-rows // share) - 1).bit_length(), rows)
        for_hidden = torch.zeros_like(hidden)
        for_weight = torch.zeros_like(weight) if weight.requires_grad else None
        losses = hidden.new_zeros(rows, dtype=torch.float32)
        logits = hidden.new_empty(chunk, weight.shape[0])
        del logits
        ctx.save_for_backward(for_hidden, for_weight)
        return losses.sum()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor | None, None]:
        for_hidden, for_weight = ctx.saved_tensors
        return for_hidden, for_weight, None


def loss_of(
    objective: Objective,
    layer: nn.Linear | None,
    out: Tensor,
    labels: Tensor | None,
    again: Callable[[], Contexts],
) -> Tensor:
    """Return the loss of a module's output: hidden states where there is a layer, else logits."""
    if layer is not None and labels is not None:
        if objective.kind == CHUNKED:
            return chunked_loss(layer, out, labels, objective.chunks, again)
        return fused_loss(layer, out, labels)
    if labels is not None and out.ndim == 3:
        return next_token_loss(out, labels)
    return out.float().mean()
