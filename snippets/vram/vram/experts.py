"""A mixture of experts, as transformers 5 computes it: all experts' weights in two tensors.

Each token's hidden state is copied once for each expert it goes to, sorted by expert, and passes
two grouped products (torch's grouped_mm), so no size depends on where tokens go.
Shapes: N = B * T tokens, S = N * per_token pairs, E experts, I an expert's width.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .layers import ACTIVATION, FeedForward
from .shapes import DecoderShape, Experts


class ExpertsFeedForward(nn.Module):
    """Router, experts, and where the shape has one the expert that every token passes (B, T, D)."""

    def __init__(self, shape: DecoderShape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        assert shape.experts is not None
        self.gate = Router(shape.hidden, shape.experts, device, dtype)
        self.experts = ExpertWeights(shape, shape.experts, device, dtype)
        self.shared = shape.experts.shared > 0
        if self.shared:
            self.shared_expert = FeedForward(shape, device, dtype, shape.experts.shared)
            self.shared_expert_gate = SharedGate(shape.hidden, device, dtype)

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.flatten(0, 1)
        common = self.shared_expert(tokens) if self.shared else None
        mixed: Tensor = self.experts(tokens, *self.gate(tokens))
        if common is not None:
            mixed = mixed + F.sigmoid(self.shared_expert_gate(tokens)) * common
        return mixed.view_as(x)


class SharedGate(nn.Module):
    """The weight of the shared expert's output, one number a token: too small to adapt."""

    def __init__(self, hidden: int, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(1, hidden, device=device, dtype=dtype))
        if not self.weight.is_meta:
            nn.init.normal_(self.weight, std=0.02)

    def forward(self, tokens: Tensor) -> Tensor:
        return F.linear(tokens, self.weight)


class Router(nn.Module):
    """Hidden states (N, D) to the experts chosen and their weights, both (N, per_token)."""

    def __init__(
        self, hidden: int, experts: Experts, device: torch.device, dtype: torch.dtype
    ) -> None:
        super().__init__()
        self.chosen = experts.per_token
        self.weight = nn.Parameter(torch.empty(experts.count, hidden, device=device, dtype=dtype))
        if not self.weight.is_meta:
            nn.init.normal_(self.weight, std=0.02)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        scores = F.softmax(F.linear(tokens, self.weight).float(), dim=-1)
        best, chosen = torch.topk(scores, self.chosen, dim=-1)
        weights = best / best.sum(dim=-1, keepdim=True)
        return chosen, weights.to(tokens.dtype)


class ExpertWeights(nn.Module):
    """All experts: gate_up_proj (E, 2I, D) and down_proj (E, D, I), one parameter each."""

    def __init__(
        self, shape: DecoderShape, experts: Experts, device: torch.device, dtype: torch.dtype
    ) -> None:
        super().__init__()
        self.activation, self.count = shape.activation, experts.count
        up = (experts.count, 2 * experts.intermediate, shape.hidden)
        down = (experts.count, shape.hidden, experts.intermediate)
        self.gate_up_proj = nn.Parameter(torch.empty(up, device=device, dtype=dtype))
        self.down_proj = nn.Parameter(torch.empty(down, device=device, dtype=dtype))
        if not self.gate_up_proj.is_meta:
            nn.init.normal_(self.gate_up_proj, std=0.02)
            nn.init.normal_(self.down_proj, std=0.02)

    def forward(self, tokens: Tensor, chosen: Tensor, weights: Tensor) -> Tensor:
        each = chosen.shape[-1]
        expert, order = torch.sort(chosen.reshape(-1))
        ends = _ends(expert, self.count)
        gathered = tokens[order // each]  # (S, D)
        gate, up = _grouped(gathered, self.gate_up_proj, ends).chunk(2, dim=-1)  # (S, I) each
        out = _grouped(ACTIVATION[self.activation](gate) * up, self.down_proj, ends)  # (S, D)
        weighted = out * weights.reshape(-1)[order].unsqueeze(-1)
        back = torch.empty_like(order)
        back[order] = torch.arange(order.shape[0], device=order.device)
        return weighted[back].view(tokens.shape[0], each, -1).sum(dim=1).to(tokens.dtype)


def _ends(expert: Tensor, count: int) -> Tensor:
    """Return where each expert's rows end (E,), int32, for the sorted expert of each row (S,)."""
    if expert.is_meta:
        return torch.empty(count, dtype=torch.int32, device=expert.device)
    return torch.bincount(expert, minlength=count).cumsum(0, dtype=torch.int32)


def _grouped(rows: Tensor, weights: Tensor, ends: Tensor) -> Tensor:
    """Multiply each expert's rows (S, in) with its weights (E, out, in): (S, out)."""
    product = _GroupedProduct.apply if rows.is_meta else _grouped_mm
    out: Tensor = product(rows, weights, ends)
    return out


def _grouped_mm(rows: Tensor, weights: Tensor, ends: Tensor) -> Tensor:
    return F.grouped_mm(rows, weights.transpose(-2, -1), offs=ends)


class _GroupedProduct(torch.autograd.Function):
    """grouped_mm on meta, where torch has it for bfloat16 alone: what is kept and made is equal."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, weights: Tensor, ends: Tensor) -> Tensor:
        ctx.save_for_backward(rows, weights, ends)
        return rows.new_empty(rows.shape[0], weights.shape[1])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        pair = zip(ctx.saved_tensors[:2], ctx.needs_input_grad, strict=False)
        return (*(torch.empty_like(t) if needed else None for t, needed in pair), None)
