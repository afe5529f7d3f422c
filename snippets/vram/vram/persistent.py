"""Bytes that stay from one training step to the next, exact, from any nn.Module on any device.

`held` is the one sum: every other count here adds up what it returns. Only shapes and dtypes are
read, so a model on meta is enough; a shared tensor counts once, a buffer of the model never.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
from torch import nn

from .adapters import quantisation_constants
from .optimizers import F32, Buffer, blockwise, maps_of, state_buffers, total_bytes
from .settings import OPTIMIZER, Training
from .sharding import local_parameters

GB = 10**9
GIB = 2**30
PARAMETERS, CONSTANTS = "parameters", "constants of 4-bit weights"
GRADIENTS, MASTERS, STATES = "gradients", "master weights", "optimizer states"
PLAIN = Training()


@dataclass(frozen=True)
class TrainingBytes:
    """Bytes held while training, by purpose; `total` is their sum, `str()` a table."""

    parameters: int
    gradients: int
    master_weights: int
    optimizer_states: int
    constants: int = 0

    @property
    def total(self) -> int:
        """Sum of the parts, in bytes."""
        return sum(vars(self).values())

    def __str__(self) -> str:
        rows = {name.replace("_", " "): count for name, count in vars(self).items()}
        if not self.constants:
            del rows["constants"]
        return "\n".join(_row(name, count) for name, count in {**rows, "total": self.total}.items())


def held(
    model: nn.Module,
    plan: Training = PLAIN,
    *,
    gradient_dtype: torch.dtype | None = None,
    state_dtype: torch.dtype | None = None,
) -> tuple[Buffer, ...]:
    """Return every tensor that one rank holds between steps, gradients included.

    Args:
        model: parameters that require no gradient get no gradient, master copy or state.
        plan: how it is trained; what the host holds is left out, and gradients that a step within
            backward drops.
        gradient_dtype: of the gradients; None is torch's rule, the parameter's own.
        state_dtype: of AdamW's moments; None is torch's rule, the dtype that is updated.
    """
    every = list(enumerate(model.parameters()))
    trained = [(i, p) for i, p in every if p.requires_grad]
    master = plan.master_dtype
    here = OPTIMIZER not in plan.offload
    kept = [] if plan.step_in_backward else trained
    masters = [(i, p) for i, p in trained if here and master and p.dtype != master]
    return (
        *(_local(plan, i, p, PARAMETERS, p.dtype) for i, p in every),
        *(replace(b, purpose=CONSTANTS) for b in quantisation_constants(model)),
        *(_local(plan, i, p, GRADIENTS, gradient_dtype or p.dtype) for i, p in kept),
        *(_local(plan, i, p, MASTERS, master or p.dtype) for i, p in masters),
        *(_states(model, plan, [i for i, _ in trained], state_dtype or master) if here else ()),
    )


def _local(
    plan: Training, index: int, parameter: nn.Parameter, purpose: str, dtype: torch.dtype
) -> Buffer:
    cut = purpose if purpose in (PARAMETERS, GRADIENTS) else "states"
    return Buffer(plan.sharding.local(parameter.shape, cut).numel(), dtype, purpose, index)


def _states(
    model: nn.Module, plan: Training, indices: list[int], dtype: torch.dtype | None
) -> Iterable[Buffer]:
    local = local_parameters(model, plan.sharding, dtype)
    found = state_buffers(local, plan.optimizer, implementation=plan.implementation)
    for place, buffers in enumerate(found):
        index = indices[place] if place < len(indices) else None  # what all share comes last
        yield from (replace(b, parameter=index) for b in buffers)


def bytes_by_purpose(buffers: Iterable[Buffer]) -> dict[str, int]:
    """Return the bytes of each purpose, in the order of the buffers."""
    found: dict[str, int] = {}
    for buffer in buffers:
        found[buffer.purpose] = found.get(buffer.purpose, 0) + buffer.bytes
    return found


def persistent_bytes(model: nn.Module, plan: Training = PLAIN) -> int:
    """Return what one rank holds between steps, gradients included, in bytes, exact."""
    return total_bytes(held(model, plan))


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
    plan = Training(master_dtype=master_dtype)
    found = bytes_by_purpose(held(model, plan, gradient_dtype=grad_dtype, state_dtype=state_dtype))
    return TrainingBytes(
        parameters=found.get(PARAMETERS, 0),
        gradients=found.get(GRADIENTS, 0),
        master_weights=found.get(MASTERS, 0),
        optimizer_states=found.get(STATES, 0),
        constants=found.get(CONSTANTS, 0),
    )


def parameters(model: nn.Module) -> int:
    """Return the number of parameters (elements), frozen ones included, tied ones once.

    A weight packed in four bits (vram.adapters.nf4) counts the elements that it stands for.
    """
    return sum(getattr(p, "unpacked_elements", p.numel()) for p in model.parameters())


def parameter_bytes(model: nn.Module) -> int:
    """Return the bytes of all parameters, each in its own dtype.

    The constants of four-bit weights are buffers: constant_bytes(model) counts them.
    """
    return training_bytes(model).parameters


def gradient_bytes(model: nn.Module, dtype: torch.dtype | None = None) -> int:
    """Return the bytes of one gradient for each trainable parameter.

    dtype=None is torch's rule, the parameter's own dtype.
    """
    return training_bytes(model, grad_dtype=dtype).gradients


def optimizer_state_bytes(
    model: nn.Module,
    optimizer: str = "adamw",
    *,
    update_dtype: torch.dtype | None = None,
    implementation: str = "foreach",
) -> int:
    """Return the bytes of an optimizer's states, exact; arguments as state_buffers'."""
    plan = Training(optimizer=optimizer, implementation=implementation)
    found = held(model, plan, state_dtype=update_dtype)
    return total_bytes(b for b in found if b.purpose == STATES)


def adamw_state_bytes(model: nn.Module, dtype: torch.dtype | None = None) -> int:
    """Return the bytes of AdamW's two moments for each trainable parameter.

    dtype=None is the rule of torch.optim.AdamW, the parameter's own dtype; bitsandbytes and Apex
    keep float32 moments for 16-bit parameters. Left out: torch's step counter, one float32
    scalar (4 bytes, on the CPU) for each tensor.
    """
    return optimizer_state_bytes(model, update_dtype=dtype)


def blockwise_8bit_state_bytes(model: nn.Module, block: int = 256, min_elements: int = 4096) -> int:
    """Return the bytes of AdamW's two moments in blockwise 8-bit form (as bitsandbytes holds them).

    With the defaults it is optimizer_state_bytes(model, "adamw8bit"). Each moment of a trainable
    tensor is one uint8 an element and one float32 absmax for each block begun; a tensor of fewer
    than min_elements elements keeps float32 moments. Where any is in 8 bits, two maps of 256
    float32 are shared by all. Dettmers et al. 2022, arXiv 2110.02861, section 2. Raises ValueError
    if block is below 1 or min_elements below 0.
    """
    law = blockwise(2, 8, block, minimum=min_elements)
    states = [b for p in model.parameters() if p.requires_grad for b in law(p.shape, F32)]
    return total_bytes([*states, *maps_of(states, 2)])


def _row(name: str, count: int) -> str:
    return f"{name:<16} {count:>21,} B {count / GB:>9,.2f} GB {count / GIB:>9,.2f} GiB"
