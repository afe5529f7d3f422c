"""What the keys of a config.json mean, for each kind of model (`model_type`) that vram builds.

A kind has the keys that a file must have, the values that transformers takes where a file leaves a
key out, the values that alone are modelled, and a function from keys to shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .shapes import BertShape, DecoderShape, Experts, GPT2Shape, NeoXShape, PhiShape, Shape

Config = Mapping[str, Any]


@dataclass(frozen=True)
class Kind:
    """How files of one model_type are read: `read` gets the file's keys over `defaults`.

    needed are keys that a file must have; only are the values that are modelled of a key, first the
    one that a file without the key means.
    """

    read: Callable[[Config], Shape]
    needed: tuple[str, ...]
    defaults: Config = field(default_factory=dict)
    only: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)


def _decoder(keys: Config, **features: Any) -> DecoderShape:
    """Read the keys that all decoders of Llama's kind share; features are fields over them."""
    heads = _count(keys, "num_attention_heads")
    hidden = _count(keys, "hidden_size")
    head_size = keys.get("head_dim")
    own = head_size is not None and (hidden % heads or head_size != hidden // heads)
    rope = keys.get("rope_parameters") or {}
    found: dict[str, Any] = {
        "layers": _count(keys, "num_hidden_layers"),
        "hidden": hidden,
        "intermediate": _count(keys, "intermediate_size"),
        "heads": heads,
        "kv_heads": keys.get("num_key_value_heads", heads),
        "vocabulary": _count(keys, "vocab_size"),
        "tied": bool(keys.get("tie_word_embeddings", False)),
        "head_size": head_size if own else None,
        "rotary": _part(keys.get("partial_rotary_factor", rope.get("partial_rotary_factor", 1))),
        "rope_theta": float(keys.get("rope_theta", rope.get("rope_theta", 10_000.0))),
    }
    return DecoderShape(**{**found, **features})


def _count(keys: Config, key: str) -> int:
    value = keys[key]
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{key} must be a positive whole number: {value!r}")
    return value


def _part(value: Any) -> float:
    """Return the part of a head's channels that is turned, above 0 and at most 1."""
    if not 0 < float(value) <= 1:
        raise ValueError(f"partial_rotary_factor must lie between 0 and 1: {value!r}")
    return float(value)


def _llama(keys: Config) -> DecoderShape:
    bias = bool(keys.get("attention_bias", False))
    mlp = bool(keys.get("mlp_bias", False))
    return _decoder(keys, qkv_bias=bias, output_bias=bias, mlp_bias=mlp)


def _mistral(keys: Config) -> DecoderShape:
    return _decoder(keys, window=keys.get("sliding_window") or None)


def _mixtral(keys: Config) -> DecoderShape:
    experts = Experts(
        _count(keys, "num_local_experts"),
        _count(keys, "num_experts_per_tok"),
        _count(keys, "intermediate_size"),
    )
    return _decoder(keys, window=keys.get("sliding_window") or None, experts=experts)


def _qwen2(keys: Config) -> DecoderShape:
    return _decoder(keys, qkv_bias=True)


def _qwen3(keys: Config) -> DecoderShape:
    bias = bool(keys.get("attention_bias", False))
    return _decoder(keys, qkv_bias=bias, output_bias=bias, head_norms=True)


def _qwen_experts(keys: Config) -> Experts:
    if keys.get("mlp_only_layers") or keys.get("decoder_sparse_step", 1) != 1:
        raise ValueError("layers without experts among those with them are not modelled")
    return Experts(
        _count(keys, "num_experts"),
        _count(keys, "num_experts_per_tok"),
        _count(keys, "moe_intermediate_size"),
        keys.get("shared_expert_intermediate_size", 0),
    )


def _qwen2_moe(keys: Config) -> DecoderShape:
    return _decoder(keys, qkv_bias=bool(keys.get("qkv_bias", True)), experts=_qwen_experts(keys))


def _qwen3_moe(keys: Config) -> DecoderShape:
    bias = bool(keys.get("attention_bias", False))
    experts = _qwen_experts(keys)
    return _decoder(keys, qkv_bias=bias, output_bias=bias, head_norms=True, experts=experts)


# transformers' names of activations, to those of layers.py.
_GELU = {
    "gelu_new": "gelu_new",
    "gelu": "gelu",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_fast": "gelu_new",
}
_GELUS = ("gelu_new", *_GELU)
_GEMMA: dict[str, Any] = {
    "wide_norms": True,
    "activation": "gelu_tanh",
    "scaled_embedding": True,
}


def _gemma(keys: Config) -> DecoderShape:
    bias = bool(keys.get("attention_bias", False))
    return _decoder(keys, **_GEMMA, qkv_bias=bias, output_bias=bias)


def _gemma2(keys: Config) -> DecoderShape:
    return _decoder(
        keys,
        **_GEMMA,
        sandwich_norms=True,
        attention_softcap=keys.get("attn_logit_softcapping"),
        logit_softcap=keys.get("final_logit_softcapping"),
        window=keys.get("sliding_window") or None,
        full_every=2,
    )


def _gemma3(keys: Config) -> DecoderShape:
    return _decoder(
        keys,
        **_GEMMA,
        sandwich_norms=True,
        head_norms=True,
        local_theta=float(keys.get("rope_local_base_freq", 10_000.0)),
        window=keys.get("sliding_window") or None,
        full_every=keys.get("sliding_window_pattern", keys.get("_sliding_window_pattern", 6)),
    )


def _phi3(keys: Config) -> DecoderShape:
    return _decoder(keys, fused_projections=True, window=keys.get("sliding_window") or None)


def _phi(keys: Config) -> PhiShape:
    heads = _count(keys, "num_attention_heads")
    return PhiShape(
        _count(keys, "num_hidden_layers"),
        _count(keys, "hidden_size"),
        _count(keys, "intermediate_size"),
        heads,
        keys.get("num_key_value_heads", heads),
        _count(keys, "vocab_size"),
        _part(keys["partial_rotary_factor"]),
        _GELU[keys["hidden_act"]],
    )


def _neox(keys: Config) -> NeoXShape:
    return NeoXShape(
        _count(keys, "num_hidden_layers"),
        _count(keys, "hidden_size"),
        _count(keys, "intermediate_size"),
        _count(keys, "num_attention_heads"),
        _count(keys, "vocab_size"),
        bool(keys["tie_word_embeddings"]),
        _part(keys["rotary_pct"]),
        bool(keys["use_parallel_residual"]),
        bool(keys["attention_bias"]),
    )


def _gpt2(keys: Config) -> GPT2Shape:
    return GPT2Shape(
        _count(keys, "n_layer"),
        _count(keys, "n_embd"),
        _count(keys, "n_head"),
        _count(keys, "vocab_size"),
        keys.get("n_positions") or _count(keys, "n_ctx"),
        keys.get("n_inner"),
        _GELU[keys["activation_function"]],
        keys["resid_pdrop"],
    )


def _bert(keys: Config, reserved: int = 0) -> BertShape:
    named = " ".join(keys.get("architectures") or ())
    labels = len(keys.get("id2label") or (0, 1)) if "SequenceClassification" in named else None
    return BertShape(
        _count(keys, "num_hidden_layers"),
        _count(keys, "hidden_size"),
        _count(keys, "intermediate_size"),
        _count(keys, "num_attention_heads"),
        _count(keys, "vocab_size"),
        _count(keys, "max_position_embeddings"),
        _count(keys, "type_vocab_size"),
        reserved,
        keys.get("hidden_dropout_prob", 0.1),
        labels,
    )


def _roberta(keys: Config) -> BertShape:
    return _bert(keys, reserved=2)


_SIZES = ("num_hidden_layers", "hidden_size", "num_attention_heads", "vocab_size")
_WIDE = (*_SIZES, "intermediate_size")
_SILU = {"hidden_act": ("silu",)}
_TANH = {"hidden_activation": ("gelu_pytorch_tanh", "gelu")}
_TIED = {"tie_word_embeddings": True}
_ALL_TOKENS = {**_SILU, "use_sliding_window": (False,)}
_MOE = ("num_experts", "num_experts_per_tok", "moe_intermediate_size")
_BERT = Kind(_bert, (*_WIDE, "max_position_embeddings"), {"type_vocab_size": 2})
_ROBERTA = Kind(_roberta, (*_WIDE, "max_position_embeddings"), {"type_vocab_size": 2})

KINDS: dict[str, Kind] = {
    "llama": Kind(_llama, _WIDE, only=_SILU),
    "smollm3": Kind(_llama, _WIDE, _TIED, _SILU),
    "mistral": Kind(_mistral, _WIDE, {"num_key_value_heads": 8, "sliding_window": 4096}, _SILU),
    "mixtral": Kind(
        _mixtral,
        (*_WIDE, "num_local_experts", "num_experts_per_tok"),
        {"num_key_value_heads": 8},
        _SILU,
    ),
    "qwen2": Kind(_qwen2, _WIDE, only=_ALL_TOKENS),
    "qwen3": Kind(_qwen3, _WIDE, {"head_dim": 128}, _ALL_TOKENS),
    "qwen2_moe": Kind(
        _qwen2_moe,
        (*_WIDE, *_MOE, "shared_expert_intermediate_size"),
        only=_ALL_TOKENS,
    ),
    "qwen3_moe": Kind(_qwen3_moe, (*_WIDE, *_MOE), only=_SILU),
    "gemma": Kind(_gemma, _WIDE, {**_TIED, "head_dim": 256}, _TANH),
    "gemma2": Kind(
        _gemma2,
        _WIDE,
        {
            **_TIED,
            "head_dim": 256,
            "attn_logit_softcapping": 50.0,
            "final_logit_softcapping": 30.0,
            "sliding_window": 4096,
        },
        _TANH,
    ),
    "gemma3_text": Kind(
        _gemma3,
        ("num_hidden_layers", "hidden_size", "intermediate_size"),
        {
            **_TIED,
            "head_dim": 256,
            "num_attention_heads": 8,
            "num_key_value_heads": 4,
            "vocab_size": 262_208,
            "sliding_window": 4096,
        },
        _TANH,
    ),
    "phi": Kind(
        _phi,
        _WIDE,
        {"partial_rotary_factor": 0.5, "hidden_act": "gelu_new"},
        {"qk_layernorm": (False,), "hidden_act": _GELUS},
    ),
    "phi3": Kind(_phi3, _WIDE, only=_SILU),
    "gpt2": Kind(
        _gpt2,
        ("n_layer", "n_embd", "n_head", "vocab_size"),
        {"activation_function": "gelu_new", "resid_pdrop": 0.1},
        {
            "tie_word_embeddings": (True,),
            "add_cross_attention": (False,),
            "activation_function": _GELUS,
        },
    ),
    "gpt_neox": Kind(
        _neox,
        _WIDE,
        {
            "tie_word_embeddings": False,
            "rotary_pct": 0.25,
            "use_parallel_residual": True,
            "attention_bias": True,
        },
    ),
    "bert": _BERT,
    "roberta": _ROBERTA,
    "xlm-roberta": _ROBERTA,
}
OUTER = {"gemma3": "gemma3_text"}
