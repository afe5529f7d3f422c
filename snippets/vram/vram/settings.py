"""How a model is trained: one frozen value that the whole engine reads.

`Training` refuses what makes no sense. `Settings` types the same fields as keywords of `estimate`,
so that an editor completes them; a test holds the two to one list.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypedDict

import torch

from .adapters import ALL_LINEAR
from .kernels import ATTENTION
from .loop import Loop
from .losses import Objective
from .optimizers import demand_known
from .sharding import ALONE, Sharding
from .step import token_ids

OPTIMIZER, ACTIVATIONS = "optimizer", "activations"
OFFLOADED = (OPTIMIZER, ACTIVATIONS)


@dataclass(frozen=True)
class Training:
    """How a model is trained. Raises ValueError for a setting that makes no sense.

    Args:
        optimizer: a name of OPTIMIZERS.
        implementation: torch's "foreach" (its default on CUDA), "single" or "fused".
        batch: sequences of a micro-batch.
        sequence: token ids of each.
        accumulate: micro-batches whose gradients are added up before a step.
        attention: "flash", "efficient", "math", or "eager" as transformers runs it; None is CUDA's
            choice, by the dtype of q, k and v and by the card.
        loss: "full", "chunked", "chunked:N" (logits in N parts, each made again in backward) or
            "fused" (Liger's).
        keep_logits: the loop has a name for the model's output during backward.
        autocast: torch.bfloat16 or torch.float16, or None.
        checkpoint: activation checkpointing of each block.
        master_dtype: of a more precise copy of the trained parameters.
        lora_rank: of adapters; None trains all parameters.
        lora_targets: last parts of the names of layers that get adapters, or "all-linear".
        lora_dtype: of the adapters; PEFT makes them float32.
        lora_dropout: of the adapters' input.
        dora: adapters have a magnitude, as in DoRA (arXiv 2402.09353).
        nf4: frozen linear layers in four bits.
        double_quantisation: of nf4's constants.
        kbit_fp32: weights that are not packed are made float32, as PEFT's
            prepare_model_for_kbit_training does.
        step_in_backward: each gradient is used as soon as it is whole, and dropped.
        offload: of "optimizer" (states and masters) and "activations", what the host holds.
        compile: torch.compile, which is not modelled; the answer says so.
        sharding: over ranks.
        expandable_segments: the allocator's option.
    """

    optimizer: str = "adamw"
    implementation: str = "foreach"
    batch: int = 1
    sequence: int = 2048
    accumulate: int = 1
    attention: str | None = None
    loss: str = "full"
    keep_logits: bool = False
    autocast: torch.dtype | None = None
    checkpoint: bool = False
    master_dtype: torch.dtype | None = None
    lora_rank: int | None = None
    lora_targets: tuple[str, ...] | str = ALL_LINEAR
    lora_dtype: torch.dtype = torch.float32
    lora_dropout: float = 0.0
    dora: bool = False
    nf4: bool = False
    double_quantisation: bool = True
    kbit_fp32: bool = False
    step_in_backward: bool = False
    offload: tuple[str, ...] = ()
    compile: bool = False
    sharding: Sharding = ALONE
    expandable_segments: bool = False

    def __post_init__(self) -> None:
        demand_known(self.optimizer, self.implementation)
        token_ids(self.batch, self.sequence)
        Objective.named(self.loss)
        for reason in _refusals(self):
            raise ValueError(reason)

    @property
    def loop(self) -> Loop:
        """What the training loop does around the module."""
        return Loop(
            checkpoint=self.checkpoint,
            objective=Objective.named(self.loss),
            keep_logits=self.keep_logits,
            autocast=self.autocast,
            offload=ACTIVATIONS in self.offload,
            accumulate=self.accumulate > 1,
            release=self.step_in_backward,
        )


def _refusals(plan: Training) -> Iterator[str]:
    """Yield what makes no sense in a plan, with its value or what mends it."""
    if plan.attention is not None and plan.attention not in ATTENTION:
        yield f"unknown attention {plan.attention!r}: {', '.join(ATTENTION)}"
    for name in ("lora_rank", "accumulate"):
        value = getattr(plan, name)
        if value is not None and not isinstance(value, int):
            yield f"{name} must be a whole number: {value!r}"
    if plan.accumulate < 1:
        yield f"accumulate must be at least 1: {plan.accumulate}"
    for name in ("master_dtype", "lora_dtype", "autocast"):
        dtype = getattr(plan, name)
        if dtype is not None and not dtype.is_floating_point:
            yield f"{name} must be a floating-point dtype: {dtype}"
    if not 0 <= plan.lora_dropout < 1:
        yield f"lora_dropout must be at least 0 and below 1: {plan.lora_dropout}"
    yield from _unmet(plan)


def _unmet(plan: Training) -> Iterator[str]:
    """Yield what one setting needs of another."""
    if plan.nf4 and plan.lora_rank is None:
        yield "frozen four-bit weights need adapters to train: give a LoRA rank"
    if plan.dora and plan.lora_rank is None:
        yield "DoRA is a kind of adapter: give a LoRA rank"
    if plan.kbit_fp32 and plan.lora_rank is None:
        yield "kbit_fp32 is PEFT's way to prepare a frozen model: give a LoRA rank"
    for name in plan.offload:
        if name not in OFFLOADED:
            yield f"unknown offload {name!r}: {', '.join(OFFLOADED)}"
    if plan.step_in_backward and plan.accumulate > 1:
        yield "a step within backward leaves no gradient to accumulate: drop one of the two"
    if plan.step_in_backward and (plan.master_dtype or plan.optimizer == "muon"):
        yield "a step within backward is modelled without master copies, and not for muon"
    if plan.step_in_backward and OPTIMIZER in plan.offload:
        yield "a step within backward is modelled with the optimizer's states on the card"


class Settings(TypedDict, total=False):
    """The fields of Training as keywords, but for loss, which `estimate` takes by itself."""

    optimizer: str
    implementation: str
    batch: int
    sequence: int
    accumulate: int
    attention: str | None
    keep_logits: bool
    autocast: torch.dtype | None
    checkpoint: bool
    master_dtype: torch.dtype | None
    lora_rank: int | None
    lora_targets: tuple[str, ...] | str
    lora_dtype: torch.dtype
    lora_dropout: float
    dora: bool
    nf4: bool
    double_quantisation: bool
    kbit_fp32: bool
    step_in_backward: bool
    offload: tuple[str, ...]
    compile: bool
    sharding: Sharding
    expandable_segments: bool


NAMES = tuple(field.name for field in fields(Training))


def with_settings(training: Training | None, settings: Mapping[str, Any]) -> Training:
    """Return the plan with some settings replaced.

    Raises TypeError for a name that is no setting, with the nearest that is one.
    """
    for name in settings:
        if name not in NAMES:
            near = difflib.get_close_matches(name, NAMES, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise TypeError(f"no setting is called {name!r}: {hint}settings: {', '.join(NAMES)}")
    return replace(training or Training(), **settings)
