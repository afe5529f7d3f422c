"""The parts of a decoder layer, written as transformers writes them, so that they keep the same.

Shapes: B batch, T tokens, D hidden, H heads, K key-value heads, C channels of a head.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .shapes import DecoderShape

RMS_NORM_EPS = 1e-5  # of every Llama; other models' values change no shape
ACTIVATION = {"silu": F.silu, "gelu_tanh": lambda x: F.gelu(x, approximate="tanh")}


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
        wide = x.float()
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + RMS_NORM_EPS)
        return self.weight * wide.to(x.dtype)


class Attention(nn.Module):
    """Causal grouped-query attention (Ainslie et al. 2023, arXiv 2305.13245)."""

    def __init__(self, shape: DecoderShape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.head_dim = shape.head_dim
        self.groups = shape.heads // shape.kv_heads
        self.softcap = shape.attention_softcap
        q_width, kv_width = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
        self.widths = [q_width, kv_width, kv_width]
        options: dict[str, Any] = {"bias": shape.qkv_bias, "device": device, "dtype": dtype}
        if shape.fused_projections:
            self.qkv_proj: nn.Module = Linear(shape.hidden, sum(self.widths), **options)
        else:
            self.q_proj: nn.Module = Linear(shape.hidden, q_width, **options)
            self.k_proj: nn.Module = Linear(shape.hidden, kv_width, **options)
            self.v_proj: nn.Module = Linear(shape.hidden, kv_width, **options)
        self.o_proj: nn.Module = Linear(
            q_width, shape.hidden, bias=False, device=device, dtype=dtype
        )

    def forward(self, x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
        q, k, v = (self._heads(part) for part in self._project(x))
        q, k = rotate(q, rotation), rotate(k, rotation)  # (B, H, T, C), (B, K, T, C)
        mixed = attend(q, k, v, self.groups, self.softcap)
        out: Tensor = self.o_proj(mixed.transpose(1, 2).flatten(2))
        return out

    def _project(self, x: Tensor) -> tuple[Tensor, ...]:
        if hasattr(self, "qkv_proj"):
            parts: tuple[Tensor, ...] = self.qkv_proj(x).split(self.widths, dim=-1)
            return parts
        return self.q_proj(x), self.k_proj(x), self.v_proj(x)

    def _heads(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], -1, self.head_dim).transpose(1, 2)


class FeedForward(nn.Module):
    """SwiGLU, or GeGLU (Shazeer 2020, arXiv 2002.05202): down(act(gate(x)) * up(x))."""

    def __init__(self, shape: DecoderShape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.activation = shape.activation
        options: dict[str, Any] = {"bias": False, "device": device, "dtype": dtype}
        if shape.fused_projections:
            self.gate_up_proj: nn.Module = Linear(shape.hidden, 2 * shape.intermediate, **options)
        else:
            self.gate_proj: nn.Module = Linear(shape.hidden, shape.intermediate, **options)
            self.up_proj: nn.Module = Linear(shape.hidden, shape.intermediate, **options)
        self.down_proj: nn.Module = Linear(shape.intermediate, shape.hidden, **options)

    def forward(self, x: Tensor) -> Tensor:
        if hasattr(self, "gate_up_proj"):
            gate, up = self.gate_up_proj(x).chunk(2, dim=-1)
            gate = ACTIVATION[self.activation](gate)
        else:
            gate = ACTIVATION[self.activation](self.gate_proj(x))
            up = self.up_proj(x)
        out: Tensor = self.down_proj(gate * up)
        return out


def attend(q: Tensor, k: Tensor, v: Tensor, groups: int, softcap: float | None) -> Tensor:
    """Mix v (B, K, T, C) for the queries (B, H, T, C), causally, H = K * groups.

    Only flash attention reads shared heads, and only in 16 bits; in float32 keys and values are
    repeated first, or torch would take the path that keeps (T, T) scores. A softcap has no kernel.
    """
    if q.dtype.itemsize == 2 and softcap is None:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=groups > 1)
    if groups > 1:
        k, v = k.repeat_interleave(groups, dim=1), v.repeat_interleave(groups, dim=1)
    if softcap is None:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    scores = q @ k.transpose(2, 3) * q.shape[-1] ** -0.5
    scores = torch.tanh(scores / softcap) * softcap
    future = torch.full(scores.shape[-2:], float("-inf"), dtype=q.dtype, device=q.device)
    weights = F.softmax(scores + future.triu(1), dim=-1, dtype=torch.float32).to(q.dtype)
    return weights @ v


def rotary_angles(
    length: int, head_dim: int, like: Tensor, theta: float = 500_000.0
) -> tuple[Tensor, Tensor]:
    """Return cos and sin (T, C) of RoPE (Su et al. 2021, arXiv 2104.09864), placed as `like`.

    Position t turns channel pair i by t * theta ** (-2i / C); float32 until the last cast.
    """
    pair = torch.arange(0, head_dim, 2, device=like.device, dtype=torch.float32)
    position = torch.arange(length, device=like.device, dtype=torch.float32)
    angles = torch.outer(position, theta ** (-pair / head_dim)).repeat(1, 2)
    return angles.cos().to(like.dtype), angles.sin().to(like.dtype)


def rotate(x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    """Turn x (B, H, T, C) by its positions; channels i and i + C/2 are a pair (transformers)."""
    cos, sin = rotation
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin
