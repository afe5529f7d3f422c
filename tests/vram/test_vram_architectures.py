"""Each kind of model computes what its kind does, and holds what transformers' own class holds."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from vram import build, estimate, parameters
from vram.config import shape_of_config
from vram.engine import estimate as engine_estimate
from vram.experts import ExpertWeights
from vram.names import KNOWN
from vram.results import result_of
from vram.shapes import (
    BertShape,
    DecoderShape,
    Experts,
    GPT2Shape,
    NeoXShape,
    PhiShape,
    Shape,
    layers_alike,
    usual_sequence,
)
from vram.step import token_ids, trace_step

LLAMA = DecoderShape(2, 32, 48, 4, 2, 50, tied=False)
SHAPES: dict[str, Shape] = {
    "biased": replace(LLAMA, qkv_bias=True, output_bias=True, mlp_bias=True),
    "head norms": replace(LLAMA, head_norms=True, head_size=16),
    "partly turned": replace(LLAMA, rotary=0.5),
    "gemma 2": replace(LLAMA, wide_norms=True, sandwich_norms=True, attention_softcap=50.0),
    "gemma 3": replace(LLAMA, window=4, full_every=2, local_theta=10_000.0, head_norms=True),
    "experts": replace(LLAMA, experts=Experts(4, 2, 24)),
    "shared expert": replace(LLAMA, experts=Experts(4, 2, 24, shared=40)),
    "gpt2": GPT2Shape(2, 32, 4, 50, 16),
    "neox": NeoXShape(2, 32, 48, 4, 50),
    "neox in sequence": NeoXShape(2, 32, 48, 4, 50, parallel=False, tied=True),
    "phi": PhiShape(2, 32, 48, 4, 4, 50),
}


def real(shape: Shape, dtype: torch.dtype = torch.float32) -> nn.Module:
    """A small model on the CPU whose weights are all drawn anew, the norms' too."""
    torch.manual_seed(0)
    model = build(shape, device="cpu", dtype=dtype).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.2)
    return model


@pytest.mark.parametrize("name", SHAPES)
def test_a_decoder_sees_no_later_token(name: str) -> None:
    """Changing the last token changes the last logits and no earlier ones."""
    model = real(SHAPES[name])
    ids = torch.arange(8)[None]
    other = ids.clone()
    other[0, -1] = 49
    first, second = model(ids), model(other)
    assert first.shape == (1, 8, 50)
    assert first.isfinite().all()
    torch.testing.assert_close(first[:, :-1], second[:, :-1], rtol=0, atol=1e-5)
    assert (first[:, -1] - second[:, -1]).abs().max() > 1e-3


def test_an_encoder_sees_every_token() -> None:
    """BERT's first logits change with the last token; more positions than it has are refused."""
    model = real(BertShape(2, 32, 48, 4, 50, 10, reserved=2))
    ids = torch.arange(8)[None]
    other = ids.clone()
    other[0, -1] = 49
    assert (model(ids)[:, 0] - model(other)[:, 0]).abs().max() > 1e-3
    with pytest.raises(ValueError, match="sequence 9 is longer than 8 positions"):
        model(torch.arange(9)[None])
    assert real(BertShape(1, 32, 48, 4, 50, 10, labels=3))(ids).shape == (1, 3)


def test_a_window_hides_what_lies_before_it() -> None:
    """One layer of window 3 sees two tokens back, and not three; a full layer sees all."""
    for window, seen in ((3, 2), (None, 7)):
        model = real(replace(LLAMA, layers=1, window=window))
        ids = torch.arange(8)[None]
        for back in range(1, 8):
            other = ids.clone()
            other[0, 7 - back] = 49
            moved = (model(ids)[0, -1] - model(other)[0, -1]).abs().max() > 1e-6
            assert moved == (back <= seen)


def test_experts_are_the_weighted_sum_of_the_chosen() -> None:
    """Grouped products give what a loop over tokens and experts gives."""
    torch.manual_seed(0)
    shape = replace(LLAMA, experts=Experts(4, 2, 24))
    assert shape.experts is not None
    layer = ExpertWeights(shape, shape.experts, torch.device("cpu"), torch.bfloat16)
    tokens = torch.randn(5, 32, dtype=torch.bfloat16)
    chosen = torch.tensor([[0, 1], [3, 2], [1, 3], [0, 2], [2, 1]])
    weights = torch.rand(5, 2, dtype=torch.bfloat16)
    expected = torch.zeros(5, 32)
    for token in range(5):
        for expert, weight in zip(chosen[token], weights[token], strict=True):
            up = layer.gate_up_proj[expert].float() @ tokens[token].float()
            gate, value = up.chunk(2)
            down = layer.down_proj[expert].float() @ (F.silu(gate) * value)
            expected[token] += weight.float() * down
    found = layer(tokens, chosen, weights).float()
    torch.testing.assert_close(found, expected, rtol=3e-2, atol=3e-3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Experts(4, 5, 24), "5 experts a token are more than 4"),
        (lambda: Experts(0, 1, 24), "count must be a positive integer: 0"),
        (lambda: NeoXShape(2, 30, 48, 4, 50), "hidden 30 is not a multiple of heads 4"),
        (lambda: PhiShape(2, 32, 48, 4, 3, 50), "heads 4 is not a multiple of kv_heads 3"),
        (lambda: BertShape(2, 32, 48, 4, 50, 0), "positions must be a positive integer: 0"),
        (lambda: replace(LLAMA, window=0), "window must be a positive integer: 0"),
    ],
)
def test_an_impossible_shape_is_refused(make: Any, message: str) -> None:
    """A shape that could not be built is a ValueError that names what is wrong."""
    with pytest.raises(ValueError, match=message):
        make()


def test_the_usual_sequence_is_what_a_model_takes() -> None:
    """2048 tokens, or the positions that there are."""
    shapes = (LLAMA, SHAPES["gpt2"], BertShape(2, 32, 48, 4, 50, 514, reserved=2))
    assert [usual_sequence(shape) for shape in shapes] == [2048, 16, 512]
    assert not layers_alike(SHAPES["gemma 3"])


def test_layers_that_differ_are_traced_one_by_one() -> None:
    """Gemma 3 has windows in five of six layers; its answer is that of the whole module."""
    shape = replace(LLAMA, layers=18, window=8, full_every=6, hidden=64)
    whole = engine_estimate(build(shape), sequence=16)
    row = replace(KNOWN["gemma-3-1b"], shape=shape)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(__import__("vram.names").names.MODELS, "tiny", row.shape)
        assert estimate("tiny", sequence=16) == whole


A, ROWS = (torch.empty(6, 8, device="meta", dtype=torch.bfloat16) for _ in range(2))
DEEP = torch.empty(2, 6, 8, device="meta")
IDS = torch.empty(12, device="meta", dtype=torch.int64)
ROW = torch.empty(8, device="meta", dtype=torch.bfloat16)
MEAN = torch.empty(6, 1, device="meta")
aten = torch.ops.aten


@pytest.mark.parametrize(
    ("func", "args", "kwargs"),
    [
        (aten.gelu.default, (A,), {"approximate": "tanh"}),
        (aten.gelu_backward.default, (A, ROWS), {"approximate": "tanh"}),
        (aten._softmax.default, (DEEP, -1, False), {}),
        (aten._softmax_backward_data.default, (DEEP, DEEP, -1, torch.float32), {}),
        (aten.native_dropout.default, (A, 0.1, True), {}),
        (aten.native_layer_norm.default, (A, [8], ROW, ROW, 1e-5), {}),
        (
            aten.native_layer_norm_backward.default,
            (A, ROWS, [8], MEAN, MEAN, ROW, ROW, [True] * 3),
            {},
        ),
        (aten.addmm.default, (ROW, A, A.t()[:, :6].new_empty(8, 8)), {}),
        (aten.slice_backward.default, (A, [6, 16], 1, 0, 8, 1), {}),
        (aten.clone.default, (A,), {}),
        (aten.clone.default, (DEEP.transpose(1, 2),), {"memory_format": torch.contiguous_format}),
        (aten.topk.default, (DEEP, 2), {}),
        (aten.sort.default, (IDS,), {}),
        (aten.index.Tensor, (A, [IDS]), {}),
        (aten.floor_divide.default, (IDS, 2), {}),
    ],
)
def test_laws_are_torchs_own(func: Any, args: Any, kwargs: Any) -> None:
    """Shapes, strides and dtypes told without running are those that torch itself tells."""
    told, torchs = result_of(func, args, kwargs), func(*args, **kwargs)
    pairs = zip(_tuple(told), _tuple(torchs), strict=True)
    for ours, theirs in pairs:
        described = [(t.shape, t.stride(), t.dtype, t.is_meta) for t in (ours, theirs)]
        assert described[0] == described[1]


def _tuple(found: Any) -> tuple[Tensor, ...]:
    return found if isinstance(found, tuple) else (found,)


SIZES = {
    "num_hidden_layers": 3,
    "hidden_size": 128,
    "intermediate_size": 352,
    "num_attention_heads": 8,
    "vocab_size": 500,
}
GROUPED = {**SIZES, "num_key_value_heads": 2}
MOE = {"num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 96}
FILES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("llama", {**GROUPED, "attention_bias": True, "mlp_bias": True}),
    "smollm3": ("smollm3", {**GROUPED, "pad_token_id": 0}),
    "mistral": ("mistral", {**GROUPED, "sliding_window": 32}),
    "mixtral": ("mixtral", {**GROUPED, "num_local_experts": 4, "num_experts_per_tok": 2}),
    "qwen2": ("qwen2", GROUPED),
    "qwen3": ("qwen3", {**GROUPED, "head_dim": 32}),
    "qwen2_moe": ("qwen2_moe", {**GROUPED, **MOE, "shared_expert_intermediate_size": 256}),
    "qwen3_moe": ("qwen3_moe", {**GROUPED, **MOE, "head_dim": 32}),
    "gemma": ("gemma", {**GROUPED, "head_dim": 32}),
    "gemma2": ("gemma2", {**GROUPED, "head_dim": 32}),
    "gemma3": ("gemma3_text", {**GROUPED, "head_dim": 32, "sliding_window": 32}),
    "phi": ("phi", {**SIZES, "pad_token_id": 0}),
    "phi3": ("phi3", {**GROUPED, "pad_token_id": 0, "partial_rotary_factor": 0.75}),
    "gpt2": ("gpt2", {"n_layer": 3, "n_embd": 128, "n_head": 8, "vocab_size": 500}),
    "gpt_neox": ("gpt_neox", {**SIZES, "pad_token_id": 0}),
    "bert": ("bert", {**SIZES, "max_position_embeddings": 128}),
    "roberta": ("roberta", {**SIZES, "max_position_embeddings": 130}),
}


@pytest.mark.skipif(not importlib.util.find_spec("transformers"), reason="needs transformers")
@pytest.mark.parametrize("checkpoint", [False, True])
@pytest.mark.parametrize("name", FILES)
def test_a_model_holds_what_transformers_class_holds(name: str, checkpoint: bool) -> None:
    """Parameters are equal, and what forward keeps and the step's peak, to half a per cent."""
    kind, keys = FILES[name]
    keys = {"n_positions": 128, **keys} if kind == "gpt2" else keys
    found = []
    for module in (theirs(kind, keys), build(shape_of_config({"model_type": kind, **keys}))):
        trace = trace_step(module, token_ids(2, 64), checkpoint=checkpoint)
        found.append((parameters(module), trace.kept_bytes, trace.peak_bytes))
    (count, kept, peak), ours = found
    assert ours[0] == count
    assert ours[1] == pytest.approx(kept, rel=0.005)
    assert ours[2] == pytest.approx(peak, rel=0.005)


def theirs(kind: str, keys: dict[str, Any]) -> nn.Module:
    """transformers' own class of a model on the meta device, as its trainer would run it."""
    from transformers import CONFIG_MAPPING, AutoModelForCausalLM, AutoModelForMaskedLM

    encoder = kind in ("bert", "roberta")
    config = CONFIG_MAPPING[kind](**keys, **({} if encoder else {"use_cache": False}))
    family = AutoModelForMaskedLM if encoder else AutoModelForCausalLM
    attention = "eager" if kind == "gemma2" else "sdpa"
    with torch.device("meta"):
        model = family.from_config(config, attn_implementation=attention, dtype=torch.bfloat16)
    model.tie_weights()
    if "moe" in kind or kind == "mixtral":
        model.set_experts_implementation("grouped_mm")
    return model.train()  # type: ignore[no-any-return]
