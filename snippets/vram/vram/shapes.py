"""What decides a model's parameters and activations: a frozen shape for each kind of architecture.

Counts and widths are positive integers, and every shape that exists can be built: what does not
divide is refused here. Nothing is known by name in this module; names.py has the table.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

USUAL_SEQUENCE = 2048  # tokens, where a request does not say


@dataclass(frozen=True)
class Experts:
    """The feed-forward part of a mixture of experts: each token goes to `per_token` of `count`.

    intermediate is an expert's width; shared that of one more that sees every token, 0 for none
    (Qwen 2). Raises ValueError for a count that is not positive, and for more experts a token than
    there are.
    """

    count: int
    per_token: int
    intermediate: int
    shared: int = 0

    def __post_init__(self) -> None:
        _demand_positive(self, may_be_zero=("shared",))
        if self.per_token > self.count:
            raise ValueError(f"{self.per_token} experts a token are more than {self.count}")


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
    output_bias: bool = False  # of attention's output projection, too
    mlp_bias: bool = False
    fused_projections: bool = False  # Phi-3: one qkv_proj, one gate_up_proj
    head_norms: bool = False  # Qwen 3, Gemma 3: queries and keys of each head are normalised
    sandwich_norms: bool = False  # Gemma 2: a norm after attention and feed-forward, too
    wide_norms: bool = False  # Gemma: the weight multiplies in float32, before the cast
    activation: str = "silu"  # or "gelu_tanh"
    scaled_embedding: bool = False  # Gemma: embeddings times sqrt(hidden)
    attention_softcap: float | None = None  # Gemma 2: cap * tanh(scores / cap), which no SDPA has
    logit_softcap: float | None = None  # Gemma 2: likewise for the logits
    window: int | None = None  # tokens that a layer sees back (Mistral 7B: 4096)
    full_every: int | None = None  # with a window, each n-th layer sees all (Gemma 3: 6)
    rotary: float = 1.0  # the part of a head's channels that is turned (Phi-4 mini: 0.75)
    rope_theta: float = 500_000.0
    local_theta: float | None = None  # of layers with a window, where it is another (Gemma 3)
    experts: Experts | None = None  # Mixtral: in place of the feed-forward part

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

    @property
    def rotary_dim(self) -> int:
        """Channels of a head that rotary embedding turns, an even number."""
        return int(self.head_dim * self.rotary) // 2 * 2

    def window_of(self, layer: int) -> int | None:
        """Return how many tokens back a layer sees, counted from 0; None is all of them."""
        full = self.full_every and (layer + 1) % self.full_every == 0
        return None if full else self.window


LlamaShape = DecoderShape  # the name of the first version; a Llama is one with the defaults


@dataclass(frozen=True)
class GPT2Shape:
    """What decides the parameters of a GPT-2: positions are learned, the output is tied.

    intermediate None is four times hidden; dropout is of embeddings, attention and residuals, 0.1
    in OpenAI's config. Raises ValueError for a count that is not a positive integer and for a
    hidden width that is not a multiple of heads.
    """

    layers: int
    hidden: int
    heads: int
    vocabulary: int
    positions: int
    intermediate: int | None = None
    activation: str = "gelu_new"
    dropout: float = 0.0

    def __post_init__(self) -> None:
        _demand_positive(self)
        _demand_heads(self.hidden, self.heads)

    @property
    def width(self) -> int:
        """Channels between the two projections of the feed-forward part."""
        return self.intermediate or 4 * self.hidden


@dataclass(frozen=True)
class NeoXShape:
    """A GPT-NeoX (arXiv 2204.06745): layer norms with biases, one projection for q, k and v.

    parallel: attention and feed-forward read the same input and are added together. Errors as
    GPT2Shape's.
    """

    layers: int
    hidden: int
    intermediate: int
    heads: int
    vocabulary: int
    tied: bool = False
    rotary: float = 0.25
    parallel: bool = True
    bias: bool = True

    def __post_init__(self) -> None:
        _demand_positive(self)
        _demand_heads(self.hidden, self.heads)

    @property
    def rotary_dim(self) -> int:
        """Channels of a head that rotary embedding turns, an even number."""
        return int(self.hidden // self.heads * self.rotary) // 2 * 2


@dataclass(frozen=True)
class PhiShape:
    """A Phi of the first two generations (arXiv 2309.05463): one norm a layer, both parts parallel.

    Every projection has a bias, the output too. Errors as DecoderShape's.
    """

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    vocabulary: int
    rotary: float = 0.5
    activation: str = "gelu_new"

    def __post_init__(self) -> None:
        _demand_positive(self)
        _demand_heads(self.hidden, self.heads)
        if self.heads % self.kv_heads:
            raise ValueError(f"heads {self.heads} is not a multiple of kv_heads {self.kv_heads}")

    @property
    def rotary_dim(self) -> int:
        """Channels of a head that rotary embedding turns, an even number."""
        return int(self.hidden // self.heads * self.rotary) // 2 * 2


@dataclass(frozen=True)
class BertShape:
    """An encoder as BERT (arXiv 1810.04805): learned positions, norms after each part, dropout.

    labels None is the masked language model, its output tied; a number is a classifier of the first
    token, behind a pooler. reserved are positions that no token takes (RoBERTa: 2). Errors as
    GPT2Shape's.
    """

    layers: int
    hidden: int
    intermediate: int
    heads: int
    vocabulary: int
    positions: int
    types: int = 2
    reserved: int = 0
    dropout: float = 0.1
    labels: int | None = None

    def __post_init__(self) -> None:
        _demand_positive(self, may_be_zero=("reserved",))
        _demand_heads(self.hidden, self.heads)


Shape = DecoderShape | GPT2Shape | NeoXShape | PhiShape | BertShape


def longest_sequence(shape: Shape) -> int | None:
    """Return the most tokens that a model of learned positions takes; None where none are."""
    if isinstance(shape, GPT2Shape):
        return shape.positions
    return shape.positions - shape.reserved if isinstance(shape, BertShape) else None


def layers_alike(shape: Shape) -> bool:
    """Whether all layers hold the same: only a window that not all have makes them differ.

    With a softcap the scores are kept anyway, and a window changes none of their sizes.
    """
    if not isinstance(shape, DecoderShape):
        return True
    return shape.full_every is None or shape.attention_softcap is not None


def usual_sequence(shape: Shape) -> int:
    """Return the tokens of a sequence where a request does not say: 2048, or all that it takes."""
    return min(USUAL_SEQUENCE, longest_sequence(shape) or USUAL_SEQUENCE)


def _demand_positive(shape: Shape | Experts, may_be_zero: tuple[str, ...] = ()) -> None:
    for field in fields(shape):
        value, kind = getattr(shape, field.name), str(field.type)
        if not kind.startswith("int") or (value is None and kind.endswith("None")):
            continue
        least = 0 if field.name in may_be_zero else 1
        if not (isinstance(value, int) and value >= least):
            raise ValueError(f"{field.name} must be a positive integer: {value!r}")


def _demand_heads(hidden: int, heads: int) -> None:
    if hidden % heads:
        raise ValueError(f"hidden {hidden} is not a multiple of heads {heads}")
