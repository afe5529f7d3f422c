"""The parts of a decoder layer, written as transformers writes them, so that they keep the same.

Shapes: B batch, T tokens, D hidden, H heads, K key-value heads, C channels of a head.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .shapes import DecoderShape


def new_gelu(x: Tensor) -> Tensor:
    """Return GELU by tanh as transformers writes "gelu_new": operator by operator, all kept."""
    inner = math.sqrt(2.0 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0))
    return 0.5 * x * (1.0 + torch.tanh(inner))


RMS_NORM_EPS = 1e-5  # of every Llama; other models' values change no shape
ACTIVATION: dict[str, Callable[[Tensor], Tensor]] = {
    "silu": F.silu,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "gelu_new": new_gelu,
}


class Conv1D(nn.Module):
    """A linear layer whose weight is (inputs, outputs), as OpenAI's checkpoints store it."""

    def __init__(self, inputs: int, outputs: int, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, outputs, device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.empty(outputs, device=device, dtype=dtype))
        if not self.weight.is_meta:
            nn.init.normal_(self.weight, std=0.02)
            nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        flat = torch.addmm(self.bias, x.view(-1, x.shape[-1]), self.weight)
        return flat.view(*x.shape[:-1], -1)


class Linear(nn.Linear):
    """nn.Linear that draws no initial values where there is no storage to hold them."""

    def reset_parameters(self) -> None:
        if not self.weight.is_meta:
            super().reset_parameters()


class Embedding(nn.Embedding):
    """nn.Embedding that draws no initial values where there is no storage to hold them."""

    def reset_parameters(self) -> None:
        if not self.weight.is_meta:
            super().reset_parameters()


class RMSNorm(nn.Module):
    """x / rms(x) * weight, the mean in float32 (Zhang & Sennrich 2019, arXiv 1910.07467)."""

    def __init__(self, hidden: int, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(hidden, device=device, dtype=dtype))
        if not self.weight.is_meta:
            nn.init.ones_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * _over_rms(x).to(x.dtype)


class WideRMSNorm(RMSNorm):
    """Gemma's: the weight is an offset from 1 and multiplies in float32, before the cast."""

    def __init__(self, hidden: int, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__(hidden, device, dtype)
        if not self.weight.is_meta:
            nn.init.zeros_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        return (_over_rms(x) * (1.0 + self.weight.float())).type_as(x)


def _over_rms(x: Tensor) -> Tensor:
    wide = x.float()
    return wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + RMS_NORM_EPS)


def norm(shape: DecoderShape, width: int, device: torch.device, dtype: torch.dtype) -> RMSNorm:
    """Return the shape's kind of norm over `width` channels."""
    return (WideRMSNorm if shape.wide_norms else RMSNorm)(width, device, dtype)


class Attention(nn.Module):
    """Causal grouped-query attention (Ainslie et al. 2023, arXiv 2305.13245)."""

    def __init__(self, shape: DecoderShape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.head_dim = shape.head_dim
        self.groups = shape.heads // shape.kv_heads
        self.softcap = shape.attention_softcap
        q_width, kv_width = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
        self.widths = [q_width, kv_width, kv_width]
        options: dict[str, Any] = {"device": device, "dtype": dtype}
        biased = options | {"bias": shape.qkv_bias}
        if shape.fused_projections:
            self.qkv_proj: nn.Module = Linear(shape.hidden, sum(self.widths), **biased)
        else:
            self.q_proj: nn.Module = Linear(shape.hidden, q_width, **biased)
            self.k_proj: nn.Module = Linear(shape.hidden, kv_width, **biased)
            self.v_proj: nn.Module = Linear(shape.hidden, kv_width, **biased)
        if shape.head_norms:
            self.q_norm = norm(shape, shape.head_dim, device, dtype)
            self.k_norm = norm(shape, shape.head_dim, device, dtype)
        self.o_proj: nn.Module = Linear(q_width, shape.hidden, bias=shape.output_bias, **options)

    def forward(
        self, x: Tensor, rotation: tuple[Tensor, Tensor], mask: Tensor | None = None
    ) -> Tensor:
        q, k, v = (self._heads(part) for part in self._project(x))
        if hasattr(self, "q_norm"):
            q, k = self.q_norm(q), self.k_norm(k)
        q, k, v = (part.transpose(1, 2) for part in (q, k, v))
        q, k = rotate(q, rotation), rotate(k, rotation)  # (B, H, T, C), (B, K, T, C)
        mixed = attend(q, k, v, self.groups, self.softcap, mask)
        out: Tensor = self.o_proj(mixed.transpose(1, 2).flatten(2))
        return out

    def _project(self, x: Tensor) -> tuple[Tensor, ...]:
        if hasattr(self, "qkv_proj"):
            parts: tuple[Tensor, ...] = self.qkv_proj(x).split(self.widths, dim=-1)
            return parts
        return self.q_proj(x), self.k_proj(x), self.v_proj(x)

    def _heads(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], -1, self.head_dim)


class FeedForward(nn.Module):
    """SwiGLU, or GeGLU (Shazeer 2020, arXiv 2002.05202): down(act(gate(x)) * up(x)).

    intermediate is the width between, where it is not the shape's own.
    """

    def __init__(
        self,
        shape: DecoderShape,
        device: torch.device,
        dtype: torch.dtype,
        intermediate: int | None = None,
    ) -> None:
        super().__init__()
        self.activation = shape.activation
        width = intermediate or shape.intermediate
        options: dict[str, Any] = {"bias": shape.mlp_bias, "device": device, "dtype": dtype}
        if shape.fused_projections:
            self.gate_up_proj: nn.Module = Linear(shape.hidden, 2 * width, **options)
        else:
            self.gate_proj: nn.Module = Linear(shape.hidden, width, **options)
            self.up_proj: nn.Module = Linear(shape.hidden, width, **options)
        self.down_proj: nn.Module = Linear(width, shape.hidden, **options)

    def forward(self, x: Tensor) -> Tensor:
        if hasattr(self, "gate_up_proj"):
            gate, up = self.gate_up_proj(x).chunk(2, dim=-1)
            gate = ACTIVATION[self.activation](gate)
        else:
            gate = ACTIVATION[self.activation](self.gate_proj(x))
            up = self.up_proj(x)
        out: Tensor = self.down_proj(gate * up)
        return out


def attend(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    groups: int,
    softcap: float | None,
    mask: Tensor | None = None,
) -> Tensor:
    """Mix v (B, K, T, C) for the queries (B, H, T, C), causally, H = K * groups.

    mask (1, 1, T, T) is true where a query sees a key, None where it sees all before; with a
    softcap, which no kernel has, it is what is added to the scores. Only flash attention reads
    shared heads, and only in 16 bits and without a mask; else keys and values are repeated first,
    or torch would take the path that keeps (T, T) scores.
    """
    if q.dtype.itemsize == 2 and softcap is None and mask is None:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=groups > 1)
    if groups > 1:
        k, v = k.repeat_interleave(groups, dim=1), v.repeat_interleave(groups, dim=1)
    if softcap is None:
        causal = mask is None
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)
    scores = q @ k.transpose(2, 3) * q.shape[-1] ** -0.5
    scores = torch.tanh(scores / softcap) * softcap
    scores = scores if mask is None else scores + mask
    weights = F.softmax(scores, dim=-1, dtype=torch.float32).to(q.dtype)
    return weights @ v


def seen(length: int, window: int | None, device: torch.device) -> Tensor:
    """Return booleans (1, 1, T, T): true for a token and the window - 1 before it, or all."""
    position = torch.arange(length, device=device)
    back = position[:, None] - position
    return ((back >= 0) & (back < (window or length)))[None, None]


def added(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """Return what is added to scores where a mask is false: minus infinity, of `dtype`."""
    nothing = torch.zeros((), dtype=dtype, device=mask.device)
    return torch.where(mask, nothing, float("-inf"))


def rotary_angles(
    length: int, head_dim: int, like: Tensor, theta: float = 500_000.0
) -> tuple[Tensor, Tensor]:
    """Return cos and sin (T, C) of RoPE (Su et al. 2021, arXiv 2104.09864), placed as `like`.

    Position t turns channel pair i by t * theta ** (-2i / C); float32 until the last cast.
    """
    pair = torch.arange(0, head_dim, 2, device=like.device, dtype=torch.float32)
    position = torch.arange(length, device=like.device, dtype=torch.float32)
    rates = theta ** (-pair / head_dim)
    # A product of matrices, as in transformers: the first of a step, so it takes cuBLAS' workspace.
    angles = (position[:, None] @ rates[None]).repeat(1, 2)
    return angles.cos().to(like.dtype), angles.sin().to(like.dtype)


def rotate(x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    """Turn x (B, H, T, C) by its positions; channels i and i + C/2 are a pair (transformers).

    Where the rotation has fewer channels than x, the rest pass as they are.
    """
    cos, sin = rotation
    turned = cos.shape[-1]
    if turned < x.shape[-1]:
        return torch.cat((rotate(x[..., :turned], rotation), x[..., turned:]), dim=-1)
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin
