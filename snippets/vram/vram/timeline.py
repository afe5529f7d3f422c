"""Whole training steps in order, phase by phase: load, forward, loss, backward, update.

Three steps are run: the first makes the optimizer's states where activations were, and from the
third on nothing changes. The high-water mark is the most that torch would count as allocated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from torch import nn

from .gathered import Gathered, gathered
from .loading import moved, packed
from .moments import Phase
from .optimizers import Buffer
from .persistent import GRADIENTS, MASTERS, PARAMETERS, STATES, held
from .recorder import Event
from .settings import Training
from .step import StepTrace
from .updates import TEMPORARIES, Updates, updates_of

STEPS = 3
ROUNDS = 2  # of the micro-batches after the first: a third and later is as the second
GATHERED, AHEAD = "gathered layers", "layers gathered ahead"
# Blocks of a trace count from 0, by less than a billion; these are the numbers of the others.
_BATCH, _WORKSPACES = -1, -(10**3)
_GATHERED, _AHEAD, _REDUCED, _REDUCING = (-(10**4) - i for i in range(4))
_MASTERS, _GRADIENT_COPIES = -(10**9), -(10**10)

Events = tuple[Event, ...]
Sizes = dict[str, dict[int, int]]


@dataclass(frozen=True)
class _Batch:
    """The events of one micro-batch, and those that let go of what the loop held meanwhile."""

    forward: Events
    loss: Events
    backward: Events
    held_on: Events
    matmuls: tuple[int, int]


def training_phases(
    model: nn.Module, trace: StepTrace, plan: Training, workspace: int = 0
) -> Iterator[Phase]:
    """Yield the phases of STEPS training steps of a traced model.

    workspace is the bytes of one cuBLAS workspace: forward's thread and backward's each take one
    in the first step, when they first multiply matrices, and keep it. So backward's often lies in
    what the logits left, and pins it. Errors as updates_of's.
    """
    stays = _sizes(held(model, plan))
    yield from _load(model, trace, plan, stays)
    sizes, whole = _gradients(trace, stays), gathered(model, plan.sharding)
    first = _batch(trace.forward, trace.loss, trace.backward, trace)
    batches = [first, *[_batch(*trace.later, trace)] * min(plan.accumulate - 1, ROUNDS)]
    span = 1 + max(b for batch in batches for b, _ in batch.forward + batch.loss + batch.backward)
    updates = updates_of(model, plan)
    for step in range(STEPS):
        base = span * (1 + step * len(batches))
        for place, batch in enumerate(batches):
            once = workspace if step == place == 0 else 0
            at = base + place * span
            own = sizes if place == 0 else {}
            yield from _forward(batch, at, once, whole)
            yield from _backward(batch, at, once, whole, own, updates.within(step))
            if place < len(batches) - 1:
                yield Phase("backward", _moved(batch.held_on, at), "")
        yield from _update(stays, updates, step)
        dropped = () if plan.step_in_backward else [(b + base, -size) for b, size in sizes.items()]
        yield Phase("zero_grad", tuple(dropped), "")
        yield Phase("zero_grad", _moved(batches[-1].held_on, base + (len(batches) - 1) * span), "")


def _sizes(buffers: Iterable[Buffer]) -> Sizes:
    """Return the bytes of each purpose by parameter; constants and shared states are left out."""
    found: Sizes = {}
    for buffer in buffers:
        if buffer.parameter is not None and buffer.purpose != STATES:
            found.setdefault(buffer.purpose, {})[buffer.parameter] = buffer.bytes
    return found


def _gradients(trace: StepTrace, stays: Sizes) -> dict[int, int]:
    """Return the bytes of each gradient's block, as large as its shard."""
    sizes = stays.get(GRADIENTS, {})
    return {b: sizes[i] for i, b in enumerate(trace.gradients) if b is not None and sizes.get(i)}


def _batch(forward: Events, loss: Events, backward: Events, trace: StepTrace) -> _Batch:
    alive: dict[int, int] = {}
    for block, size in forward + loss + backward:
        if size > 0:
            alive[block] = size
        elif size < 0:
            alive.pop(block, None)
    own = set(trace.gradients)
    held_on = tuple((b, -size) for b, size in alive.items() if b not in own)
    return _Batch(forward, loss, backward, held_on, trace.matmuls)


def _load(model: nn.Module, trace: StepTrace, plan: Training, stays: Sizes) -> Iterator[Phase]:
    """Yield parameters, each as large as its shard, buffers as they are, masters and the batch."""
    local = stays.get(PARAMETERS, {})
    weights = packed(model, local, widened=plan.kbit_fp32) if plan.nf4 else moved(model, local)
    buffers = (b for b, _ in trace.parameters if b >= len(trace.gradients))
    batch = tuple((_BATCH - i, size) for i, (_, size) in enumerate(trace.inputs))
    yield Phase("load", tuple(weights), PARAMETERS, dict.fromkeys(buffers, "buffers"))
    yield Phase("load", _copies(stays, _MASTERS), MASTERS)
    yield Phase("load", batch, "batch")


def _forward(batch: _Batch, base: int, workspace: int, whole: Gathered) -> Iterator[Phase]:
    """Yield forward and loss, blocks moved up by base, after what is gathered for them."""
    yield Phase("forward", _taken(_GATHERED, whole.certain), GATHERED)
    yield Phase("forward", _taken(_AHEAD, whole.ahead), AHEAD)
    first = batch.matmuls[0]
    yield Phase("forward", _moved(batch.forward[:first], base), "activations")
    yield Phase("forward", _taken(_WORKSPACES, workspace), "cuBLAS workspaces")
    yield Phase("forward", _moved(batch.forward[first:], base), "activations")
    yield Phase("loss", _moved(batch.loss, base), "logits and loss")


def _backward(
    batch: _Batch,
    base: int,
    workspace: int,
    whole: Gathered,
    sizes: dict[int, int],
    updates: dict[int, Phase],
) -> Iterator[Phase]:
    """Yield backward; gradients are as `sizes` says, and updated where the trace marks it."""
    reduced, reducing = _taken(_REDUCED, whole.gradients), _taken(_REDUCING, whole.reducing)
    yield Phase("backward", reduced, GATHERED)
    yield Phase("backward", reducing, AHEAD)
    kinds = {block + base: GRADIENTS for block in sizes}
    first, events = batch.matmuls[1], _resized(batch.backward, sizes)
    yield Phase("backward", _moved(events[:first], base), "temporaries of backward", kinds)
    yield Phase("backward", _taken(_WORKSPACES - 1, workspace), "cuBLAS workspaces")
    for run, mark in _marked(events[first:]):
        yield Phase("backward", _moved(run, base), "temporaries of backward", kinds)
        if mark in updates:
            yield updates[mark]
    forward = _taken(_GATHERED, whole.certain) + _taken(_AHEAD, whole.ahead)
    yield Phase("backward", tuple((b, -size) for b, size in forward + reduced + reducing), "")


def _marked(events: Events) -> Iterator[tuple[Events, int]]:
    """Yield runs of events, each with the parameter whose turn comes after it, -1 at the end."""
    start = 0
    for at, (block, size) in enumerate(events):
        if size == 0:
            yield events[start:at], block
            start = at + 1
    yield events[start:], -1


def _update(stays: Sizes, updates: Updates, step: int) -> Iterator[Phase]:
    """Yield the optimizer's events, within copies of the gradients in the masters' dtype if any.

    torch's optimizers need a gradient of the dtype that they update; other packages' do not.
    """
    copies = _copies(stays, _GRADIENT_COPIES) if updates.copies else ()
    yield Phase("optimizer", copies, TEMPORARIES)
    yield updates.whole(step)
    yield Phase("optimizer", tuple((b, -size) for b, size in copies), "")


def _copies(stays: Sizes, base: int) -> Events:
    """Return a block for each trained tensor that has a master copy, as large as that."""
    sizes = stays.get(MASTERS, {}).values()
    return tuple((base + i, size) for i, size in enumerate(sizes) if size)


def _taken(block: int, size: int) -> Events:
    return ((block, size),) if size else ()


def _moved(events: Events, base: int) -> Events:
    return tuple((block + base, size) for block, size in events)


def _resized(events: Events, sizes: dict[int, int]) -> Events:
    return tuple((b, sizes[b] if size > 0 and b in sizes else size) for b, size in events)
