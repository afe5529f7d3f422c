"""Who steps, and on what: the optimizers that `optimizer_step.py` times, and their shapes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from adamw import AdamW

Optimizer = torch.optim.Optimizer
Shapes = list[tuple[int, ...]]


@dataclass
class Contender:
    """An optimizer: how it is made, what its state takes, how far it may be from the equations."""

    name: str
    make: Callable[[list[torch.nn.Parameter]], Optimizer]
    moment_bytes: float | None = None  # of both moments; None for the parameter's own dtype
    dtypes: tuple[torch.dtype, ...] = (torch.float32, torch.float64)  # that it is checked in
    limits: dict[torch.dtype, float] = field(default_factory=dict)  # of ours; peers are reported
    leaves_out: tuple[str, ...] = ()  # workloads


@dataclass
class Timed:
    """A contender on a workload: seconds of each step, and facts about one."""

    contender: Contender
    seconds: list[float] = field(default_factory=list)
    host_seconds: list[float] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


EXACT = {torch.float32: 1e-3, torch.float64: 1e-11}
"""Limits of the distance from the equations, relative to the way gone: float32 rounds a parameter
of 1 by 6e-8 a step, on steps of 1e-3."""

EIGHT_BIT = {torch.float32: 0.03, torch.float64: 0.03}
"""Twice what the map of 256 values costs in 20 steps (bitsandbytes: the same)."""

EIGHT_BYTES = 2 + 8 / 256


def contenders(device: torch.device) -> Iterator[Contender]:
    """Ours and torch's everywhere, bitsandbytes where it is installed, torchao on a GPU alone.

    torchao compiles its step anew for each shape of a tensor, on a CPU for minutes.
    """
    fast = "triton" if device.type == "cuda" else "foreach"
    yield Contender(f"ours {fast}", lambda p: AdamW(p, backend=fast), limits=EXACT)
    yield Contender("torch foreach", lambda p: torch.optim.AdamW(p, foreach=True))
    if device.type == "cpu":
        yield Contender("ours fused", lambda p: AdamW(p, fused=True), limits=EXACT)
    yield Contender("torch fused", lambda p: torch.optim.AdamW(p, fused=True))
    yield Contender(
        f"ours {fast} 8-bit",
        lambda p: AdamW(p, backend=fast, state_dtype="8bit"),
        EIGHT_BYTES,
        limits=EIGHT_BIT,
    )
    narrow = (torch.float32,)
    with contextlib.suppress(ImportError):
        import bitsandbytes

        yield Contender("bitsandbytes 8-bit", bitsandbytes.optim.AdamW8bit, EIGHT_BYTES, narrow)
    if device.type == "cuda":
        with contextlib.suppress(ImportError):
            from torchao.optim import AdamW8bit

            yield Contender(
                "torchao 8-bit", AdamW8bit, EIGHT_BYTES, narrow, leaves_out=("300 small",)
            )


def mlp(budget: int) -> Shapes:
    """A small network: three linear layers of width 64."""
    return [(64, 64), (64,)] * 3


def llama(budget: int) -> Shapes:
    """Llama-3.1-8B's tensors: embeddings, then as many of its 32 layers as budget elements hold."""
    d, ff, kv, vocabulary = 4096, 14336, 1024, 128256
    layer = [(d, d), (kv, d), (kv, d), (d, d), (ff, d), (ff, d), (d, ff), (d,), (d,)]
    size = sum(torch.Size(shape).numel() for shape in layer)
    ends = [(vocabulary, d)] * 2 if budget > 2 * vocabulary * d + size else []
    layers = min(32, (budget - len(ends) * vocabulary * d) // size)
    return [*ends, *layer * layers] if layers else []


def small_llama(budget: int) -> Shapes:
    """The same, an eighth as wide: what a machine without a GPU has the patience for."""
    d, ff, kv = 512, 1792, 128
    layer = [(d, d), (kv, d), (kv, d), (d, d), (ff, d), (ff, d), (d, ff), (d,), (d,)]
    return layer * max(1, budget // sum(torch.Size(shape).numel() for shape in layer))


def many(budget: int) -> Shapes:
    """300 tensors of 1 to 20,000 elements, as in a convolutional network's norms and biases."""
    return [(1 + 67 * i % 20_000,) for i in range(300)]


def huge(budget: int) -> Shapes:
    """One tensor."""
    return [(min(budget, 2**30),)]


def workloads(device: torch.device, budget: int) -> dict[str, Shapes]:
    """Return the shapes that fit into budget elements, by name."""
    layers = {"llama-3.1-8b": llama} if device.type == "cuda" else {"llama, 1/8 wide": small_llama}
    every = {**layers, "300 small": many, "one huge": huge, "mlp": mlp}
    return {name: shapes(budget) for name, shapes in every.items() if shapes(budget)}
