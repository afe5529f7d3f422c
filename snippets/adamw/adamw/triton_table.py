"""The table that a launch of the triton body reads: one row of int64 a tensor, columns named here.

Law: kernels and body know a column by the name of a field, never by its number. Addresses go to
the device in one asynchronous copy, and only when one has changed. Nothing here imports Triton.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import accumulate
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .batch import Batch
from .layout import MOMENTS


class Row(NamedTuple):
    """A tensor's row: addresses, 0 where its format has no such tensor, and how far it reaches."""

    param: int
    grad: int
    step: int
    exp_avg: int
    exp_avg_sq: int
    max_exp_avg_sq: int
    exp_avg_scales: int
    exp_avg_sq_scales: int
    max_exp_avg_sq_scales: int
    master_param: int
    elements: int
    first_block: int  # a program takes a block; the batch's tensors lie end to end
    stream: int  # of its noise


class Scalars(NamedTuple):
    """The float64 numbers of a tensor's step, which `advance` leaves for `update`."""

    keep: float  # 1 - lr * weight_decay
    beta1: float
    one_minus_beta1: float
    beta2: float
    one_minus_beta2: float
    eps: float
    step_size: float  # lr / (1 - beta1**t)
    inverse_root_correction: float  # (1 - beta2**t) ** -0.5


ALIGNED = ("param", "grad", "exp_avg", "exp_avg_sq", "max_exp_avg_sq", "master_param")
"""Columns of addresses that a program reads 16 bytes at a time where all of them allow it."""

KEPT_TABLES = 64
"""Tables remembered; a batch whose addresses were seen before needs no copy."""


def column(name: str) -> int:
    """Return the number of a column of the table, by its name in `Row`."""
    return Row._fields.index(name)


def scalar(name: str) -> int:
    """Return the number of a tensor's scalar, by its name in `Scalars`."""
    return Scalars._fields.index(name)


class Table(NamedTuple):
    """Rows of a batch, on its device and on the host, and what the launches need beside them."""

    addresses: Tensor
    host: Tensor
    scalars: Tensor
    programs: int
    align: int


class Tables:
    """The tables of one optimizer; they live no longer than it does.

    Recent ones are forgotten in the order of their last use. A graph replays its launches with the
    tables that it was captured with, on the state of its optimizer: captured ones stay.
    """

    def __init__(self) -> None:
        self.recent: OrderedDict[Any, Table] = OrderedDict()
        self.captured: dict[Any, Table] = {}

    def of(self, batch: Batch, block: int, *, capturing: bool) -> Table:
        """Return the table of batch, from memory if every address is as it was then."""
        made, device = rows(batch, block), batch.params[0].device
        key = (device, tuple(made))
        table = self.captured.get(key) or self.recent.pop(key, None) or _new(made, device, block)
        if capturing:
            self.captured[key] = table
            return table
        self.recent[key] = table
        if len(self.recent) > KEPT_TABLES:
            self.recent.popitem(last=False)
        return table


def rows(batch: Batch, block: int) -> list[Row]:
    """Return each tensor's row, where a program takes so many elements."""
    lists: dict[str, list[Tensor] | None] = {
        "param": batch.params,
        "grad": batch.grads,
        "step": batch.steps,
        "master_param": batch.state.get("master_param"),
    }
    for moment in MOMENTS:
        lists[moment] = batch.state.get(f"{moment}_codes") or batch.state.get(moment)
        lists[f"{moment}_scales"] = batch.state.get(f"{moment}_scales")
    nothing = [0] * len(batch.params)
    columns = {name: [t.data_ptr() for t in own] if own else nothing for name, own in lists.items()}
    columns["elements"] = [param.numel() for param in batch.params]
    ends = accumulate(_blocks(elements, block) for elements in columns["elements"])
    columns["first_block"] = [0, *ends][:-1]
    columns["stream"] = batch.streams
    return [Row(*row) for row in zip(*map(columns.__getitem__, Row._fields), strict=True)]


def _blocks(elements: int, block: int) -> int:
    return -(-elements // block)


def _new(made: list[Row], device: torch.device, block: int) -> Table:
    host = torch.tensor(made, dtype=torch.int64)
    if device.type == "cuda":
        host = host.pin_memory()
    last = made[-1]
    unaligned = any(getattr(row, name) % 16 for row in made for name in ALIGNED)
    return Table(
        addresses=host.to(device, non_blocking=True),
        host=host,
        scalars=torch.empty(len(made), len(Scalars._fields), dtype=torch.float64, device=device),
        programs=last.first_block + _blocks(last.elements, block),
        align=1 if unaligned else 16,
    )
