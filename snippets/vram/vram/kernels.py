"""Runs a module the way CUDA would: operators whose kernels keep other tensors on a GPU.

Attention, dropout and RMS norm choose a kernel by device, and the CPU's and meta's choices keep
more than CUDA's; an embedding's backward takes temporaries on CUDA alone. Inside `CudaKernels` each
call keeps and allocates what the CUDA kernel does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from .internals import aten, attention_math, softmax_to_float
from .results import empty_as

ATTENTION = ("flash", "efficient", "math", "eager")
FEW_IDS = 3072  # up to here an embedding's backward needs no sorting

# What an operator's CUDA kernel takes beside its result until it returns, by its arguments.
# Softmax multiplies gradient and output first (cuda/SoftMax.cu: tmp = grad * output).
TEMPORARIES: dict[Any, Callable[..., list[Tensor]]] = {
    aten._softmax_backward_data.default: lambda grad, output, *others: [empty_as(grad)],
}


def default_attention(dtype: torch.dtype, capability: int | None = None) -> str:
    """Return the path that CUDA takes for causal attention of q, k and v in `dtype`.

    Flash needs 16 bits and compute capability 8; before 8 the efficient kernel has no bfloat16, so
    that the scores are kept (ATen/native/transformers/cuda/sdp_utils.cpp). None is a recent card.
    """
    if capability is not None and capability < 8:
        return "math" if dtype == torch.bfloat16 else "efficient"
    return "flash" if dtype.itemsize == 2 else "efficient"


class FlashAttention(torch.autograd.Function):
    """FlashAttention-2 as torch calls it (aten/src/ATen/native/transformers/cuda/flash_attn).

    Keeps q, k, v, out, the float32 log-sum-exp of each query row and the random generator's state.
    Backward holds its float32 sums of dq and of out * grad until it returns, and a dk and dv for
    every query head where heads are shared. Shapes: q (B, H, T, C), k and v (B, K, S, C).
    """

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        batch, heads, length, channels = q.shape
        out = q.new_empty(batch, length, heads, channels).transpose(1, 2)
        sums = q.new_empty(batch, heads, length, dtype=torch.float32)
        seed, unused = q.new_empty(2, dtype=torch.uint64), q.new_empty(1, dtype=torch.uint64)
        ctx.save_for_backward(q, k, v, out, sums, seed, unused)
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v, _, _, _, _ = ctx.saved_tensors
        batch, heads, length, channels = q.shape
        rows, width = _up(length, 128), _up(channels, 32)
        gradients = tuple(t.new_empty(t.transpose(1, 2).shape).transpose(1, 2) for t in (q, k, v))
        held = [
            q.new_empty(batch, heads, rows, dtype=torch.float32),
            q.new_empty(batch, rows, heads, width, dtype=torch.float32),
        ]
        if k.shape[1] != heads:
            held += [k.new_empty(batch, k.shape[2], heads, channels) for _ in "kv"]
        del held
        return gradients[0], gradients[1], gradients[2]


class EfficientAttention(torch.autograd.Function):
    """The memory-efficient kernel (Rabe & Staats 2021, arXiv 2112.05682) as torch calls it.

    Keeps q, k, v, out and a float32 log-sum-exp of each query row, rows rounded up to 32; of a
    boolean mask also what is added to the scores in its place, anew in each layer
    (aten/src/ATen/native/transformers/attention.cpp, convert_boolean_attn_mask).
    """

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
        batch, heads, length, _ = q.shape
        if mask is not None and mask.dtype == torch.bool:
            mask = q.new_empty(mask.shape)
        out = q.new_empty(batch, length, heads, v.shape[-1]).transpose(1, 2)
        sums = q.new_empty(batch, heads, _up(length, 32), dtype=torch.float32)
        ctx.save_for_backward(q, k, v, out, sums, mask)
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        q, k, v, _, sums, _ = ctx.saved_tensors
        gradients = tuple(t.new_empty(t.transpose(1, 2).shape).transpose(1, 2) for t in (q, k, v))
        delta = torch.empty_like(sums)
        accumulated = [t.new_empty(t.shape, dtype=torch.float32) for t in (q, k, v)]
        if q.dtype == torch.float32:
            del accumulated  # float32 gradients are their own sums
        del delta
        return gradients[0], gradients[1], gradients[2], None


class FusedRmsNorm(torch.autograd.Function):
    """CUDA's one kernel for RMS norm: keeps its input and one float32 for each row."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor | None) -> Tensor:
        roots = x.new_empty((*x.shape[:-1], 1), dtype=torch.float32)
        ctx.save_for_backward(x, weight, roots)
        return torch.empty_like(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor | None]:
        x, weight, _ = ctx.saved_tensors
        return torch.empty_like(x), None if weight is None else torch.empty_like(weight)


class SortedEmbedding(torch.autograd.Function):
    """An embedding of more than FEW_IDS ids (cuda/Embedding.cu, cuda/EmbeddingBackwardKernel.cu).

    Backward sorts the ids, six int64 arrays of them in all, and sums one float32 row an id.
    """

    @staticmethod
    def forward(ctx: Any, ids: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(ids)
        ctx.rows = weight.shape[0]
        return torch.embedding(weight, ids)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[None, Tensor]:
        (ids,) = ctx.saved_tensors
        width = grads[0].shape[-1]
        held = [ids.new_empty(ids.numel()) for _ in range(2)]
        gradient = grads[0].new_empty(ctx.rows, width)
        held += [ids.new_empty(ids.numel()) for _ in range(4)]
        wide = torch.promote_types(gradient.dtype, torch.float32)
        held.append(gradient.new_empty(ids.numel(), width, dtype=wide))
        del held
        return None, gradient


class CudaKernels(TorchFunctionMode):
    """A context in which operators keep and take what their CUDA kernels do.

    attention is one of ATTENTION, or None for CUDA's choice by the dtype of q, k and v on a card of
    this major compute capability. Raises ValueError for another. The eager path makes one mask for
    all layers, which lives until `forget`, as a model passes it on; the weights of a layer live
    until the next one's, as a layer returns them.
    """

    def __init__(self, attention: str | None = None, capability: int | None = None) -> None:
        super().__init__()
        if attention is not None and attention not in ATTENTION:
            raise ValueError(f"unknown attention {attention!r}: {', '.join(ATTENTION)}")
        self.attention, self.capability = attention, capability
        self._mask: Tensor | None = None
        self._weights: Tensor | None = None

    def forget(self) -> None:
        """Let go of the mask."""
        self._mask = None

    def end_block(self) -> None:
        """Let go of the weights that a block's attention returned."""
        self._weights = None

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func is F.scaled_dot_product_attention:
            return self._attend(*args, **kwargs)
        if func is F.embedding:
            return _embed(*args, **kwargs)
        if func is F.dropout:
            return _dropout(*args, **kwargs)
        if func is F.rms_norm or func is torch.rms_norm:
            return _rms_norm(*args, **kwargs)
        if func is F.softmax:
            return _softmax(*args, **kwargs)
        return func(*args, **kwargs)

    def _attend(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        *,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> Tensor:
        kernel = self.attention or default_attention(query.dtype, self.capability)
        if kernel == "eager":
            return self._eager(query, key, value, attn_mask, dropout_p, scale)
        if kernel == "flash" and query.dtype.itemsize == 2 and attn_mask is None:
            return _apply(FlashAttention, query, key, value)
        if kernel != "math":
            if enable_gqa and key.shape[1] != query.shape[1]:
                groups = query.shape[1] // key.shape[1]
                key, value = (t.repeat_interleave(groups, dim=1) for t in (key, value))
            return _apply(EfficientAttention, query, key, value, attn_mask)
        masked = (attn_mask, dropout_p, is_causal)
        return attention_math(query, key, value, *masked, scale=scale, enable_gqa=enable_gqa)

    def _eager(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None,
        dropout: float,
        scale: float | None,
    ) -> Tensor:
        """Attend as transformers' eager_attention_forward does: in torch's own operators."""
        self._weights = None
        if mask is None or mask.dtype == torch.bool:
            sides = (query.shape[0], 1, query.shape[2], key.shape[2])
            mask = self._mask = query.new_empty(sides) if self._mask is None else self._mask
        key, value = (_repeated(t, query.shape[1] // t.shape[1]) for t in (key, value))
        weights = torch.matmul(query, key.transpose(2, 3)) * (scale or query.shape[-1] ** -0.5)
        weights = weights + mask
        weights = _softmax(weights, dim=-1, dtype=torch.float32).to(query.dtype)
        weights = _dropout(weights, dropout)
        self._weights = weights
        return torch.matmul(weights, value).transpose(1, 2).contiguous().transpose(1, 2)


def _repeated(heads: Tensor, times: int) -> Tensor:
    """Return each head `times` times; once is the tensor itself (transformers' repeat_kv)."""
    batch, count, length, channels = heads.shape
    if times == 1:
        return heads
    wide = heads[:, :, None].expand(batch, count, times, length, channels)
    return wide.reshape(batch, count * times, length, channels)


def _softmax(
    input: Tensor,  # noqa: A002 - torch's own name
    dim: int | None = None,
    _stacklevel: int = 3,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """CUDA's softmax reads float16 and writes float32 in one kernel (native/SoftMax.cpp)."""
    if dim is not None and input.dtype == torch.float16 and dtype == torch.float32:
        return softmax_to_float(input, dim)
    return F.softmax(input, dim, dtype=dtype)


def _apply(function: type[torch.autograd.Function], *given: Tensor | None) -> Tensor:
    out: Tensor = function.apply(*given)  # type: ignore[no-untyped-call]
    return out


def _embed(
    input: Tensor,  # noqa: A002 - torch's own name
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    if input.numel() <= FEW_IDS or max_norm is not None or scale_grad_by_freq or sparse:
        rest = (padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
        return F.embedding(input, weight, *rest)
    return SortedEmbedding.apply(input, weight)  # type: ignore[no-any-return, no-untyped-call]


def _dropout(
    input: Tensor,  # noqa: A002 - torch's own name
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
) -> Tensor:
    if not training or p == 0:
        return input
    out, _ = torch.native_dropout(input, p, True)  # noqa: FBT003 - torch's own signature
    return out


def _rms_norm(
    input: Tensor,  # noqa: A002 - torch's own name
    normalized_shape: list[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    return FusedRmsNorm.apply(input, weight)  # type: ignore[no-any-return, no-untyped-call]


def _up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple
