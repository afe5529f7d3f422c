"""One training step as a timeline: what is taken and given back, in order, and by which phase.

The loop is the one of most scripts: loss = cross_entropy(model(ids).float(), labels);
loss.backward(); optimizer.step(); optimizer.zero_grad(). The logits are not held by a name, and a
gradient of last step is gone before the next forward.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint as recompute

from .internals import run_backward
from .kernels import CudaKernels
from .recorder import Event, Recorder, high_water, live_bytes
from .results import empty_as

MOST = 2**29  # sequences in a batch, or tokens in a sequence: their product is countable


@dataclass(frozen=True)
class StepTrace:
    """Blocks of one forward and backward, parameters first, each phase a tuple of events.

    `loss` begins where the module has returned its output. `gradients` are the blocks of the
    gradients, in the parameters' order, None for a parameter without one; `logit_bytes` is what
    output and loss keep for backward.
    """

    parameters: tuple[Event, ...]
    inputs: tuple[Event, ...]
    forward: tuple[Event, ...]
    loss: tuple[Event, ...]
    backward: tuple[Event, ...]
    gradients: tuple[int | None, ...]
    logit_bytes: int

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


def next_token_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross entropy of logits (B, T, V) in float32 and int64 labels (B, T)."""
    return F.cross_entropy(logits.float().flatten(0, -2), labels.flatten())


def trace_step(
    model: nn.Module,
    *inputs: Tensor,
    attention: str | None = None,
    checkpoint: bool = False,
    loss: Callable[[Tensor], Tensor] | None = None,
    capability: int | None = None,
    keep_logits: bool = False,
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
        loss: from the module's output to a scalar; None is next_token_loss where the output is
            (B, T, V) and the input int64 ids, else the mean of the output in float32.
        capability: the card's major compute capability; None is a recent card.
        keep_logits: the loop has a name for the output, which keeps it until the next one.
    """
    if not any(p.requires_grad for p in model.parameters()):
        raise ValueError("the module has no trainable parameter: there is no step to trace")
    shadow = model if is_on_meta(model) else on_meta(model)
    kernels = CudaKernels(attention, capability)
    try:
        with checkpointed(shadow, kernels) if checkpoint else nullcontext():
            return _trace(shadow, inputs, kernels, Loop(loss, keep_logits, checkpoint))
    except RuntimeError as error:
        if "overflow" not in str(error):
            raise
        raise ValueError("a tensor of this step has more bytes than torch can count") from error


@dataclass(frozen=True)
class Loop:
    """What the training loop does beside calling the module: its loss, and what it holds."""

    loss: Callable[[Tensor], Tensor] | None
    keep_logits: bool
    checkpoint: bool


def _trace(
    shadow: nn.Module, inputs: tuple[Tensor, ...], kernels: CudaKernels, loop: Loop
) -> StepTrace:
    """Trace a module on meta, and leave it without gradients, as it was."""
    recorder = Recorder()
    before = [p.grad for p in shadow.parameters()]
    shadow.zero_grad()
    _load(shadow, recorder)
    with kernels, recorder:
        marks, logit_bytes, held = _forward_and_backward(shadow, inputs, kernels, loop, recorder)
    recorder.close()
    kernels.forget()
    del held
    cuts = [0, *marks, len(recorder.events)]
    load, batch, forward, end, backward = (tuple(recorder.events[a:b]) for a, b in pairwise(cuts))
    grads = (p.grad for p in shadow.parameters())
    blocks = tuple(None if grad is None else recorder.block_of(grad) for grad in grads)
    for parameter, grad in zip(shadow.parameters(), before, strict=True):
        parameter.grad = grad
    return StepTrace(load, batch, forward, end, backward, blocks, logit_bytes)


def loaded(model: nn.Module) -> tuple[Event, ...]:
    """Return the events of a module's parameters and buffers: each tensor once."""
    recorder = Recorder()
    _load(model, recorder)
    recorder.close()
    return tuple(recorder.events)


def _load(model: nn.Module, recorder: Recorder) -> None:
    for tensor in (*model.parameters(), *model.buffers()):
        recorder.block_of(tensor)


def _forward_and_backward(
    model: nn.Module,
    inputs: tuple[Tensor, ...],
    kernels: CudaKernels,
    loop: Loop,
    recorder: Recorder,
) -> tuple[list[int], int, object]:
    """Run the step; return where each phase begins, the logits' bytes, and the batch, alive."""
    marks = [len(recorder.events)]
    arguments = [empty_as(t) for t in inputs]
    labels = empty_as(arguments[0]) if loop.loss is None and _are_ids(inputs) else None
    marks.append(len(recorder.events))
    out = _tensor_of(model(*arguments))
    if not loop.checkpoint:
        kernels.forget()
    module_bytes = live_bytes(recorder.events[marks[1] :]) - out.untyped_storage().nbytes()
    marks.append(len(recorder.events))
    scalar = loop.loss(out) if loop.loss else _default_loss(out, labels)
    kept = out.detach() if loop.keep_logits else None
    del out
    logit_bytes = live_bytes(recorder.events[marks[1] :]) - module_bytes
    if not scalar.requires_grad:
        raise ValueError("the output depends on no trainable parameter: nothing runs backward")
    marks.append(len(recorder.events))
    run_backward(scalar)
    return marks, logit_bytes, (arguments, labels, kept)


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


@contextmanager
def checkpointed(model: nn.Module, kernels: CudaKernels) -> Iterator[None]:
    """Within it, each module of every nn.ModuleList keeps its input and runs again in backward.

    Raises ValueError for a model without an nn.ModuleList.
    """
    blocks = [b for m in model.modules() if isinstance(m, nn.ModuleList) for b in m]
    if not blocks:
        raise ValueError("nothing to checkpoint: the module has no nn.ModuleList of blocks")
    for block in blocks:
        again = partial(_run_block, kernels, block.forward)
        block.forward = partial(recompute, again, use_reentrant=False, preserve_rng_state=False)
    try:
        yield
    finally:
        for block in blocks:
            del block.forward


def _run_block(kernels: CudaKernels, forward: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    try:
        return forward(*args, **kwargs)
    finally:
        kernels.end_block()


def _are_ids(inputs: tuple[Tensor, ...]) -> bool:
    return len(inputs) == 1 and inputs[0].dtype == torch.int64 and inputs[0].ndim == 2


def _default_loss(out: Tensor, labels: Tensor | None) -> Tensor:
    if labels is not None and out.ndim == 3:
        return next_token_loss(out, labels)
    return out.float().mean()


def _tensor_of(out: object) -> Tensor:
    """Return the output itself, or the logits of an answer object (transformers)."""
    found = getattr(out, "logits", out)
    if not isinstance(found, Tensor):
        raise ValueError(f"the module returned {type(out).__name__}: give a loss that reads it")
    return found
