"""Predicted bytes are the bytes: published figures, and real tensors after a real step."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from vram import Training, build, estimate, llama, parameters, training_bytes
from vram.adapters import constant_bytes, lora, nf4
from vram.persistent import (
    TrainingBytes,
    adamw_state_bytes,
    blockwise_8bit_state_bytes,
    gradient_bytes,
    optimizer_state_bytes,
    parameter_bytes,
    persistent_bytes,
)
from vram.persistent import held as everything_held
from vram.shapes import LlamaShape

BF16, FP32, FP64 = torch.bfloat16, torch.float32, torch.float64
GIB = 2**30


@pytest.fixture(scope="module")
def llama_8b() -> nn.Module:
    """Llama 3.1 8B in bf16 on the meta device."""
    return llama("3.1-8B")


def held(tensors: Iterable[Tensor]) -> int:
    """Bytes of real tensors."""
    return sum(t.numel() * t.element_size() for t in tensors)


def train_once(updated: list[nn.Parameter]) -> torch.optim.AdamW:
    """Torch's AdamW after one step on a gradient for each tensor that wants one."""
    optimizer = torch.optim.AdamW(updated)
    for param in updated:
        if param.requires_grad:
            param.grad = torch.ones_like(param)
    optimizer.step()
    return optimizer


def held_states(optimizer: torch.optim.AdamW) -> int:
    """Bytes of both moments of every parameter, without the step counters."""
    return held(s[key] for s in optimizer.state.values() for key in ("exp_avg", "exp_avg_sq"))


@pytest.mark.parametrize(
    ("dtypes", "total", "gib"),
    [
        ({}, 64_242_089_984, 59.83),
        ({"state_dtype": FP32}, 96_363_134_976, 89.75),
        ({"state_dtype": FP32, "master_dtype": FP32}, 128_484_179_968, 119.66),
        ({"master_dtype": FP32}, 128_484_179_968, 119.66),
        ({"grad_dtype": FP32, "master_dtype": FP32}, 144_544_702_464, 134.62),
    ],
)
def test_totals_of_llama_3_1_8b(
    llama_8b: nn.Module, dtypes: dict[str, torch.dtype], total: int, gib: float
) -> None:
    """Training Llama 3.1 8B in bf16 holds 8, 12, 16 or 18 bytes a parameter by choice of dtypes."""
    found = training_bytes(llama_8b, **dtypes).total
    assert found == total
    assert round(found / GIB, 2) == gib


def test_parts_of_llama_3_1_8b(llama_8b: nn.Module) -> None:
    """Pure bf16 is one copy of weights, one of gradients and two of moments."""
    copy = 16_060_522_496
    assert training_bytes(llama_8b) == TrainingBytes(copy, copy, 0, 2 * copy)


@pytest.mark.parametrize(("name", "total_gib"), [("3.1-70B", 525.67), ("3.1-8B", 59.83)])
def test_totals_of_pure_bf16(name: str, total_gib: float) -> None:
    """Pure bf16 AdamW holds 8 bytes a parameter."""
    assert round(training_bytes(llama(name)).total / GIB, 2) == total_gib


def test_float32_weights_hold_sixteen_bytes_a_parameter() -> None:
    """In float32 throughout, 8B holds 128.48 GB, and a float32 master would cost nothing more."""
    model = llama("3.1-8B", dtype=FP32)
    assert training_bytes(model).total == 128_484_179_968
    assert training_bytes(model, master_dtype=FP32) == training_bytes(model)


def test_8bit_states_of_llama_3_1_8b(llama_8b: nn.Module) -> None:
    """8-bit states of 8B take 2.03125 bytes a parameter, and two maps of 1 KiB for all of them."""
    assert blockwise_8bit_state_bytes(llama_8b) == 16_311_468_160 + 2 * 1024
    assert blockwise_8bit_state_bytes(llama_8b) == 2.03125 * parameters(llama_8b) + 2 * 1024


@pytest.mark.parametrize("name", ["llama-3.2-1b", "gpt2"])
def test_8bit_states_have_one_answer(name: str) -> None:
    """Every way to ask for bitsandbytes' 8-bit states gives the same bytes."""
    model = build(name)
    plan = Training(optimizer="adamw8bit")
    states = [b for b in everything_held(model, plan) if b.purpose == "optimizer states"]
    every = {
        blockwise_8bit_state_bytes(model),
        optimizer_state_bytes(model, "adamw8bit"),
        sum(b.bytes for b in states),
        persistent_bytes(model, plan) - parameter_bytes(model) - gradient_bytes(model),
    }
    assert len(every) == 1
    if name == "llama-3.2-1b":
        assert every == {2_510_653_440}


def test_everything_held_adds_up_to_each_answer() -> None:
    """Parts and totals of training_bytes, persistent_bytes and estimate are sums of held's."""
    model = nf4(llama(LlamaShape(2, 64, 96, 4, 2, 100, tied=True)))
    lora(model, 4)
    plan = Training(master_dtype=torch.float64, sequence=16)
    found = training_bytes(model, master_dtype=torch.float64)
    assert found.total == sum(b.bytes for b in everything_held(model, plan))
    assert found.total == persistent_bytes(model, plan)
    assert found.total == estimate(model, plan).persistent_bytes
    assert found.constants == constant_bytes(model) > 0


MAPS = 2 * 256 * 4  # of the two moments


# Elements of one tensor and bytes of its two moments. The first two rows: bitsandbytes 0.50.2.
@pytest.mark.parametrize(
    ("elements", "options", "expected"),
    [
        (1_048_576, {}, 2 * 1_048_576 + 2 * 16_384 + MAPS),
        (4095, {}, 2 * 4 * 4095),
        (4096, {}, 2 * (4096 + 4 * 16) + MAPS),
        (4097, {}, 2 * (4097 + 4 * 17) + MAPS),
        (4095, {"min_elements": 4095}, 2 * (4095 + 4 * 16) + MAPS),
        (4096, {"block": 128}, 2 * (4096 + 4 * 32) + MAPS),
        (0, {}, 0),
    ],
)
def test_8bit_states_of_one_tensor(elements: int, options: dict[str, int], expected: int) -> None:
    """A block begun has its absmax, and a tensor below min_elements stays float32."""
    module = nn.Module()
    module.weight = nn.Parameter(torch.empty(elements, dtype=BF16, device="meta"))
    assert blockwise_8bit_state_bytes(module, **options) == expected
    module.weight.requires_grad = False
    assert blockwise_8bit_state_bytes(module, **options) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"block": 0}, "block must be at least 1: 0"),
        ({"block": -256}, "block must be at least 1: -256"),
        ({"min_elements": -1}, "min_elements must be at least 0: -1"),
    ],
)
def test_8bit_options_out_of_range_are_refused(options: dict[str, int], message: str) -> None:
    """A block or a threshold that makes no sense is a ValueError with its value."""
    with pytest.raises(ValueError, match=message):
        blockwise_8bit_state_bytes(nn.Linear(2, 2), **options)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("dtype", [FP32, BF16])
def test_a_real_llama_holds_what_was_predicted_on_meta(dtype: torch.dtype, tied: bool) -> None:
    """After one real step, parameters, gradients and moments take the bytes predicted on meta."""
    shape = LlamaShape(2, 32, 48, 4, 2, 50, tied)
    predicted = training_bytes(llama(shape, dtype=dtype))
    model = llama(shape, device="cpu", dtype=dtype)
    model(torch.tensor([[1, 2, 3]])).float().square().mean().backward()
    optimizer = torch.optim.AdamW(model.parameters())
    optimizer.step()
    measured = TrainingBytes(
        parameters=held(model.parameters()),
        gradients=held(p.grad for p in model.parameters() if p.grad is not None),
        master_weights=0,
        optimizer_states=held_states(optimizer),
    )
    assert predicted == measured
    assert parameters(model) == measured.parameters // dtype.itemsize


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.lists(st.integers(0, 5), max_size=3),
            st.sampled_from([BF16, torch.float16, FP32, FP64]),
            st.booleans(),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_any_mixture_holds_what_was_predicted(
    tensors: list[tuple[list[int], torch.dtype, bool]],
) -> None:
    """For any shapes, dtypes and frozen tensors, the bytes are those of real tensors."""
    model = nn.ParameterList(
        nn.Parameter(torch.ones(shape, dtype=dtype), requires_grad=trainable)
        for shape, dtype, trainable in tensors
    )
    optimizer = train_once(list(model))
    assert parameters(model) == sum(p.numel() for p in model)
    assert parameter_bytes(model) == held(model)
    assert gradient_bytes(model) == held(p.grad for p in model if p.grad is not None)
    assert adamw_state_bytes(model) == held_states(optimizer)


def test_real_master_weights_hold_what_was_predicted() -> None:
    """An optimizer on float32 copies of 16-bit tensors holds the predicted masters and states."""
    model = nn.ParameterList(
        [
            nn.Parameter(torch.ones(10, 3, dtype=BF16)),
            nn.Parameter(torch.ones(7, dtype=FP32)),
            nn.Parameter(torch.ones(5, dtype=BF16), requires_grad=False),
        ]
    )
    copies = [
        nn.Parameter(p.detach().float()) for p in model if p.requires_grad and p.dtype == BF16
    ]
    optimizer = train_once([*copies, model[1]])
    predicted = training_bytes(model, master_dtype=FP32)
    assert predicted.master_weights == held(copies) == 120
    assert predicted.optimizer_states == held_states(optimizer) == 2 * (120 + 28)


def test_tied_frozen_and_buffers() -> None:
    """A tied tensor counts once, a frozen one has no gradient, a buffer is no parameter."""
    model = nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 10), nn.BatchNorm1d(10))
    model[1].weight = model[0].weight
    model[1].bias.requires_grad = False
    assert parameters(model) == 40 + 10 + 20
    assert parameter_bytes(model) == 4 * 70
    assert gradient_bytes(model) == 4 * 60
    assert adamw_state_bytes(model) == 2 * 4 * 60


def test_dtypes_asked_for_replace_the_parameters_own() -> None:
    """state_dtype and grad_dtype set the bytes of states and gradients, and of nothing else."""
    model = nn.Linear(8, 4, bias=False, dtype=BF16, device="meta")
    assert gradient_bytes(model, FP32) == 4 * 32
    assert adamw_state_bytes(model, FP32) == 2 * 4 * 32
    found = training_bytes(model, state_dtype=FP64, grad_dtype=FP32)
    assert found == TrainingBytes(2 * 32, 4 * 32, 0, 2 * 8 * 32)


def test_training_bytes_prints_as_a_table(llama_8b: nn.Module) -> None:
    """Printed, each part has its bytes, GB and GiB in one line, the total last."""
    lines = str(training_bytes(llama_8b)).splitlines()
    names = ["parameters", "gradients", "master weights", "optimizer states", "total"]
    assert [line[:16].rstrip() for line in lines] == names
    assert lines[-1].split() == ["total", "64,242,089,984", "B", "64.24", "GB", "59.83", "GiB"]
    assert len({len(line) for line in lines}) == 1


def test_training_bytes_is_a_value() -> None:
    """An answer can be compared and hashed, and cannot be changed."""
    answer = TrainingBytes(1, 2, 3, 4)
    assert answer == TrainingBytes(1, 2, 3, 4)
    assert (answer.total, hash(answer)) == (10, hash(TrainingBytes(1, 2, 3, 4)))
    with pytest.raises(AttributeError):
        answer.parameters = 5  # type: ignore[misc]
