"""Phi-1.5 and Phi-2 in plain torch (Li et al. 2023, arXiv 2309.05463): transformers' names, order.

Dropout of the residual stream, which Phi-2's config asks for, is left out.
Shapes: B batch, T tokens, D hidden, H heads, K key-value heads, C channels of a head.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .layers import ACTIVATION, Embedding, Linear, attend, rotary_angles, rotate
from .shapes import PhiShape


class Phi(nn.Module):
    """Token ids (B, T) to logits (B, T, vocabulary); the output has a bias."""

    def __init__(self, shape: PhiShape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.model = PhiDecoder(shape, device, dtype)
        self.lm_head = Linear(shape.hidden, shape.vocabulary, device=device, dtype=dtype)

    def forward(self, token_ids: Tensor) -> Tensor:
        logits: Tensor = self.lm_head(self.model(token_ids))
        return logits


class PhiDecoder(nn.Module):
    """Embedding, layers and final norm: token ids (B, T) to hidden states (B, T, D)."""

    def __init__(self, shape: PhiShape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.rotary_dim = shape.rotary_dim
        self.embed_tokens = Embedding(shape.vocabulary, shape.hidden, device=device, dtype=dtype)
        self.layers = nn.ModuleList(PhiLayer(shape, device, dtype) for _ in range(shape.layers))
        self.final_layernorm = nn.LayerNorm(shape.hidden, device=device, dtype=dtype)

    def forward(self, token_ids: Tensor) -> Tensor:
        x: Tensor = self.embed_tokens(token_ids)
        rotation = rotary_angles(x.shape[1], self.rotary_dim, x, 10_000.0)
        for layer in self.layers:
            x = layer(x, rotation)
        normalised: Tensor = self.final_layernorm(x)
        return normalised


class PhiLayer(nn.Module):
    """Attention and feed-forward on one normalised copy of x (B, T, D), added together."""

    def __init__(self, shape: PhiShape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.self_attn = PhiAttention(shape, device, dtype)
        self.mlp = PhiFeedForward(shape, device, dtype)
        self.input_layernorm = nn.LayerNorm(shape.hidden, device=device, dtype=dtype)

    def forward(self, x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
        normalised = self.input_layernorm(x)
        out: Tensor = self.self_attn(normalised, rotation) + self.mlp(normalised) + x
        return out


class PhiAttention(nn.Module):
    """Causal attention that turns only a part of each head's channels."""

    def __init__(self, shape: PhiShape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        options: dict[str, Any] = {"device": device, "dtype": dtype}
        self.head_dim = shape.hidden // shape.heads
        self.groups = shape.heads // shape.kv_heads
        kv_width = shape.kv_heads * self.head_dim
        self.q_proj = Linear(shape.hidden, shape.hidden, **options)
        self.k_proj = Linear(shape.hidden, kv_width, **options)
        self.v_proj = Linear(shape.hidden, kv_width, **options)
        self.dense = Linear(shape.hidden, shape.hidden, **options)

    def forward(self, x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
        q, k, v = (
            part.view(*x.shape[:2], -1, self.head_dim).transpose(1, 2)
            for part in (self.q_proj(x), self.k_proj(x), self.v_proj(x))
        )
        mixed = attend(rotate(q, rotation), rotate(k, rotation), v, self.groups, None)
        out: Tensor = self.dense(mixed.transpose(1, 2).flatten(2))
        return out


class PhiFeedForward(nn.Module):
    """Two projections with an activation between them."""

    def __init__(self, shape: PhiShape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.activation = ACTIVATION[shape.activation]
        self.fc1 = Linear(shape.hidden, shape.intermediate, device=device, dtype=dtype)
        self.fc2 = Linear(shape.intermediate, shape.hidden, device=device, dtype=dtype)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc2(self.activation(self.fc1(x)))
        return out
