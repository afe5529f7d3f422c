"""A traced step keeps, takes and gives back what real code does, whatever the device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F
from vram import activation_bytes, build, llama
from vram.kernels import CudaKernels
from vram.losses import next_token_loss
from vram.recorder import Recorder, high_water, live_bytes
from vram.results import result_of
from vram.shapes import DecoderShape, LlamaShape
from vram.step import token_ids, trace_step

BF16, FP32 = torch.bfloat16, torch.float32
MIB = 2**20
SMALL = LlamaShape(2, 64, 96, 4, 2, 100, tied=True)
ONE_LAYER = LlamaShape(1, 4096, 14336, 32, 8, 128256, tied=False)


def perceptron(device: str = "cpu", dtype: torch.dtype = FP32) -> nn.Module:
    """A module none of whose operators chooses a kernel by device."""
    layers = [nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 16), nn.Sigmoid(), nn.Linear(16, 4)]
    return nn.Sequential(*layers).to(dtype).to(device)


def saved_on_cpu(module: nn.Module, inputs: Tensor, loss: Callable[[Tensor], Tensor]) -> int:
    """Bytes that autograd saves on the CPU: each storage once, parameters and inputs not."""
    known = {t.untyped_storage().data_ptr() for t in (*module.parameters(), inputs)}
    found: dict[int, int] = {}
    kept: list[Tensor] = []

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept.append(tensor)  # or its address could be given away
            found[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        out = loss(module(inputs))
    out.backward()
    return sum(found.values())


@pytest.mark.parametrize("dtype", [FP32, BF16])
def test_kept_is_what_autograd_saves_on_a_real_cpu(dtype: torch.dtype) -> None:
    """Bytes kept after a traced forward are those of the tensors that real autograd saves."""

    def loss(out: Tensor) -> Tensor:
        return out.exp().sum()

    x = torch.randn(32, 8, dtype=dtype)
    real = saved_on_cpu(perceptron(dtype=dtype), x, loss)
    traced = trace_step(perceptron(dtype=dtype), x, loss=loss)
    assert traced.kept_bytes == real + dtype.itemsize  # and the loss, which is held by its name


def test_the_tracing_device_changes_nothing() -> None:
    """A model on the CPU and one on meta give the same events, and are left as they were."""
    real, empty = (llama(SMALL, device=device) for device in ("cpu", "meta"))
    weights = [p.clone() for p in real.parameters()]
    first, second = (trace_step(m, token_ids(2, 16)) for m in (real, empty))
    assert first == second
    assert all(p.grad is None for p in (*real.parameters(), *empty.parameters()))
    assert all(torch.equal(a, b) for a, b in zip(weights, real.parameters(), strict=True))


def test_gradients_stay_and_all_else_is_given_back() -> None:
    """After backward nothing is held but parameters, batch and one gradient a parameter."""
    model = llama(SMALL)
    model.model.norm.requires_grad_(requires_grad=False)
    found = trace_step(model, token_ids(2, 16))
    held = live_bytes(found.forward + found.loss + found.backward)
    assert held == sum(p.numel() * 2 for p in model.parameters() if p.requires_grad)
    assert found.gradients.count(None) == 1
    assert live_bytes(found.inputs) == 2 * 2 * 16 * 8


# Per layer of Llama 3.1 8B, batch 1, 2048 tokens, bf16; the same from transformers 5.23.0's own
# LlamaForCausalLM of 2 and 4 layers, traced by this recorder.
@pytest.mark.parametrize(
    ("attention", "checkpoint", "mib"),
    [("flash", False, 392), ("math", False, 976), (None, True, 16)],
)
def test_a_layer_of_llama_3_1_8b(attention: str | None, checkpoint: bool, mib: int) -> None:
    """A layer keeps 392 MiB with flash attention, 976 with scores kept, 16 checkpointed."""
    sizes = [
        activation_bytes(
            llama(LlamaShape(n, 4096, 14336, 32, 8, 128256, tied=False)),
            1,
            2048,
            attention=attention,
            checkpoint=checkpoint,
        )
        for n in (2, 3)
    ]
    assert round((sizes[1] - sizes[0]) / MIB) == mib


def test_logits_and_loss_are_counted() -> None:
    """The loss keeps the log-probabilities in float32: 1,002 MiB for 2048 tokens of 128,256."""
    found = trace_step(llama(ONE_LAYER), token_ids(1, 2048))
    assert found.logit_bytes == 2048 * 128_256 * 4 + 4 + 4  # and two scalars
    with_logits = activation_bytes(llama(ONE_LAYER), 1, 2048)
    assert with_logits - activation_bytes(llama(ONE_LAYER), 1, 2048, logits=False) == (
        found.logit_bytes
    )


@pytest.mark.parametrize(("batch", "sequence"), [(2, 64), (4, 32), (4, 64)])
def test_flash_activations_grow_with_tokens(batch: int, sequence: int) -> None:
    """With flash attention, what layers keep is proportional to batch times sequence."""
    model = build(SMALL)
    keep = {k: activation_bytes(model, *k, logits=False) for k in ((2, 32), (batch, sequence))}
    angles = 2 * 16 * 2  # cos and sin of each position, in bf16, whatever the batch
    seeds = 2 * (16 + 8)  # the random generator's state, a layer
    tokens = batch * sequence / 64
    other = keep[2, 32] - seeds - 32 * angles
    assert keep[batch, sequence] - seeds - sequence * angles == tokens * other


def test_attention_keeps_what_cudas_flash_keeps() -> None:
    """Of (B, T, H, C) tensors: q, k, v and the output, a float32 for each query, the seeds."""
    q, k, v = (
        torch.empty(2, 128, heads, 32, dtype=BF16, device="meta").transpose(1, 2).requires_grad_()
        for heads in (4, 2, 2)
    )
    recorder = Recorder()
    for t in (q, k, v):
        recorder.block_of(t)
    start = len(recorder.events)
    with CudaKernels("flash"), recorder:
        out = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        kept = live_bytes(recorder.events[start:])
        out.sum().backward()
    assert kept == 2 * 128 * 4 * 32 * 2 + 2 * 4 * 128 * 4 + 16 + 8
    assert out.transpose(1, 2).is_contiguous()


@pytest.mark.parametrize("kind", ["dropout", "rms_norm"])
def test_operators_keep_what_their_cuda_kernels_keep(kind: str) -> None:
    """Dropout keeps a mask of one byte an element; RMS norm one float32 a row beside its input."""
    x = torch.empty(4, 64, dtype=BF16, device="meta", requires_grad=True)
    calls: dict[str, Callable[[Tensor], Tensor]] = {
        "dropout": lambda t: F.dropout(t, 0.1),
        "rms_norm": lambda t: F.rms_norm(t, (64,)),
    }
    recorder = Recorder()
    recorder.block_of(x)
    start = len(recorder.events)
    with CudaKernels("flash"), recorder:
        out = calls[kind](x)
        kept = live_bytes(recorder.events[start:]) - out.numel() * 2
    assert kept == {"dropout": 4 * 64, "rms_norm": 4 * 4}[kind]


@pytest.mark.parametrize("dtype", [BF16, FP32])
def test_many_ids_are_sorted_in_an_embeddings_backward(dtype: torch.dtype) -> None:
    """Above 3072 ids backward takes six int64 arrays and a float32 row an id, and keeps none."""
    peaks = []
    for count in (3072, 3073):
        layer = nn.Embedding(100, 16, dtype=dtype, device="meta")
        ids = torch.empty(1, count, dtype=torch.int64, device="meta")
        trace = trace_step(layer, ids, loss=lambda out: out.sum())
        peaks.append(high_water(trace.backward)[0])
        held = live_bytes(trace.forward + trace.loss + trace.backward)
        assert held == 100 * 16 * dtype.itemsize
    assert peaks[1] - peaks[0] == 3073 * (6 * 8 + 16 * 4)


A = torch.empty(4, 6, dtype=BF16, device="meta")
WIDE = torch.empty(3, 4, 6, device="meta")
TURNED = torch.empty(2, 5, 3, 4, dtype=BF16, device="meta").transpose(1, 2)
LOGITS = torch.empty(8, 10, device="meta")
LABELS = torch.empty(8, dtype=torch.int64, device="meta")
aten = torch.ops.aten


@pytest.mark.parametrize(
    ("func", "args", "kwargs"),
    [
        (aten.mul.Tensor, (A, WIDE), {}),
        (aten.mul.Tensor, (TURNED, torch.empty(5, 4, dtype=BF16, device="meta")), {}),
        (aten.add.Tensor, (TURNED, TURNED), {}),
        (aten.add.Tensor, (TURNED, TURNED.contiguous()), {}),
        (aten.add.Tensor, (WIDE, WIDE.transpose(0, 2).contiguous().transpose(0, 2)), {}),
        (aten.pow.Tensor_Scalar, (WIDE, 2), {}),
        (aten.pow.Scalar, (5.0, WIDE), {}),
        (aten.div.Tensor, (LABELS, 2), {}),
        (aten.ne.Scalar, (LABELS, -100), {}),
        (aten.neg.default, (WIDE.expand(2, 3, 4, 6),), {}),
        (aten.silu.default, (TURNED,), {}),
        (aten.gelu.default, (A,), {}),
        (aten.mean.dim, (WIDE, [-1], True), {}),
        (aten.mean.dim, (A, [0]), {"dtype": FP32}),
        (aten.cat.default, ([TURNED, TURNED], -1), {}),
        (aten.cat.default, ([A, A],), {}),
        (aten._log_softmax.default, (LOGITS, 1, False), {}),
        (aten._log_softmax_backward_data.default, (LOGITS, LOGITS, 1, FP32), {}),
        (aten._softmax_backward_data.default, (LOGITS, LOGITS, 1, torch.float16), {}),
        (aten.nll_loss_forward.default, (LOGITS, LABELS, None, 1, -100), {}),
        (aten.zeros_like.default, (TURNED,), {}),
        (aten.ones_like.default, (A,), {"memory_format": torch.preserve_format}),
        (aten.sum.dim_IntList, (WIDE, [0, 2]), {}),
        (aten.sum.dim_IntList, (WIDE, None, True), {"dtype": BF16}),
        (aten.mm.default, (A, A.t()), {}),
        (aten.bmm.default, (WIDE, WIDE.transpose(1, 2)), {}),
        (aten.repeat.default, (A, [3, 1, 2]), {}),
        (aten.embedding.default, (A, LABELS.view(2, 4)), {}),
        (
            aten.embedding_dense_backward.default,
            (LOGITS.view(2, 4, 10), LABELS.view(2, 4), 9, -1, False),
            {},
        ),
        (aten.empty_like.default, (WIDE.expand(2, 3, 4, 6),), {"dtype": BF16}),
        (aten.arange.start_step, (0, 9, 2), {"dtype": FP32, "device": torch.device("meta")}),
        (aten.arange.default, (9,), {"device": torch.device("meta")}),
    ],
)
def test_results_are_torchs_own(func: Any, args: Any, kwargs: Any) -> None:
    """Shapes, strides and dtypes told without running are those that torch itself tells."""
    told, torchs = result_of(func, args, kwargs), func(*args, **kwargs)
    for ours, theirs in zip(
        told if isinstance(told, tuple) else (told,),
        torchs if isinstance(torchs, tuple) else (torchs,),
        strict=True,
    ):
        assert (ours.shape, ours.stride(), ours.dtype) == (
            theirs.shape,
            theirs.stride(),
            theirs.dtype,
        )
        assert ours.is_meta


SIDES = st.lists(st.integers(1, 3), min_size=1, max_size=4)


@settings(deadline=None, max_examples=200)
@given(data=st.data(), sides=SIDES)
def test_elementwise_strides_are_torchs_own(data: st.DataObject, sides: list[int]) -> None:
    """Turned, broadcast and sliced inputs give a sum with the strides that torch gives it."""
    inputs = []
    for _ in range(2):
        order = data.draw(st.permutations(range(len(sides))))
        kept = data.draw(st.lists(st.booleans(), min_size=len(sides), max_size=len(sides)))
        whole = torch.empty([sides[d] + data.draw(st.integers(0, 1)) for d in order], device="meta")
        turned = whole.permute([order.index(d) for d in range(len(sides))])
        cuts = [slice(n if keep else 1) for n, keep in zip(sides, kept, strict=True)]
        inputs.append(turned[tuple(cuts)])
    told, torchs = result_of(aten.add.Tensor, tuple(inputs), {}), torch.add(*inputs)
    assert told.shape == torchs.shape
    strides = zip(told.shape, told.stride(), torchs.stride(), strict=True)
    assert all(ours == theirs for size, ours, theirs in strides if size > 1)


def test_checkpointing_trades_activations_for_one_block() -> None:
    """Checkpointed, a model keeps each block's input, and its peak is one block's more."""
    plain, checkpointed = (
        trace_step(llama(SMALL), token_ids(4, 64), checkpoint=on) for on in (False, True)
    )
    assert checkpointed.kept_bytes < plain.kept_bytes
    assert checkpointed.peak_bytes < plain.peak_bytes
    assert checkpointed.gradients.count(None) == 0


def test_high_water_is_the_most_held_at_once() -> None:
    """The mark is the largest running sum, at the event that reached it."""
    assert high_water([(0, 5), (1, 7), (0, -5), (2, 4), (1, -7)]) == (12, 1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: trace_step(nn.BatchNorm1d(4, affine=False), torch.zeros(2, 4)), "no trainable"),
        (lambda: trace_step(nn.Linear(4, 4), torch.zeros(2, 4), checkpoint=True), "ModuleList"),
        (lambda: trace_step(nn.LSTM(4, 4), torch.zeros(2, 4)), "returned tuple"),
        (lambda: activation_bytes(llama(SMALL), -1, 8), "batch must be at least 1: -1"),
        (lambda: activation_bytes(llama(SMALL), 1, 0), "sequence must be at least 1: 0"),
        (lambda: activation_bytes(build("gpt2"), 1, 2048), "longer than 1024 positions"),
        (lambda: activation_bytes(llama(SMALL), 1, 8, attention="flush"), "unknown attention"),
    ],
)
def test_senseless_requests_are_refused(make: Callable[[], object], message: str) -> None:
    """A module of buffers, a negative batch and the like are ValueErrors that say what is wrong."""
    with pytest.raises(ValueError, match=message):
        make()


def test_a_traced_loss_is_the_mean_cross_entropy() -> None:
    """next_token_loss is torch's cross entropy of float32 logits over all tokens."""
    logits, labels = torch.randn(2, 3, 5, dtype=BF16), torch.randint(5, (2, 3))
    expected = F.cross_entropy(logits.float().view(6, 5), labels.view(6))
    torch.testing.assert_close(next_token_loss(logits, labels), expected)


def test_each_layer_keeps_a_boolean_mask_in_the_dtype_of_the_scores() -> None:
    """The efficient kernel makes anew what it adds to the scores, and backward needs it."""

    def kept(layers: int, window: int | None) -> int:
        shape = DecoderShape(layers, 64, 96, 4, 4, 100, tied=True, window=window)
        return activation_bytes(build(shape), 1, 128, attention="efficient")

    masks = [kept(layers, 64) - kept(layers, None) for layers in (1, 2)]
    assert masks[1] - masks[0] == 2 * 128 * 128
