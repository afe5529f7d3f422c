"""Published decoders in plain torch: the module tree and parameter names of transformers.

On the meta device, the default, a model has every shape and dtype and no storage at all.
Shapes: B batch, T tokens, D hidden.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from .bert import Bert
from .experts import ExpertsFeedForward
from .gpt2 import GPT2
from .layers import Attention, Embedding, FeedForward, Linear, added, norm, rotary_angles, seen
from .names import LLAMA, shape_of
from .neox import GPTNeoX
from .phi import Phi
from .shapes import BertShape, DecoderShape, GPT2Shape, NeoXShape, PhiShape, Shape


def build(
    name_or_shape: str | Shape,
    *,
    device: torch.device | str = "meta",
    dtype: torch.dtype = torch.bfloat16,
) -> nn.Module:
    """Build a published model by name ("llama-3.1-8b", "gpt2", ...), a config.json, or any shape.

    Parameters are trainable, of `dtype`, on `device`; on "meta" nothing is allocated, elsewhere
    they hold torch's random initial values. Called with int64 token ids (B, T), the model returns
    logits (B, T, vocabulary) in `dtype`. Raises ValueError as shape_of does, and for a dtype that
    holds no gradients.
    """
    if not getattr(dtype, "is_floating_point", False):
        raise ValueError(f"parameters must be of a floating-point dtype: {dtype}")
    shape = shape_of(name_or_shape) if isinstance(name_or_shape, str) else name_or_shape
    return ARCHITECTURES[type(shape)](shape, torch.device(device), dtype)


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
        self.shape = shape
        self.scale = shape.hidden**0.5 if shape.scaled_embedding else None
        self.embed_tokens = Embedding(shape.vocabulary, shape.hidden, device=device, dtype=dtype)
        self.layers = nn.ModuleList(DecoderLayer(shape, device, dtype) for _ in range(shape.layers))
        self.norm = norm(shape, shape.hidden, device, dtype)

    def forward(self, token_ids: Tensor) -> Tensor:
        x: Tensor = self.embed_tokens(token_ids)
        if self.scale is not None:
            x = x * self.scale
        windows = [self.shape.window_of(i) for i in range(len(self.layers))]
        masks = {window: self._mask(x, window) for window in dict.fromkeys(windows)}
        thetas = {window: self._theta(window) for window in masks}
        turned = {
            theta: rotary_angles(x.shape[1], self.shape.rotary_dim, x, theta)
            for theta in dict.fromkeys(thetas.values())
        }
        for layer, window in zip(self.layers, windows, strict=True):
            x = layer(x, turned[thetas[window]], masks[window])
        normalised: Tensor = self.norm(x)
        return normalised

    def _mask(self, x: Tensor, window: int | None) -> Tensor | None:
        """Return the mask of layers with this window; a causal kernel needs none for a long one."""
        batch, length = x.shape[:2]
        softcap = self.shape.attention_softcap is not None
        # As transformers does: a window as long as the sequence is masked, a longer one is not.
        if not softcap and not (window and window <= length):
            return None
        # Each sequence has one, of the same storage until a kernel makes something of it.
        mask = seen(length, window, x.device).expand(batch, -1, -1, -1)
        return added(mask, x.dtype) if softcap else mask

    def _theta(self, window: int | None) -> float:
        local = self.shape.local_theta if window else None
        return local or self.shape.rope_theta


class DecoderLayer(nn.Module):
    """Attention and feed-forward, each on a normalised copy and added back to x (B, T, D).

    With sandwich norms (Gemma 2) what each adds is normalised, too.
    """

    def __init__(self, shape: DecoderShape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.sandwich = shape.sandwich_norms
        self.self_attn = Attention(shape, device, dtype)
        self.mlp = (ExpertsFeedForward if shape.experts else FeedForward)(shape, device, dtype)
        self.input_layernorm = norm(shape, shape.hidden, device, dtype)
        self.post_attention_layernorm = norm(shape, shape.hidden, device, dtype)
        if shape.sandwich_norms:
            self.pre_feedforward_layernorm = norm(shape, shape.hidden, device, dtype)
            self.post_feedforward_layernorm = norm(shape, shape.hidden, device, dtype)

    def forward(
        self, x: Tensor, rotation: tuple[Tensor, Tensor], mask: Tensor | None = None
    ) -> Tensor:
        if self.sandwich:
            mixed = self.self_attn(self.input_layernorm(x), rotation, mask)
            x = x + self.post_attention_layernorm(mixed)
            fed = self.mlp(self.pre_feedforward_layernorm(x))
            sandwiched: Tensor = x + self.post_feedforward_layernorm(fed)
            return sandwiched
        x = x + self.self_attn(self.input_layernorm(x), rotation, mask)
        out: Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return out


ARCHITECTURES: dict[type[Shape], Callable[..., nn.Module]] = {
    DecoderShape: Llama,
    GPT2Shape: GPT2,
    NeoXShape: GPTNeoX,
    PhiShape: Phi,
    BertShape: Bert,
}
