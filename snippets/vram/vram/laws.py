"""What further operators return, for the models that are not Llamas: laws as those of results.py.

Layer norms, dropout, GELU, softmax and the sorting of a mixture of experts. A law answers None for
what it does not cover, and torch is asked; a test compares each with torch's own answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from .internals import aten

Shape = Sequence[int]


def _as_it_is(x: Tensor, *others: Any, **settings: Any) -> Tensor | None:
    return _empty(x.shape, x.dtype) if x.is_contiguous() else None


def _gelu_backward(grad: Tensor, x: Tensor, **settings: Any) -> Tensor | None:
    return _as_it_is(x) if grad.is_contiguous() and grad.dtype == x.dtype else None


def _softmax(x: Tensor, dim: int, widened: bool) -> Tensor | None:
    return None if widened else _as_it_is(x)


def _softmax_backward(grad: Tensor, out: Tensor, dim: int, dtype: torch.dtype) -> Tensor | None:
    """Return the gradient in the dtype of softmax's input, which may be narrower than its own."""
    return _empty(grad.shape, dtype) if grad.is_contiguous() else None


def _dropout(x: Tensor, p: float, train: bool | None) -> tuple[Tensor, Tensor] | None:
    if not (train and 0 < p < 1 and x.is_contiguous()):
        return None
    return _empty(x.shape, x.dtype), _empty(x.shape, torch.bool)


def _layer_norm(
    x: Tensor, shape: Shape, weight: Tensor | None, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor, Tensor] | None:
    """Return the normalised tensor, and a mean and a reciprocal deviation, float32, a row."""
    if not x.is_contiguous() or x.dtype not in (torch.float32, torch.bfloat16, torch.float16):
        return None
    rows = (*x.shape[: x.ndim - len(shape)], *(1 for _ in shape))
    return _empty(x.shape, x.dtype), _empty(rows, torch.float32), _empty(rows, torch.float32)


def _layer_norm_backward(
    grad: Tensor,
    x: Tensor,
    shape: Shape,
    mean: Tensor,
    deviation: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    wanted: Sequence[bool],
) -> tuple[Tensor, ...] | None:
    if weight is None or bias is None or not all(wanted) or not x.is_contiguous():
        return None
    return tuple(_empty(t.shape, t.dtype) for t in (x, weight, bias))


def _biased_product(bias: Tensor, one: Tensor, other: Tensor, **scales: Any) -> Tensor | None:
    """Multiply matrices and add a row; what does not fit is torch's to refuse."""
    fits = one.ndim == other.ndim == 2 and one.shape[1] == other.shape[0]
    row = bias.shape == (other.shape[-1],) and bias.dtype == one.dtype
    return _empty((one.shape[0], other.shape[1]), one.dtype) if fits and row else None


def _slice_backward(grad: Tensor, sizes: Shape, *others: Any) -> Tensor:
    return _empty(sizes, grad.dtype)


def _copied(x: Tensor, *, memory_format: Any = torch.preserve_format) -> Tensor | None:
    if memory_format == torch.contiguous_format:
        return _empty(x.shape, x.dtype)
    return _as_it_is(x) if memory_format == torch.preserve_format else None


def _best(
    x: Tensor, k: int, dim: int = -1, *others: Any, **settings: Any
) -> tuple[Tensor, Tensor] | None:
    if dim % max(x.ndim, 1) != x.ndim - 1 or k > x.shape[-1]:
        return None
    shape = (*x.shape[:-1], k)
    return _empty(shape, x.dtype), _empty(shape, torch.int64)


def _sorted(x: Tensor, *others: Any, **settings: Any) -> tuple[Tensor, Tensor] | None:
    return (_empty(x.shape, x.dtype), _empty(x.shape, torch.int64)) if x.ndim == 1 else None


def _gathered(x: Tensor, indices: Sequence[Tensor | None]) -> Tensor | None:
    """Index the first dimension by one tensor of whole numbers."""
    first = indices[0] if len(indices) == 1 else None
    if first is None or first.dtype != torch.int64 or not x.is_contiguous():
        return None
    return _empty((*first.shape, *x.shape[1:]), x.dtype)


def _divided(x: Tensor, divisor: Any) -> Tensor | None:
    return None if isinstance(divisor, Tensor) and divisor.ndim else _as_it_is(x)


def _empty(shape: Shape, dtype: torch.dtype) -> Tensor:
    return torch.empty(tuple(shape), dtype=dtype, device="meta")


LAWS: dict[Any, Callable[..., Any]] = {
    aten.gelu.default: _as_it_is,
    aten.gelu_backward.default: _gelu_backward,
    aten._softmax.default: _softmax,
    aten._softmax_backward_data.default: _softmax_backward,
    aten.native_dropout.default: _dropout,
    aten.native_layer_norm.default: _layer_norm,
    aten.native_layer_norm_backward.default: _layer_norm_backward,
    aten.addmm.default: _biased_product,
    aten.slice_backward.default: _slice_backward,
    aten.clone.default: _copied,
    aten.topk.default: _best,
    aten.sort.default: _sorted,
    aten.index.Tensor: _gathered,
    aten.index_put.default: _as_it_is,
    aten.scatter.src: _as_it_is,
    aten.floor_divide.default: _divided,
}
