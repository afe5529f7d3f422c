"""torch.autocast on CUDA, for tensors on meta, which autocast itself leaves alone.

Products take 16-bit copies of their inputs, and those of trained weights are kept until autocast
ends; reductions and powers take float32 (torch/docs, "CUDA Ops that can autocast").
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

_NARROW = frozenset(
    [
        *(F.linear, F.conv1d, F.conv2d, F.conv3d, F.scaled_dot_product_attention, F.bilinear),
        *(torch.matmul, torch.mm, torch.bmm, torch.addmm, torch.baddbmm, torch.mv, torch.einsum),
        *(Tensor.matmul, Tensor.__matmul__, Tensor.mm, Tensor.bmm, Tensor.addmm),
    ]
)
_WIDE = frozenset(
    [
        *(F.layer_norm, F.group_norm, F.cross_entropy, F.nll_loss, F.mse_loss, F.l1_loss),
        *(F.softmax, torch.softmax, Tensor.softmax, F.log_softmax, torch.log_softmax),
        *(torch.pow, Tensor.pow, Tensor.__pow__, torch.rsqrt, Tensor.rsqrt, torch.exp, Tensor.exp),
        *(torch.sum, Tensor.sum, torch.prod, Tensor.prod, torch.cumsum, Tensor.cumsum),
        *(torch.norm, Tensor.norm, torch.log, Tensor.log, torch.tan, torch.cosh, torch.sinh),
    ]
)


class Autocast(TorchFunctionMode):
    """A context in which operators cast their floating-point inputs as CUDA's autocast does.

    dtype: torch.bfloat16 or torch.float16. Raises ValueError for another.
    """

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        if dtype not in (torch.bfloat16, torch.float16):
            raise ValueError(f"autocast takes bfloat16 or float16: {dtype}")
        self.dtype = dtype
        self._copies: dict[int, Tensor] = {}

    def forget(self) -> None:
        """Let go of the copies of weights, as torch does where autocast ends."""
        self._copies.clear()

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func in _NARROW:
            args, kwargs = self._cast(args, self.dtype), self._cast(kwargs, self.dtype)
        elif func in _WIDE and not kwargs.get("dtype"):
            args, kwargs = self._cast(args, torch.float32), self._cast(kwargs, torch.float32)
        return func(*args, **kwargs)

    def _cast(self, value: Any, dtype: torch.dtype) -> Any:
        if isinstance(value, Tensor):
            return self._copy(value, dtype)
        if isinstance(value, dict):
            return {name: self._cast(each, dtype) for name, each in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self._cast(each, dtype) for each in value)
        return value

    def _copy(self, tensor: Tensor, dtype: torch.dtype) -> Tensor:
        wide = tensor.is_floating_point() and tensor.dtype != torch.float64
        if not wide or tensor.dtype == dtype:
            return tensor
        kept = tensor.is_leaf and tensor.requires_grad and dtype == self.dtype
        if not kept:
            return tensor.to(dtype)
        if id(tensor) not in self._copies:
            self._copies[id(tensor)] = tensor.to(dtype)
        return self._copies[id(tensor)]
