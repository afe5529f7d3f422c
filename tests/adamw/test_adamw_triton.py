"""The table of the triton body: what its columns say, how long it lives, and whose it is."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch
from adamw import AdamW, triton_table
from adamw.batch import Batch
from adamw.triton_table import Row, Table, Tables
from torch import nn

from .test_adamw_bodies import home, make

BLOCK = 1024


def batch_of(*params: torch.Tensor) -> Batch:
    """A batch of parameters that are their own gradients and moments."""
    tensors = list(params)
    state = {"exp_avg": tensors, "exp_avg_sq": tensors}
    steps = [torch.zeros(()) for _ in tensors]
    return Batch(tensors, tensors, steps, state, [7 + i for i in range(len(tensors))])


def test_a_row_says_where_a_tensor_is_and_how_far_it_reaches() -> None:
    """Addresses stand under their names, 0 where there is none, and blocks count end to end."""
    a, b = torch.ones(1025), torch.ones(3)
    first, second = triton_table.rows(batch_of(a, b), BLOCK)
    assert (first.param, first.exp_avg_sq, first.max_exp_avg_sq) == (a.data_ptr(), a.data_ptr(), 0)
    assert (first.exp_avg_scales, first.master_param) == (0, 0)
    assert (first.elements, first.first_block, first.stream) == (1025, 0, 7)
    assert (second.elements, second.first_block, second.stream) == (3, 2, 8)
    table = Tables().of(batch_of(a, b), BLOCK, capturing=False)
    assert table.programs == 3
    assert table.host[1, triton_table.column("elements")] == 3


def tables_of(optimizer: AdamW) -> Tables:
    found = optimizer._kept["triton"]
    assert isinstance(found, Tables)
    return found


def recent(optimizer: AdamW) -> list[Table]:
    return list(tables_of(optimizer).recent.values())


def test_the_kernel_is_told_how_addresses_are_aligned() -> None:
    """Loads of 16 bytes are promised only where each address is a multiple of 16."""
    device = home("triton")
    for start, align in ((0, 16), (1, 1)):
        param = nn.Parameter(torch.randn(1300, device=device)[start:])
        param.grad = torch.ones(1300 - start, device=device)
        optimizer = AdamW([param], backend="triton")
        optimizer.step()
        assert [table.align for table in recent(optimizer)] == [align]


@pytest.mark.parametrize("name", triton_table.ALIGNED)
def test_one_address_that_is_not_aligned_is_enough(name: str) -> None:
    """Each tensor that a program reads counts for the promise."""
    whole = Row(*(32 for _ in Row._fields))
    for row, align in ((whole, 16), (whole._replace(**{name: 34}), 1)):
        assert triton_table._new([whole, row], torch.device("cpu"), BLOCK).align == align


def test_tables_of_addresses_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gradients at ever new addresses do not fill the memory with tables."""
    device = home("triton")
    monkeypatch.setattr(triton_table, "KEPT_TABLES", 2)
    (param,) = make(device, torch.float32, [(3,)])
    optimizer = AdamW([param], backend="triton")
    gradients = [torch.ones_like(param) for _ in "abcd"]
    for gradient in gradients:
        param.grad = gradient
        optimizer.step()
    addresses = [gradient.data_ptr() for gradient in gradients]
    column = triton_table.column("grad")
    assert [int(table.host[0, column]) for table in recent(optimizer)] == addresses[-2:]


def test_the_same_addresses_are_the_same_table() -> None:
    """A step on the tensors of the last one copies no address."""
    device = home("triton")
    optimizer = AdamW(make(device, torch.float32, [(3,), (5,)]), backend="triton")
    optimizer.step()
    (first,) = recent(optimizer)
    optimizer.step()
    assert [table is first for table in recent(optimizer)] == [True]


def test_a_captured_table_stays_and_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often a graph is captured on the same tensors, one table is kept, and for good."""
    monkeypatch.setattr(triton_table, "KEPT_TABLES", 1)
    tables, batch = Tables(), batch_of(torch.ones(3))
    captured = tables.of(batch, BLOCK, capturing=True)
    others = [batch_of(torch.ones(3)) for _ in "abc"]
    for other in others:
        tables.of(other, BLOCK, capturing=False)
    assert tables.of(batch, BLOCK, capturing=True) is captured
    assert tables.of(batch, BLOCK, capturing=False) is captured
    assert list(tables.captured.values()) == [captured]


def test_tables_go_with_their_optimizer() -> None:
    """An optimizer that is gone leaves no table behind, captured ones included."""
    device = home("triton")
    params = make(device, torch.float32, [(3,)])
    first, second = (AdamW(params, backend="triton") for _ in "ab")
    for optimizer in (first, second):
        optimizer.step()
    tables = weakref.ref(tables_of(first))
    assert tables() is not tables_of(second)
    del first, optimizer
    gc.collect()
    assert tables() is None
