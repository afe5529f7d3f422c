"""The trace of a model of many equal layers, told from traces of a few.

Equal layers give equal events: each phase of a trace is a beginning, a period for each layer and an
end, and the numbers of blocks grow evenly, from a period to the next as from n layers to n + 1. So
five and six layers tell of any number, exactly; a test compares with full traces.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

from torch import nn

from .recorder import Event
from .step import StepTrace, loaded

FEW = 5  # the first and last layers differ from others, and two like periods must lie between
ENOUGH = 16  # up to here a full trace takes no longer

Events = tuple[Event, ...]


def trace_layers(
    trace: Callable[[int], StepTrace], whole: nn.Module, layers: int, *, alike: bool = True
) -> StepTrace:
    """Return trace(layers), a model's trace by its number of layers; `whole` is that model.

    Beyond ENOUGH layers that are alike it is told from trace(FEW) and trace(FEW + 1).
    """
    if layers <= ENOUGH or not alike:
        return trace(layers)
    few, more = trace(FEW), trace(FEW + 1)
    inputs, forward, loss, backward, gradients, *later = (
        _stretched(part(few), part(more), layers) for part in _PARTS
    )
    blocks = tuple(block if size != _NONE else None for block, size in gradients)
    phases = (loaded(whole), inputs, forward, loss, backward)
    rest = (later[0], later[1], later[2])  # the first products of matrices lie in outer layers
    return StepTrace(*phases, blocks, few.logit_bytes, rest, few.matmuls)


def _gradients(trace: StepTrace) -> Events:
    """Return the gradients' blocks as events, so that they are stretched as events are."""
    return tuple((0, _NONE) if block is None else (block, 0) for block in trace.gradients)


_NONE = -1
_PARTS: tuple[Callable[[StepTrace], Events], ...] = (
    attrgetter("inputs"),
    attrgetter("forward"),
    attrgetter("loss"),
    attrgetter("backward"),
    _gradients,
    lambda trace: trace.later[0],
    lambda trace: trace.later[1],
    lambda trace: trace.later[2],
)


def _stretched(few: Events, more: Events, layers: int) -> Events:
    """Return the events of `layers` layers, given those of FEW and of one more."""
    period = len(more) - len(few)
    start = len(few) - (FEW - 1) * period if period else len(few)  # first layer and what is in none
    end = start + 2 * period
    assert end <= len(few), "what is in no layer is more than a layer"
    # The period that `more` has more is left out; from FEW to `layers`, numbers grow as from FEW
    # to one more.
    pairs = zip(few, more[:end] + more[end + period :], strict=True)
    grown = [(a + (b - a) * (layers - FEW), size) for (a, size), (b, _) in pairs]
    first, second = grown[start : start + period], grown[start + period : end]
    middle = (
        (a + (b - a) * index, size)
        for index in range(layers - FEW + 2)
        for (a, size), (b, _) in zip(first, second, strict=True)
    )
    return (*grown[:start], *middle, *grown[end:])
