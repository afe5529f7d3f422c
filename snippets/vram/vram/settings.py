"""How a model is trained: one frozen value that the whole engine reads.

`Training` refuses what makes no sense. `Settings` types the same fields as keywords of `estimate`,
so that an editor completes them; a test holds the two to one list.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypedDict

import torch

from .adapters import ALL_LINEAR
from .kernels import ATTENTION
from .optimizers import demand_known
from .sharding import ALONE, Sharding
from .step import token_ids


@dataclass(frozen=True)
class Training:
    """How a model is trained. Raises ValueError for a setting that makes no sense.

    optimizer: a name of OPTIMIZERS; implementation: torch's "foreach" (its default on CUDA),
    "single" or "fused"; batch and sequence: of token ids; attention: "flash", "efficient", "math",
    None is CUDA's choice; checkpoint: activation checkpointing of each block; master_dtype: a more
    precise copy of trainable parameters; lora_rank: adapters beside every linear layer; nf4: the
    frozen weights in four bits, twice quantised; sharding: over ranks; expandable_segments: the
    allocator's option.
    """

    optimizer: str = "adamw"
    implementation: str = "foreach"
    batch: int = 1
    sequence: int = 2048
    attention: str | None = None
    checkpoint: bool = False
    master_dtype: torch.dtype | None = None
    lora_rank: int | None = None
    lora_targets: tuple[str, ...] | str = ALL_LINEAR
    lora_dtype: torch.dtype = torch.float32
    lora_dropout: float = 0.0
    nf4: bool = False
    double_quantisation: bool = True
    kbit_fp32: bool = False
    keep_logits: bool = False
    sharding: Sharding = ALONE
    expandable_segments: bool = False

    def __post_init__(self) -> None:
        demand_known(self.optimizer, self.implementation)
        token_ids(self.batch, self.sequence)
        if self.attention is not None and self.attention not in ATTENTION:
            raise ValueError(f"unknown attention {self.attention!r}: {', '.join(ATTENTION)}")
        if self.lora_rank is not None and not isinstance(self.lora_rank, int):
            raise ValueError(f"lora_rank must be a whole number: {self.lora_rank!r}")
        if self.master_dtype is not None and not self.master_dtype.is_floating_point:
            raise ValueError(f"master_dtype must be a floating-point dtype: {self.master_dtype}")
        if self.nf4 and self.lora_rank is None:
            raise ValueError("frozen four-bit weights need adapters to train: give a LoRA rank")


class Settings(TypedDict, total=False):
    """The fields of Training as keywords."""

    optimizer: str
    implementation: str
    batch: int
    sequence: int
    attention: str | None
    checkpoint: bool
    master_dtype: torch.dtype | None
    lora_rank: int | None
    lora_targets: tuple[str, ...] | str
    lora_dtype: torch.dtype
    lora_dropout: float
    nf4: bool
    double_quantisation: bool
    kbit_fp32: bool
    keep_logits: bool
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
