"""Puts the pieces together: model, step, optimizer, shards, allocator and card to one answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Unpack

import torch
from torch import nn

from .adapters import constant_bytes, lora, nf4, prepare_for_kbit
from .allocator import CachingAllocator
from .answer import Answer, Part
from .experts import ExpertWeights
from .gpus import Gpu, gpu_named
from .model import build
from .moments import Peak, high_point
from .names import left_out, shape_of
from .optimizers import optimizer_named, trainable
from .outside import CUDA_CONTEXT, WORKSPACES, workspace_bytes
from .persistent import parameter_bytes, parameters, persistent_bytes
from .repeated import trace_layers
from .settings import Settings, Training, with_settings
from .shapes import Shape, layers_alike
from .step import StepTrace, on_meta, token_ids, trace_step
from .timeline import training_phases

NOT_COUNTED = (
    "other processes on the card, and the desktop's own use",
    "the logits, if the loop keeps a name for them through backward",
    "temporaries inside kernels other than those of attention and embeddings",
    "what a compiler (torch.compile) or autocast would change",
    "data loading, evaluation and checkpoints written while training",
)
SHARDED = (
    "layers gathered whole for their forward and backward, and gradients before they are reduced",
    "buffers of NCCL",
)
EXPERTS = "four bits for the experts: transformers 5 quantises linear layers, and they are not"
UNUSED = "gradients and states of {:,} parameters that forward does not use: torch makes none"


def estimate(
    model: str | Shape | nn.Module,
    training: Training | None = None,
    *,
    dtype: torch.dtype = torch.bfloat16,
    gpu: str | Gpu | None = None,
    **settings: Unpack[Settings],
) -> Answer:
    """Return the memory that training a language model takes.

    Args:
        model: a name of MODELS or a shape, built in `dtype`, or any module that maps int64 ids
            (B, T) to logits (B, T, V); a module is left as it is, and its own dtypes hold.
        training: the settings; each may be given as a keyword instead.
        dtype: of a named model's parameters.
        gpu: a name of GPUS, or a card of one's own.
        **settings: fields of Training.

    Raises ValueError for an unknown name or a setting that makes no sense, and TypeError for a
    setting that there is not.
    """
    plan = with_settings(training, settings)
    card = gpu_named(gpu) if isinstance(gpu, str) else gpu
    shape = shape_of(model) if isinstance(model, str) else model
    if isinstance(shape, nn.Module):
        module, trace = _given(shape, plan, card)
    elif isinstance(shape, Shape):
        module, trace = _shaped(shape, plan, dtype, card)
    else:
        raise TypeError(f"model must be a shape, a name or an nn.Module: {model!r}")
    remarks = _remarks(model, module, plan, freeze_unused(module, trace))
    workspace = workspace_bytes(card.capability if card else None)
    phases = training_phases(module, trace, plan, workspace)
    peak = high_point(phases, CachingAllocator(expandable=plan.expandable_segments))
    return _answer(module, plan, trace, peak, card, remarks)


def _remarks(
    model: str | Shape | nn.Module, module: nn.Module, plan: Training, unused: int
) -> tuple[str, ...]:
    """Return what an answer leaves out for this model and plan."""
    experts = plan.nf4 and any(isinstance(part, ExpertWeights) for part in module.modules())
    found = (
        UNUSED.format(unused) if unused else "",
        left_out(model) if isinstance(model, str) else "",
        EXPERTS if experts else "",
    )
    return tuple(filter(None, found))


def _given(model: nn.Module, plan: Training, card: Gpu | None) -> tuple[nn.Module, StepTrace]:
    module = prepared(on_meta(model), plan)
    return module, _traced(module, plan, card)


def _shaped(
    shape: Shape, plan: Training, dtype: torch.dtype, card: Gpu | None
) -> tuple[nn.Module, StepTrace]:
    def of(layers: int) -> nn.Module:
        return prepared(build(replace(shape, layers=layers), dtype=dtype), plan)

    module = of(shape.layers)
    alike = layers_alike(shape)
    return module, trace_layers(
        lambda n: _traced(of(n), plan, card), module, shape.layers, alike=alike
    )


def _traced(module: nn.Module, plan: Training, card: Gpu | None) -> StepTrace:
    return trace_step(
        module,
        token_ids(plan.batch, plan.sequence),
        attention=plan.attention,
        capability=card.capability if card else None,
        loop=plan.loop,
    )


def freeze_unused(module: nn.Module, trace: StepTrace) -> int:
    """Freeze the parameters that backward gave no gradient, and return how many elements they have.

    Torch's optimizers skip a parameter without a gradient: no state is ever made for it.
    """
    pairs = zip(module.parameters(), trace.gradients, strict=True)
    unused = [p for p, block in pairs if p.requires_grad and block is None]
    for parameter in unused:
        parameter.requires_grad = False
    return sum(p.numel() for p in unused)


def prepared(model: nn.Module, plan: Training) -> nn.Module:
    """Put the plan's quantisation and adapters into a module on meta, and return it."""
    if plan.nf4:
        nf4(model, double=plan.double_quantisation)
    if plan.kbit_fp32:
        prepare_for_kbit(model)
    if plan.lora_rank is None:
        return model
    rank, targets = plan.lora_rank, plan.lora_targets
    return lora(
        model, rank, targets, dtype=plan.lora_dtype, dropout=plan.lora_dropout, dora=plan.dora
    )


def _answer(
    module: nn.Module,
    plan: Training,
    trace: StepTrace,
    peak: Peak,
    card: Gpu | None,
    remarks: tuple[str, ...],
) -> Answer:
    tensors = sum(peak.parts.values())
    slack = peak.reserved - tensors
    formulas = _formulas(module, plan, peak)
    parts = [Part(name, size, formulas.get(name, "")) for name, size in peak.parts.items() if size]
    parts.append(Part("cached by the allocator", slack, "reserved - tensors at the peak"))
    context = f"{CUDA_CONTEXT.low:,} to {CUDA_CONTEXT.high:,}; {CUDA_CONTEXT.source}"
    parts.append(Part("CUDA context", CUDA_CONTEXT.high, context))
    workspace = workspace_bytes(card.capability if card else None)
    shards = SHARDED if plan.sharding.ranks > 1 else ()
    return Answer(
        parameters=parameters(module),
        parts=tuple(parts),
        persistent_bytes=persistent_bytes(module, plan),
        peak_allocated_bytes=peak.allocated,
        reserved_bytes=peak.reserved,
        low_bytes=tensors - (WORKSPACES - 1) * workspace + CUDA_CONTEXT.low,
        high_bytes=peak.reserved + CUDA_CONTEXT.high,
        not_counted=(*remarks, *NOT_COUNTED, *shards),
        gpu=card,
        activation_bytes=trace.activation_bytes,
        logit_bytes=trace.logit_bytes,
        peak_phase=peak.phase,
        phases=peak.by_phase,
    )


def _formulas(module: nn.Module, plan: Training, peak: Peak) -> dict[str, str]:
    trained = sum(p.numel() for p in trainable(module))
    shards = plan.sharding
    of_ranks = f", one of {shards.ranks} ranks, stage {shards.stage}" if shards.ranks > 1 else ""
    batch = f"batch {plan.batch}, sequence {plan.sequence}"
    return {
        "parameters": f"{parameters(module):,} in {parameter_bytes(module):,} bytes{of_ranks}",
        "buffers": f"of which constants of 4-bit weights: {constant_bytes(module):,} bytes",
        "master weights": f"{trained:,} trained, in {plan.master_dtype}{of_ranks}",
        "gradients": f"{trained:,} trained, made by the peak{of_ranks}",
        "optimizer states": optimizer_named(plan.optimizer).formula + of_ranks,
        "batch": "8 bytes a token id and a label",
        "activations": f"alive in {peak.phase}, {batch}",
        "logits and loss": f"alive in {peak.phase}, {batch}",
        "temporaries of backward": "traced",
        "temporaries of the optimizer": f"traced, {plan.optimizer} {plan.implementation}",
        "cuBLAS workspaces": f"{WORKSPACES}: forward's thread and backward's",
    }
