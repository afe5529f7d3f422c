"""Each setting changes what its mechanism changes, by as much, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from vram import Answer, Gpu, Sharding, Training, build, estimate
from vram.adapters import lora
from vram.gathered import gathered
from vram.kernels import CudaKernels, default_attention
from vram.loop import Loop, contexts
from vram.losses import Objective, chunked_loss, next_token_loss, output_layer
from vram.persistent import gradient_bytes, held, parameter_bytes, persistent_bytes
from vram.recorder import Recorder, high_water, live_bytes
from vram.shapes import DecoderShape
from vram.step import StepTrace, token_ids, trace_step

BF16, FP16, FP32 = torch.bfloat16, torch.float16, torch.float32
SHAPE = DecoderShape(2, 64, 96, 4, 2, 1000, tied=False)
B, T, V, D = 2, 128, 1000, 64
OLD, NEW = (Gpu("card", 2**40, capability, "a test") for capability in (7, 8))


def answer(**settings: Any) -> Answer:
    """Two layers on a card with everything else as it comes."""
    plan = {"batch": B, "sequence": T, "implementation": "fused", **settings}
    return estimate(SHAPE, dtype=plan.pop("dtype", BF16), gpu=plan.pop("gpu", NEW), **plan)


def traced(dtype: torch.dtype = BF16, **loop: Any) -> StepTrace:
    """The events of one step of two layers."""
    return trace_step(build(SHAPE, dtype=dtype), token_ids(B, T), loop=Loop(**loop))


def part(found: Answer, phase: str, name: str) -> int:
    """The bytes of one part at a phase's fullest moment, 0 where it is not there."""
    moment = next(m for m in found.moments if m.phase == phase)
    return sum(p.bytes for p in moment.parts if p.name == name)


def end(trace: StepTrace) -> int:
    """What is alive after backward."""
    return live_bytes(trace.forward + trace.loss + trace.backward)


@pytest.mark.parametrize(
    ("dtype", "capability", "kernel"),
    [
        (BF16, None, "flash"),
        (FP16, 8, "flash"),
        (FP32, 9, "efficient"),
        (FP16, 7, "efficient"),
        (FP32, 7, "efficient"),
        (BF16, 7, "math"),
    ],
)
def test_the_card_and_the_dtype_choose_attention(
    dtype: torch.dtype, capability: int | None, kernel: str
) -> None:
    """Flash needs 16 bits and compute capability 8; before it, bf16 has no kernel at all."""
    assert default_attention(dtype, capability) == kernel


def test_adapters_do_not_choose_attention() -> None:
    """Float32 adapters beside bf16 weights leave q, k and v in bf16, and so flash."""
    chosen, flash, efficient = (
        answer(lora_rank=4, attention=way).activation_bytes for way in (None, "flash", "efficient")
    )
    assert chosen == flash != efficient
    old, efficient = (
        answer(gpu=OLD, dtype=FP16, attention=way).activation_bytes for way in (None, "efficient")
    )
    assert old == efficient


def test_a_card_without_bfloat16_is_told() -> None:
    """An answer for bf16 on a card before compute capability 8 says what happens there."""
    told = "has no bfloat16 of its own"
    assert any(told in line for line in answer(gpu=OLD).not_counted)
    assert not any(told in line for line in answer(gpu=OLD, dtype=FP16).not_counted)


def eager(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """transformers 5.24.0, models/llama: eager_attention_forward, without its module."""
    groups = q.shape[1] // k.shape[1]
    k, v = (t[:, :, None].expand(-1, -1, groups, -1, -1).flatten(1, 2) for t in (k, v))
    weights = torch.matmul(q, k.transpose(2, 3)) * q.shape[-1] ** -0.5
    weights = weights + mask
    weights = F.softmax(weights, dim=-1, dtype=torch.float32).to(q.dtype)
    return torch.matmul(weights, v).transpose(1, 2).contiguous()


@pytest.mark.parametrize("dtype", [FP16, BF16, FP32])
def test_eager_attention_is_transformers_own(dtype: torch.dtype) -> None:
    """In place of the kernel run transformers' operators: the same is kept, and the peak equal."""
    found = []
    for own in (True, False):
        q, k, v = (
            torch.empty(2, heads, 32, 16, dtype=dtype, device="meta", requires_grad=True)
            for heads in (4, 2, 2)
        )
        mask = torch.empty(2, 1, 32, 32, dtype=dtype, device="meta")
        recorder, kernels = Recorder(), CudaKernels("eager")
        for tensor in (q, k, v, mask):
            recorder.block_of(tensor)
        start = len(recorder.events)
        with kernels, recorder:
            out = F.scaled_dot_product_attention(q, k, v) if own else eager(q, k, v, mask)
            peak = high_water(recorder.events[start:])[0] - (mask.nbytes if own else 0)
            kernels.forget()
            kernels.end_block()
            found.append((peak, live_bytes(recorder.events[start:])))
        del out
    assert found[0] == found[1]


def test_softmax_on_cuda_takes_a_temporary_in_backward() -> None:
    """Softmax's backward holds gradient times output beside its result; log-softmax does not."""
    peaks = []
    for function in (F.softmax, F.log_softmax):
        x = torch.empty(8, 64, device="meta", requires_grad=True)
        recorder = Recorder()
        recorder.block_of(x)
        with recorder:
            out = function(x, -1)
            start = len(recorder.events)
            out.backward(torch.empty_like(out))
        peaks.append(high_water(recorder.events[start:])[0])
    assert peaks[0] - peaks[1] == 8 * 64 * 4


def test_kept_logits_stay_until_the_step_ends() -> None:
    """A name for the output keeps one (B, T, V) tensor of its dtype through backward."""
    dropped, kept = traced(), traced(keep_logits=True)
    logits = B * T * V * 2
    assert end(kept) - end(dropped) == logits
    assert kept.logit_bytes - dropped.logit_bytes == logits
    found = answer(keep_logits=True)
    assert found.peak_allocated_bytes - answer().peak_allocated_bytes == logits
    assert not any("logits" in line for line in found.not_counted)
    assert part(found, "forward", "logits and loss") == 0
    assert part(found, "optimizer", "activations") == logits  # as the module made them


def test_kept_logits_of_one_micro_batch_at_a_time() -> None:
    """The next micro-batch's output takes the name, and the last one's is gone."""
    kept, dropped = (answer(accumulate=4, keep_logits=on) for on in (True, False))
    assert kept.peak_allocated_bytes - dropped.peak_allocated_bytes == B * T * V * 2


def test_accumulated_gradients_lie_beside_activations() -> None:
    """From the second micro-batch on, forward runs beside the gradients of the first."""
    gradients = gradient_bytes(build(SHAPE))
    one, many = answer(), answer(accumulate=4)
    assert part(one, "forward", "gradients") == 0
    assert part(many, "forward", "gradients") == gradients
    assert many.persistent_bytes == one.persistent_bytes
    assert many.peak_allocated_bytes > one.peak_allocated_bytes
    assert answer(accumulate=2).peak_allocated_bytes == many.peak_allocated_bytes


def test_accumulation_holds_no_second_gradient() -> None:
    """A second micro-batch adds its gradients to the first's, and leaves nothing more."""
    found = traced(accumulate=True)
    assert end(found) == gradient_bytes(build(SHAPE))
    assert live_bytes(found.later[0] + found.later[1] + found.later[2]) == 0
    assert high_water(found.later[0])[0] == high_water(found.forward)[0]


def test_autocast_copies_weights_once_and_computes_in_16_bits() -> None:
    """A product takes bf16 copies of its float32 weight and input, and its output is bf16."""
    layer = nn.Linear(D, D, bias=False, device="meta")
    x = torch.empty(4, D, device="meta")
    trace = trace_step(layer, x, loss=lambda out: out.sum(), loop=Loop(autocast=BF16))
    taken = sorted(size for _, size in trace.forward if size > 0)
    assert taken == sorted([D * D * 2, 4 * D * 2, 4 * D * 2])  # weight, input, output
    assert end(trace) == D * D * 4


def test_autocast_keeps_a_weights_copy_until_it_ends() -> None:
    """A trained weight that is used twice is copied once, a frozen one each time."""
    for frozen, copies in ((False, 1), (True, 2)):
        layer = nn.Linear(D, D, bias=False, device="meta")
        layer.weight.requires_grad = not frozen
        x = torch.empty(4, D, device="meta", requires_grad=True)
        module = nn.Sequential(nn.Linear(D, D, device="meta"), layer, layer)
        trace = trace_step(module, x, loss=lambda out: out.sum(), loop=Loop(autocast=BF16))
        sizes = [size for _, size in trace.forward]
        assert sizes.count(D * D * 2) == copies + 1


def test_autocast_keeps_less_than_float32_and_more_than_bf16() -> None:
    """Activations lie between those of the two dtypes, and gradients are float32."""
    wide, mixed = answer(dtype=FP32), answer(dtype=FP32, autocast=BF16)
    assert answer().activation_bytes < mixed.activation_bytes < wide.activation_bytes
    assert mixed.persistent_bytes == wide.persistent_bytes
    again = answer(dtype=FP32, autocast=BF16, checkpoint=True, loss="chunked:4")
    assert again.peak_allocated_bytes < mixed.peak_allocated_bytes


@pytest.mark.parametrize(
    ("loss", "kept"),
    [
        ("full", B * T * V * 4),  # the log-probabilities
        ("chunked:4", 0),  # but for hidden states
        ("fused", B * T * D * 2 + V * D * 2),  # the gradients of both
    ],
)
def test_what_a_loss_keeps(loss: str, kept: int) -> None:
    """The full loss keeps float32 log-probabilities, chunks nothing, fused its two gradients."""
    found = traced(objective=Objective.named(loss))
    hidden = B * T * D * 2  # which only the output layer keeps where there is one
    assert kept <= found.logit_bytes + (hidden if loss != "full" else 0)
    assert found.logit_bytes <= kept + hidden + 64


def test_chunks_are_the_whole_loss() -> None:
    """In chunks the loss and its gradients are those of all logits at once."""
    torch.manual_seed(0)
    layer, labels = nn.Linear(8, 20), torch.randint(20, (2, 6))
    hidden = torch.randn(2, 6, 8, requires_grad=True)
    whole = next_token_loss(layer(hidden), labels)
    parts = chunked_loss(layer, hidden, labels, 4, lambda: contexts(None))
    torch.testing.assert_close(whole, parts)
    expected = torch.autograd.grad(whole, [hidden, layer.weight])
    torch.testing.assert_close(expected, torch.autograd.grad(parts, [hidden, layer.weight]))


def test_more_chunks_hold_less() -> None:
    """The peak of loss and backward falls with the chunks, by what their logits take."""
    found = [traced(objective=Objective.named(n)) for n in ("full", "chunked:2", "chunked:8")]
    peaks = [high_water(t.forward + t.loss + t.backward)[0] for t in found]
    assert peaks == sorted(peaks, reverse=True)
    assert peaks[0] - peaks[2] >= B * T * V * 4


def test_the_output_layer_is_found_and_put_back() -> None:
    """The loss in parts runs the module without its output layer, and leaves it as it was."""
    model = build(SHAPE)
    layer = output_layer(model)
    assert layer is model.lm_head
    trace_step(model, token_ids(1, 8), loop=Loop(objective=Objective("fused")))
    assert "forward" not in vars(layer)
    with pytest.raises(ValueError, match="as wide as an embedding"):
        trace_step(nn.Embedding(4, 4), token_ids(1, 8), loop=Loop(objective=Objective("fused")))


def test_offloaded_activations_leave_the_card() -> None:
    """What forward saves is not there after forward, and backward brings it back."""
    plain, away = traced(), traced(offload=True)
    assert away.kept_bytes < 0.1 * plain.kept_bytes
    assert end(plain) == end(away)
    here, there = (answer(checkpoint=True, offload=what) for what in ((), ("activations",)))
    assert there.activation_bytes < here.activation_bytes


def test_an_offloaded_optimizer_holds_nothing_here() -> None:
    """States and masters on the host leave parameters and gradients."""
    plan = Training(master_dtype=FP32, offload=("optimizer",))
    model = build(SHAPE)
    assert {b.purpose for b in held(model, plan)} == {"parameters", "gradients"}
    assert persistent_bytes(model, plan) == 2 * parameter_bytes(model)
    found = answer(master_dtype=FP32, offload=("optimizer",))
    assert part(found, "backward", "optimizer states") == 0
    assert part(found, "backward", "master weights") == 0


@pytest.mark.parametrize(
    ("optimizer", "way"), [("sgd", "single"), ("adamw", "single"), ("adamw8bit", "foreach")]
)
def test_a_step_within_backward_holds_one_gradient_at_a_time(optimizer: str, way: str) -> None:
    """Gradients go as they come: none is left, and states are those of the usual step."""
    found = traced(release=True)
    assert end(found) == 0
    assert None not in found.gradients
    marks = [place for place, size in found.backward if size == 0]
    assert sorted(marks) == list(range(len(found.gradients)))
    usual, within = (
        answer(optimizer=optimizer, implementation=way, step_in_backward=on) for on in (False, True)
    )
    gradients = gradient_bytes(build(SHAPE))
    assert usual.persistent_bytes - within.persistent_bytes == gradients
    assert part(within, "zero_grad", "gradients") == 0
    states = "optimizer states"
    maps = 2 * 1024 if optimizer == "adamw8bit" else 0  # shared: counted once between steps
    assert part(within, "zero_grad", states) - part(usual, "zero_grad", states) in (
        0,
        *(maps * n for n in range(50)),
    )


def test_paged_states_may_leave_the_card() -> None:
    """High has them on the card, low without them."""
    usual, paged = (
        answer(optimizer=name, implementation="foreach")
        for name in ("adamw8bit", "paged-adamw8bit")
    )
    assert paged.high_bytes == usual.high_bytes
    assert usual.low_bytes - paged.low_bytes == part(usual, "backward", "optimizer states") > 0


def test_adapters_as_asked_for() -> None:
    """Targets, dtype, dropout and magnitude of adapters each add what they add."""
    few = lora(build(SHAPE), 4, ["q_proj", "v_proj"], dtype=BF16)
    trained = sum(p.numel() for p in few.parameters() if p.requires_grad)
    assert trained == 2 * 4 * (64 + 64 + 64 + 32)
    directed = lora(build(SHAPE), 4, ["q_proj", "v_proj"], dtype=BF16, dora=True)
    more = sum(p.numel() for p in directed.parameters() if p.requires_grad) - trained
    assert more == 2 * (64 + 32)
    plain, dropped = answer(lora_rank=4), answer(lora_rank=4, lora_dropout=0.1)
    # A byte an element of each adapter's input, but of the first q, k and v, which has no gradient.
    masks = B * T * (2 * (64 * 6 + 96) - 3 * 64)
    assert dropped.activation_bytes - plain.activation_bytes == masks
    assert answer(lora_rank=4, lora_dtype=BF16).persistent_bytes < plain.persistent_bytes
    assert answer(lora_rank=4, dora=True).peak_allocated_bytes > plain.peak_allocated_bytes


def test_kbit_makes_float32_of_what_is_not_packed() -> None:
    """Embedding, output and norms are float32, packed weights as they were; so are activations."""
    plain, wide = (answer(lora_rank=4, nf4=True, kbit_fp32=on) for on in (False, True))
    unpacked = 2 * V * D + 5 * D
    assert wide.persistent_bytes - plain.persistent_bytes == 2 * unpacked
    assert wide.activation_bytes > plain.activation_bytes
    single = answer(lora_rank=4, nf4=True, double_quantisation=False)
    assert single.persistent_bytes != plain.persistent_bytes


def test_what_a_rank_gathers() -> None:
    """Stage 3 has the largest piece whole, and the rest of the root and the next unit ahead."""
    model = build(SHAPE)
    layer = parameter_bytes(model.model.layers[0])
    root = parameter_bytes(model) - 2 * layer
    found = gathered(model, Sharding(4, 3))
    assert found.certain == max(layer, V * D * 2)
    assert found.certain + found.ahead == root + 2 * layer
    assert (found.gradients, found.reducing) == (found.certain, found.ahead)
    assert gathered(model, Sharding(4, 2)).certain == gathered(model, Sharding(4, 2)).ahead == 0
    assert gathered(model, Sharding(4, 2)).gradients == found.gradients
    assert gathered(model, Sharding(1, 3)) == gathered(model, Sharding(4, 1))
    sharded = answer(sharding=Sharding(4, 3))
    assert part(sharded, "forward", "gathered layers") == found.certain
    assert part(sharded, "forward", "layers gathered ahead") == found.ahead
    assert part(sharded, "optimizer", "gathered layers") == 0


def test_compile_is_said_to_be_not_modelled() -> None:
    """torch.compile changes no figure, and the answer says that it is not modelled."""
    plain, compiled = answer(), answer(compile=True)
    assert compiled.high_bytes == plain.high_bytes
    assert any("torch.compile" in line and "not modelled" in line for line in compiled.not_counted)


@pytest.mark.parametrize(
    "settings",
    [{}, {"accumulate": 3, "lora_rank": 4, "nf4": True}, {"sharding": Sharding(2)}],
    ids=str,
)
def test_each_moments_parts_add_up(settings: dict[str, Any]) -> None:
    """The parts of each moment add up to what was allocated then; the first is the peak's."""
    found = answer(**settings)
    for moment in found.moments:
        assert sum(p.bytes for p in moment.parts) == moment.allocated_bytes
    assert found.moments[0].allocated_bytes == found.peak_allocated_bytes
    assert {"load", "forward", "loss", "backward", "optimizer"} <= set(found.phases)
    assert f"At the fullest moment, in {found.peak_phase}:" in str(found)


def test_at_least_is_said_only_where_all_is_counted() -> None:
    """A margin has "at least" only if nothing is left out."""
    found = answer()
    assert found.not_counted
    assert "at least" not in found.sentence
    assert "to spare for what is not counted" in found.sentence
    assert "to spare at least" in replace(found, not_counted=()).sentence


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"accumulate": 0}, "accumulate must be at least 1"),
        ({"loss": "chunked:0"}, "above 0"),
        ({"loss": "halved"}, "unknown loss 'halved': full, chunked"),
        ({"autocast": torch.int8}, "floating-point dtype"),
        ({"lora_dropout": 1.0}, "below 1"),
        ({"dora": True}, "give a LoRA rank"),
        ({"kbit_fp32": True}, "give a LoRA rank"),
        ({"offload": ("gradients",)}, "unknown offload 'gradients'"),
        ({"step_in_backward": True, "accumulate": 2}, "leaves no gradient to accumulate"),
        ({"step_in_backward": True, "master_dtype": FP32}, "without master copies"),
        ({"step_in_backward": True, "offload": ("optimizer",)}, "states on the card"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, Any], message: str) -> None:
    """A setting that makes no sense alone or beside another is a ValueError that says why."""
    with pytest.raises(ValueError, match=message):
        Training(**settings)
