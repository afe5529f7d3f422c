"""What a rank of many holds whole while it computes: layers gathered, gradients not yet reduced.

A unit is a block of an nn.ModuleList, and the root all the rest (torch's fully_shard, applied to
each block and to the model; DeepSpeed fetches by module). What computes is whole for certain: a
unit, or the largest tensor of the root. The rest of the root stays whole from forward to the end of
backward unless it is cut in units of its own, and the next unit is fetched ahead.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from torch import nn

from .sharding import Sharding


@dataclass(frozen=True)
class Gathered:
    """Bytes of what is whole for certain, of what may be beside it, and of gradients likewise."""

    certain: int = 0
    ahead: int = 0
    gradients: int = 0
    reducing: int = 0


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
    certain, ahead = _split(root, units)
    gradients, reducing = _split(_trained(root), [_trained(unit) for unit in units])
    if sharding.stage == 2:
        certain = ahead = 0
    return Gathered(certain, ahead, gradients, reducing)


def _split(root: list[nn.Parameter], units: list[list[nn.Parameter]]) -> tuple[int, int]:
    """Return the bytes of the largest piece, and of the root and two units without it."""
    unit = max(map(_bytes, units), default=0)
    certain = max(unit, max((_bytes([p]) for p in root), default=0))
    return certain, _bytes(root) + 2 * unit - certain


def _trained(parameters: Iterable[nn.Parameter]) -> list[nn.Parameter]:
    return [p for p in parameters if p.requires_grad]


def _bytes(parameters: Iterable[nn.Parameter]) -> int:
    return sum(p.numel() * p.dtype.itemsize for p in parameters)
