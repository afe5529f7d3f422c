"""GPT-NeoX in plain torch (Black et al. 2022, arXiv 2204.06745): names and order of transformers.

Pythia and GPT-NeoX-20B are of this kind. Shapes: B batch, T tokens, D hidden, H heads.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .layers import Embedding, Linear, rotary_angles, rotate
from .shapes import NeoXShape


class GPTNeoX(nn.Module):
    """Token ids (B, T) to logits (B, T, vocabulary)."""

    def __init__(self, shape: NeoXShape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.gpt_neox = GPTNeoXDecoder(shape, device, dtype)
        head_device = torch.device("meta") if shape.tied else device
        self.embed_out = Linear(
            shape.hidden, shape.vocabulary, bias=False, device=head_device, dtype=dtype
        )
        if shape.tied:
            self.embed_out.weight = self.gpt_neox.embed_in.weight

    def forward(self, token_ids: Tensor) -> Tensor:
        logits: Tensor = self.embed_out(self.gpt_neox(token_ids))
        return logits


class GPTNeoXDecoder(nn.Module):
    """Embedding, layers and final norm: token ids (B, T) to hidden states (B, T, D)."""

    def __init__(self, shape: NeoXShape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.rotary_dim = shape.rotary_dim
        self.embed_in = Embedding(shape.vocabulary, shape.hidden, device=device, dtype=dtype)
        self.layers = nn.ModuleList(GPTNeoXLayer(shape, device, dtype) for _ in range(shape.layers))
        self.final_layer_norm = nn.LayerNorm(shape.hidden, device=device, dtype=dtype)

    def forward(self, token_ids: Tensor) -> Tensor:
        x: Tensor = self.embed_in(token_ids)
        rotation = rotary_angles(x.shape[1], self.rotary_dim, x, 10_000.0)
        for layer in self.layers:
            x = layer(x, rotation)
        normalised: Tensor = self.final_layer_norm(x)
        return normalised


class GPTNeoXLayer(nn.Module):
    """Attention and feed-forward on normalised copies of one input, or one after the other."""

    def __init__(self, shape: NeoXShape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.parallel = shape.parallel
        self.input_layernorm = nn.LayerNorm(shape.hidden, device=device, dtype=dtype)
        self.post_attention_layernorm = nn.LayerNorm(shape.hidden, device=device, dtype=dtype)
        self.attention = GPTNeoXAttention(shape, device, dtype)
        self.mlp = GPTNeoXFeedForward(shape, device, dtype)

    def forward(self, x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
        mixed: Tensor = self.attention(self.input_layernorm(x), rotation)
        if self.parallel:
            fed: Tensor = self.mlp(self.post_attention_layernorm(x))
            return fed + mixed + x
        mixed = mixed + x
        out: Tensor = self.mlp(self.post_attention_layernorm(mixed)) + mixed
        return out


class GPTNeoXAttention(nn.Module):
    """Causal multi-head attention; each head's query, key and value lie together."""

    def __init__(self, shape: NeoXShape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        options: dict[str, Any] = {"bias": shape.bias, "device": device, "dtype": dtype}
        self.heads = shape.heads
        self.query_key_value = Linear(shape.hidden, 3 * shape.hidden, **options)
        self.dense = Linear(shape.hidden, shape.hidden, **options)

    def forward(self, x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
        joined = self.query_key_value(x).view(*x.shape[:2], self.heads, -1).transpose(1, 2)
        q, k, v = joined.chunk(3, dim=-1)  # (B, H, T, C) each
        q, k = rotate(q, rotation), rotate(k, rotation)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        out: Tensor = self.dense(mixed.transpose(1, 2).reshape(x.shape))
        return out


class GPTNeoXFeedForward(nn.Module):
    """Two projections with an exact GELU between them."""

    def __init__(self, shape: NeoXShape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        options: dict[str, Any] = {"device": device, "dtype": dtype}
        self.dense_h_to_4h = Linear(shape.hidden, shape.intermediate, **options)
        self.dense_4h_to_h = Linear(shape.intermediate, shape.hidden, **options)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.dense_4h_to_h(F.gelu(self.dense_h_to_4h(x)))
        return out
