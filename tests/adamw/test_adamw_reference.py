"""The reference is AdamW: torch's float64 results, and figures from the papers' algebra."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from adamw import reference
from adamw.reference import Step, adam_l2_step, adamw_step
from hypothesis import given
from hypothesis import strategies as st

GRADIENTS = st.floats(1e-3, 1e3) | st.floats(-1e3, -1e-3)
BETAS = st.floats(0.0, 0.999)


def rest_on_the_bowl(step: Callable[..., Step[float]], *, steps: int, **options: float) -> float:
    """Where `step` ends from 0 on the loss (theta - 3)^2 / 2."""
    theta, m, v = 0.0, 0.0, 0.0
    for t in range(1, steps + 1):
        theta, m, v = step(theta, theta - 3.0, m, v, t, **options)
    return theta


@pytest.mark.parametrize(
    ("step", "torch_class"),
    [(adamw_step, torch.optim.AdamW), (adam_l2_step, torch.optim.Adam)],
)
def test_1000_steps_agree_with_torch_in_float64(
    step: Callable[..., Step[torch.Tensor]], torch_class: Any
) -> None:
    """After 1,000 float64 steps the parameter and both moments are torch's within 1e-12."""
    torch.manual_seed(0)
    theta = torch.randn(64, dtype=torch.float64)
    options = {"lr": 1e-2, "eps": 1e-6, "weight_decay": 0.1}
    param = torch.nn.Parameter(theta.clone())
    optimizer = torch_class([param], betas=(0.85, 0.97), foreach=False, **options)
    m, v = torch.zeros_like(theta), torch.zeros_like(theta)
    for t in range(1, 1001):
        g = torch.randn_like(theta)
        param.grad = g
        optimizer.step()
        theta, m, v = step(theta, g, m, v, t, beta1=0.85, beta2=0.97, **options)
    state = optimizer.state[param]
    for ours, theirs in ((theta, param), (m, state["exp_avg"]), (v, state["exp_avg_sq"])):
        assert theirs.isfinite().all()
        torch.testing.assert_close(ours, theirs.detach(), rtol=1e-12, atol=1e-13)


@given(theta=GRADIENTS, g=GRADIENTS, t=st.integers(1, 50), weight_decay=st.floats(0.0, 1.0))
def test_floats_and_tensors_take_the_same_step(
    theta: float, g: float, t: int, weight_decay: float
) -> None:
    """A Python float and a float64 tensor of one element give the same step."""
    tensor = partial(torch.full, (1,), dtype=torch.float64)
    floats = adamw_step(theta, g, 0.5, 0.25, t, weight_decay=weight_decay)
    tensors = adamw_step(
        tensor(theta), tensor(g), tensor(0.5), tensor(0.25), t, weight_decay=weight_decay
    )
    for number, element in zip(floats, tensors, strict=True):
        assert element.item() == pytest.approx(number, rel=1e-14)


def test_a_step_leaves_its_arguments_alone() -> None:
    """A step returns new tensors and changes none that it was given."""
    theta, g, m, v = (torch.full((3,), x) for x in (1.0, 2.0, 3.0, 5.0))
    after = adamw_step(theta, g, m, v, 1)
    assert [x[0].item() for x in (theta, g, m, v)] == [1.0, 2.0, 3.0, 5.0]
    for was, now in zip((theta, m, v), after, strict=True):
        assert now.ne(was).all()


@given(g=GRADIENTS, beta=BETAS, t=st.integers(1, 200))
def test_bias_correction_is_exact_for_a_constant_gradient(g: float, beta: float, t: int) -> None:
    """The corrected means of a constant gradient are g and g * g at every step."""
    m, v = 0.0, 0.0
    for _ in range(t):
        m = reference.first_moment(m, g, beta)
        v = reference.second_moment(v, g, beta)
    assert reference.bias_correct(m, beta, t) == pytest.approx(g, rel=1e-9)
    assert reference.bias_correct(v, beta, t) == pytest.approx(g * g, rel=1e-9)


@given(theta=GRADIENTS, g=GRADIENTS, lr=st.floats(1e-6, 1.0), weight_decay=st.floats(0.0, 1.0))
def test_the_moments_of_adamw_never_see_the_decay(
    theta: float, g: float, lr: float, weight_decay: float
) -> None:
    """Decay moves the parameter by lr * weight_decay * theta and leaves both moments alone."""
    plain = adamw_step(theta, g, 0.1, 0.2, 3, lr=lr, weight_decay=0.0)
    decayed = adamw_step(theta, g, 0.1, 0.2, 3, lr=lr, weight_decay=weight_decay)
    assert (decayed.m, decayed.v) == (plain.m, plain.v)
    moved = plain.theta - decayed.theta
    assert moved == pytest.approx(lr * weight_decay * theta, abs=1e-12 * abs(theta) + 1e-12)


@pytest.mark.parametrize(("step", "theta", "m"), [(adamw_step, 1.8, 0.1), (adam_l2_step, 1.9, 0.2)])
def test_decoupled_and_coupled_decay_differ_in_the_first_step(
    step: Callable[..., Step[float]], theta: float, m: float
) -> None:
    """From theta 2 with g 1, lr 0.1 and decay 0.5, AdamW reaches 1.8 and Adam with L2 1.9."""
    after = step(2.0, 1.0, 0.0, 0.0, 1, lr=0.1, weight_decay=0.5)
    assert after.theta == pytest.approx(theta, abs=1e-8)
    assert after.m == pytest.approx(m)


def test_the_first_steps_on_the_bowl_are_a_full_lr_and_falling() -> None:
    """On (theta - 3)^2 / 2 from 0 at lr 0.1 the first five steps are 1.0000 to 0.9913 lr."""
    theta, m, v = 0.0, 0.0, 0.0
    sizes = []
    for t in range(1, 6):
        after = adamw_step(theta, theta - 3.0, m, v, t, lr=0.1, weight_decay=0.0)
        sizes.append((after.theta - theta) / 0.1)
        theta, m, v = after
    assert sizes == pytest.approx([1.0000, 0.9990, 0.9972, 0.9947, 0.9913], abs=5e-5)


def test_without_bias_correction_the_first_step_is_sqrt_ten_lr() -> None:
    """Raw moments at the default betas make a first step of 3.162 lr, corrected ones 1."""
    m = reference.first_moment(0.0, 1.0, 0.9)
    v = reference.second_moment(0.0, 1.0, 0.999)
    assert reference.adam_direction(m, v, 1e-8) == pytest.approx(math.sqrt(10), rel=1e-6)
    corrected = (reference.bias_correct(m, 0.9, 1), reference.bias_correct(v, 0.999, 1))
    assert reference.adam_direction(*corrected, 1e-8) == pytest.approx(1.0, rel=1e-7)


@pytest.mark.parametrize(
    ("gradient", "share"), [(1e-4, 0.9999), (1e-6, 0.990099), (1e-8, 0.5), (1e-10, 0.009901)]
)
def test_eps_shrinks_the_step_of_a_gradient_of_its_own_size(gradient: float, share: float) -> None:
    """A first step is |g| / (|g| + eps) of lr."""
    after = adamw_step(0.0, gradient, 0.0, 0.0, 1, lr=1.0, weight_decay=0.0)
    assert -after.theta == pytest.approx(share, rel=1e-5)


@pytest.mark.parametrize(
    ("step", "weight_decay", "rest"),
    [
        (adamw_step, 0.5, 2.0),
        (adamw_step, 1.0, 1.0),
        (adam_l2_step, 0.1, 3 / 1.1),
        (adam_l2_step, 0.5, 2.0),
        (adam_l2_step, 1.0, 1.5),
    ],
)
def test_where_each_rests_on_the_bowl(
    step: Callable[..., Step[float]], weight_decay: float, rest: float
) -> None:
    """AdamW comes to rest at 1 / weight_decay below 3, Adam with L2 at 3 / (1 + weight_decay)."""
    end = rest_on_the_bowl(step, steps=3000, lr=0.01, beta2=0.95, weight_decay=weight_decay)
    assert end == pytest.approx(rest, abs=2e-3)


def test_steps_are_counted_from_one() -> None:
    """Step 0 has no correction to divide by."""
    with pytest.raises(ZeroDivisionError):
        adamw_step(1.0, 1.0, 0.0, 0.0, 0)
