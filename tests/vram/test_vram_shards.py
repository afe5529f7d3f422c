"""One of N ranks holds the bytes that torch's own shards take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from vram import Sharding, Training, estimate, llama
from vram.persistent import persistent_bytes
from vram.shapes import LlamaShape

SMALL = LlamaShape(2, 64, 96, 4, 2, 100, tied=False)


@pytest.mark.parametrize(
    ("sharding", "expected"),
    [
        (Sharding(1, 3), (100, 100, 100)),
        (Sharding(4, 0), (100, 100, 100)),
        (Sharding(4, 1), (100, 100, 30)),
        (Sharding(4, 2), (100, 30, 30)),
        (Sharding(4, 3), (30, 30, 30)),
        (Sharding(4, 3, "zero"), (25, 25, 25)),
    ],
)
def test_a_rank_holds_its_share(sharding: Sharding, expected: tuple[int, ...]) -> None:
    """Of ten rows of ten, one of four ranks holds three rows, or twenty-five elements."""
    shape = torch.Size([10, 10])
    names = ("parameters", "gradients", "states")
    assert tuple(sharding.local(shape, name).numel() for name in names) == expected


@contextmanager
def fake_ranks(count: int) -> Iterator[None]:
    """A process group of `count` ranks in this process, whose messages go nowhere."""
    from torch import distributed
    from torch.testing._internal.distributed.fake_pg import FakeStore

    distributed.init_process_group("fake", store=FakeStore(), rank=0, world_size=count)
    try:
        yield
    finally:
        distributed.destroy_process_group()


@pytest.mark.filterwarnings("ignore")
def test_shards_are_fully_shards_own() -> None:
    """Rank 0 of torch's fully_shard holds the predicted bytes, gradients and states included."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    shape = LlamaShape(1, 60, 90, 3, 3, 101, tied=False)
    with fake_ranks(4):
        model = llama(shape, device="cpu", dtype=torch.float32)
        fully_shard(model, mesh=init_device_mesh("cpu", (4,)))
        optimizer = torch.optim.AdamW(model.parameters())
        local = [p.to_local() for p in model.parameters()]
        for p in model.parameters():
            p.grad = torch.zeros_like(p)
        optimizer.step()
        grads = [p.grad.to_local() for p in model.parameters() if p.grad is not None]
        states = [
            s[k].to_local() for s in optimizer.state.values() for k in ("exp_avg", "exp_avg_sq")
        ]
        held = sum(t.numel() * t.element_size() for t in (*local, *grads, *states))
    plan = Training(sharding=Sharding(4, 3))
    assert persistent_bytes(llama(shape, dtype=torch.float32), plan) == held


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_sharded_answers_add_up(stage: int) -> None:
    """Shards of any stage give parts that add up, and say what is not counted."""
    plan = Training(sequence=16, sharding=Sharding(4, stage))
    found = estimate(llama(SMALL), plan)
    assert sum(part.bytes for part in found.parts) == found.high_bytes
    assert found.persistent_bytes < estimate(llama(SMALL), sequence=16).persistent_bytes
    backward = next(moment for moment in found.moments if moment.phase == "backward")
    gathered = [part.name for part in backward.parts if "gathered" in part.name]
    assert len(gathered) == {1: 0, 2: 2, 3: 2}[stage]
    assert "buffers of NCCL" in found.not_counted


@pytest.mark.parametrize(
    "arguments", [{"ranks": 0}, {"ranks": float("nan")}, {"stage": 4}, {"layout": "rows"}]
)
def test_senseless_shards_are_refused(arguments: dict[str, Any]) -> None:
    """No ranks, a fourth stage or an unknown layout is a ValueError."""
    with pytest.raises(ValueError, match=next(iter(arguments))):
        Sharding(**arguments)
