"""Published decoders in plain torch: the module tree and parameter names of transformers.

On the meta device, the default, a model has every shape and dtype and no storage at all.
Shapes: B batch, T tokens, D hidden.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .gpt2 import GPT2
from .layers import Attention, Embedding, FeedForward, Linear, RMSNorm, rotary_angles
from .shapes import LLAMA, DecoderShape, GPT2Shape, shape_of


def build(
    name_or_shape: str | DecoderShape | GPT2Shape,
    *,
    device: torch.device | str = "meta",
    dtype: torch.dtype = torch.bfloat16,
) -> nn.Module:
    """Build a published model by name ("llama-3.1-8b", "gpt2", ...: MODELS), or any shape.

    Parameters are trainable, of `dtype`, on `device`; on "meta" nothing is allocated, elsewhere
    they hold torch's random initial values. Called with int64 token ids (B, T), the model returns
    logits (B, T, vocabulary) in `dtype`. Raises ValueError for a name it does not know, and a
    dtype that holds no gradients.
    """
    if not getattr(dtype, "is_floating_point", False):
        raise ValueError(f"parameters must be of a floating-point dtype: {dtype}")
    shape = shape_of(name_or_shape) if isinstance(name_or_shape, str) else name_or_shape
    if isinstance(shape, GPT2Shape):
        return GPT2(shape, torch.device(device), dtype)
    return Llama(shape, torch.device(device), dtype)


def llama(
    name_or_shape: str | DecoderShape,
    *,
    device: torch.device | str = "meta",
    dtype: torch.dtype = torch.bfloat16,
) -> nn.Module:
    """Build a Llama by the name within its family ("3.1-8B", ...; see LLAMA), as `build` does.

    Raises ValueError for a name it does not know.
    """
    if isinstance(name_or_shape, str) and name_or_shape not in LLAMA:
        raise ValueError(f"unknown Llama {name_or_shape!r}; known: {', '.join(LLAMA)}")
    shape = LLAMA[name_or_shape] if isinstance(name_or_shape, str) else name_or_shape
    return build(shape, device=device, dtype=dtype)


class Llama(nn.Module):
    """The decoder and its output projection (transformers: LlamaForCausalLM and its kin)."""

    def __init__(self, shape: DecoderShape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.softcap = shape.logit_softcap
        self.model = Decoder(shape, device, dtype)
        # A tied projection is made without storage, for its weight is replaced at once.
        head_device = torch.device("meta") if shape.tied else device
        self.lm_head = Linear(
            shape.hidden, shape.vocabulary, bias=False, device=head_device, dtype=dtype
        )
        if shape.tied:
            self.lm_head.weight = self.model.embed_tokens.weight

    def forward(self, token_ids: Tensor) -> Tensor:
        """Return the logits (B, T, vocabulary) of token_ids (B, T)."""
        logits: Tensor = self.lm_head(self.model(token_ids))
        if self.softcap is not None:
            logits = torch.tanh(logits / self.softcap) * self.softcap
        return logits


class Decoder(nn.Module):
    """Embedding, layers and final norm: token ids (B, T) to hidden states (B, T, D)."""

    def __init__(self, shape: DecoderShape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.head_dim = shape.head_dim
        self.rope_theta = shape.rope_theta
        self.scale = shape.hidden**0.5 if shape.scaled_embedding else None
        self.embed_tokens = Embedding(shape.vocabulary, shape.hidden, device=device, dtype=dtype)
        self.layers = nn.ModuleList(DecoderLayer(shape, device, dtype) for _ in range(shape.layers))
        self.norm = RMSNorm(shape.hidden, device, dtype)

    def forward(self, token_ids: Tensor) -> Tensor:
        x: Tensor = self.embed_tokens(token_ids)
        if self.scale is not None:
            x = x * self.scale
        rotation = rotary_angles(x.shape[1], self.head_dim, x, self.rope_theta)
        for layer in self.layers:
            x = layer(x, rotation)
        normalised: Tensor = self.norm(x)
        return normalised


class DecoderLayer(nn.Module):
    """Attention and feed-forward, each on a normalised copy and added back to x (B, T, D).

    With sandwich norms (Gemma 2) what each adds is normalised, too.
    """

    def __init__(self, shape: DecoderShape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.sandwich = shape.sandwich_norms
        self.self_attn = Attention(shape, device, dtype)
        self.mlp = FeedForward(shape, device, dtype)
        self.input_layernorm = RMSNorm(shape.hidden, device, dtype)
        self.post_attention_layernorm = RMSNorm(shape.hidden, device, dtype)
        if shape.sandwich_norms:
            self.pre_feedforward_layernorm = RMSNorm(shape.hidden, device, dtype)
            self.post_feedforward_layernorm = RMSNorm(shape.hidden, device, dtype)

    def forward(self, x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
        if self.sandwich:
            mixed = self.self_attn(self.input_layernorm(x), rotation)
            x = x + self.post_attention_layernorm(mixed)
            fed = self.mlp(self.pre_feedforward_layernorm(x))
            sandwiched: Tensor = x + self.post_feedforward_layernorm(fed)
            return sandwiched
        x = x + self.self_attn(self.input_layernorm(x), rotation)
        out: Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return out
