"""Checkpoints through torch.distributed.checkpoint: torch's load here, and ours there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed.checkpoint as dcp
from adamw import AdamW
from torch import nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_optimizer_state_dict,
    set_optimizer_state_dict,
)

RANKS = 2


def model_of(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(6, 5), nn.Linear(5, 3))


def trained(cls: Any, model: nn.Module, **options: Any) -> Any:
    optimizer = cls(model.parameters(), lr=0.05, weight_decay=0.2, **options)
    steps(model, optimizer, 3)
    return optimizer


def steps(model: nn.Module, optimizer: torch.optim.Optimizer, count: int) -> None:
    for t in range(count):
        for param in model.parameters():
            param.grad = torch.cos(torch.arange(param.numel()) * (t + 1.0)).view_as(param).to(param)
        optimizer.step()


WAYS = [(torch.optim.AdamW, AdamW), (AdamW, torch.optim.AdamW), (AdamW, AdamW)]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize(("saving", "loading"), WAYS)
def test_a_checkpoint_of_either_class_goes_on_in_the_other(
    tmp_path: Path, saving: Any, loading: Any, flat: bool
) -> None:
    """State and options saved by one class load into the other and train on to the same bits."""
    how = StateDictOptions(flatten_optimizer_state_dict=flat)
    source = model_of(0)
    first = trained(saving, source, foreach=False)
    saved = {"o": get_optimizer_state_dict(source, first, options=how), "m": source.state_dict()}
    dcp.save(saved, checkpoint_id=tmp_path, no_dist=True)

    target = model_of(1)
    second = loading(target.parameters())
    into = {"o": get_optimizer_state_dict(target, second, options=how), "m": target.state_dict()}
    dcp.load(into, checkpoint_id=tmp_path, no_dist=True)
    set_optimizer_state_dict(target, second, into["o"], options=how)
    assert second.param_groups[0]["lr"] == 0.05
    assert second.param_groups[0]["weight_decay"] == 0.2
    steps(source, first, 2)
    steps(target, second, 2)
    for a, b in zip(source.parameters(), target.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_own_formats_go_through_a_checkpoint(tmp_path: Path) -> None:
    """Masters and codes are saved and loaded like any other state, to the bit."""
    options: dict[str, Any] = {"state_dtype": "8bit", "rounding": "master"}
    both = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        model = nn.Linear(80, 80).to(torch.bfloat16)
        both.append((model, trained(AdamW, model, **options)))
    (source, first), (target, second) = both
    saved = {"o": get_optimizer_state_dict(source, first), "m": source.state_dict()}
    dcp.save(saved, checkpoint_id=tmp_path, no_dist=True)
    into = {"o": get_optimizer_state_dict(target, second), "m": target.state_dict()}
    dcp.load(into, checkpoint_id=tmp_path, no_dist=True)
    set_optimizer_state_dict(target, second, into["o"])
    assert second.param_groups[0]["rounding"] == "master"
    for a, b in zip(source.parameters(), target.parameters(), strict=True):
        assert set(first.state[a]) == set(second.state[b])
        assert all(torch.equal(first.state[a][key], second.state[b][key]) for key in first.state[a])


@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="needs gloo")
def test_two_ranks(tmp_path: Path) -> None:
    """Sharded over two processes: checkpoints both ways, and masters under edits, as on one."""
    worker = Path(__file__).with_name("sharded.py")
    ranks = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", str(worker), str(rank), str(RANKS), str(tmp_path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(RANKS)
    ]
    said = [rank.communicate(timeout=300) for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0] * RANKS, said[0][1] + said[1][1]
    wanted = [
        "masters under edits: as on one rank",
        "fused=True, as torch's: as on one rank",
        *(f"{a} to {b}, flat={f}: as on one rank" for a, b in NAMES for f in (False, True)),
        "AdamW of one rank to AdamW, flat=False: as on one rank",
    ]
    assert said[0][0].splitlines() == wanted


NAMES = [("torch's AdamW", "AdamW"), ("AdamW", "torch's AdamW"), ("AdamW", "AdamW")]
