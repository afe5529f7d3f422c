"""Whole training steps in order, through the allocator: load, forward, loss, backward, update.

Three steps are run: the first makes the optimizer's states where activations were, and from the
third on nothing changes. The high-water mark is the most that torch would count as allocated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import torch
from torch import nn

from .allocator import Block, CachingAllocator
from .optimizers import optimizer_named, trainable
from .recorder import Event
from .sharding import ALONE, Sharding
from .step import StepTrace
from .updates import optimizer_events

STEPS = 3
_TEMPORARIES = "temporaries of the optimizer"
# Blocks of a trace count from 0, by less than a billion; these are the numbers of the others.
_BATCH, _WORKSPACES, _MASTERS, _UPDATES = -1, -(10**3), -(10**9), 10**12


@dataclass(frozen=True)
class Phase:
    """Events of one phase; its blocks are of `kind`, or of what `kinds` says of them."""

    name: str
    events: tuple[Event, ...]
    kind: str
    kinds: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Peak:
    """The most bytes that torch would count as allocated: when, of what, and what was reserved.

    `parts` are the tensors' own bytes by kind at that moment, `allocated` has the allocator's
    rounding too, `reserved` is the most it held of the GPU at any moment, `by_phase` the most
    allocated in each phase.
    """

    phase: str
    parts: dict[str, int]
    allocated: int
    reserved: int
    by_phase: dict[str, int]


@dataclass(frozen=True)
class Update:
    """How parameters are updated: optimizer, torch's implementation, master copies, shards."""

    optimizer: str = "adamw"
    implementation: str = "foreach"
    master_dtype: torch.dtype | None = None
    sharding: Sharding = ALONE


def training_phases(
    model: nn.Module, trace: StepTrace, update: Update, workspace: int = 0
) -> Iterator[Phase]:
    """Yield the phases of STEPS training steps of a traced model.

    workspace is the bytes of one cuBLAS workspace: forward's thread and backward's each take one
    in the first step, and keep it. Errors as optimizer_events'.
    """
    yield from _load(model, trace, update)
    first, later = optimizer_events(
        model,
        update.optimizer,
        implementation=update.implementation,
        update_dtype=update.master_dtype,
        sharding=update.sharding,
    )
    sizes = _gradient_sizes(model, trace, update.sharding)
    span = 1 + max(block for block, _ in trace.forward + trace.loss + trace.backward)
    for step in range(STEPS):
        base = (step + 1) * span
        yield from _forward_and_backward(trace, sizes, base, workspace if step == 0 else 0)
        yield from _update(model, update, later if step else first, step)
        yield Phase("zero_grad", tuple((b + base, -size) for b, size in sizes.items()), "")


def _load(model: nn.Module, trace: StepTrace, update: Update) -> Iterator[Phase]:
    batch = tuple((_BATCH - i, size) for i, (_, size) in enumerate(trace.inputs))
    yield Phase("load", _parameters(model, trace, update.sharding), "parameters", _kinds(trace))
    yield Phase("load", _copies(model, update, _MASTERS), "master weights")
    yield Phase("load", batch, "batch")


def _forward_and_backward(
    trace: StepTrace, sizes: dict[int, int], base: int, workspace: int
) -> Iterator[Phase]:
    """Yield forward, loss and backward, blocks moved up by base; gradients are as `sizes` says."""
    one, other = (((_WORKSPACES - i, workspace),) if workspace else () for i in range(2))
    yield Phase("forward", one, "cuBLAS workspaces")
    yield Phase("forward", _moved(trace.forward, base), "activations")
    yield Phase("loss", _moved(trace.loss, base), "logits and loss")
    yield Phase("backward", other, "cuBLAS workspaces")
    kinds = {block + base: "gradients" for block in sizes}
    backward = _moved(_resized(trace.backward, sizes), base)
    yield Phase("backward", backward, "temporaries of backward", kinds)


def _update(
    model: nn.Module, update: Update, events: tuple[Event, ...], step: int
) -> Iterator[Phase]:
    """Yield the optimizer's events, within copies of the gradients in the masters' dtype if any.

    torch's optimizers need a gradient of the dtype that they update; other packages' do not.
    """
    base = _UPDATES * (step + 1)
    needs = optimizer_named(update.optimizer).torch_name is not None
    copies = _copies(model, update, base - _MASTERS) if needs else ()
    states = {base + block: "optimizer states" for block in _kept(events)}
    yield Phase("optimizer", copies, _TEMPORARIES)
    yield Phase("optimizer", _moved(events, base), _TEMPORARIES, states)
    yield Phase("optimizer", tuple((b, -size) for b, size in copies), "")


def high_point(phases: Iterable[Phase], allocator: CachingAllocator | None = None) -> Peak:
    """Run phases through the allocator, and return the moment when most was allocated."""
    allocator = allocator or CachingAllocator()
    held: dict[int, tuple[Block, str]] = {}
    now: Counter[str] = Counter()
    by_phase: Counter[str] = Counter()
    most, where, parts = -1, "", dict[str, int]()
    for phase in phases:
        top = by_phase[phase.name]
        for block, size in phase.events:
            if size < 0:
                taken, kind = held.pop(block)
                allocator.give_back(taken)
                now[kind] += size
                continue
            kind = phase.kinds.get(block, phase.kind)
            held[block] = allocator.take(size), kind
            now[kind] += size
            if allocator.allocated > top:
                top = allocator.allocated
                if top > most:
                    most, where, parts = top, phase.name, dict(now)
        by_phase[phase.name] = max(top, allocator.allocated)
    return Peak(where, parts, most, allocator.peak_reserved, dict(by_phase))


def _parameters(model: nn.Module, trace: StepTrace, sharding: Sharding) -> tuple[Event, ...]:
    """Return the parameters' events, each as large as its shard, and the buffers' as they are."""
    local = [
        sharding.local(p.shape, "parameters").numel() * p.dtype.itemsize for p in model.parameters()
    ]
    return tuple((b, local[b] if b < len(local) else size) for b, size in trace.parameters)


def _kinds(trace: StepTrace) -> dict[int, str]:
    buffers = (b for b, _ in trace.parameters if b >= len(trace.gradients))
    return dict.fromkeys(buffers, "buffers")


def _copies(model: nn.Module, update: Update, base: int) -> tuple[Event, ...]:
    """Return a block for each trained tensor that has a master copy, as large as that."""
    dtype = update.master_dtype
    if dtype is None:
        return ()
    held = update.sharding
    shapes = [held.local(p.shape, "states") for p in trainable(model) if p.dtype != dtype]
    sizes = [shape.numel() * dtype.itemsize for shape in shapes]
    return tuple((base + i, size) for i, size in enumerate(sizes) if size)


def _gradient_sizes(model: nn.Module, trace: StepTrace, sharding: Sharding) -> dict[int, int]:
    """Return the bytes of each gradient's block, as large as its shard."""
    return {
        block: sharding.local(p.shape, "gradients").numel() * p.dtype.itemsize
        for p, block in zip(model.parameters(), trace.gradients, strict=True)
        if block is not None and p.numel()
    }


def _kept(events: tuple[Event, ...]) -> set[int]:
    """Return the blocks taken and not given back."""
    return {b for b, size in events if size > 0} - {b for b, size in events if size < 0}


def _moved(events: tuple[Event, ...], base: int) -> tuple[Event, ...]:
    return tuple((block + base, size) for block, size in events)


def _resized(events: tuple[Event, ...], sizes: dict[int, int]) -> tuple[Event, ...]:
    return tuple((b, sizes[b] if size > 0 and b in sizes else size) for b, size in events)
