"""rounding="master": a float32 run in bfloat16 weights, whatever else writes to those weights.

The rule: a master counts for the weight that it was stored with. A weight that something else set
since, in whatever way, counts itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from adamw import AdamW, state_bytes
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from .test_adamw_bodies import home
from .training import params_of

SHAPES = [(), (37,), (6, 5)]

Edit = Callable[[Tensor, torch.Generator], Any]


def some(param: Tensor, random: torch.Generator) -> Tensor:
    """A random half of a parameter's elements."""
    return torch.rand(param.shape, generator=random) < 0.5


# What callbacks, pruning, clipping, resets and reloads do to a weight between steps.
EDITS: dict[str, Edit] = {
    "nothing": lambda p, random: None,
    "zero": lambda p, random: p.zero_(),
    "minus zero": lambda p, random: p.fill_(-0.0),
    "three": lambda p, random: p.fill_(3.0),
    "mask": lambda p, random: p.mul_(some(p, random)),
    "clamp": lambda p, random: p.clamp_(min=0.0),
    "scale": lambda p, random: p.mul_(0.5),
    "negate some": lambda p, random: p.copy_(torch.where(some(p, random), -p, p)),
    "next bfloat16": lambda p, random: p.copy_((p.view(torch.int16) + 1).view(p.dtype)),
    "draw some": lambda p, random: p.copy_(
        torch.where(some(p, random), torch.randn(p.shape, generator=random).to(p.dtype), p)
    ),
    "the same": lambda p, random: p.copy_(p.clone()),
    "there and back": lambda p, random: p.add_(p).mul_(0.5),
    "infinite": lambda p, random: p.masked_fill_(some(p, random), torch.inf),
    "nan": lambda p, random: p.masked_fill_(some(p, random), torch.nan),
    "nan to 0": lambda p, random: p.copy_(p.nan_to_num(0.0)),
    "by data": lambda p, random: p.data.fill_(1.0),  # past autograd's version counter
}


def pair(body: str, seed: int) -> tuple[AdamW, AdamW]:
    """A bfloat16 run with masters, and the float32 run that it should be."""
    random = torch.Generator().manual_seed(seed)
    drawn = [torch.randn(shape, generator=random).to(torch.bfloat16) for shape in SHAPES]
    options: dict[str, Any] = {"backend": body, "lr": 1e-3}
    narrow = AdamW(
        [nn.Parameter(t.to(home(body))) for t in drawn],
        rounding="master",
        state_dtype=torch.float32,
        **options,
    )
    wide = AdamW([nn.Parameter(t.to(home(body)).float()) for t in drawn], **options)
    return narrow, wide


def edit(narrow: AdamW, wide: AdamW, how: Edit, random: torch.Generator) -> None:
    """Edit the bfloat16 weights, and bring the float32 ones to the rule."""
    for n, w in zip(params_of(narrow), params_of(wide), strict=True):
        before = n.detach().clone()
        with torch.no_grad():
            moved = n.detach().cpu()
            how(moved, random)
            n.copy_(moved)
            w.copy_(torch.where(n == before, w, n.float()))


def step(narrow: AdamW, wide: AdamW, random: torch.Generator) -> None:
    for n, w in zip(params_of(narrow), params_of(wide), strict=True):
        n.grad = torch.randn(n.shape, generator=random).to(n)
        w.grad = n.grad.float()
    narrow.step()
    wide.step()


def assert_follows(narrow: AdamW, wide: AdamW) -> None:
    for n, w in zip(params_of(narrow), params_of(wide), strict=True):
        master = narrow.state[n]["master_param"]
        torch.testing.assert_close(master, w.detach(), rtol=0, atol=0, equal_nan=True)
        nearest = w.detach().to(torch.bfloat16)
        torch.testing.assert_close(n.detach(), nearest, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("name", EDITS)
@pytest.mark.parametrize("body", ["reference", "foreach", "triton"])
def test_an_edit_counts_for_the_weights_that_it_changed_alone(body: str, name: str) -> None:
    """After any edit each body goes on from what it set, and elsewhere from the masters."""
    narrow, wide = pair(body, seed=1)
    random = torch.Generator().manual_seed(2)
    for _ in range(2):
        step(narrow, wide, random)
        edit(narrow, wide, EDITS[name], random)
        step(narrow, wide, random)
    assert_follows(narrow, wide)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**31),
    edits=st.lists(st.sampled_from(sorted(EDITS)), min_size=1, max_size=6),
    body=st.sampled_from(["reference", "foreach"]),
)
def test_any_edits_in_any_order_follow_the_rule(seed: int, edits: list[str], body: str) -> None:
    """Bit for bit a float32 run whose weights were set where the bfloat16 ones changed."""
    narrow, wide = pair(body, seed)
    random = torch.Generator().manual_seed(seed)
    for name in edits:
        step(narrow, wide, random)
        edit(narrow, wide, EDITS[name], random)
    step(narrow, wide, random)
    assert_follows(narrow, wide)


@pytest.mark.parametrize("body", ["reference", "foreach", "triton"])
def test_a_master_half_way_between_two_weights_rounds_to_the_even_one(body: str) -> None:
    """Every body rounds a tie as torch and hardware do, or another would see an edit in it."""
    ties = torch.tensor([1.0, 1.0 + 2**-7, -1.0, 3.0]) + 2**-8
    param = nn.Parameter(ties.to(home(body), torch.bfloat16))
    param.grad = torch.ones_like(param)
    options: dict[str, Any] = {"rounding": "master", "state_dtype": torch.float32, "lr": 0.0}
    optimizer = AdamW([param], backend=body, **options)
    optimizer.step()
    optimizer.state[param]["master_param"].copy_(ties)
    optimizer.step()
    assert torch.equal(optimizer.state[param]["master_param"].cpu(), ties)
    assert torch.equal(param.detach().cpu(), ties.to(torch.bfloat16))


def test_a_weight_set_from_outside_is_the_master_exactly() -> None:
    """Weights set to 3 are 3.0 in float32 too: with a gradient of 0 the master is 3, no more."""
    narrow, wide = pair("foreach", seed=0)
    step(narrow, wide, torch.Generator().manual_seed(0))
    narrow.param_groups[0]["lr"] = 0.0
    for param in params_of(narrow):
        param.data.fill_(3.0)
    narrow.step()
    assert all(narrow.state[p]["master_param"].eq(3.0).all() for p in params_of(narrow))


def test_a_reloaded_model_trains_on_from_what_was_loaded() -> None:
    """load_state_dict of the first weights, zero biases among them, starts from those.

    A weight that was where it is loaded to has not changed: its master counts.
    """
    torch.manual_seed(0)
    model = nn.Linear(64, 64).to(torch.bfloat16)
    nn.init.zeros_(model.bias)
    first = {name: value.clone() for name, value in model.state_dict().items()}
    options: dict[str, Any] = {"rounding": "master", "state_dtype": torch.float32}
    optimizer = AdamW(model.parameters(), lr=1e-4, **options)
    for _ in range(4):
        for param in model.parameters():
            param.grad = torch.randn_like(param)
        optimizer.step()
    moved = [
        p.detach() != start for p, start in zip(model.parameters(), first.values(), strict=True)
    ]
    model.load_state_dict(first)
    optimizer.param_groups[0]["lr"] = 0.0
    optimizer.step()
    for param, start, far in zip(model.parameters(), first.values(), moved, strict=True):
        master = optimizer.state[param]["master_param"]
        assert torch.equal(master.to(torch.bfloat16), start)
        assert torch.equal(master[far], start[far].float())
        assert far.any()


@pytest.mark.parametrize("weights_first", [True, False])
def test_a_load_may_come_before_or_after_the_weights(weights_first: bool) -> None:
    """Masters fit the weights that they were saved with, whichever of the two is loaded first."""
    narrow, wide = pair("foreach", seed=3)
    random = torch.Generator().manual_seed(4)
    for _ in range(3):
        step(narrow, wide, random)
    again, _ = pair("foreach", seed=5)

    def load_weights() -> None:
        for param, value in zip(params_of(again), params_of(narrow), strict=True):
            param.data.copy_(value)

    loads = [load_weights, lambda: again.load_state_dict(narrow.state_dict())]
    for load in loads if weights_first else reversed(loads):
        load()
    step(again, wide, random)
    assert_follows(again, wide)


def test_a_state_without_masters_loads_and_the_weights_count() -> None:
    """A checkpoint of another rounding, or of torch, starts the masters at the weights."""
    _, wide = pair("foreach", seed=6)
    torchs = torch.optim.AdamW([p.detach().bfloat16() for p in params_of(wide)])
    for param in params_of(torchs):
        param.grad = torch.ones_like(param)
    torchs.step()
    ours = AdamW(
        [nn.Parameter(p.detach().clone()) for p in params_of(torchs)], lr=0.0, rounding="master"
    )
    ours.load_state_dict({**torchs.state_dict(), "param_groups": ours.state_dict()["param_groups"]})
    for param in params_of(ours):
        param.grad = torch.ones_like(param)
    ours.step()
    for param in params_of(ours):
        assert torch.equal(ours.state[param]["master_param"], param.detach().float())


def test_a_model_cast_to_bfloat16_in_the_middle_gets_masters() -> None:
    """Parameters that become bfloat16 after some steps start masters there, and train on."""
    param = nn.Parameter(torch.full((5,), 1.5))
    optimizer = AdamW([param], rounding="master", state_dtype=torch.float32)
    for dtype in (torch.float32, torch.bfloat16):
        param.data = param.data.to(dtype)
        param.grad = torch.ones_like(param)
        optimizer.step()
    assert torch.equal(optimizer.state[param]["master_param"].to(torch.bfloat16), param.detach())
    assert "master_param" not in AdamW([nn.Parameter(torch.ones(2))], rounding="master").state


def test_a_master_takes_four_bytes() -> None:
    """As a float32 copy does elsewhere: whole, since 16 bits could not tell whose they are."""
    param = torch.empty(1000, dtype=torch.bfloat16, device="meta")
    assert state_bytes([param], rounding="master") - state_bytes([param]) == 4 * 1000
