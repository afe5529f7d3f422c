"""Records when memory is taken and given back while torch code runs on tensors without storage.

A timeline is a tuple of events (block, bytes): bytes above zero take a block, the same below zero
give it back. The tensors are on the meta device, so any size runs on any machine in no memory.
"""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from .results import empty_as, first_is_meta, result_of

Event = tuple[int, int]
Meta = tuple[torch.Size, tuple[int, ...], torch.dtype]


class Recorder(TorchDispatchMode):
    """A context: every storage made on the meta device inside it becomes a block of `events`.

    A storage is given back when the last tensor, or the autograd graph, lets it go, as on a GPU.
    Storages of zero bytes are left out.
    """

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Event] = []
        self._blocks: dict[int, int] = {}
        self._results: dict[Any, Meta] = {}
        self._finalizers: list[weakref.finalize[Any, Any]] = []

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # nothing here is compiled, and importing the compiler takes seconds

    def block_of(self, tensor: Tensor) -> int:
        """Return the block of a tensor on the meta device, recording it if it is new."""
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key not in self._blocks:
            block, size = len(self._finalizers), storage.nbytes()
            self._blocks[key] = block
            if size:
                self.events.append((block, size))
            self._finalizers.append(weakref.finalize(storage, self._give_back, key, block, size))
        return self._blocks[key]

    def close(self) -> None:
        """Stop listening: what is let go from now on is no event."""
        for finalizer in self._finalizers:
            finalizer.detach()

    def _give_back(self, key: int, block: int, size: int) -> None:
        del self._blocks[key]
        if size:
            self.events.append((block, -size))

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        out = self._run(func, args, kwargs or {})
        for tensor in out if isinstance(out, (tuple, list)) else (out,):
            if isinstance(tensor, Tensor) and tensor.is_meta:
                self.block_of(tensor)
        return out

    def _run(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run an operator, or skip what its kind or an equal call before has already told."""
        if func is torch.ops.aten._local_scalar_dense.default and args[0].is_meta:
            return _value_of(args[0])
        if _only_writes(func) and first_is_meta(args):
            return args[0] if isinstance(args[0], Tensor) else None
        if func._schema.name.startswith("aten::_foreach_") and first_is_meta(args):
            return [empty_as(t) for t in args[0]]
        key = _call_key(func, args, kwargs)
        known = self._results.get(key) if key is not None else None
        if known is not None:
            shape, stride, dtype = known
            return torch.empty_strided(shape, stride, dtype=dtype, device="meta")
        out = None if key is None else result_of(func, args, kwargs)
        out = func(*args, **kwargs) if out is None else out
        if key is not None and isinstance(out, Tensor) and out.is_meta:
            if out.untyped_storage()._cdata not in self._blocks:  # a new storage, not a view
                self._results[key] = (out.shape, out.stride(), out.dtype)
        return out


def _value_of(tensor: Tensor) -> bool | float:
    """Answer a module that reads a value, which is not there: a condition holds, a norm is 1.

    So transformers asks whether a batch holds one sequence a row, and Adafactor for the size of a
    tensor. An integer, which could be a size, is a ValueError.
    """
    if tensor.dtype == torch.bool:
        return True
    if tensor.is_floating_point():
        return 1.0
    raise ValueError("the module reads an integer from a tensor: a trace has no values to give")


def _only_writes(func: Any) -> bool:
    """Whether the operator changes values in place and nothing else, as x.mul_(y) does."""
    name = func._schema.name
    if not (name.endswith("_") and func._schema.is_mutable):
        return False
    return name.startswith("aten::_foreach_") or torch.Tag.pointwise in func.tags


def _call_key(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return what decides the result's shape, or None where a call says too little of it."""
    if func._schema.is_mutable:
        return None
    key = (func, _describe(args), tuple((name, _describe(kwargs[name])) for name in kwargs))
    try:
        hash(key)
    except TypeError:
        return None
    return key


def _describe(value: Any) -> Any:
    if isinstance(value, Tensor):
        return (value.shape, value.stride(), value.dtype, value.is_meta)
    if isinstance(value, (list, tuple)):
        return tuple(map(_describe, value))
    return value if isinstance(value, str | torch.dtype | None) else (type(value), value)


def live_bytes(events: list[Event] | tuple[Event, ...]) -> int:
    """Return the bytes taken and not given back by the end of the events."""
    return sum(size for _, size in events)


def high_water(events: list[Event] | tuple[Event, ...]) -> tuple[int, int]:
    """Return the most bytes held at any moment, and the index of the event that reached it."""
    now = most = at = 0
    for index, (_, size) in enumerate(events):
        now += size
        if now > most:
            most, at = now, index
    return most, at
