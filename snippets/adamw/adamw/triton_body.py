"""The triton body: a whole batch in two launches, whatever the number of tensors.

Law: step() reads nothing back. Addresses go to the device as `triton_table` says; all that depends
on the step (corrections, noise, found_inf) is computed there. So a step can be captured in a CUDA
graph once it has run (torch's warm-up).
"""

from __future__ import annotations

import struct
from typing import Any

import torch
import triton.language as tl
from torch import Tensor

from . import eight_bit, torch_internals, triton_kernels
from .batch import Batch, Options
from .dense import dense
from .triton_table import Table, Tables

kernels: Any = triton_kernels  # Triton gives its kernels no types

DTYPES = {
    torch.float64: tl.float64,
    torch.float32: tl.float32,
    torch.bfloat16: tl.bfloat16,
    torch.float16: tl.float16,
    torch.uint8: tl.uint8,
}

ROWS, WARPS = 4, 4
"""A program updates 4 rows of 256 elements with 128 threads: 8 elements a thread, one or two loads
of 16 bytes an operand, all under way before the first use. For compute capability 9.0 Triton 3.9
compiles that to 56 registers a thread in float32 and 48 in bfloat16, with nothing spilled."""


def update(batch: Batch, options: Options) -> None:
    """Advance batch by one step, in place. See `batch` for the contract of a body."""
    arranged, write_back = dense(batch)
    if not any(param.numel() for param in arranged.params):
        torch_internals.count_(arranged.steps)
        return
    _launch(_table(arranged), arranged, options)
    for param, copy in write_back:
        param.copy_(copy)


def _launch(table: Table, batch: Batch, options: Options) -> None:
    tensors, device = len(batch.params), batch.params[0].device
    step_dtype = DTYPES[batch.steps[0].dtype]
    found_inf = _on(device, options.found_inf)
    rates = (_number(value, device) for value in (options.lr, options.beta1, options.beta2))
    numbers, pointers = zip(*rates, strict=True)
    kernels.advance[(tensors,)](
        table.addresses,
        table.scalars,
        found_inf,
        *pointers,
        *(_bits(x) for x in (*numbers, options.eps, float(options.weight_decay))),
        STEP_DTYPE=step_dtype,
        num_warps=1,
    )
    kernels.update[(table.programs,)](
        table.addresses,
        table.scalars,
        _on(device, options.grad_scale),
        found_inf,
        eight_bit.values(device, signed=True),
        eight_bit.values(device, signed=False),
        tensors,
        options.seed,
        STEP_DTYPE=step_dtype,
        ALIGN=table.align,
        HALVINGS=max(tensors - 1, 0).bit_length(),
        ROWS=ROWS,
        num_warps=WARPS,
        **_formats(batch, options),
    )


def _formats(batch: Batch, options: Options) -> dict[str, Any]:
    """Return what the kernel is compiled for."""
    param = batch.params[0].dtype
    codes = "exp_avg_codes" in batch.state
    moment = torch.uint8 if codes else batch.state["exp_avg"][0].dtype
    return {
        "PARAM_DTYPE": DTYPES[param],
        "GRAD_DTYPE": DTYPES[batch.grads[0].dtype],
        "MOMENT_DTYPE": DTYPES[moment],
        "COMPUTE": tl.float64 if param == torch.float64 else tl.float32,
        "CODES": codes,
        "AMSGRAD": options.amsgrad,
        "MAXIMIZE": options.maximize,
        "ROUNDING": options.rounding if param == torch.bfloat16 else "nearest",
    }


def _number(value: float | Tensor, device: torch.device) -> tuple[float, Tensor | None]:
    """Return value as a number, or as a pointer for the kernel if it lives on the device."""
    if isinstance(value, Tensor) and not (value.is_cpu and device.type != "cpu"):
        return 0.0, value
    return float(value), None


def _bits(value: float) -> int:
    """Return the bits of a float64 as an integer, which a kernel takes whole."""
    return int(struct.unpack("<q", struct.pack("<d", value))[0])


def _on(device: torch.device, scalar: Tensor | None) -> Tensor | None:
    return None if scalar is None else scalar.to(device, non_blocking=True)


def _table(batch: Batch) -> Table:
    kept = {} if batch.kept is None else batch.kept
    tables: Tables = kept.setdefault("triton", Tables())
    capturing = batch.params[0].is_cuda and torch.cuda.is_current_stream_capturing()
    return tables.of(batch, ROWS * eight_bit.BLOCK, capturing=capturing)
