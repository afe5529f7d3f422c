"""The rows of an answer: what each part is, how it comes about, and what no part holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from .adapters import constant_bytes
from .answer import Answer, Part, Snapshot
from .experts import ExpertWeights
from .gpus import Gpu
from .kernels import default_attention
from .moments import Moment, Peak
from .optimizers import optimizer_named, trainable
from .outside import CUDA_CONTEXT, WORKSPACES, workspace_bytes
from .persistent import STATES, parameter_bytes, parameters, persistent_bytes
from .settings import ACTIVATIONS, OPTIMIZER, Training
from .step import StepTrace
from .timeline import AHEAD

ALWAYS = (
    "other processes on the card, and the desktop's own use",
    "temporaries inside kernels other than those of attention, softmax and embeddings",
    "data loading, evaluation and checkpoints written while training",
)
COMPILED = "what torch.compile changes: not modelled, it mostly needs less, and at first more"
EXPERTS = "four bits for the experts: transformers 5 quantises linear layers, and they are not"
UNUSED = "gradients and states of {:,} parameters that forward does not use: torch makes none"


@dataclass(frozen=True)
class Found:
    """All that an answer is made of; `unused` counts trained parameters without a gradient.

    left_out is a part of the model that its shape has not.
    """

    module: nn.Module
    plan: Training
    trace: StepTrace
    peak: Peak
    card: Gpu | None
    unused: int
    left_out: str = ""


def answer(found: Found) -> Answer:
    """Return the answer: the parts of the fullest moment, the interval, what is not counted."""
    peak = found.peak
    tensors = sum(peak.parts.values())
    formulas = _formulas(found)
    parts = [Part(name, size, formulas.get(name, "")) for name, size in peak.parts.items() if size]
    slack = peak.reserved - tensors
    parts.append(Part("cached by the allocator", slack, "reserved - tensors at the peak"))
    context = f"{CUDA_CONTEXT.low:,} to {CUDA_CONTEXT.high:,}; {CUDA_CONTEXT.source}"
    parts.append(Part("CUDA context", CUDA_CONTEXT.high, context))
    return Answer(
        parameters=parameters(found.module),
        parts=tuple(parts),
        persistent_bytes=persistent_bytes(found.module, found.plan),
        peak_allocated_bytes=peak.allocated,
        reserved_bytes=peak.reserved,
        low_bytes=max(_needed(moment, found) for moment in peak.moments) + CUDA_CONTEXT.low,
        high_bytes=peak.reserved + CUDA_CONTEXT.high,
        not_counted=tuple(_not_counted(found)),
        gpu=found.card,
        activation_bytes=found.trace.activation_bytes,
        logit_bytes=found.trace.logit_bytes,
        moments=tuple(_snapshot(moment, formulas) for moment in peak.moments),
    )


def _needed(moment: Moment, found: Found) -> int:
    """Return the bytes of a moment that cannot be done without."""
    workspace = workspace_bytes(found.card.capability if found.card else None)
    paged = optimizer_named(found.plan.optimizer).paged
    spared = moment.parts.get(STATES, 0) if paged else 0
    tensors = sum(moment.parts.values()) - (WORKSPACES - 1) * workspace
    return tensors - spared - moment.parts.get(AHEAD, 0)


def _snapshot(moment: Moment, formulas: dict[str, str]) -> Snapshot:
    parts = [Part(n, size, formulas.get(n, "")) for n, size in moment.parts.items() if size]
    rounding = moment.allocated - sum(moment.parts.values())
    parts.append(Part("rounding", rounding, "blocks are larger than their tensors"))
    return Snapshot(moment.phase, moment.allocated, tuple(parts))


def _not_counted(found: Found) -> Iterator[str]:
    """Yield what this answer leaves out."""
    plan, card = found.plan, found.card
    if found.unused:
        yield UNUSED.format(found.unused)
    if found.left_out:
        yield found.left_out
    if plan.nf4 and any(isinstance(part, ExpertWeights) for part in found.module.modules()):
        yield EXPERTS
    yield from ALWAYS
    if not plan.keep_logits and plan.loss == "full":
        yield "the logits, if the loop keeps a name for them through backward"
    if plan.compile:
        yield COMPILED
    if plan.sharding.ranks > 1:
        yield "buffers of NCCL"
    if 0 < plan.sharding.stage < 3 and plan.sharding.ranks > 1:
        yield "the parameters that stages 1 and 2 gather after each update"
    if OPTIMIZER in plan.offload or ACTIVATIONS in plan.offload:
        yield "the host's memory, and what is on its way to it or back"
    if card and card.capability < 8 and _narrow(found) == torch.bfloat16:
        yield f"a {card.name} has no bfloat16 of its own: it computes in float32, and slowly"
    if plan.attention == "flash" and card and card.capability < 8:
        other = default_attention(torch.float16, card.capability)
        yield f"a {card.name} has no flash attention: torch takes {other}, or math for bfloat16"
    if getattr(found.module, "dropout_left_out", False):
        yield "dropout, which this model's publishers trained with"


def _narrow(found: Found) -> torch.dtype | None:
    """Return the 16-bit dtype that products are computed in, if any."""
    own = (p.dtype for p in found.module.parameters() if p.dtype.itemsize == 2)
    return found.plan.autocast or next(own, None)


def _formulas(found: Found) -> dict[str, str]:
    module, plan, peak = found.module, found.plan, found.peak
    trained = sum(p.numel() for p in trainable(module))
    shards = plan.sharding
    of_ranks = f", one of {shards.ranks} ranks, stage {shards.stage}" if shards.ranks > 1 else ""
    batch = f"batch {plan.batch}, sequence {plan.sequence}"
    return {
        "parameters": f"{parameters(module):,} in {parameter_bytes(module):,} bytes{of_ranks}",
        "buffers": f"of which constants of 4-bit weights: {constant_bytes(module):,} bytes",
        "master weights": f"{trained:,} trained, in {plan.master_dtype}{of_ranks}",
        "gradients": f"{trained:,} trained, made by then{of_ranks}",
        "optimizer states": optimizer_named(plan.optimizer).formula + of_ranks,
        "batch": "8 bytes a token id and a label",
        "activations": f"alive in {peak.phase}, {batch}",
        "logits and loss": f"alive in {peak.phase}, {batch}, loss {plan.loss}",
        "temporaries of backward": "traced",
        "temporaries of the optimizer": f"traced, {plan.optimizer} {plan.implementation}",
        "cuBLAS workspaces": f"{WORKSPACES}: forward's thread and backward's",
        "gathered layers": "the largest unit, whole while it computes, and its gradients",
        "layers gathered ahead": "the root and the next unit, and gradients being reduced",
    }
