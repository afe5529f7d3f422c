"""GPT-2 in plain torch (Radford et al. 2019): the names, shapes and order of transformers.

Dropout keeps one more mask for each use; a shape says whether it is on.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .layers import ACTIVATION, Conv1D, Embedding, Linear
from .shapes import GPT2Shape


class GPT2(nn.Module):
    """Token ids (B, T) to logits (B, T, vocabulary), the output tied to the embedding."""

    def __init__(self, shape: GPT2Shape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.transformer = GPT2Decoder(shape, device, dtype)
        self.lm_head = Linear(
            shape.hidden, shape.vocabulary, bias=False, device="meta", dtype=dtype
        )
        self.lm_head.weight = self.transformer.wte.weight

    def forward(self, token_ids: Tensor) -> Tensor:
        logits: Tensor = self.lm_head(self.transformer(token_ids))
        return logits


class GPT2Decoder(nn.Module):
    """Embeddings of tokens and positions, blocks and final norm."""

    def __init__(self, shape: GPT2Shape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.wte = Embedding(shape.vocabulary, shape.hidden, device=device, dtype=dtype)
        self.wpe = Embedding(shape.positions, shape.hidden, device=device, dtype=dtype)
        self.h = nn.ModuleList(GPT2Block(shape, device, dtype) for _ in range(shape.layers))
        self.dropout = shape.dropout
        self.ln_f = nn.LayerNorm(shape.hidden, device=device, dtype=dtype)

    def forward(self, token_ids: Tensor) -> Tensor:
        length = token_ids.shape[1]
        if length > self.wpe.num_embeddings:
            raise ValueError(
                f"sequence {length} is longer than {self.wpe.num_embeddings} positions"
            )
        positions = torch.arange(length, device=token_ids.device)
        x: Tensor = self.wte(token_ids) + self.wpe(positions[None])
        x = F.dropout(x, self.dropout) if self.dropout and self.training else x
        for block in self.h:
            x = block(x)
        normalised: Tensor = self.ln_f(x)
        return normalised


class GPT2Block(nn.Module):
    """Attention and feed-forward, each on a normalised copy and added back to x (B, T, D)."""

    def __init__(self, shape: GPT2Shape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(shape.hidden, device=device, dtype=dtype)
        self.attn = GPT2Attention(shape, device, dtype)
        self.ln_2 = nn.LayerNorm(shape.hidden, device=device, dtype=dtype)
        self.mlp = GPT2FeedForward(shape, device, dtype)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x))
        out: Tensor = x + self.mlp(self.ln_2(x))
        return out


class GPT2Attention(nn.Module):
    """Causal multi-head attention with one projection for queries, keys and values."""

    def __init__(self, shape: GPT2Shape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.heads = shape.heads
        self.c_attn = Conv1D(shape.hidden, 3 * shape.hidden, device, dtype)
        self.c_proj = Conv1D(shape.hidden, shape.hidden, device, dtype)
        self.dropout = shape.dropout

    def forward(self, x: Tensor) -> Tensor:
        batch, length, hidden = x.shape
        q, k, v = (
            part.view(batch, length, self.heads, -1).transpose(1, 2)
            for part in self.c_attn(x).split(hidden, dim=2)
        )
        dropped = self.dropout if self.training else 0.0
        mixed = F.scaled_dot_product_attention(q, k, v, dropout_p=dropped, is_causal=True)
        out: Tensor = self.c_proj(mixed.transpose(1, 2).reshape(batch, length, hidden))
        return F.dropout(out, self.dropout, self.training) if dropped else out


class GPT2FeedForward(nn.Module):
    """Two projections, wider between (four times, mostly), an activation between them."""

    def __init__(self, shape: GPT2Shape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.activation, self.dropout = ACTIVATION[shape.activation], shape.dropout
        self.c_fc = Conv1D(shape.hidden, shape.width, device, dtype)
        self.c_proj = Conv1D(shape.width, shape.hidden, device, dtype)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.c_proj(self.activation(self.c_fc(x)))
        return F.dropout(out, self.dropout) if self.dropout and self.training else out
