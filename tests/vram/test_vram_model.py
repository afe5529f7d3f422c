"""The Llama of vram has transformers' tree and published counts, and computes a Llama's logits."""

from __future__ import annotations

import ast
import math
import time
from pathlib import Path

import pytest
import torch
import vram
from hypothesis import given, settings
from hypothesis import strategies as st
from vram import llama, parameters
from vram.layers import RMSNorm, rotary_angles, rotate
from vram.model import Decoder
from vram.names import LLAMA
from vram.shapes import LlamaShape

SMALL = LlamaShape(
    layers=2, hidden=32, intermediate=48, heads=4, kv_heads=2, vocabulary=50, tied=False
)

# Names and shapes of transformers 5.23.0's LlamaForCausalLM for SMALL, first layer.
LAYER: dict[str, tuple[int, ...]] = {
    "self_attn.q_proj.weight": (32, 32),
    "self_attn.k_proj.weight": (16, 32),
    "self_attn.v_proj.weight": (16, 32),
    "self_attn.o_proj.weight": (32, 32),
    "mlp.gate_proj.weight": (48, 32),
    "mlp.up_proj.weight": (48, 32),
    "mlp.down_proj.weight": (32, 48),
    "input_layernorm.weight": (32,),
    "post_attention_layernorm.weight": (32,),
}


def real(shape: LlamaShape, dtype: torch.dtype = torch.float64) -> torch.nn.Module:
    """A Llama on the CPU with the same random weights at every call."""
    torch.manual_seed(0)
    return llama(shape, device="cpu", dtype=dtype)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("3.1-8B", 8_030_261_248),
        ("3.1-70B", 70_553_706_496),
        ("3.1-405B", 405_853_388_800),
        ("3.2-1B", 1_235_814_400),
        ("3.2-3B", 3_212_749_824),
    ],
)
def test_published_models_have_their_published_count(name: str, count: int) -> None:
    """Each named model has the parameter count of the published one, and stores none of them."""
    model = llama(name)
    assert parameters(model) == count
    tensors = [*model.parameters(), *model.buffers()]
    assert all(t.is_meta and t.dtype == torch.bfloat16 for t in tensors)


@settings(deadline=None, max_examples=30)
@given(
    layers=st.integers(1, 4),
    channels=st.integers(1, 8),
    kv_heads=st.integers(1, 4),
    shared=st.integers(1, 4),
    intermediate=st.integers(1, 100),
    vocabulary=st.integers(1, 100),
    tied=st.booleans(),
)
def test_any_shape_has_the_closed_forms_count(
    layers: int,
    channels: int,
    kv_heads: int,
    shared: int,
    intermediate: int,
    vocabulary: int,
    tied: bool,
) -> None:
    """The count is (2 or 1) V d + L (2 d^2 + 2 d kv + 3 d ff + 2 d) + d for every shape."""
    heads = kv_heads * shared
    d, kv = 2 * channels * heads, 2 * channels * kv_heads
    model = llama(LlamaShape(layers, d, intermediate, heads, kv_heads, vocabulary, tied))
    embeddings = (1 if tied else 2) * vocabulary * d
    layer = 2 * d * d + 2 * d * kv + 3 * d * intermediate + 2 * d
    assert parameters(model) == embeddings + layers * layer + d


def test_405b_builds_at_once() -> None:
    """Building 405 billion parameters on meta takes under 5 seconds (issue 4's bound)."""
    start = time.perf_counter()
    llama("3.1-405B")
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("tied", [False, True])
def test_parameters_are_named_and_shaped_as_in_transformers(tied: bool) -> None:
    """Names, shapes and order are those of transformers; a tied output has no entry of its own."""
    shape = LlamaShape(2, 32, 48, 4, 2, 50, tied)
    expected: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (50, 32)}
    for i in range(2):
        expected |= {f"model.layers.{i}.{name}": size for name, size in LAYER.items()}
    expected |= {"model.norm.weight": (32,)} | ({} if tied else {"lm_head.weight": (50, 32)})
    model = llama(shape)
    assert {n: tuple(p.shape) for n, p in model.named_parameters()} == expected
    assert list(dict(model.named_parameters())) == list(expected)


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_tied_weights_are_one_tensor_on_the_asked_device(device: str) -> None:
    """With tied=True the output projection holds the embedding itself, on the device asked for."""
    model = llama(LlamaShape(1, 32, 48, 4, 2, 50, tied=True), device=device)
    assert model.get_parameter("lm_head.weight") is model.get_parameter("model.embed_tokens.weight")
    assert {p.device.type for p in model.parameters()} == {device}


def test_a_tied_output_is_never_made_twice() -> None:
    """Building a tied model draws no random number for an output projection of its own."""
    shape = LlamaShape(1, 32, 48, 4, 2, 50, tied=True)
    torch.manual_seed(0)
    Decoder(shape, torch.device("cpu"), torch.float32)
    drawn = torch.get_rng_state()
    torch.manual_seed(0)
    llama(shape, device="cpu", dtype=torch.float32)
    assert torch.equal(torch.get_rng_state(), drawn)


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_forward_and_backward_run(device: str, dtype: torch.dtype) -> None:
    """Logits are (B, T, vocabulary) in the model's dtype, and every parameter gets a gradient."""
    model = llama(SMALL, device=device, dtype=dtype)
    logits = model(torch.zeros(2, 7, dtype=torch.int64, device=device))
    assert (logits.shape, logits.dtype, logits.device.type) == ((2, 7, 50), dtype, device)
    logits.sum().backward()
    assert all(p.grad is not None and p.grad.dtype == dtype for p in model.parameters())


def test_logits_are_transformers() -> None:
    """On weights filled from a sine, the last token's logits are those of transformers 5.23.0.

    Recorded in float64 from LlamaForCausalLM with SMALL's configuration, rms_norm_eps 1e-5 and
    rope_theta 500000.
    """
    model = real(SMALL)
    with torch.no_grad():
        for i, param in enumerate(model.parameters()):
            count = torch.arange(param.numel(), dtype=torch.float64)
            param.copy_(0.5 * torch.sin(count * (1.7 + i)).view_as(param))
    logits = model(torch.tensor([[3, 1, 4, 1, 5, 9]]))[0, -1, :6]
    recorded = [-0.2936078, 0.2959727, -0.2948872, 0.2903639, -0.2824557, 0.2712547]
    assert logits.tolist() == pytest.approx(recorded, abs=1e-6)


def test_no_token_sees_a_later_one() -> None:
    """Changing the last token changes the last logits and no earlier ones."""
    model = real(SMALL)
    ids = torch.arange(8)[None]
    other = ids.clone()
    other[0, -1] = 49
    first, second = model(ids), model(other)
    torch.testing.assert_close(first[:, :-1], second[:, :-1], rtol=0, atol=1e-12)
    assert (first[:, -1] - second[:, -1]).abs().max() > 1e-3


def test_order_matters_through_rotary_positions() -> None:
    """The last token attends to earlier ones by position: swapping two of them changes it."""
    model = real(SMALL)
    ids = torch.tensor([[1, 2, 3, 4]])
    swapped = torch.tensor([[2, 1, 3, 4]])
    assert (model(ids)[0, -1] - model(swapped)[0, -1]).abs().max() > 1e-6


def test_rotation_depends_on_distance_alone() -> None:
    """RoPE: the product of a rotated query and key depends on how far apart they are."""
    torch.manual_seed(0)
    q, k = torch.randn(2, 8, dtype=torch.float64)
    rotation = rotary_angles(12, 8, q)
    rows = [rotate(x.expand(1, 1, 12, 8), rotation)[0, 0] for x in (q, k)]
    products = rows[0] @ rows[1].T
    for distance in range(-5, 6):
        along = products.diagonal(distance)
        torch.testing.assert_close(along, along[:1].expand_as(along), rtol=1e-5, atol=1e-5)
    assert products.std() > 1e-2
    torch.testing.assert_close(rows[0].norm(dim=-1), q.norm().expand(12), rtol=1e-6, atol=0)


def test_rotary_frequencies_are_llama_3s() -> None:
    """Pair i turns by 500000^(-2i/C) radians a position."""
    cos, sin = rotary_angles(2, 4, torch.zeros((), dtype=torch.float64))
    slow = 1 / math.sqrt(500_000)
    assert cos[1].tolist() == pytest.approx([math.cos(1), math.cos(slow)] * 2, rel=1e-6)
    assert sin[1].tolist() == pytest.approx([math.sin(1), math.sin(slow)] * 2, rel=1e-6)


def test_grouped_heads_are_repeated_keys_and_values() -> None:
    """Grouped-query attention equals full attention with every key-value head repeated."""
    grouped, full = real(SMALL), real(LlamaShape(2, 32, 48, 4, 4, 50, tied=False))
    weights = grouped.state_dict()
    for name, weight in weights.items():
        if "k_proj" in name or "v_proj" in name:
            heads = weight.view(2, 8, 32).repeat_interleave(2, dim=0)
            weights[name] = heads.reshape(32, 32)
    full.load_state_dict(weights)
    ids = torch.arange(6)[None]
    torch.testing.assert_close(grouped(ids), full(ids), rtol=1e-6, atol=1e-6)


def test_rms_norm_ignores_the_scale_of_its_input() -> None:
    """RMSNorm returns x over its root mean square, times the weight."""
    norm = RMSNorm(4, torch.device("cpu"), torch.float32)
    x = torch.tensor([[30.0, -40.0, 0.0, 0.0]])
    expected = [1.2, -1.6, 0.0, 0.0]
    assert norm(x).tolist()[0] == pytest.approx(expected, rel=1e-6)
    assert norm(1000 * x).tolist()[0] == pytest.approx(expected, rel=1e-6)


def test_an_unknown_name_lists_the_known_ones() -> None:
    """A name that is not in the table is a ValueError that lists those that are."""
    with pytest.raises(ValueError, match=r"unknown Llama '3\.1-9B'") as refusal:
        llama("3.1-9B")
    assert all(name in str(refusal.value) for name in LLAMA)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layers": 0}, "layers must be a positive integer: 0"),
        ({"hidden": -32}, "hidden must be a positive integer: -32"),
        ({"vocabulary": 1.5}, "vocabulary must be a positive integer: 1.5"),
        ({"hidden": 33}, "hidden 33 is not an even multiple of heads 4"),
        ({"hidden": 36}, "hidden 36 is not an even multiple of heads 4"),
        ({"kv_heads": 3}, "heads 4 is not a multiple of kv_heads 3"),
    ],
)
def test_a_shape_that_does_not_divide_is_refused(change: dict[str, int], message: str) -> None:
    """An impossible shape is a ValueError that names the field and its value."""
    with pytest.raises(ValueError, match=message):
        LlamaShape(**{**vars(SMALL), **change})


def test_vram_imports_no_neighbour() -> None:
    """No module of vram imports assay or adamw, at any depth of its code."""
    imported = set()
    for source in Path(vram.__file__).parent.glob("**/*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add((node.module or "").partition(".")[0])
    assert "torch" in imported
    assert not imported & {"assay", "adamw"}
