"""How weights get onto the card, in order: what is freed on the way leaves holes and segments.

A 16-bit model is moved as it is, tensor by tensor. A four-bit one is loaded as transformers 5 does
it: one block as large as the whole model is taken and given back, then each tensor comes in 16
bits, sorted by name, is packed, and its 16-bit copy is dropped; an output that is tied is made
before it is tied (core_model_loading.py, caching_allocator_warmup of modeling_utils.py).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .adapters import NF4Linear
from .recorder import Event

_PASSING = -(10**6)  # blocks that come and go while the model is loaded


@dataclass(frozen=True)
class Stored:
    """A tensor of the model: its name, its block in a trace, and its bytes on this rank."""

    name: str
    block: int
    bytes: int
    tensor: Tensor


def moved(model: nn.Module, local: Mapping[int, int]) -> tuple[Event, ...]:
    """Return the events of a model that is moved to the card: parameters, then buffers."""
    return tuple((s.block, s.bytes) for s in _stored(model, local) if s.bytes)


def packed(model: nn.Module, local: Mapping[int, int], *, widened: bool) -> Iterator[Event]:
    """Yield the events of a model with four-bit weights, its adapters last.

    widened: parameters that are not packed come in 16 bits, and are made float32 afterwards.
    """
    every = _stored(model, local)
    base = sorted((s for s in every if "lora_" not in s.name), key=_natural)
    layers = {id(m.weight): m for m in model.modules() if isinstance(m, NF4Linear)}
    constants = {id(b) for m in layers.values() for b in m.buffers()}
    blocks = {id(s.tensor): s for s in every}
    first = [s for s in base if id(s.tensor) not in constants]
    narrow = {s.block: s.bytes // 2 for s in first if widened and _is_wide(s.tensor)}
    whole = sum(narrow.get(s.block, s.bytes) for s in first)
    yield from ((_PASSING, whole), (_PASSING, -whole))
    for each in first:
        layer = layers.get(id(each.tensor))
        if layer is None:
            block = _PASSING - 1 - each.block if each.block in narrow else each.block
            yield block, narrow.get(each.block, each.bytes)
            continue
        passing = layer.inputs * layer.outputs * 2
        yield _PASSING, passing
        yield each.block, each.bytes
        yield from ((blocks[id(b)].block, blocks[id(b)].bytes) for b in layer.buffers())
        yield _PASSING, -passing
    for size in (narrow.get(s.block, s.bytes) for s in _tied(model, first)):
        yield from ((_PASSING, size), (_PASSING, -size))
    for each in every:
        if each.block in narrow:
            yield each.block, each.bytes
            yield _PASSING - 1 - each.block, -narrow[each.block]
    yield from ((s.block, s.bytes) for s in every if "lora_" in s.name)


def _stored(model: nn.Module, local: Mapping[int, int]) -> list[Stored]:
    names = (*model.named_parameters(), *model.named_buffers())
    return [
        Stored(name, block, local.get(block, tensor.untyped_storage().nbytes()), tensor)
        for block, (name, tensor) in enumerate(names)
    ]


def _tied(model: nn.Module, every: list[Stored]) -> list[Stored]:
    """Return the parameters that have a second name."""
    names = Counter(id(p) for _, p in model.named_parameters(remove_duplicate=False))
    return [s for s in every if names[id(s.tensor)] > 1]


def _is_wide(tensor: Tensor) -> bool:
    return isinstance(tensor, nn.Parameter) and tensor.dtype == torch.float32


def _natural(stored: Stored) -> list[tuple[int, int | str]]:
    """Sort by name as a file lists them: numbers as numbers, the rest by letters."""
    parts = stored.name.replace(".base_layer", "").split(".")
    return [(0, int(part)) if re.fullmatch(r"\d+", part) else (1, part) for part in parts]
