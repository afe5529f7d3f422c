"""Records when memory is taken and given back while torch code runs on tensors without storage.

A timeline is a tuple of events (block, bytes): bytes above zero take a block, the same below zero
give it back. The tensors are on the meta device, so any size runs on any machine in no memory.
"""

from __future__ import annotations

import gc
import sys
import weakref
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor

from .internals import TorchDispatchMode, aten, schema_of, storage_key
from .kernels import TEMPORARIES
from .results import empty_as, first_is_meta, result_of

Event = tuple[int, int]
Meta = tuple[torch.Size, tuple[int, ...], torch.dtype]
MATMULS = {aten.mm.default, aten.addmm.default, aten.bmm.default, aten.baddbmm.default}


class Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """A context: every storage made on the meta device inside it becomes a block of `events`.

    A storage is given back when the last tensor, or the autograd graph, lets it go, as on a GPU.
    Storages of zero bytes are left out. `matmuls` has, for each product of matrices, how many
    events there were once it had its output.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.events: list[Event] = []
        self.matmuls: list[int] = []
        self._blocks: dict[int, int] = {}
        self._results: dict[Any, Meta] = {}
        self._watched: list[weakref.ref[Any]] = []
        self._open = True
        self._modules = len(sys.modules)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # nothing here is compiled, and importing the compiler takes seconds

    def block_of(self, tensor: Tensor) -> int:
        """Return the block of a tensor on the meta device, recording it if it is new."""
        storage, key = tensor.untyped_storage(), storage_key(tensor)
        if key not in self._blocks:
            block, size = len(self._watched), storage.nbytes()
            self._blocks[key] = block
            if size:
                self.events.append((block, size))
            gone = partial(self._give_back, key, block, size)
            self._watched.append(weakref.ref(storage, gone))
        return self._blocks[key]

    def close(self) -> None:
        """Stop listening: what is let go from now on is no event."""
        self._open = False

    def _give_back(self, key: int, block: int, size: int, _: object) -> None:
        if self._open:
            del self._blocks[key]
        if self._open and size:
            self.events.append((block, -size))

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        self._drop_frames()
        out = self._run(func, args, kwargs or {})
        self._drop_frames()
        for tensor in out if isinstance(out, (tuple, list)) else (out,):
            if isinstance(tensor, Tensor) and tensor.is_meta:
                self.block_of(tensor)
        if func in MATMULS:
            self.matmuls.append(len(self.events))
        for temporary in TEMPORARIES[func](*args) if func in TEMPORARIES else ():
            self.block_of(temporary)  # there while the operator runs, beside what it returns
        return out

    def _drop_frames(self) -> None:
        """Let go of tensors that only an import holds.

        torch loads some modules when an operator first needs them. An import that fails and is
        caught on the way leaves its exception in a cycle with all frames above it, the model's
        included, and so with their tensors, until the garbage collector happens to come by.
        """
        if len(sys.modules) != self._modules:
            self._modules = len(sys.modules)
            gc.collect()

    def _run(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run an operator, or skip what its kind or an equal call before has already told."""
        kind = _kind(func)
        if kind == VIEW or (kind != PURE and not first_is_meta(args)):
            return func(*args, **kwargs)
        if kind == READS:
            return _value_of(args[0])
        if kind == WRITES:
            return args[0] if isinstance(args[0], Tensor) else None
        if kind == FOREACH:
            return [empty_as(t) for t in args[0]]
        return self._new_tensor(func, args, kwargs)

    def _new_tensor(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        key = (func, _describe(args), _describe(tuple(kwargs.items())) if kwargs else None)
        known = self._results.get(key)
        if known is not None:
            shape, stride, dtype = known
            return torch.empty_strided(shape, stride, dtype=dtype, device="meta")
        out = result_of(func, args, kwargs)
        out = func(*args, **kwargs) if out is None else out
        if isinstance(out, Tensor) and out.is_meta and not self._is_known(out):
            self._results[key] = (out.shape, out.stride(), out.dtype)
        return out

    def _is_known(self, tensor: Tensor) -> bool:
        """Whether it is a view after all: torch calls some of them new (_unsafe_view)."""
        return storage_key(tensor) in self._blocks


VIEW, PURE, READS, WRITES, FOREACH = range(5)


@cache
def _kind(func: Any) -> int:
    """Tell what an operator may do: PURE makes new tensors, WRITES changes values in place.

    READS gives a value to Python, FOREACH makes a list like its first; all else runs as a VIEW.
    """
    schema = schema_of(func)
    if func is aten._local_scalar_dense.default:
        return READS
    foreach = schema.name.startswith("aten::_foreach_")
    if schema.is_mutable:
        in_place = schema.name.endswith("_") and (foreach or torch.Tag.pointwise in func.tags)
        return WRITES if in_place else VIEW
    if foreach:
        return FOREACH
    aliased = any(a.alias_info is not None for a in (*schema.arguments, *schema.returns))
    return VIEW if aliased or not schema.name.startswith("aten::") else PURE


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


def _describe(value: Any) -> Any:
    if isinstance(value, Tensor):
        return (value.shape, value.stride(), value.dtype, value.is_meta)
    if isinstance(value, (list, tuple)):
        return tuple(map(_describe, value))
    return (type(value), value) if isinstance(value, (int, float)) else value


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
