"""One training step as a timeline: what is taken and given back, in order, and by which phase.

The loop is the one of most scripts: loss = cross_entropy(model(ids).float(), labels);
loss.backward(); optimizer.step(); optimizer.zero_grad(). A gradient of last step is gone before
the next forward; what else a loop may do is a Loop.
"""

from __future__ import annotations

import copy
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from .kernels import CudaKernels
from .loop import Loop, MicroBatch, checkpointed, labels_for, run
from .losses import Loss
from .recorder import Event, Recorder, high_water, live_bytes
from .results import empty_as

MOST = 2**29  # sequences in a batch, or tokens in a sequence: their product is countable
PLAIN = Loop()
Events = tuple[Event, ...]


@dataclass(frozen=True)
class StepTrace:
    """Blocks of one forward and backward, parameters first, each phase a tuple of events.

    `loss` begins where the module has returned its output. `gradients` are the blocks of the
    gradients, in the parameters' order, None for a parameter without one; `logit_bytes` is what
    output and loss keep for backward. `later` has forward, loss and backward of a second
    micro-batch, whose gradients are added to the first's, where that was asked for. In a backward
    that releases gradients, an event (place of a parameter, 0) is its turn to be updated.
    """

    parameters: Events
    inputs: Events
    forward: Events
    loss: Events
    backward: Events
    gradients: tuple[int | None, ...]
    logit_bytes: int
    later: tuple[Events, Events, Events] = ((), (), ())
    matmuls: tuple[int, int] = (0, 0)

    @property
    def kept_bytes(self) -> int:
        """Bytes alive between forward and backward that are neither parameters nor inputs."""
        return live_bytes(self.forward + self.loss)

    @property
    def activation_bytes(self) -> int:
        """Of these, what the module keeps: all but logits and loss."""
        return self.kept_bytes - self.logit_bytes

    @property
    def peak_bytes(self) -> int:
        """Most bytes held during forward and backward, parameters and inputs included."""
        events = self.parameters + self.inputs + self.forward + self.loss + self.backward
        return high_water(events)[0]


def token_ids(batch: int, sequence: int) -> Tensor:
    """Return int64 ids (batch, sequence) on meta.

    Raises ValueError for a size that is no whole number, below 1 or above MOST.
    """
    for name, size in (("batch", batch), ("sequence", sequence)):
        if not isinstance(size, int):
            raise ValueError(f"{name} must be a whole number: {size!r}")
        if size < 1:
            raise ValueError(f"{name} must be at least 1: {size}")
        if size > MOST:
            raise ValueError(f"{name} must be at most {MOST:,}: {size:,}")
    return torch.empty(batch, sequence, dtype=torch.int64, device="meta")


def trace_step(
    model: nn.Module,
    *inputs: Tensor,
    attention: str | None = None,
    checkpoint: bool = False,
    loss: Loss | None = None,
    capability: int | None = None,
    loop: Loop = PLAIN,
) -> StepTrace:
    """Trace one forward and backward of the model on inputs, without computing or storing a value.

    Args:
        model: any module on any device; it is left as it is. One that has no trainable parameter
            is a ValueError: nothing would run backward.
        inputs: the module's arguments; only shapes and dtypes are read.
        attention: the kernel that scaled_dot_product_attention takes, one of "flash", "efficient",
            "math", or "eager" for transformers' own operators in its place; None is CUDA's choice
            for the dtype of q, k and v.
        checkpoint: recompute each module of every nn.ModuleList in backward, and keep its input.
        loss: from what the module returns to a scalar; None is next_token_loss where the output is
            (B, T, V) and the input int64 ids, else the mean of the output in float32.
        capability: the card's major compute capability; None is a recent card.
        loop: what else the loop does; checkpoint and loss here are added to it.
    """
    if not any(p.requires_grad for p in model.parameters()):
        raise ValueError("the module has no trainable parameter: there is no step to trace")
    loop = replace(loop, checkpoint=checkpoint or loop.checkpoint, loss=loss or loop.loss)
    shadow = model if is_on_meta(model) else on_meta(model)
    kernels = CudaKernels(attention, capability)
    try:
        with checkpointed(shadow, kernels, loop) if loop.checkpoint else nullcontext():
            return _trace(shadow, inputs, kernels, loop)
    except RuntimeError as error:
        if "overflow" not in str(error):
            raise
        raise ValueError("a tensor of this step has more bytes than torch can count") from error


def _trace(
    shadow: nn.Module, inputs: tuple[Tensor, ...], kernels: CudaKernels, loop: Loop
) -> StepTrace:
    """Trace a module on meta, and leave it without gradients, as it was."""
    recorder, used = Recorder(), dict[int, int]()
    before = [p.grad for p in shadow.parameters()]
    shadow.zero_grad()
    _load(shadow, recorder)
    cuts, held = [0, len(recorder.events)], list[object]()
    hooks = _release(shadow, recorder, used) if loop.release else []
    with kernels, recorder:
        arguments = tuple(empty_as(t) for t in inputs)
        labels = labels_for(arguments, loop)
        batches = list[MicroBatch]()
        for _ in range(2 if loop.accumulate else 1):
            cuts.append(len(recorder.events))
            batches.append(run(shadow, arguments, labels, kernels, loop, recorder))
            cuts += batches[-1].marks
    recorder.close()
    held += [arguments, labels, batches]
    cuts.append(len(recorder.events))
    parts = [tuple(recorder.events[a:b]) for a, b in pairwise(cuts)]
    blocks = tuple(_block(i, p, recorder, used) for i, p in enumerate(shadow.parameters()))
    for parameter, grad in zip(shadow.parameters(), before, strict=True):
        parameter.grad = grad
    for hook in hooks:
        hook.remove()
    load, batch, forward, end, backward, *rest = parts
    later = (rest[0], rest[1], rest[2]) if rest else ((), (), ())
    logits = batches[0].logit_bytes
    first = (_first(recorder.matmuls, *cuts[2:4]), _first(recorder.matmuls, *cuts[4:6]))
    return StepTrace(load, batch, forward, end, backward, blocks, logits, later, first)


def _first(matmuls: list[int], start: int, end: int) -> int:
    """Return how many events come before the first of matmuls between two places; 0 for none."""
    return next((at - start for at in matmuls if start < at <= end), 0)


def _block(index: int, parameter: Tensor, recorder: Recorder, used: dict[int, int]) -> int | None:
    """Return the block of a parameter's gradient, also of one that backward has dropped."""
    grad = parameter.grad
    return used.get(index) if grad is None else recorder.block_of(grad)


def _release(shadow: nn.Module, recorder: Recorder, used: dict[int, int]) -> list[Any]:
    """Drop each gradient as soon as it is whole, and mark the moment by an event (place, 0)."""

    def hook(index: int, parameter: Tensor) -> None:
        assert parameter.grad is not None
        used[index] = recorder.block_of(parameter.grad)
        recorder.events.append((index, 0))
        parameter.grad = None

    trained = [(i, p) for i, p in enumerate(shadow.parameters()) if p.requires_grad]
    return [
        p.register_post_accumulate_grad_hook(partial(hook, i))  # type: ignore[no-untyped-call]
        for i, p in trained
    ]


def loaded(model: nn.Module) -> tuple[Event, ...]:
    """Return the events of a module's parameters and buffers: each tensor once."""
    recorder = Recorder()
    _load(model, recorder)
    recorder.close()
    return tuple(recorder.events)


def _load(model: nn.Module, recorder: Recorder) -> None:
    for tensor in (*model.parameters(), *model.buffers()):
        recorder.block_of(tensor)


def activation_bytes(
    model: nn.Module,
    batch: int,
    sequence: int,
    *,
    attention: str | None = None,
    checkpoint: bool = False,
    logits: bool = True,
) -> int:
    """Return what a language model's backward needs kept of one forward on (batch, sequence) ids.

    Each storage counts once; parameters, buffers, token ids and labels do not. logits=False leaves
    out what the logits and the loss keep. Arguments and errors as trace_step's and token_ids'.
    """
    ids = token_ids(batch, sequence)
    found = trace_step(model, ids, attention=attention, checkpoint=checkpoint)
    return found.kept_bytes if logits else found.activation_bytes


def on_meta(model: nn.Module) -> nn.Module:
    """Return a copy of the module on the meta device that shares nothing and stores nothing.

    Tied parameters stay tied, frozen ones frozen; a model's values are never copied.
    """
    memo: dict[int, Tensor] = {}
    for parameter in model.parameters():
        empty = empty_as(parameter)
        memo[id(parameter)] = nn.Parameter(empty, requires_grad=parameter.requires_grad)
    memo |= {id(b): empty_as(b) for b in model.buffers()}
    return copy.deepcopy(model, memo)


def is_on_meta(model: nn.Module) -> bool:
    """Whether every parameter and buffer is on the meta device."""
    return all(t.is_meta for t in (*model.parameters(), *model.buffers()))
