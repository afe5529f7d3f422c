"""What a training loop does around the module, and what it holds, for one micro-batch.

The loop is loss_of(model(ids)).backward(), with what is asked for around it: checkpointing,
autocast, activations in the host's memory, the optimizer's step within backward.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.checkpoint import checkpoint as recompute

from .autocast import Autocast
from .internals import run_backward, storage_key
from .kernels import CudaKernels
from .losses import ALL_AT_ONCE, FULL, Contexts, Loss, Objective, loss_of, without_output
from .recorder import Recorder, live_bytes
from .results import empty_as

LEAST_OFFLOADED = 1024  # bytes: torchtune leaves a smaller tensor where it is


@dataclass(frozen=True)
class Loop:
    """What the training loop does beside calling the module.

    checkpoint: each block of every nn.ModuleList keeps its input and runs again in backward;
    loss: from the module's output to a scalar, None for the objective's; keep_logits: the output
    has a name during backward; autocast: a 16-bit dtype, or None; offload: what backward needs is
    kept in the host's memory; accumulate: a second micro-batch is traced, whose gradients are added
    to the first's; release: each gradient is used by the optimizer, and dropped, within backward.
    """

    checkpoint: bool = False
    loss: Loss | None = None
    objective: Objective = ALL_AT_ONCE
    keep_logits: bool = False
    autocast: torch.dtype | None = None
    offload: bool = False
    accumulate: bool = False
    release: bool = False


@dataclass
class MicroBatch:
    """Where the phases of one micro-batch begin among the recorder's events, and what is held."""

    marks: list[int]
    logit_bytes: int
    held: object


def labels_for(inputs: tuple[Tensor, ...], loop: Loop) -> Tensor | None:
    """Return labels for int64 ids (B, T) where the loss is the loop's own, else None."""
    ids = len(inputs) == 1 and inputs[0].dtype == torch.int64 and inputs[0].ndim == 2
    return empty_as(inputs[0]) if loop.loss is None and ids else None


def run(
    model: nn.Module,
    inputs: tuple[Tensor, ...],
    labels: Tensor | None,
    kernels: CudaKernels,
    loop: Loop,
    recorder: Recorder,
) -> MicroBatch:
    """Run forward, loss and backward of one micro-batch, within the recorder and the kernels."""
    start = len(recorder.events)
    with ExitStack() as stack:
        cast = stack.enter_context(Autocast(loop.autocast)) if loop.autocast else None
        chunks = loop.objective.kind != FULL and loop.loss is None and labels is not None
        layer = stack.enter_context(without_output(model)) if chunks else None
        if loop.offload:
            stack.enter_context(offloaded(model))
        out = model(*inputs)
        out = tensor_of(out) if loop.loss is None else out
        if not loop.checkpoint:
            kernels.forget()
        own = out.untyped_storage().nbytes() if isinstance(out, Tensor) else 0
        module_bytes = live_bytes(recorder.events[start:]) - own
        middle = len(recorder.events)
        again = partial(contexts, loop.autocast)
        scalar = loop.loss(out) if loop.loss else loss_of(loop.objective, layer, out, labels, again)
        kept = tensor_of(out).detach() if loop.keep_logits else None
        del out
        if cast is not None:
            cast.forget()
    logit_bytes = live_bytes(recorder.events[start:]) - module_bytes
    if not scalar.requires_grad:
        raise ValueError("the output depends on no trainable parameter: nothing runs backward")
    marks = [middle, len(recorder.events)]
    run_backward(scalar)
    kernels.forget()
    return MicroBatch(marks, logit_bytes, kept)


def contexts(dtype: torch.dtype | None) -> Contexts:
    """Return the contexts of a checkpoint: none in forward, autocast where it runs again."""
    return nullcontext(), Autocast(dtype) if dtype else nullcontext()


def tensor_of(out: object) -> Tensor:
    """Return the output itself, or the logits of an answer object (transformers)."""
    found = getattr(out, "logits", getattr(out, "last_hidden_state", out))
    if not isinstance(found, Tensor):
        raise ValueError(f"the module returned {type(out).__name__}: give a loss that reads it")
    return found


@contextmanager
def checkpointed(model: nn.Module, kernels: CudaKernels, loop: Loop) -> Iterator[None]:
    """Within it, each module of every nn.ModuleList keeps its input and runs again in backward.

    Raises ValueError for a model without an nn.ModuleList.
    """
    blocks = [b for m in model.modules() if isinstance(m, nn.ModuleList) for b in m]
    if not blocks:
        raise ValueError("nothing to checkpoint: the module has no nn.ModuleList of blocks")
    for block in blocks:
        again = partial(_run_block, kernels, block.forward)
        block.forward = partial(
            recompute,
            again,
            use_reentrant=False,
            preserve_rng_state=False,
            context_fn=partial(contexts, loop.autocast),
        )
    every = (getattr(m, "config", None) for m in model.modules())
    configs: list[Any] = [config for config in every if getattr(config, "use_cache", False)]
    for config in configs:
        config.use_cache = False  # as transformers does: what runs again must find no cache
    try:
        yield
    finally:
        for block in blocks:
            del block.forward
        for config in configs:
            config.use_cache = True


def _run_block(kernels: CudaKernels, forward: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    try:
        return forward(*args, **kwargs)
    finally:
        kernels.end_block()


def offloaded(model: nn.Module) -> saved_tensors_hooks:
    """Return a context in which what forward saves leaves the card, and backward brings it back.

    Parameters and tensors below LEAST_OFFLOADED bytes stay (torchtune's OffloadActivations).
    """
    parameters = {storage_key(p) for p in model.parameters()}

    def pack(tensor: Tensor) -> Tensor | tuple[Any, ...]:
        small = tensor.untyped_storage().nbytes() < LEAST_OFFLOADED
        if small or storage_key(tensor) in parameters:
            return tensor
        return tensor.shape, tensor.stride(), tensor.dtype

    def unpack(packed: Tensor | tuple[Any, ...]) -> Tensor:
        if isinstance(packed, Tensor):
            return packed
        shape, stride, dtype = packed
        return torch.empty_strided(shape, stride, dtype=dtype, device="meta")

    return saved_tensors_hooks(pack, unpack)
