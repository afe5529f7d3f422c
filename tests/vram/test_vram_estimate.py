"""The answer adds up, is exact where it says so, and the command refuses what makes no sense."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from vram import (
    MODELS,
    OPTIMIZERS,
    Answer,
    Gpu,
    Training,
    build,
    estimate,
    llama,
    parameters,
    training_bytes,
)
from vram.gpus import gpu_named
from vram.losses import next_token_loss
from vram.moments import high_point
from vram.optimizers import hidden_matrices
from vram.outside import workspace_bytes
from vram.persistent import persistent_bytes
from vram.shapes import LlamaShape
from vram.step import token_ids, trace_step
from vram.timeline import training_phases

MIB = 2**20
SMALL = LlamaShape(2, 64, 96, 4, 2, 100, tied=False)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("llama-3.1-8b", 8_030_261_248),
        ("llama-3.1-70b", 70_553_706_496),
        ("llama-3.1-405b", 405_853_388_800),
        ("llama-3.2-1b", 1_235_814_400),
        ("llama-3.2-3b", 3_212_749_824),
        ("mistral-7b", 7_241_732_096),
        ("qwen2.5-7b", 7_615_616_512),
        ("gemma-2-9b", 9_241_705_984),
        ("gpt2", 124_439_808),
        ("phi-3-mini", 3_821_079_552),
    ],
)
def test_published_models_have_their_published_count(name: str, count: int) -> None:
    """Each named model has the count of the published one (transformers 5.23.0 on meta agrees)."""
    assert parameters(build(name)) == count
    assert name in MODELS


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_parts_add_up(name: str) -> None:
    """Parts sum to the high total, and low, persistent, peak and reserved are in order."""
    found = estimate(llama(SMALL), optimizer=name, batch=2, sequence=32)
    assert sum(part.bytes for part in found.parts) == found.high_bytes
    assert found.persistent_bytes < found.peak_allocated_bytes <= found.reserved_bytes
    assert found.low_bytes < found.high_bytes
    assert all(part.name and part.formula for part in found.parts)
    assert found.peak_allocated_bytes == max(found.phases.values())


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, 64_242_089_984),
        ({"optimizer": "adamw8bit"}, 48_432_515_200),
        ({"master_dtype": torch.float32}, 128_484_179_968),
        ({"optimizer": "sgd"}, 32_121_044_992),
    ],
)
def test_persistent_bytes_of_llama_3_1_8b(settings: dict[str, Any], expected: int) -> None:
    """Between steps 8B in bf16 holds 8 bytes a parameter with AdamW, exact for each setting."""
    assert persistent_bytes(llama("3.1-8B"), Training(**settings)) == expected


def test_persistent_bytes_are_training_bytes() -> None:
    """The answer's persistent bytes are those of training_bytes, tied and frozen tensors too."""
    model = llama(LlamaShape(2, 64, 96, 4, 2, 100, tied=True))
    model.model.norm.requires_grad_(requires_grad=False)
    found = estimate(model, sequence=16)
    assert found.persistent_bytes == training_bytes(model).total


@pytest.mark.parametrize(
    ("capacity", "verdict"), [(0, "does not fit"), ("low", "tight"), ("high", "fits")]
)
def test_the_verdict_follows_the_interval(capacity: int | str, verdict: str) -> None:
    """High below the capacity fits, low below it is tight, else it does not fit."""
    found = estimate(llama(SMALL), sequence=16)
    room = capacity if isinstance(capacity, int) else getattr(found, f"{capacity}_bytes")
    card = Gpu("card", room, 8, "a test")
    again = estimate(llama(SMALL), sequence=16, gpu=card)
    assert again.verdict == verdict
    assert verdict in again.sentence
    assert estimate(llama(SMALL), sequence=16).verdict == "no GPU named"


def test_workspaces_and_unknown_cards() -> None:
    """A workspace is larger from Hopper on; a card that is not there is told what is."""
    assert (workspace_bytes(8), workspace_bytes(9), workspace_bytes(None)) == (
        8_519_680,
        33_554_432,
        8_519_680,
    )
    with pytest.raises(ValueError, match="unknown GPU 'RTX 4090 Ti': type 'RTX 4090'"):
        gpu_named("RTX 4090 Ti")


def test_expandable_segments_reserve_no_less_than_is_allocated() -> None:
    """With expandable segments reserved covers allocated, too, and parts still add up."""
    found = estimate(llama(SMALL), sequence=16, expandable_segments=True)
    assert found.reserved_bytes >= found.peak_allocated_bytes
    assert sum(part.bytes for part in found.parts) == found.high_bytes


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer": "adamv"}, "did you mean 'adamw'"),
        ({"batch": -1}, "batch must be at least 1: -1"),
        ({"attention": "flush"}, "unknown attention 'flush'"),
        ({"implementation": "fast"}, "unknown implementation 'fast'"),
        ({"nf4": True}, "give a LoRA rank"),
        ({"lora_rank": 0}, "rank must be at least 1"),
        ({"lora_rank": 33}, "rank 33 is more than 32, a side of k_proj"),
        ({"batch": 1.5}, "batch must be a whole number: 1.5"),
        ({"sequence": float("nan")}, "sequence must be a whole number: nan"),
        ({"batch": 10**20}, "batch must be at most 536,870,912: 100,000,000,000,000,000,000"),
        ({"batch": 2**29, "sequence": 2**29}, "more bytes than torch can count"),
        ({"implementation": "fused", "optimizer": "adafactor"}, "there is no fused adafactor"),
        ({"implementation": "fused", "optimizer": "adamw8bit"}, "there is no fused adamw8bit"),
    ],
)
def test_senseless_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    """A setting that makes no sense is a ValueError that says why."""
    with pytest.raises(ValueError, match=message):
        estimate(llama(SMALL), **settings)
    with pytest.raises(ValueError, match="no trainable parameter"):
        estimate(nn.BatchNorm1d(4, affine=False))


class Small(nn.Module):
    """A language model of odd parts: tied, frozen, of two dtypes, one element, unused, buffers."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(100, 16)
        self.frozen = nn.Linear(16, 16).requires_grad_(requires_grad=False)
        self.narrow = nn.Linear(16, 16, dtype=torch.bfloat16)
        self.unused = nn.Linear(300, 20)
        self.scale = nn.Parameter(torch.ones(1))
        self.head = nn.Linear(16, 100, bias=False)
        self.head.weight = self.embedding.weight
        self.register_buffer("table", torch.zeros(1000))

    def forward(self, ids: Tensor) -> Tensor:
        x = self.frozen(self.embedding(ids)) * self.scale
        logits: Tensor = self.head(self.narrow(x.bfloat16()).float())
        return logits


@pytest.mark.parametrize("name", ["adamw", "sgd", "sgd-momentum", "adafactor", "muon"])
def test_odd_modules_hold_what_a_real_step_holds(name: str) -> None:
    """After real steps: tied once, frozen and unused without gradient or state, buffers apart."""
    model = Small()
    predicted = estimate(model, sequence=8, optimizer=name)
    every = [p for p in model.parameters() if p.requires_grad]
    hidden = hidden_matrices(model)
    matrices = [p for p in every if id(p) in hidden]
    others = [p for p in every if id(p) not in hidden]
    made: dict[str, list[Any]] = {
        "adamw": [torch.optim.AdamW(every)],
        "sgd": [torch.optim.SGD(every)],
        "sgd-momentum": [torch.optim.SGD(every, momentum=0.9)],
        "adafactor": [torch.optim.Adafactor(every)],
        "muon": [torch.optim.Muon(matrices), torch.optim.AdamW(others)],
    }
    ids = torch.randint(100, (1, 8))
    for _ in range(2):
        next_token_loss(model(ids), ids).backward()
        for optimizer in made[name]:
            optimizer.step()
    states = [
        t
        for o in made[name]
        for state in o.state.values()
        for key, t in state.items()
        if isinstance(t, Tensor) and key != "step"
    ]
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    held = sum(t.numel() * t.element_size() for t in (*model.parameters(), *grads, *states))
    assert predicted.persistent_bytes == held
    assert predicted.not_counted[0].startswith("gradients and states of 6,020 parameters")
    assert all(p.requires_grad for p in model.unused.parameters())


class Detached(Small):
    """A language model whose output depends on nothing."""

    def forward(self, ids: Tensor) -> Tensor:
        return super().forward(ids).detach()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: estimate(Detached(), sequence=8), ValueError, "nothing runs backward"),
        (lambda: estimate(nn.Module()), ValueError, "no trainable parameter"),
        (lambda: estimate(None), TypeError, "a name or an nn.Module: None"),  # type: ignore[arg-type]
        (lambda: estimate("gpt2", dtype=torch.int8), ValueError, "floating-point dtype"),
        (lambda: Training(master_dtype=torch.int8), ValueError, "floating-point dtype"),
        (lambda: Training(lora_rank=1.5), ValueError, "whole number: 1.5"),  # type: ignore[arg-type]
    ],
)
def test_odd_requests_are_refused(
    make: Callable[[], object], error: type[Exception], message: str
) -> None:
    """An output without a graph, an empty module, no module and odd dtypes say what is wrong."""
    with pytest.raises(error, match=message):
        make()


def test_an_answer_is_a_value() -> None:
    """The same request gives an equal answer."""
    first, second = (estimate(llama(SMALL), sequence=16) for _ in range(2))
    assert first == second
    assert isinstance(first, Answer)


# GiB, by torch.distributed._tools.mem_tracker on transformers' LlamaForCausalLM of two layers as
# wide as 8B's, bf16, 512 tokens. Its loop held the logits by a name, which is 125.25 MiB more.
@pytest.mark.parametrize(
    ("implementation", "gib"), [("single", 13.158), ("foreach", 13.970), ("fused", 11.204)]
)
def test_the_peak_is_mem_trackers(implementation: str, gib: float) -> None:
    """The high-water mark of a step is what torch's own MemTracker says of transformers' model."""
    model = llama(LlamaShape(2, 4096, 14336, 32, 8, 128256, tied=False))
    trace = trace_step(model, token_ids(1, 512))
    peak = high_point(training_phases(model, trace, Training(implementation=implementation)))
    held = sum(peak.parts.values()) + 512 * 128_256 * 2
    assert held / 2**30 == pytest.approx(gib, abs=1e-3)


def test_masters_are_updated_with_gradients_of_their_dtype() -> None:
    """A torch optimizer on float32 masters of bf16 weights holds float32 gradients, too."""
    model = llama(SMALL)
    trace = trace_step(model, token_ids(1, 16))
    plain = Training(implementation="fused", master_dtype=torch.float32)
    peak = high_point(training_phases(model, trace, plain))
    assert peak.phase == "optimizer"
    assert peak.parts["master weights"] == 4 * parameters(model)
    assert peak.parts["temporaries of the optimizer"] == 4 * parameters(model)
