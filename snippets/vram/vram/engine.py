"""Puts the pieces together: model, step, optimizer, shards, allocator and card to one answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Unpack

import torch
from torch import Tensor, nn

from .adapters import lora, nf4, prepare_for_kbit
from .allocator import CachingAllocator
from .answer import Answer
from .gpus import Gpu, gpu_named
from .losses import Loss
from .model import build
from .moments import high_point
from .names import left_out, shape_of
from .outside import workspace_bytes
from .parts import Found, answer
from .repeated import trace_layers
from .settings import Settings, Training, with_settings
from .shapes import Shape, layers_alike
from .step import StepTrace, on_meta, token_ids, trace_step
from .timeline import training_phases

Inputs = Tensor | Sequence[Tensor] | Mapping[str, Tensor]


@dataclass(frozen=True)
class Given:
    """What a module's caller gives beside the settings: its inputs and its loss."""

    inputs: Inputs | None
    loss: Loss | None


def estimate(
    model: str | Shape | nn.Module,
    training: Training | None = None,
    *,
    dtype: torch.dtype = torch.bfloat16,
    gpu: str | Gpu | None = None,
    inputs: Inputs | None = None,
    loss: str | Loss | None = None,
    **settings: Unpack[Settings],
) -> Answer:
    """Return the memory that training a model takes.

    Args:
        model: a name of MODELS or a shape, built in `dtype`, or any module; a module is left as it
            is, and its own dtypes hold.
        training: the settings; each may be given as a keyword instead.
        dtype: of a named model's parameters.
        gpu: a name of GPUS, or a card of one's own.
        inputs: a module's arguments, a tensor, a sequence of them or a mapping by name; only shapes
            and dtypes are read. None is int64 ids (batch, sequence), for a language model.
        loss: what is computed of the module's output, by name ("full", "chunked:8", "fused": see
            Training), or a function from what the module returns to a scalar. Without one, the
            loss of other inputs than ids is the mean of the output.
        **settings: fields of Training.

    Raises ValueError for an unknown name or a setting that makes no sense, and TypeError for a
    setting that there is not.
    """
    named = {"loss": loss} if isinstance(loss, str) else {}
    plan = with_settings(training, {**settings, **named})
    given = Given(inputs, None if isinstance(loss, str) else loss)
    card = gpu_named(gpu) if isinstance(gpu, str) else gpu
    if inputs is not None and not isinstance(model, nn.Module):
        raise ValueError("inputs are of a module's own: a named model takes batch and sequence")
    shape = shape_of(model) if isinstance(model, str) else model
    if isinstance(shape, nn.Module):
        module, trace = _given(shape, plan, card, given)
    elif isinstance(shape, Shape):
        module, trace = _shaped(shape, plan, dtype, card)
    else:
        raise TypeError(f"model must be a shape, a name or an nn.Module: {model!r}")
    unused = freeze_unused(module, trace)
    workspace = workspace_bytes(card.capability if card else None)
    phases = training_phases(module, trace, plan, workspace)
    peak = high_point(phases, CachingAllocator(expandable=plan.expandable_segments))
    beyond = left_out(model) if isinstance(model, str) else ""
    return answer(Found(module, plan, trace, peak, card, unused, beyond))


def _given(
    model: nn.Module, plan: Training, card: Gpu | None, given: Given
) -> tuple[nn.Module, StepTrace]:
    module = prepared(on_meta(model), plan)
    if given.inputs is None:
        ids = (token_ids(plan.batch, plan.sequence),)
        return module, _traced(module, plan, card, ids, given.loss)
    if isinstance(given.inputs, Mapping):
        module = Called(module, tuple(given.inputs))
        return module, _traced(module, plan, card, tuple(given.inputs.values()), given.loss)
    tensors = (given.inputs,) if isinstance(given.inputs, Tensor) else tuple(given.inputs)
    return module, _traced(module, plan, card, tensors, given.loss)


class Called(nn.Module):
    """A module whose arguments have these names."""

    def __init__(self, module: nn.Module, names: tuple[str, ...]) -> None:
        super().__init__()
        self.module, self.names = module, names

    def forward(self, *tensors: Tensor) -> Any:
        return self.module(**dict(zip(self.names, tensors, strict=True)))


def _shaped(
    shape: Shape, plan: Training, dtype: torch.dtype, card: Gpu | None
) -> tuple[nn.Module, StepTrace]:
    def of(layers: int) -> nn.Module:
        return prepared(build(replace(shape, layers=layers), dtype=dtype), plan)

    module, ids = of(shape.layers), (token_ids(plan.batch, plan.sequence),)
    # Autocast casts the adapters anew in each layer, and its blocks do not grow evenly.
    alike = layers_alike(shape) and not (plan.autocast and plan.lora_rank)
    return module, trace_layers(
        lambda n: _traced(of(n), plan, card, ids), module, shape.layers, alike=alike
    )


def _traced(
    module: nn.Module,
    plan: Training,
    card: Gpu | None,
    inputs: tuple[Tensor, ...],
    loss: Loss | None = None,
) -> StepTrace:
    capability = card.capability if card else None
    return trace_step(
        module,
        *inputs,
        attention=plan.attention,
        loss=loss,
        capability=capability,
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
