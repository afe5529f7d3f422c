"""What this package uses of torch that torch does not promise to keep, in one place.

Law: no other module names a private function of torch, but for the foreach body, which is made of
`torch._foreach_*`. Seen in torch 2.13.0, with which the tests run; what is told apart below is
older. A torch that has moved one of these names fails here, at import, and by that name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import Optimizer
from torch.optim.optimizer import _device_dtype_check_for_fused as check_fused
from torch.optim.optimizer import _get_capturable_supported_devices as capturable_devices
from torch.utils._python_dispatch import is_traceable_wrapper_subclass as wraps_tensors

__all__ = [
    "announce_unscaling",
    "capturable_devices",
    "check_capture",
    "check_fused",
    "count_",
    "divide_",
    "fused_adamw_",
    "wraps_tensors",
]

# torch's fused step, `aten/src/ATen/native/cpu/FusedAdamKernel.cpp`. It reads each tensor's memory
# from its first element on, whatever its strides.
fused_adamw_ = torch._fused_adamw_

_CAPTURE_CHECKS = ("_accelerator_graph_capture_health_check", "_cuda_graph_capture_health_check")
"""Names of the check that a step in a graph has capturable=True, the newest first."""

_check = next(name for name in _CAPTURE_CHECKS if hasattr(Optimizer, name))


def check_capture(optimizer: Optimizer) -> None:
    """Raise RuntimeError where a graph is being captured without capturable=True."""
    getattr(optimizer, _check)()


def announce_unscaling(optimizer: Optimizer, *, unscales: bool) -> None:
    """Tell torch.amp.GradScaler whether step() divides by its scale and skips infinities itself."""
    optimizer._step_supports_amp_scaling = unscales  # type: ignore[attr-defined]


def count_(steps: Sequence[Tensor]) -> None:
    """Add 1 to each step."""
    torch._foreach_add_(list(steps), 1)


def divide_(tensors: Sequence[Tensor], number: Any) -> None:
    """Divide each tensor by a number, in place."""
    torch._foreach_div_(list(tensors), number)
