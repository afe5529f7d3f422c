"""What an operator returns, from what it is given: shape, strides and dtype, without running it.

torch answers these in Python on the meta device, and loads its compiler to do so, which takes
longer than all the rest; here are the few kinds of operators that training is made of. A test
compares each with torch's own answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from .internals import aten, schema_of
from .laws import LAWS


def result_of(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return new tensors on meta as the operator would, or None where only torch knows."""
    if func in _COUNTED:
        return _counted(*args, **kwargs)
    if not kwargs and torch.Tag.pointwise in func.tags and len(schema_of(func).returns) == 1:
        return _pointwise(func, args)
    law = _LAWS.get(func) or LAWS.get(func)
    return law(*args, **kwargs) if law and first_is_meta(args) else None


def _counted(
    *bounds: Any, dtype: torch.dtype | None = None, device: Any = None, **others: Any
) -> Tensor | None:
    if torch.device(device or "cpu").type != "meta" or not all(isinstance(b, int) for b in bounds):
        return None
    return _empty((len(range(*bounds)),), dtype or torch.int64)


def _like(
    tensor: Tensor,
    *,
    dtype: torch.dtype | None = None,
    memory_format: torch.memory_format = torch.preserve_format,
    **others: Any,
) -> Tensor | None:
    as_it_is = memory_format in (None, torch.preserve_format) and not others.get("device")
    return empty_as(tensor, dtype) if as_it_is else None


def _reduced(
    tensor: Tensor,
    dims: Sequence[int] | None,
    keepdim: bool = False,
    *,
    dtype: torch.dtype | None = None,
) -> Tensor | None:
    if not tensor.is_floating_point():
        return None
    gone = {d % max(tensor.ndim, 1) for d in dims or range(tensor.ndim)}
    shape = (1 if d in gone else size for d, size in enumerate(tensor.shape))
    kept = tuple(size for d, size in enumerate(shape) if keepdim or d not in gone)
    return _empty(kept, dtype or tensor.dtype)


def _joined(tensors: list[Tensor], dim: int = 0) -> Tensor | None:
    first = tensors[0]
    alike = all(t.ndim == first.ndim and t.dtype == first.dtype for t in tensors)
    if not alike or first.ndim == 0:
        return None
    shape = list(first.shape)
    shape[dim] = sum(t.shape[dim] for t in tensors)
    return _empty(shape, first.dtype)


def _product(one: Tensor, other: Tensor) -> Tensor | None:
    """Multiply matrices, or batches of them; what does not fit is torch's to refuse."""
    fits = one.shape[-1] == other.shape[-2] and one.shape[:-2] == other.shape[:-2]
    return _empty((*one.shape[:-1], other.shape[-1]), one.dtype) if fits else None


def _embedded(weight: Tensor, ids: Tensor, *others: Any) -> Tensor | None:
    return _empty((*ids.shape, weight.shape[1]), weight.dtype) if weight.ndim == 2 else None


def _scattered(grad: Tensor, ids: Tensor, rows: int, *others: Any) -> Tensor:
    return _empty((rows, *grad.shape[ids.ndim :]), grad.dtype)


def _repeated(tensor: Tensor, times: Sequence[int]) -> Tensor:
    sizes = (1,) * (len(times) - tensor.ndim) + tensor.shape
    return _empty([size * n for size, n in zip(sizes, times, strict=True)], tensor.dtype)


def _like_first(tensor: Tensor, *others: Any) -> Tensor | None:
    return _empty(tensor.shape, tensor.dtype) if tensor.dtype == torch.float32 else None


def _likelihood(
    scores: Tensor, labels: Tensor, weight: Tensor | None, reduction: int, *others: Any
) -> tuple[Tensor, Tensor] | None:
    if reduction == 0:  # none: one a label
        return None
    return _empty((), scores.dtype), _empty((), scores.dtype)


def _unlikelihood(grad: Tensor, scores: Tensor, *others: Any) -> Tensor:
    return _empty(scores.shape, scores.dtype)


def _empty(shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    return torch.empty(shape, dtype=dtype, device="meta")


_COUNTED = (aten.arange.default, aten.arange.start, aten.arange.start_step)
_LAWS: dict[Any, Callable[..., Any]] = {
    aten.empty_like.default: _like,
    aten.zeros_like.default: _like,
    aten.ones_like.default: _like,
    aten.mean.dim: _reduced,
    aten.sum.dim_IntList: _reduced,
    aten.cat.default: _joined,
    aten.repeat.default: _repeated,
    aten.mm.default: _product,
    aten.bmm.default: _product,
    aten.embedding.default: _embedded,
    aten.embedding_dense_backward.default: _scattered,
    aten._log_softmax.default: _like_first,
    aten._log_softmax_backward_data.default: _like_first,
    aten.nll_loss_forward.default: _likelihood,
    aten.nll_loss_backward.default: _unlikelihood,
}


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
    """Return an elementwise result's strides for inputs of one shape, broadcast ones included.

    The rules of aten/src/ATen/TensorIterator.cpp; torch has them in Python, too, but loads sympy.
    """
    shape, strides = tensors[0].shape, [t.stride() for t in tensors]
    inner_first = list(reversed(range(len(shape))))
    if not all(t.is_contiguous() for t in tensors):
        if len(set(strides)) == 1 and is_dense(shape, strides[0]):
            return strides[0]
        _sort(inner_first, shape, strides)
    found, step = dict.fromkeys(range(len(shape)), 1), 1
    for dim in inner_first:
        found[dim], step = step, step * shape[dim]
    return tuple(found.values())


def _sort(dims: list[int], shape: torch.Size, strides: list[tuple[int, ...]]) -> None:
    """Put dims in the order of the first input that tells two apart; equals stay as they are."""
    for last in range(1, len(dims)):
        at = last
        for before in reversed(range(last)):
            order = _compare(dims[before], dims[at], shape, strides)
            if order < 0:
                break
            if order > 0:
                dims[before], dims[at] = dims[at], dims[before]
                at = before


def _compare(one: int, other: int, shape: torch.Size, strides: list[tuple[int, ...]]) -> int:
    for stride in strides:
        if not stride[one] or not stride[other]:
            continue  # broadcast: it has no order to tell
        if stride[one] != stride[other]:
            return 1 if stride[one] > stride[other] else -1
        if shape[one] > shape[other]:
            return 1
    return 0


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
