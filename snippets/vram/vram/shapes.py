"""Published shapes of the models this package knows by name: the givens every count follows from.

Each row is copied from the model's config.json on the Hugging Face hub (num_hidden_layers,
hidden_size, intermediate_size, num_attention_heads, num_key_value_heads, vocab_size,
tie_word_embeddings, head_dim, ...); the comment above it names the repository.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class DecoderShape:
    """What decides the parameters and activations of a Llama-like decoder.

    Counts and widths are positive integers. Raises ValueError for one that is not, and for a width
    that does not divide: every head has hidden / heads channels (or head_size, where a model says
    so), an even number for rotary embedding turns pairs, and heads / kv_heads query heads share a
    key head.
    """

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    vocabulary: int
    tied: bool
    head_size: int | None = None  # channels of a head where it is not hidden / heads (Gemma)
    qkv_bias: bool = False  # Qwen 2
    fused_projections: bool = False  # Phi-3: one qkv_proj, one gate_up_proj
    sandwich_norms: bool = False  # Gemma 2: a norm after attention and feed-forward, too
    activation: str = "silu"  # or "gelu_tanh"
    scaled_embedding: bool = False  # Gemma: embeddings times sqrt(hidden)
    attention_softcap: float | None = None  # Gemma 2: cap * tanh(scores / cap), which no SDPA has
    logit_softcap: float | None = None  # Gemma 2: likewise for the logits
    rope_theta: float = 500_000.0

    def __post_init__(self) -> None:
        _demand_positive(self)
        width = self.heads * self.head_dim if self.head_size else self.hidden
        if width % (2 * self.heads):
            raise ValueError(f"hidden {self.hidden} is not an even multiple of heads {self.heads}")
        if self.heads % self.kv_heads:
            raise ValueError(f"heads {self.heads} is not a multiple of kv_heads {self.kv_heads}")

    @property
    def head_dim(self) -> int:
        """Channels of one attention head."""
        return self.head_size or self.hidden // self.heads


LlamaShape = DecoderShape  # the name of the first version; a Llama is one with the defaults


@dataclass(frozen=True)
class GPT2Shape:
    """What decides the parameters of a GPT-2: positions are learned, the output is tied.

    Raises ValueError for a count that is not a positive integer and for a hidden width that is not
    a multiple of heads.
    """

    layers: int
    hidden: int
    heads: int
    vocabulary: int
    positions: int

    def __post_init__(self) -> None:
        _demand_positive(self)
        if self.hidden % self.heads:
            raise ValueError(f"hidden {self.hidden} is not a multiple of heads {self.heads}")


def _demand_positive(shape: DecoderShape | GPT2Shape) -> None:
    for field in fields(shape):
        value = getattr(shape, field.name)
        optional = value is None and field.name == "head_size"
        counted = str(field.type).startswith("int") and not optional
        if counted and not (isinstance(value, int) and value > 0):
            raise ValueError(f"{field.name} must be a positive integer: {value!r}")


LLAMA: dict[str, DecoderShape] = {
    # meta-llama/Llama-3.1-8B; the 3.1 rows are in arXiv 2407.21783, table 3, too
    "3.1-8B": DecoderShape(32, 4096, 14336, 32, 8, 128256, tied=False),
    # meta-llama/Llama-3.1-70B
    "3.1-70B": DecoderShape(80, 8192, 28672, 64, 8, 128256, tied=False),
    # meta-llama/Llama-3.1-405B
    "3.1-405B": DecoderShape(126, 16384, 53248, 128, 8, 128256, tied=False),
    # meta-llama/Llama-3.2-1B
    "3.2-1B": DecoderShape(16, 2048, 8192, 32, 8, 128256, tied=True),
    # meta-llama/Llama-3.2-3B
    "3.2-3B": DecoderShape(28, 3072, 8192, 24, 8, 128256, tied=True),
}

MODELS: dict[str, DecoderShape | GPT2Shape] = {
    **{f"llama-{name.lower()}": shape for name, shape in LLAMA.items()},
    # mistralai/Mistral-7B-v0.1; arXiv 2310.06825, table 1
    "mistral-7b": DecoderShape(32, 4096, 14336, 32, 8, 32000, tied=False, rope_theta=10_000.0),
    # Qwen/Qwen2.5-7B
    "qwen2.5-7b": DecoderShape(
        28, 3584, 18944, 28, 4, 152064, tied=False, qkv_bias=True, rope_theta=1_000_000.0
    ),
    # google/gemma-2-9b; arXiv 2408.00118, table 1
    "gemma-2-9b": DecoderShape(
        layers=42,
        hidden=3584,
        intermediate=14336,
        heads=16,
        kv_heads=8,
        vocabulary=256000,
        tied=True,
        head_size=256,
        sandwich_norms=True,
        activation="gelu_tanh",
        scaled_embedding=True,
        attention_softcap=50.0,
        logit_softcap=30.0,
        rope_theta=10_000.0,
    ),
    # openai-community/gpt2
    "gpt2": GPT2Shape(12, 768, 12, 50257, 1024),
    # microsoft/Phi-3-mini-4k-instruct
    "phi-3-mini": DecoderShape(
        32, 3072, 8192, 32, 32, 32064, tied=False, fused_projections=True, rope_theta=10_000.0
    ),
}


def shape_of(name: str) -> DecoderShape | GPT2Shape:
    """Return the published shape of a model named in MODELS, upper or lower case.

    Raises ValueError for a name not there, with the nearest one that is.
    """
    found = MODELS.get(name.lower())
    if found is None:
        near = difflib.get_close_matches(name.lower(), MODELS, n=1, cutoff=0.3)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"unknown model {name!r}: {hint}known: {', '.join(MODELS)}")
    return found
