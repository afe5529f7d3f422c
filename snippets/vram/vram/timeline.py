"""Whole training steps in order, through the allocator: load, forward, loss, backward, update.

Three steps are run: the first makes the optimizer's states where activations were, and from the
third on nothing changes. The high-water mark is the most that torch would count as allocated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from torch import nn

from .allocator import Block, CachingAllocator
from .loading import moved, packed
from .optimizers import Buffer, optimizer_named
from .persistent import GRADIENTS, MASTERS, PARAMETERS, STATES, held
from .recorder import Event
from .settings import Training
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


def training_phases(
    model: nn.Module, trace: StepTrace, plan: Training, workspace: int = 0
) -> Iterator[Phase]:
    """Yield the phases of STEPS training steps of a traced model.

    workspace is the bytes of one cuBLAS workspace: forward's thread and backward's each take one
    in the first step, and keep it. Errors as optimizer_events'.
    """
    stays = _sizes(held(model, plan))
    yield from _load(model, trace, plan, stays)
    first, later = optimizer_events(
        model,
        plan.optimizer,
        implementation=plan.implementation,
        update_dtype=plan.master_dtype,
        sharding=plan.sharding,
    )
    gradients = stays.get(GRADIENTS, {})
    held_on = _held_on(trace)
    blocks = enumerate(trace.gradients)
    sizes = {b: gradients[i] for i, b in blocks if b is not None and gradients.get(i)}
    span = 1 + max(block for block, _ in trace.forward + trace.loss + trace.backward)
    for step in range(STEPS):
        base = (step + 1) * span
        yield from _forward_and_backward(trace, sizes, base, workspace if step == 0 else 0)
        yield from _update(plan, stays, later if step else first, step)
        yield Phase("zero_grad", tuple((b + base, -size) for b, size in sizes.items()), "")
        yield Phase("zero_grad", _moved(held_on, base), "")


def _sizes(buffers: Iterable[Buffer]) -> dict[str, dict[int, int]]:
    """Return the bytes of each purpose by parameter; constants and shared states are left out."""
    found: dict[str, dict[int, int]] = {}
    for buffer in buffers:
        if buffer.parameter is not None and buffer.purpose != STATES:
            found.setdefault(buffer.purpose, {})[buffer.parameter] = buffer.bytes
    return found


def _held_on(trace: StepTrace) -> tuple[Event, ...]:
    """Return the events that let go of what is alive after backward, but for the gradients."""
    alive: dict[int, int] = {}
    for block, size in trace.forward + trace.loss + trace.backward:
        if size > 0:
            alive[block] = size
        else:
            alive.pop(block, None)
    gone = set(trace.gradients)
    return tuple((block, -size) for block, size in alive.items() if block not in gone)


def _load(
    model: nn.Module, trace: StepTrace, plan: Training, stays: dict[str, dict[int, int]]
) -> Iterator[Phase]:
    """Yield parameters, each as large as its shard, buffers as they are, masters and the batch."""
    local = stays.get(PARAMETERS, {})
    weights = packed(model, local, widened=plan.kbit_fp32) if plan.nf4 else moved(model, local)
    buffers = (b for b, _ in trace.parameters if b >= len(trace.gradients))
    batch = tuple((_BATCH - i, size) for i, (_, size) in enumerate(trace.inputs))
    yield Phase("load", tuple(weights), PARAMETERS, dict.fromkeys(buffers, "buffers"))
    yield Phase("load", _copies(stays, _MASTERS), MASTERS)
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
    kinds = {block + base: GRADIENTS for block in sizes}
    backward = _moved(_resized(trace.backward, sizes), base)
    yield Phase("backward", backward, "temporaries of backward", kinds)


def _update(
    plan: Training, stays: dict[str, dict[int, int]], events: tuple[Event, ...], step: int
) -> Iterator[Phase]:
    """Yield the optimizer's events, within copies of the gradients in the masters' dtype if any.

    torch's optimizers need a gradient of the dtype that they update; other packages' do not.
    """
    base = _UPDATES * (step + 1)
    needs = optimizer_named(plan.optimizer).torch_name is not None
    copies = _copies(stays, base - _MASTERS) if needs else ()
    states = {base + block: STATES for block in _kept(events)}
    yield Phase("optimizer", copies, _TEMPORARIES)
    yield Phase("optimizer", _moved(events, base), _TEMPORARIES, states)
    yield Phase("optimizer", tuple((b, -size) for b, size in copies), "")


def high_point(phases: Iterable[Phase], allocator: CachingAllocator | None = None) -> Peak:
    """Run phases through the allocator, and return the moment when most was allocated."""
    allocator = allocator or CachingAllocator()
    alive: dict[int, tuple[Block, str]] = {}
    now: Counter[str] = Counter()
    by_phase: Counter[str] = Counter()
    most, where, parts = -1, "", dict[str, int]()
    for phase in phases:
        top = by_phase[phase.name]
        for block, size in phase.events:
            if size < 0:
                taken, kind = alive.pop(block)
                allocator.give_back(taken)
                now[kind] += size
                continue
            kind = phase.kinds.get(block, phase.kind)
            alive[block] = allocator.take(size), kind
            now[kind] += size
            if allocator.allocated > top:
                top = allocator.allocated
                if top > most:
                    most, where, parts = top, phase.name, dict(now)
        by_phase[phase.name] = max(top, allocator.allocated)
    return Peak(where, parts, most, allocator.peak_reserved, dict(by_phase))


def _copies(stays: dict[str, dict[int, int]], base: int) -> tuple[Event, ...]:
    """Return a block for each trained tensor that has a master copy, as large as that."""
    sizes = stays.get(MASTERS, {}).values()
    return tuple((base + i, size) for i, size in enumerate(sizes) if size)


def _kept(events: tuple[Event, ...]) -> set[int]:
    """Return the blocks taken and not given back."""
    return {b for b, size in events if size > 0} - {b for b, size in events if size < 0}


def _moved(events: tuple[Event, ...], base: int) -> tuple[Event, ...]:
    return tuple((block + base, size) for block, size in events)


def _resized(events: tuple[Event, ...], sizes: dict[int, int]) -> tuple[Event, ...]:
    return tuple((b, sizes[b] if size > 0 and b in sizes else size) for b, size in events)
