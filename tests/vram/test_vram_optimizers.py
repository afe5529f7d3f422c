"""Each optimizer's law gives the bytes that its package allocates, after one real step."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from vram import OPTIMIZERS, llama
from vram.adapters import nf4_bytes
from vram.optimizers import hidden_matrices
from vram.persistent import optimizer_state_bytes
from vram.recorder import high_water, live_bytes
from vram.shapes import LlamaShape
from vram.updates import optimizer_events

BF16, FP32 = torch.bfloat16, torch.float32
SHAPE = LlamaShape(2, 64, 96, 4, 2, 100, tied=False)
EVERY = list(OPTIMIZERS)


def model(dtype: torch.dtype = BF16, device: str = "cpu") -> nn.Module:
    """A small Llama with a frozen norm, and a gradient of ones for the rest."""
    torch.manual_seed(0)
    found = llama(SHAPE, device=device, dtype=dtype)
    found.model.norm.requires_grad_(requires_grad=False)
    for p in found.parameters():
        p.grad = torch.ones_like(p) if p.requires_grad else None
    return found


def state_bytes(*optimizers: torch.optim.Optimizer) -> int:
    """Bytes of all state tensors, those shared once; torch's step counter on the CPU left out."""
    tensors = [
        t
        for optimizer in optimizers
        for state in optimizer.state.values()
        for name, t in state.items()
        if isinstance(t, Tensor) and name != "step"
    ]
    return storage_bytes(tensors)


def storage_bytes(tensors: Iterable[Tensor]) -> int:
    """Numel * element_size of tensors, one that several share counted once."""
    return sum({t.data_ptr(): t.numel() * t.element_size() for t in tensors}.values())


def torch_steps(name: str, found: nn.Module, **options: Any) -> list[torch.optim.Optimizer]:
    """Torch's own optimizers by vram's name, after one step."""
    every = [p for p in found.parameters() if p.requires_grad]
    matrices = hidden_matrices(found)
    made: dict[str, Any] = {
        "adamw": lambda: [torch.optim.AdamW(every, **options)],
        "sgd": lambda: [torch.optim.SGD(every, **options)],
        "sgd-momentum": lambda: [torch.optim.SGD(every, momentum=0.9, **options)],
        "adafactor": lambda: [torch.optim.Adafactor(every, **options)],
        "muon": lambda: [
            torch.optim.Muon([p for p in every if id(p) in matrices]),
            torch.optim.AdamW([p for p in every if id(p) not in matrices], **options),
        ],
    }
    optimizers = made[name]()
    for optimizer in optimizers:
        optimizer.step()
    return list(optimizers)


@pytest.mark.parametrize("dtype", [BF16, FP32])
@pytest.mark.parametrize("name", ["adamw", "sgd", "sgd-momentum", "adafactor", "muon"])
def test_torchs_own_states(name: str, dtype: torch.dtype) -> None:
    """After a step of torch's class, its states take the bytes predicted on meta."""
    real = torch_steps(name, model(dtype))
    assert optimizer_state_bytes(model(dtype, "meta"), name) == state_bytes(*real)


def test_fused_counts_its_step_counters() -> None:
    """The fused AdamW keeps its counters beside the parameters: 4 bytes more a tensor."""
    found = model(FP32)
    (real,) = torch_steps("adamw", found, fused=True)
    counters = sum(s["step"].numel() * s["step"].element_size() for s in real.state.values())
    predicted = optimizer_state_bytes(found, "adamw", implementation="fused")
    assert predicted == state_bytes(real) + counters


@pytest.mark.parametrize("dtype", [BF16, FP32])
@pytest.mark.parametrize(
    ("name", "cls"),
    [("adamw8bit", "AdamW8bit"), ("adamw32bit", "AdamW32bit"), ("lion8bit", "Lion8bit")],
)
def test_bitsandbytes_own_states(name: str, cls: str, dtype: torch.dtype) -> None:
    """After a step of bitsandbytes' class on the CPU, its states take the bytes predicted."""
    optim = pytest.importorskip("bitsandbytes.optim", reason="bitsandbytes is not installed")
    found = model(dtype)
    real = getattr(optim, cls)([p for p in found.parameters() if p.requires_grad])
    real.step()
    assert optimizer_state_bytes(found, name) == state_bytes(real)


@pytest.mark.parametrize("dtype", [BF16, FP32])
@pytest.mark.parametrize(
    ("name", "cls"),
    [("adamw8bit-torchao", "AdamW8bit"), ("adamw4bit", "AdamW4bit"), ("adamwfp8", "AdamWFp8")],
)
def test_torchaos_own_states(
    name: str, cls: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a step of torchao's class, not compiled, its states take the bytes predicted."""
    optim = pytest.importorskip("torchao.optim", reason="torchao is not installed")
    monkeypatch.setattr(torch, "compile", lambda function, **_: function)  # it takes minutes
    found = model(dtype)
    real = getattr(optim, cls)([p for p in found.parameters() if p.requires_grad])
    real.step()
    states = [t for s in real.state.values() for k, t in s.items() if k != "step"]
    parts = [[getattr(t, n) for n in getattr(t, "tensor_attrs", ())] or [t] for t in states]
    held = sum(t.numel() * t.element_size() for tensors in parts for t in tensors)
    assert optimizer_state_bytes(found, name) == held > 0


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("elements", [1, 63, 64, 4096, 4097, 130 * 77, 64 * 256 + 1])
def test_nf4_is_bitsandbytes_own(elements: int, double: bool) -> None:
    """A weight in NF4 takes what bitsandbytes' quantize_4bit allocates, constants included."""
    functional = pytest.importorskip("bitsandbytes.functional", reason="no bitsandbytes")
    packed, state = functional.quantize_4bit(
        torch.randn(elements, dtype=BF16), quant_type="nf4", compress_statistics=double
    )
    tensors = [packed, state.absmax, state.code]
    if double:
        tensors += [state.offset, state.state2.absmax, state.state2.code]
    assert nf4_bytes(elements, double=double) == storage_bytes(tensors)


# Bytes of NF4 recorded from bitsandbytes 0.50.2 on the CPU, for where it is not installed.
@pytest.mark.parametrize(
    ("elements", "double", "expected"),
    [
        (12_800, False, 6400 + 800 + 64),
        (12_800, True, 6400 + 200 + 64 + 4 + 4 + 1024),
        (10_010, True, 5005 + 157 + 64 + 4 + 4 + 1024),
        (63, False, 32 + 4 + 64),
    ],
)
def test_nf4_as_recorded(elements: int, double: bool, expected: int) -> None:
    """NF4 is half a byte an element, one absmax for 64, and its maps."""
    assert nf4_bytes(elements, double=double) == expected


@pytest.mark.parametrize("name", EVERY)
def test_events_keep_what_the_law_says(name: str) -> None:
    """A first step leaves exactly the states behind; a later one leaves nothing."""
    found = model(device="meta")
    first, later = optimizer_events(found, name)
    assert live_bytes(first) == optimizer_state_bytes(found, name)
    assert live_bytes(later) == 0


@pytest.mark.parametrize(
    ("implementation", "copies"), [("foreach", "all"), ("single", "three"), ("fused", "none")]
)
def test_adamws_temporaries(implementation: str, copies: str) -> None:
    """Foreach copies all parameters, the loop two of one and one of the last, fused nothing."""
    found = llama(SHAPE)
    _, later = optimizer_events(found, "adamw", implementation=implementation)
    sizes = [p.numel() * 2 for p in found.parameters()]
    loop = max(before + 2 * size for before, size in pairwise([0, *sizes]))
    expected = {"all": sum(sizes), "three": loop, "none": 0}
    assert high_water(later)[0] == expected[copies]


@pytest.mark.parametrize("foreach", [True, False])
def test_adamw_without_its_class_is_torchs(foreach: bool) -> None:
    """The events of AdamW are those of torch.optim.AdamW's own step on the same tensors."""
    from vram.recorder import Recorder

    found = model(device="meta")
    real = torch.optim.AdamW([p for p in found.parameters() if p.requires_grad], foreach=foreach)
    recorder = Recorder()
    for p in found.parameters():
        recorder.block_of(p)
        if p.grad is not None:
            recorder.block_of(p.grad)
    start = len(recorder.events)
    with recorder:
        real.step()
    recorder.close()
    implementation = "foreach" if foreach else "single"
    first, _ = optimizer_events(found, "adamw", implementation=implementation)
    assert [size for _, size in first] == [size for _, size in recorder.events[start:]]


@pytest.mark.parametrize(
    ("name", "implementation", "message"),
    [
        ("adamw8bits", "foreach", "did you mean 'adamw8bit'"),
        ("adamw", "vectorised", "unknown implementation 'vectorised'"),
    ],
)
def test_unknown_names_are_refused(name: str, implementation: str, message: str) -> None:
    """An unknown optimizer or implementation is a ValueError with those there are."""
    with pytest.raises(ValueError, match=message):
        optimizer_state_bytes(nn.Linear(2, 2), name, implementation=implementation)
