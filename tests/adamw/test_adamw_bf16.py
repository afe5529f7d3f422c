"""bfloat16 parameters: what becomes of the bits that they cannot hold."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from adamw import AdamW, bf16
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from .training import params_of, train

FLOATS = st.floats(width=32, allow_nan=False)


@settings(max_examples=300)
@given(FLOATS)
def test_a_master_comes_back_to_the_bit(value: float) -> None:
    """A float32 beside the bfloat16 that it rounds to is that float32, infinities included."""
    master = torch.tensor([value])
    back = bf16.master_of(master.to(torch.bfloat16), master)
    assert torch.equal(back.view(torch.int32), master.view(torch.int32))


@settings(max_examples=300)
@given(FLOATS, st.floats(width=16) | st.sampled_from([0.0, -0.0, 3.0]))
def test_another_weight_is_what_counts(stored: float, weight: float) -> None:
    """A weight that is not the rounding of its master is taken as it stands, NaN included."""
    master, param = torch.tensor([stored]), torch.tensor([weight]).to(torch.bfloat16)
    kept = torch.equal(master.to(torch.bfloat16), param)
    wanted = master if kept else param.float()
    assert torch.equal(bf16.master_of(param, master).isnan(), wanted.isnan())
    assert torch.equal(bf16.master_of(param, master).nan_to_num(7), wanted.nan_to_num(7))


def test_nan_survives_every_rounding() -> None:
    """Every NaN, whatever its bits, stays one: a sum would carry some of them into zero."""
    bits = torch.tensor([0x7FC00000, 0x7FFFFFFF, -1, 0x7F800001], dtype=torch.int32)
    nan = bits.view(torch.float32)
    assert bf16.master_of(nan.to(torch.bfloat16), nan).isnan().all()
    assert bf16.master_of(nan.to(torch.bfloat16), torch.ones_like(nan)).isnan().all()
    assert bf16.stochastic_round(nan, torch.full_like(bits, 65535)).isnan().all()


@settings(max_examples=50, deadline=None)
@given(st.floats(-1e30, 1e30), st.integers(0, 2**31 - 1))
def test_stochastic_rounding_is_right_on_average(value: float, seed: int) -> None:
    """Over 65,536 draws the mean is the value, within five standard errors of a fair draw.

    A draw is one of the two bfloat16 around the value: the standard error is at most half their
    distance over 256.
    """
    values = torch.full((2**16,), value)
    noise = bf16.noise(bf16.noise_key(seed, 1, 0), values)
    rounded = bf16.stochastic_round(values, noise).double()
    towards_zero = values[:1].view(torch.int32) & ~0xFFFF
    below, above = (
        bits.view(torch.float32).double().item() for bits in (towards_zero, towards_zero + 0x10000)
    )
    gap = abs(above - below)
    assert abs(rounded.mean().item() - values[0].double().item()) <= 5 * gap / 2 / 2**8
    assert set(rounded.unique().tolist()) <= {below, above}


def test_noise_depends_on_each_of_its_coordinates() -> None:
    """Another seed, step, parameter or element has other noise: half of all bits differ."""
    like = torch.empty(4096, dtype=torch.int32)
    base = bf16.noise(bf16.noise_key(1, 1, 1), like)
    others = [bf16.noise_key(*key) for key in ((2, 1, 1), (1, 2, 1), (1, 1, 2))]
    for other in [*(bf16.noise(key, like) for key in others), base.roll(1)]:
        differing = sum(int(((base ^ other) >> bit & 1).sum()) for bit in range(16))
        assert differing / (16 * 4096) == pytest.approx(0.5, abs=0.01)


def test_parameters_of_all_groups_have_noise_of_their_own() -> None:
    """Equal parameters with equal gradients round apart, in one group or in two."""
    a, b, c = (nn.Parameter(torch.ones(4096, dtype=torch.bfloat16)) for _ in range(3))
    optimizer = AdamW([{"params": [a, b]}, {"params": [c]}], rounding="stochastic")
    for param in (a, b, c):
        param.grad = torch.ones_like(param)
    optimizer.step()
    assert not any(torch.equal(x, y) for x, y in ((a, b), (b, c), (a, c)))


def drift(**options: Any) -> float:
    """How far bfloat16 ones move under 200 updates of 1e-4 each; 0.02 if nothing is lost."""
    param = nn.Parameter(torch.ones(4096, dtype=torch.bfloat16))
    optimizer = AdamW([param], lr=1e-4, weight_decay=0.0, state_dtype=torch.float32, **options)
    for _ in range(200):
        param.grad = torch.ones_like(param)
        optimizer.step()
    return 1.0 - param.detach().double().mean().item()


def test_small_updates_are_lost_only_by_rounding_to_nearest() -> None:
    """Updates of a fortieth of a unit vanish to nearest; stochastic and master keep their sum."""
    assert drift(rounding="nearest") == 0.0
    assert drift(rounding="stochastic") == pytest.approx(0.02, rel=0.02)
    assert drift(rounding="master") == pytest.approx(0.02, rel=0.1)


def test_a_master_trains_as_float32() -> None:
    """With master and float32 states, bfloat16 training is float32 training, rounded at the end."""
    torch.manual_seed(0)
    start = torch.randn(300, dtype=torch.bfloat16)
    wide = torch.optim.AdamW([nn.Parameter(start.float())], foreach=False)
    narrow = AdamW([nn.Parameter(start)], rounding="master", state_dtype=torch.float32)
    random = torch.Generator().manual_seed(0)
    for _ in range(50):
        gradient = torch.randn(300, generator=random).to(torch.bfloat16)
        (w,), (n,) = params_of(wide), params_of(narrow)
        w.grad, n.grad = gradient.float(), gradient
        wide.step()
        narrow.step()
    master = narrow.state[n]["master_param"]
    assert torch.equal(n.detach(), master.to(torch.bfloat16))
    torch.testing.assert_close(master, w.detach(), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("rounding", ["stochastic", "master"])
def test_training_resumed_from_a_checkpoint_repeats_itself(rounding: str) -> None:
    """Parameters and state saved mid-training go on to the same bits, noise included."""

    def make() -> AdamW:
        torch.manual_seed(0)
        params = [nn.Parameter(torch.randn(50, dtype=torch.bfloat16)) for _ in range(2)]
        return AdamW(params, rounding=rounding, seed=5)

    straight, second = make(), make()
    train(straight, 3, seed=1)
    with torch.no_grad():
        for old, new in zip(params_of(straight), params_of(second), strict=True):
            new.copy_(old)
    second.load_state_dict(straight.state_dict())
    train(straight, 3, seed=2)
    train(second, 3, seed=2)
    for a, b in zip(params_of(straight), params_of(second), strict=True):
        assert torch.equal(a, b)
