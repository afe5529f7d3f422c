"""The triton body: a whole batch in two launches, whatever the number of tensors.

Law: step() reads nothing back. Addresses go to the device in one asynchronous copy, and only
when one has changed; all that depends on the step (corrections, noise, found_inf) is computed
there. So a step can be captured in a CUDA graph once it has run (torch's warm-up).
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from typing import Any, NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

from . import eight_bit, triton_kernels
from .batch import Batch, Options
from .layout import MOMENTS

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

KEPT_TABLES = 64
"""Tables remembered; a batch whose addresses were seen before needs no copy."""


class Table(NamedTuple):
    """Addresses of a batch on its device, and what the launches need to know of it."""

    addresses: Tensor
    host: Tensor
    scalars: Tensor
    programs: int
    align: int


_tables: OrderedDict[Any, Table] = OrderedDict()
_captured: list[Table] = []  # a graph replays its launches with these, for as long as it lives


def update(batch: Batch, options: Options) -> None:
    """Advance batch by one step, in place. See `batch` for the contract of a body."""
    dense, write_back = _dense(batch)
    if not any(param.numel() for param in dense.params):
        torch._foreach_add_(dense.steps, 1)
        return
    table = _table(dense)
    _launch(table, dense, options)
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
    """Return the table of batch, from memory if every address is as it was then."""
    rows = _rows(batch)
    key = (batch.params[0].device, tuple(rows))
    table = _tables.pop(key, None) or _new_table(rows, batch.params[0].device)
    _tables[key] = table
    if len(_tables) > KEPT_TABLES:
        _tables.popitem(last=False)
    if batch.params[0].is_cuda and torch.cuda.is_current_stream_capturing():
        _captured.append(table)
    return table


def _rows(batch: Batch) -> list[tuple[int, ...]]:
    """Return each tensor's row of the table, as `kernels` orders its columns."""
    nothing = [0] * len(batch.params)
    scales = (batch.state.get(f"{moment}_scales") for moment in MOMENTS)
    moments = (batch.state.get(f"{m}_codes") or batch.state.get(m) for m in MOMENTS)
    remainders = batch.state.get("master_remainder")
    lists = [batch.params, batch.grads, batch.steps, *moments, *scales, remainders]
    columns = [[t.data_ptr() for t in tensors] if tensors else nothing for tensors in lists]
    elements = [param.numel() for param in batch.params]
    first_blocks, programs = [], 0
    for count in elements:
        first_blocks.append(programs)
        programs += triton.cdiv(count, ROWS * eight_bit.BLOCK)
    return list(zip(*columns, elements, first_blocks, batch.streams, strict=True))


def _new_table(rows: list[tuple[int, ...]], device: torch.device) -> Table:
    host = torch.tensor(rows, dtype=torch.int64)
    if device.type == "cuda":
        host = host.pin_memory()
    used = host[:, [0, 1, 3, 4, 5, 9]]
    last = rows[-1]
    return Table(
        addresses=host.to(device, non_blocking=True),
        host=host,
        scalars=torch.empty(len(rows), 8, dtype=torch.float64, device=device),
        programs=last[11] + triton.cdiv(last[10], ROWS * eight_bit.BLOCK),
        align=16 if not (used % 16).any() else 1,
    )


def _dense(batch: Batch) -> tuple[Batch, list[tuple[Tensor, Tensor]]]:
    """Return batch with every tensor in its state's memory order, and parameters to copy back.

    Almost always batch itself: parameters without holes, gradients laid out like them.
    """
    orders = batch.state.get("exp_avg_codes") or batch.state["exp_avg"]
    params = [_like(order, param) for order, param in zip(orders, batch.params, strict=True)]
    grads = [_like(order, grad) for order, grad in zip(orders, batch.grads, strict=True)]
    copies = [(a, b) for a, b in zip(batch.params, params, strict=True) if a is not b]
    return batch._replace(params=params, grads=grads), copies


def _like(order: Tensor, tensor: Tensor) -> Tensor:
    if tensor.stride() == order.stride() or (tensor.is_contiguous() and order.is_contiguous()):
        return tensor
    return torch.empty_like(order, dtype=tensor.dtype).copy_(tensor)
