"""What one of N ranks holds of each tensor: ZeRO (arXiv 1910.02054) and FSDP (arXiv 2304.11277).

Stage 1 shards optimizer states and master weights, stage 2 gradients too, stage 3 parameters too.
Padding counts: the answer is for the fullest rank, the first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn

LAYOUTS = ("fsdp", "zero")
_STAGE_OF = {"states": 1, "gradients": 2, "parameters": 3}


@dataclass(frozen=True)
class Sharding:
    """N ranks, the ZeRO stage, and how a tensor is cut.

    layout "fsdp" (torch's fully_shard): rows, so a rank has ceil(rows / N) of them. layout "zero"
    (DeepSpeed stage 3): elements, ceil(elements / N). DeepSpeed's stages 1 and 2 join all tensors
    before they cut, and so pad once, at most N - 1 elements a tensor less than here. Raises
    ValueError for ranks below 1 or a stage or layout that there is not.
    """

    ranks: int = 1
    stage: int = 3
    layout: str = "fsdp"

    def __post_init__(self) -> None:
        if not isinstance(self.ranks, int):
            raise ValueError(f"ranks must be a whole number: {self.ranks!r}")
        if self.ranks < 1:
            raise ValueError(f"ranks must be at least 1: {self.ranks}")
        if self.stage not in range(4):
            raise ValueError(f"stage must be 0, 1, 2 or 3: {self.stage}")
        if self.layout not in LAYOUTS:
            raise ValueError(f"unknown layout {self.layout!r}: {', '.join(LAYOUTS)}")

    def local(self, shape: torch.Size, what: str) -> torch.Size:
        """Return the shape a rank holds of a tensor's "parameters", "gradients" or "states"."""
        if self.ranks == 1 or self.stage < _STAGE_OF[what]:
            return shape
        if self.layout == "zero" or not shape:
            return torch.Size([-(-math.prod(shape) // self.ranks)])
        return torch.Size([-(-shape[0] // self.ranks), *shape[1:]])


ALONE = Sharding(1, 0)


def local_parameters(model: nn.Module, sharding: Sharding, dtype: torch.dtype | None) -> nn.Module:
    """Return the trainable parameters as one rank updates them, embeddings still embeddings."""
    embeddings = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
    local = nn.Module()
    for index, parameter in enumerate(p for p in model.parameters() if p.requires_grad):
        shape = sharding.local(parameter.shape, "states")
        tensor = nn.Parameter(torch.empty(shape, dtype=dtype or parameter.dtype, device="meta"))
        holder: nn.Module = nn.Module()
        if id(parameter) in embeddings and len(shape) == 2:
            holder = nn.Embedding(*shape, _weight=tensor)
            holder.weight = tensor
        else:
            holder.register_parameter("weight", tensor)
        local.add_module(str(index), holder)
    return local
