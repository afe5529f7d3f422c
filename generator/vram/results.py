"""What an operator returns, from what it is given: shape, strides and dtype, without running it.

torch answers these in Python on the meta device, and loads its compiler to do so, which takes
longer than all the rest; here are the few kinds of operators that training is made of. A test
compares each with torch's own answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch._prims_common import compute_elementwise_output_strides

aten = torch.ops.aten
_COUNTED = (aten.arange.default, aten.arange.start, aten.arange.start_step)
_LIKE = (aten.empty_like.default, aten.zeros_like.default, aten.ones_like.default)
_LIKE_FIRST = (aten._log_softmax.default, aten._log_softmax_backward_data.default)


def result_of(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return new tensors on meta as the operator would, or None where only torch knows."""
    if func in _COUNTED and all(isinstance(a, int) for a in args):
        return _counted(args, kwargs)
    if func in _LIKE and not (kwargs.get("memory_format") or kwargs.get("device")):
        return empty_as(args[0], kwargs.get("dtype")) if first_is_meta(args) else None
    if kwargs and func is not aten.mean.dim:
        return None
    if torch.Tag.pointwise in func.tags and len(func._schema.returns) == 1:
        return _pointwise(func, args)
    if not first_is_meta(args):
        return None
    if func is aten.mean.dim and args[0].is_floating_point():
        return aten.sum.dim_IntList(*args, **kwargs)
    if func is aten.cat.default and all(t.dtype == args[0][0].dtype for t in args[0]):
        return _joined(args[0], *args[1:])
    if func is aten.nll_loss_forward.default and args[3] != 0:  # 0 is no reduction
        return args[0].new_empty(()), args[0].new_empty(())
    if func is aten.nll_loss_backward.default:
        return torch.empty(args[1].shape, dtype=args[1].dtype, device="meta")
    if func in _LIKE_FIRST and args[0].dtype == torch.float32:
        return torch.empty(args[0].shape, dtype=args[0].dtype, device="meta")
    return None


def _counted(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor | None:
    if torch.device(kwargs.get("device") or "cpu").type != "meta":
        return None
    dtype = kwargs.get("dtype") or torch.int64
    return torch.empty(len(range(*args)), dtype=dtype, device="meta")


def first_is_meta(args: tuple[Any, ...]) -> bool:
    """Whether the first argument is a tensor on meta, or a list that begins with one."""
    first = args[0] if args else None
    if isinstance(first, (list, tuple)) and first:
        first = first[0]
    return isinstance(first, Tensor) and first.is_meta


def _pointwise(func: Any, args: tuple[Any, ...]) -> Tensor | None:
    """Broadcast the shapes, keep the strides, and let the CPU tell the dtype on no elements."""
    tensors = [a for a in args if isinstance(a, Tensor)]
    if not any(t.is_meta for t in tensors):
        return None
    if not all(isinstance(a, Tensor | int | float | bool | None | str) for a in args):
        return None
    small = [_no_elements(a) if isinstance(a, Tensor) else a for a in args]
    shaped = [t for t in tensors if t.ndim] or tensors
    wide = torch.broadcast_tensors(*shaped)  # type: ignore[no-untyped-call]
    try:
        dtype = func(*small).dtype
    except (RuntimeError, NotImplementedError):  # no such kernel on the CPU
        return None
    return torch.empty_strided(wide[0].shape, _strides(wide), dtype=dtype, device="meta")


def _strides(tensors: Sequence[Tensor]) -> tuple[int, ...]:
    """Return an elementwise result's strides for inputs of one shape, broadcast ones included."""
    whole = {t.stride() for t in tensors if 0 not in t.stride()} or {tensors[0].stride()}
    if len(whole) == 1 and is_dense(tensors[0].shape, only := next(iter(whole))):
        return only
    return compute_elementwise_output_strides(*tensors)


def is_dense(shape: torch.Size, strides: tuple[int, ...]) -> bool:
    """Whether strides leave no gap and no overlap: a permutation of a contiguous tensor."""
    expected = 1
    for stride, size in sorted(zip(strides, shape, strict=True)):
        if size != 1 and stride != expected:
            return False
        expected *= size
    return True


def empty_as(tensor: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Return torch.empty_like(tensor) on meta, faster where the tensor is dense."""
    if not is_dense(tensor.shape, tensor.stride()):
        return torch.empty_like(tensor, dtype=dtype, device="meta")
    shape, strides = tensor.shape, tensor.stride()
    return torch.empty_strided(shape, strides, dtype=dtype or tensor.dtype, device="meta")


def _no_elements(tensor: Tensor) -> Tensor:
    return torch.empty((0,) if tensor.ndim else (), dtype=tensor.dtype)


def _joined(tensors: list[Tensor], dim: int = 0) -> Tensor | None:
    first = tensors[0]
    if any(t.ndim != first.ndim or t.ndim == 0 for t in tensors):
        return None
    shape = list(first.shape)
    shape[dim] = sum(t.shape[dim] for t in tensors)
    return torch.empty(shape, dtype=first.dtype, device="meta")
