"""What a rank of many holds whole while it computes: layers gathered, gradients not yet reduced.

A unit is a block of an nn.ModuleList, and the root all the rest (torch's fully_shard, applied to
each block and to the model; DeepSpeed fetches by module). The root stays whole from forward to the
end of backward; of units, the one that computes is there and the next, fetched ahead.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from torch import nn

from .sharding import Sharding


@dataclass(frozen=True)
class Gathered:
    """Bytes of the root, of the largest unit, and of the gradients of both."""

    root: int = 0
    unit: int = 0
    unit_gradients: int = 0
    root_gradients: int = 0


def gathered(model: nn.Module, sharding: Sharding) -> Gathered:
    """Return what a rank gathers beside its own shards; nothing where nothing is cut.

    Stage 3 gathers parameters and gradients, stage 2 gradients alone.
    """
    if sharding.ranks == 1 or sharding.stage < 2:
        return Gathered()
    blocks = [b for m in model.modules() if isinstance(m, nn.ModuleList) for b in m]
    units = [list(block.parameters()) for block in blocks]
    inside = {id(p) for unit in units for p in unit}
    root = [p for p in model.parameters() if id(p) not in inside]
    whole = sharding.stage == 3
    return Gathered(
        root=_bytes(root) if whole else 0,
        unit=max(map(_bytes, units), default=0) if whole else 0,
        unit_gradients=max((_bytes(_trained(unit)) for unit in units), default=0),
        root_gradients=_bytes(_trained(root)),
    )


def _trained(parameters: Iterable[nn.Parameter]) -> list[nn.Parameter]:
    return [p for p in parameters if p.requires_grad]


def _bytes(parameters: Iterable[nn.Parameter]) -> int:
    return sum(p.numel() * p.dtype.itemsize for p in parameters)
