"""Llama in plain torch: the module tree and parameter names of transformers, a forward that runs.

On the meta device, the default, it has every shape and dtype and no storage at all.
Shapes: B batch, T tokens, D hidden, H heads, K key-value heads, C channels of a head.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .shapes import LLAMA, LlamaShape

# Both from config.json, the same in every Llama 3.1 and 3.2 model. The scaling of rotary
# frequencies for long contexts is left out: it changes values, and no shape.
RMS_NORM_EPS = 1e-5
ROPE_THETA = 500_000.0


def llama(
    name_or_shape: str | LlamaShape,
    *,
    device: torch.device | str = "meta",
    dtype: torch.dtype = torch.bfloat16,
) -> nn.Module:
    """Build a Llama by published name ("3.1-8B", ...; see LLAMA) or from a shape of one's own.

    Parameters are trainable, of `dtype`, on `device`; on "meta" nothing is allocated, elsewhere
    they hold torch's random initial values. Called with int64 token ids (B, T), the model returns
    logits (B, T, vocabulary) in `dtype`. Raises ValueError for a name it does not know.
    """
    return Llama(_shape(name_or_shape), torch.device(device), dtype)


def _shape(name_or_shape: str | LlamaShape) -> LlamaShape:
    if isinstance(name_or_shape, LlamaShape):
        return name_or_shape
    if name_or_shape not in LLAMA:
        raise ValueError(f"unknown Llama {name_or_shape!r}; known: {', '.join(LLAMA)}")
    return LLAMA[name_or_shape]


class Llama(nn.Module):
    """The decoder and its output projection (transformers: LlamaForCausalLM)."""

    def __init__(self, shape: LlamaShape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.model = Decoder(shape, device, dtype)
        # A tied projection is made without storage, for its weight is replaced at once.
        head_device = torch.device("meta") if shape.tied else device
        self.lm_head = _linear(shape.hidden, shape.vocabulary, head_device, dtype)
        if shape.tied:
            self.lm_head.weight = self.model.embed_tokens.weight

    def forward(self, token_ids: Tensor) -> Tensor:
        """Return the logits (B, T, vocabulary) of token_ids (B, T)."""
        logits: Tensor = self.lm_head(self.model(token_ids))
        return logits


class Decoder(nn.Module):
    """Embedding, layers and final norm: token ids (B, T) to hidden states (B, T, D)."""

    def __init__(self, shape: LlamaShape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.head_dim = shape.head_dim
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.hidden, device=device, dtype=dtype)
        self.layers = nn.ModuleList(DecoderLayer(shape, device, dtype) for _ in range(shape.layers))
        self.norm = RMSNorm(shape.hidden, device, dtype)

    def forward(self, token_ids: Tensor) -> Tensor:
        x: Tensor = self.embed_tokens(token_ids)
        rotation = rotary_angles(x.shape[1], self.head_dim, x)
        for layer in self.layers:
            x = layer(x, rotation)
        normalised: Tensor = self.norm(x)
        return normalised


class DecoderLayer(nn.Module):
    """Attention and feed-forward, each on a normalised copy and added back to x (B, T, D)."""

    def __init__(self, shape: LlamaShape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.self_attn = Attention(shape, device, dtype)
        self.mlp = FeedForward(shape, device, dtype)
        self.input_layernorm = RMSNorm(shape.hidden, device, dtype)
        self.post_attention_layernorm = RMSNorm(shape.hidden, device, dtype)

    def forward(self, x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), rotation)
        out: Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return out


class Attention(nn.Module):
    """Causal grouped-query attention (Ainslie et al. 2023, arXiv 2305.13245)."""

    def __init__(self, shape: LlamaShape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.head_dim = shape.head_dim
        kv_width = shape.kv_heads * shape.head_dim
        self.q_proj = _linear(shape.hidden, shape.hidden, device, dtype)
        self.k_proj = _linear(shape.hidden, kv_width, device, dtype)
        self.v_proj = _linear(shape.hidden, kv_width, device, dtype)
        self.o_proj = _linear(shape.hidden, shape.hidden, device, dtype)

    def forward(self, x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
        q = rotate(self._heads(self.q_proj(x)), rotation)  # (B, H, T, C)
        k = rotate(self._heads(self.k_proj(x)), rotation)  # (B, K, T, C)
        v = self._heads(self.v_proj(x))  # (B, K, T, C)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        out: Tensor = self.o_proj(mixed.transpose(1, 2).flatten(2))
        return out

    def _heads(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], -1, self.head_dim).transpose(1, 2)


class FeedForward(nn.Module):
    """SwiGLU (Shazeer 2020, arXiv 2002.05202): down(silu(gate(x)) * up(x))."""

    def __init__(self, shape: LlamaShape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.gate_proj = _linear(shape.hidden, shape.intermediate, device, dtype)
        self.up_proj = _linear(shape.hidden, shape.intermediate, device, dtype)
        self.down_proj = _linear(shape.intermediate, shape.hidden, device, dtype)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))
        return out


class RMSNorm(nn.Module):
    """x / rms(x) * weight, the mean in float32 (Zhang & Sennrich 2019, arXiv 1910.07467)."""

    def __init__(self, hidden: int, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(hidden, device=device, dtype=dtype))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        wide = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + RMS_NORM_EPS)
        return self.weight * wide.to(x.dtype)


def rotary_angles(length: int, head_dim: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return cos and sin (T, C) of RoPE (Su et al. 2021, arXiv 2104.09864), placed as `like`.

    Position t turns channel pair i by t * ROPE_THETA ** (-2i / C); float32 until the last cast.
    """
    pair = torch.arange(0, head_dim, 2, device=like.device, dtype=torch.float32)
    position = torch.arange(length, device=like.device, dtype=torch.float32)
    angles = torch.outer(position, ROPE_THETA ** (-pair / head_dim)).repeat(1, 2)
    return angles.cos().to(like.dtype), angles.sin().to(like.dtype)


def rotate(x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    """Turn x (B, H, T, C) by its positions; channels i and i + C/2 are a pair (transformers)."""
    cos, sin = rotation
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin


def _linear(inputs: int, outputs: int, device: torch.device, dtype: torch.dtype) -> nn.Linear:
    return nn.Linear(inputs, outputs, bias=False, device=device, dtype=dtype)
