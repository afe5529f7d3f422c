"""One rank of `test_two_ranks`: FSDP2's shards on a CPU, each checked against one whole run.

    python sharded.py RANK RANKS FOLDER

Prints a line for each thing that held, on rank 0, and ends with an error at the first that did not.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from adamw import AdamW
from torch import nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_optimizer_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

EDITS: list[Callable[[torch.Tensor], Any]] = [
    lambda p: p.zero_(),
    lambda p: p.clamp_(min=0.0),
    lambda p: p.fill_(3.0),
    lambda p: p.mul_((p > 0.05).to(p.dtype)),
]


def model_of(seed: int, dtype: torch.dtype, *, sharded: bool) -> nn.Module:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(6, 5), nn.Linear(5, 3)).to(dtype)
    if sharded:
        fully_shard(model, mesh=init_device_mesh("cpu", (dist.get_world_size(),)))
    return model


def step(model: nn.Module, optimizer: torch.optim.Optimizer, t: int) -> None:
    for param in model.parameters():
        whole = torch.cos(torch.arange(param.numel()) * (t + 1.0)).view(param.shape).to(param.dtype)
        sharded = isinstance(param, DTensor)
        param.grad = (
            distribute_tensor(whole, param.device_mesh, param.placements) if sharded else whole
        )
    optimizer.step()


def full(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def masters_under_edits() -> None:
    """A sharded run and a whole one are edited alike: masters and weights stay equal to the bit."""
    options: dict[str, Any] = {"rounding": "master", "state_dtype": torch.float32, "lr": 1e-3}
    runs = []
    for sharded in (True, False):
        model = model_of(0, torch.bfloat16, sharded=sharded)
        optimizer = AdamW(model.parameters(), **options)
        for t, edit in enumerate(EDITS):
            step(model, optimizer, t)
            step(model, optimizer, t + 10)
            with torch.no_grad():
                for param in model.parameters():
                    edit(param)
        step(model, optimizer, 20)
        runs.append((model, optimizer))
    (model, optimizer), (whole, alone) = runs
    for a, b in zip(model.parameters(), whole.parameters(), strict=True):
        assert torch.equal(full(a), b)
        assert torch.equal(full(optimizer.state[a]["master_param"]), alone.state[b]["master_param"])


def through_a_checkpoint(
    saving: Any, loading: Any, folder: Path, *, flat: bool, from_one: bool = False
) -> None:
    """What saving saved in shards (or whole) goes on in loading's shards as if never moved."""
    how = StateDictOptions(flatten_optimizer_state_dict=flat)
    source = model_of(0, torch.float32, sharded=not from_one)
    first = saving(source.parameters(), lr=0.05)
    for t in range(3):
        step(source, first, t)
    saved = {"o": get_optimizer_state_dict(source, first, options=how), "m": source.state_dict()}
    dcp.save(saved, checkpoint_id=folder)
    target = model_of(1, torch.float32, sharded=True)
    second = loading(target.parameters())
    into = {"o": get_optimizer_state_dict(target, second, options=how), "m": target.state_dict()}
    dcp.load(into, checkpoint_id=folder)
    set_optimizer_state_dict(target, second, into["o"], options=how)
    whole = model_of(0, torch.float32, sharded=False)
    alone = torch.optim.AdamW(whole.parameters(), lr=0.05, foreach=False)
    for t in range(5):
        step(whole, alone, t)
    for t in (3, 4):
        step(target, second, t)
    for a, b in zip(target.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(full(a), b.detach(), rtol=1e-6, atol=1e-8)


def fused_step() -> None:
    """fused=True on shards is torch's own fused step on shards, to the bit."""
    ends = []
    for cls in (AdamW, torch.optim.AdamW):
        model = model_of(0, torch.float32, sharded=True)
        optimizer = cls(model.parameters(), fused=True)
        for t in range(3):
            step(model, optimizer, t)
        ends.append([full(param.detach()) for param in model.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*ends, strict=True))


def main(rank: int, ranks: int, folder: Path) -> None:
    torch.set_num_threads(1)
    store = dist.FileStore(str(folder / "store"), ranks)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=ranks)

    def held(what: str) -> None:
        if rank == 0:
            print(f"{what}: as on one rank", flush=True)

    masters_under_edits()
    held("masters under edits")
    fused_step()
    held("fused=True, as torch's")
    names = {torch.optim.AdamW: "torch's AdamW", AdamW: "AdamW"}
    ways = [(torch.optim.AdamW, AdamW), (AdamW, torch.optim.AdamW), (AdamW, AdamW)]
    for number, (saving, loading) in enumerate(ways):
        for flat in (False, True):
            through_a_checkpoint(saving, loading, folder / f"{number}{flat}", flat=flat)
            held(f"{names[saving]} to {names[loading]}, flat={flat}")
    through_a_checkpoint(AdamW, AdamW, folder / "one", flat=False, from_one=True)
    held("AdamW of one rank to AdamW, flat=False")
    dist.barrier()
    sys.stdout.flush()
    os._exit(0)  # unwinding would now and then abort in gloo's threads; all has been said


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
