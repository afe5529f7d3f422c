"""Bytes that stay from one training step to the next, exact, from any nn.Module on any device.

Only shapes and dtypes are read, so a model on the meta device is enough. A tensor is counted once
however many modules share it, and buffers never are. Not here: activations, temporaries,
rounding by the allocator.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

GB = 10**9
GIB = 2**30


@dataclass(frozen=True)
class TrainingBytes:
    """Bytes held while training, by purpose; `total` is their sum, `str()` a table."""

    parameters: int
    gradients: int
    master_weights: int
    optimizer_states: int

    @property
    def total(self) -> int:
        """Sum of the four parts, in bytes."""
        return self.parameters + self.gradients + self.master_weights + self.optimizer_states

    def __str__(self) -> str:
        rows = {
            "parameters": self.parameters,
            "gradients": self.gradients,
            "master weights": self.master_weights,
            "optimizer states": self.optimizer_states,
            "total": self.total,
        }
        return "\n".join(_row(name, count) for name, count in rows.items())


def parameters(model: nn.Module) -> int:
    """Return the number of parameters (elements), frozen ones included, tied ones once.

    A weight packed in four bits (vram.nf4) counts the elements that it stands for.
    """
    return sum(getattr(p, "unpacked_elements", p.numel()) for p in model.parameters())


def parameter_bytes(model: nn.Module) -> int:
    """Return the bytes of all parameters, each in its own dtype.

    The constants of four-bit weights are buffers: constant_bytes(model) counts them.
    """
    return sum(p.numel() * p.dtype.itemsize for p in model.parameters())


def gradient_bytes(model: nn.Module, dtype: torch.dtype | None = None) -> int:
    """Return the bytes of one gradient for each trainable parameter.

    dtype=None is torch's rule, the parameter's own dtype.
    """
    return sum(p.numel() * (dtype or p.dtype).itemsize for p in _trainable(model))


def adamw_state_bytes(model: nn.Module, dtype: torch.dtype | None = None) -> int:
    """Return the bytes of AdamW's two moments for each trainable parameter.

    dtype=None is the rule of torch.optim.AdamW, the parameter's own dtype; bitsandbytes and Apex
    keep float32 moments for 16-bit parameters. Left out: torch's step counter, one float32
    scalar (4 bytes, on the CPU) for each tensor.
    """
    return 2 * gradient_bytes(model, dtype)


def blockwise_8bit_state_bytes(model: nn.Module, block: int = 256, min_elements: int = 4096) -> int:
    """Return the bytes of AdamW's two moments in blockwise 8-bit form (as bitsandbytes holds them).

    Each moment of a trainable tensor is one uint8 an element and one float32 absmax for each block
    begun; a tensor of fewer than min_elements elements keeps float32 moments. Left out: the two
    256-entry float32 code maps, 2,048 bytes shared by all tensors, and the step counters.
    Dettmers et al. 2022, arXiv 2110.02861, section 2. Raises ValueError if block is below 1 or
    min_elements below 0.
    """
    if block < 1:
        raise ValueError(f"block must be at least 1: {block}")
    if min_elements < 0:
        raise ValueError(f"min_elements must be at least 0: {min_elements}")
    sizes = [p.numel() for p in _trainable(model)]
    return 2 * sum(4 * n if n < min_elements else _blockwise_8bit_bytes(n, block) for n in sizes)


def training_bytes(
    model: nn.Module,
    *,
    state_dtype: torch.dtype | None = None,
    grad_dtype: torch.dtype | None = None,
    master_dtype: torch.dtype | None = None,
) -> TrainingBytes:
    """Return what training the model with AdamW holds between steps, in bytes.

    Args:
        model: parameters that do not require a gradient get no gradient, master copy or state.
        state_dtype: dtype of the two moments; None is torch's rule, the dtype of the tensor that
            the optimizer updates: the master copy where there is one, else the parameter.
        grad_dtype: dtype of gradients; None is the parameter's own.
        master_dtype: dtype of a second, more precise copy of the trainable parameters; None is no
            copy. A parameter already of this dtype is its own master and costs nothing more.
    """
    return TrainingBytes(
        parameters=parameter_bytes(model),
        gradients=gradient_bytes(model, grad_dtype),
        master_weights=_master_bytes(model, master_dtype),
        optimizer_states=adamw_state_bytes(model, state_dtype or master_dtype),
    )


def _trainable(model: nn.Module) -> Iterator[nn.Parameter]:
    return (p for p in model.parameters() if p.requires_grad)


def _master_bytes(model: nn.Module, dtype: torch.dtype | None) -> int:
    if dtype is None:
        return 0
    return sum(p.numel() * dtype.itemsize for p in _trainable(model) if p.dtype != dtype)


def _blockwise_8bit_bytes(elements: int, block: int) -> int:
    blocks = -(-elements // block)
    return elements + 4 * blocks


def _row(name: str, count: int) -> str:
    return f"{name:<16} {count:>21,} B {count / GB:>9,.2f} GB {count / GIB:>9,.2f} GiB"
