"""What each optimizer keeps for each tensor it updates: the law of its states, as buffers.

A buffer is a number of elements and a dtype. The laws are those of the packages named; tests run
one step of each and compare its tensors, byte for byte.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import nn

F32, U8 = torch.float32, torch.uint8
IMPLEMENTATIONS = ("foreach", "single", "fused")
FUSED = ("adamw", "sgd", "sgd-momentum")


@dataclass(frozen=True)
class Buffer:
    """One tensor that is held: `elements` of `dtype`, what for, and for which parameter by place.

    `parameter` is None for a tensor that several share.
    """

    elements: int
    dtype: torch.dtype
    purpose: str = "optimizer states"
    parameter: int | None = None

    @property
    def bytes(self) -> int:
        """Elements times the bytes of one."""
        return self.elements * self.dtype.itemsize


Law = Callable[[torch.Size, torch.dtype], tuple[Buffer, ...]]


@dataclass(frozen=True)
class Optimizer:
    """An optimizer's memory: `law(shape, dtype)` of a tensor gives the buffers kept for it.

    `rest` is the law of parameters that `law` does not take (Muon's embeddings, norms and biases);
    `maps` counts those of 256 float32 that all tensors share; `torch_name` is the class in
    torch.optim, if there. paged: its states are in memory that the driver may move to the host.
    """

    name: str
    law: Law
    formula: str
    source: str
    rest: Law | None = None
    maps: int = 0
    paged: bool = False
    torch_name: str | None = None

    def buffers(self, parameter: nn.Parameter, dtype: torch.dtype, *, hidden: bool) -> list[Buffer]:
        """Return the states of one parameter updated in `dtype`; hidden: a matrix in a block."""
        law = self.law if self.rest is None or hidden else self.rest
        return list(law(parameter.shape, dtype))


def like(count: int, dtype: torch.dtype | None = None) -> Law:
    """Return the law of `count` buffers of the tensor's size, in its dtype or the one given."""
    return lambda shape, own: (Buffer(shape.numel(), dtype or own),) * count


def blockwise(count: int, bits: int, block: int, *, minimum: int = 4096, codes: int = 0) -> Law:
    """Return the law of `count` states of `bits` an element with a float32 scale for each block.

    codes=0 is bitsandbytes: a last block may be short, a smaller tensor keeps float32. codes>0 is
    torchao: a map of that many float32 for each state; a tensor that is smaller, or that the block
    does not divide, keeps states in its own dtype. Raises ValueError for a block below 1 or a
    minimum below 0.
    """
    if block < 1:
        raise ValueError(f"block must be at least 1: {block}")
    if minimum < 0:
        raise ValueError(f"min_elements must be at least 0: {minimum}")

    def law(shape: torch.Size, own: torch.dtype) -> tuple[Buffer, ...]:
        elements = shape.numel()
        if elements < minimum or (codes and elements % block):
            return (Buffer(elements, own if codes else F32),) * count
        state = (Buffer(elements * bits // 8, U8), Buffer(-(-elements // block), F32))
        return (*state, Buffer(codes, F32)) * count if codes else state * count

    return law


def fp8(shape: torch.Size, own: torch.dtype) -> tuple[Buffer, ...]:
    """Return torchao's AdamWFp8: as 8-bit with blocks of 256, without a map."""
    elements = shape.numel()
    if elements < 4096 or elements % 256:
        return (Buffer(elements, own),) * 2
    return (Buffer(elements, torch.float8_e4m3fn), Buffer(elements // 256, F32)) * 2


def factored(shape: torch.Size, own: torch.dtype) -> tuple[Buffer, ...]:
    """Return Adafactor's variances: one row and one column of a matrix, else one a element."""
    if len(shape) < 2:
        return (Buffer(shape.numel(), own),)
    rows, columns = math.prod(shape[:-1]), math.prod(shape[:-2]) * shape[-1]
    return (Buffer(rows, own), Buffer(columns, own))


_BNB = "bitsandbytes 0.50.2, optim/optimizer.py init_state"
_AO = "torchao 0.18.0, optim/adam.py _new_buffer"
_TORCH = "torch 2.13.0, torch/optim"

OPTIMIZERS: dict[str, Optimizer] = {
    row.name: row
    for row in (
        Optimizer("adamw", like(2), "2 moments in the dtype updated", _TORCH, torch_name="AdamW"),
        Optimizer("adamw32bit", like(2, F32), "2 moments in float32", _BNB),
        Optimizer(
            "adamw8bit",
            blockwise(2, 8, 256),
            "2 moments of 1 byte + 4 bytes a block of 256; float32 below 4096 elements; 2 maps",
            _BNB,
            maps=2,
        ),
        Optimizer(
            "adamw8bit-torchao",
            blockwise(2, 8, 256, codes=256),
            "2 moments of 1 byte + 4 bytes a block of 256 + a map of 1 KiB",
            _AO,
        ),
        Optimizer("adamwfp8", fp8, "2 moments of 1 byte + 4 bytes a block of 256", _AO),
        Optimizer(
            "adamw4bit",
            blockwise(2, 4, 128, codes=16),
            "2 moments of half a byte + 4 bytes a block of 128 + a map of 64 bytes",
            _AO,
        ),
        Optimizer("sgd", like(0), "nothing", _TORCH, torch_name="SGD"),
        Optimizer(
            "sgd-momentum", like(1), "1 momentum in the dtype updated", _TORCH, torch_name="SGD"
        ),
        Optimizer(
            "adafactor",
            factored,
            "1 row and 1 column of each matrix, in the dtype updated",
            _TORCH,
            torch_name="Adafactor",
        ),
        Optimizer(
            "muon",
            like(1),
            "1 momentum for matrices inside blocks, AdamW's 2 moments for the rest",
            _TORCH,
            rest=like(2),
            torch_name="Muon",
        ),
        Optimizer("lion", like(1), "1 momentum in the dtype updated", "arXiv 2302.06675"),
        Optimizer(
            "lion8bit",
            blockwise(1, 8, 256),
            "1 momentum of 1 byte + 4 bytes a block of 256; float32 below 4096 elements; 1 map",
            _BNB,
            maps=1,
        ),
    )
}

for _name in ("adamw32bit", "adamw8bit", "lion8bit"):
    _row = OPTIMIZERS[_name]
    OPTIMIZERS[f"paged-{_name}"] = replace(_row, name=f"paged-{_name}", paged=True)


def optimizer_named(name: str) -> Optimizer:
    """Return a row of OPTIMIZERS. Raises ValueError for a name not there, with the nearest."""
    found = OPTIMIZERS.get(name.lower())
    if found is None:
        near = difflib.get_close_matches(name.lower(), OPTIMIZERS, n=1, cutoff=0.8)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"unknown optimizer {name!r}: {hint}known: {', '.join(OPTIMIZERS)}")
    return found


def demand_known(optimizer: str, implementation: str) -> Optimizer:
    """Return the optimizer's row. Raises ValueError where there is no such implementation of it."""
    rule = optimizer_named(optimizer)
    if implementation not in IMPLEMENTATIONS:
        raise ValueError(f"unknown implementation {implementation!r}: {', '.join(IMPLEMENTATIONS)}")
    if implementation == "fused" and rule.name not in FUSED:
        raise ValueError(f"there is no fused {rule.name}; fused: {', '.join(FUSED)}")
    return rule


def trainable(model: nn.Module) -> Iterator[nn.Parameter]:
    """Yield each parameter that gets a gradient, a shared one once."""
    return (p for p in model.parameters() if p.requires_grad)


def hidden_matrices(model: nn.Module) -> set[int]:
    """Return the ids of the matrices that Muon takes: 2-D weights, not embeddings nor the output.

    The output is a 2-D weight with a row for each row of an embedding, as a tied one has.
    """
    embeddings = [m.weight for m in model.modules() if isinstance(m, nn.Embedding)]
    rows = {w.shape[0] for w in embeddings}
    own = {id(w) for w in embeddings}
    return {
        id(p)
        for p in trainable(model)
        if p.ndim == 2 and id(p) not in own and p.shape[0] not in rows
    }


def state_buffers(
    model: nn.Module,
    optimizer: str,
    *,
    update_dtype: torch.dtype | None = None,
    implementation: str = "foreach",
) -> list[list[Buffer]]:
    """Return the states of each trainable parameter in order, those shared by all appended last.

    update_dtype is the dtype of what is updated (a master copy); None is each parameter's own.
    torch's fused step counts in a float32 on the device, 4 bytes a tensor; the others on the CPU.
    Raises ValueError for an optimizer or implementation it does not know.
    """
    rule = demand_known(optimizer, implementation)
    counts = rule.name == "adamw" and implementation == "fused"
    step = [Buffer(1, F32)] if counts else []
    hidden = hidden_matrices(model) if rule.rest else set()
    found = [
        step + rule.buffers(p, update_dtype or p.dtype, hidden=id(p) in hidden)
        for p in trainable(model)
    ]
    shared = maps_of((b for buffers in found for b in buffers), rule.maps)
    return [*found, shared] if shared else found


def maps_of(states: Iterable[Buffer], count: int) -> list[Buffer]:
    """Return the maps of 256 float32 that all of these states share, where any is in 8 bits."""
    return [Buffer(256, F32)] * count if any(b.dtype == U8 for b in states) else []


def total_bytes(buffers: Iterable[Buffer]) -> int:
    """Return the sum of the buffers' bytes."""
    return sum(b.bytes for b in buffers)
