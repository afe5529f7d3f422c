"""The in-place step is the reference's, and torch's to the last bit."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from adamw.reference import adamw_step
from adamw.single_tensor import step_
from hypothesis import given, settings
from hypothesis import strategies as st

OPTIONS: dict[str, Any] = {
    "lr": 1e-3,
    "beta1": 0.9,
    "beta2": 0.999,
    "eps": 1e-8,
    "weight_decay": 0.01,
}


def ulps_apart(a: torch.Tensor, b: torch.Tensor) -> int:
    """Largest distance of two finite float32 tensors, counted in representable numbers."""
    assert a.dtype == b.dtype == torch.float32
    assert a.isfinite().all()
    assert b.isfinite().all()
    bits = [x.view(torch.int32).long() for x in (a, b)]
    ordered = [torch.where(i < 0, -(i & 0x7FFFFFFF), i) for i in bits]
    return int((ordered[0] - ordered[1]).abs().max())


def torch_after_one_step(
    param: torch.Tensor, grad: torch.Tensor, **options: Any
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """torch.optim.AdamW's parameter and state after one step of its single-tensor path."""
    leaf = torch.nn.Parameter(param.clone())
    leaf.grad = grad.clone()
    options["betas"] = (options.pop("beta1"), options.pop("beta2"))
    optimizer = torch.optim.AdamW([leaf], foreach=False, **options)
    optimizer.step()
    return leaf.detach(), optimizer.state[leaf]


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**31),
    scale=st.floats(1e-12, 1e6),
    lr=st.floats(0.0, 1.0),
    beta1=st.floats(0.0, 0.9999),
    beta2=st.floats(0.0, 0.9999),
    eps=st.floats(1e-12, 1.0),
    weight_decay=st.floats(0.0, 1.0),
    maximize=st.booleans(),
)
def test_one_float32_step_is_torchs_within_one_ulp(
    seed: int, scale: float, maximize: bool, **options: Any
) -> None:
    """One float32 step leaves the parameter and both moments within 1 ulp of torch's."""
    random = torch.Generator().manual_seed(seed)
    param = torch.randn(1000, generator=random)
    grad = scale * torch.randn(1000, generator=random)
    expected, state = torch_after_one_step(param, grad, maximize=maximize, **options)
    moments = torch.zeros_like(param), torch.zeros_like(param)
    step_(param, grad, *moments, torch.zeros(()), maximize=maximize, **options)
    assert ulps_apart(param, expected) <= 1
    assert ulps_apart(moments[0], state["exp_avg"]) <= 1
    assert ulps_apart(moments[1], state["exp_avg_sq"]) <= 1


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**31),
    t=st.integers(1, 10_000),
    lr=st.floats(1e-6, 1.0),
    beta1=st.floats(0.0, 0.99),
    beta2=st.floats(0.0, 0.999),
    eps=st.floats(1e-8, 1.0),
    weight_decay=st.floats(0.0, 1.0),
)
def test_any_step_is_the_references(seed: int, t: int, **options: Any) -> None:
    """From any moments and any step count, the float64 result is the reference's within 1e-12."""
    random = torch.Generator().manual_seed(seed)
    param, grad, exp_avg, root = torch.randn(4, 50, generator=random, dtype=torch.float64)
    exp_avg_sq = root.square()
    expected = adamw_step(param, grad, exp_avg, exp_avg_sq, t, **options)
    step = torch.tensor(float(t - 1))
    step_(param, grad, exp_avg, exp_avg_sq, step, **options)
    for ours, reference in zip((param, exp_avg, exp_avg_sq), expected, strict=True):
        torch.testing.assert_close(ours, reference, rtol=1e-12, atol=1e-13)
    assert step.item() == t


def test_the_gradient_is_only_read() -> None:
    """A step writes to the parameter, its moments and its count, never to the gradient."""
    grad = torch.tensor([1.0, -2.0])
    param, exp_avg, exp_avg_sq = torch.ones(2), torch.zeros(2), torch.zeros(2)
    step_(param, grad, exp_avg, exp_avg_sq, torch.zeros(()), maximize=True, **OPTIONS)
    assert grad.tolist() == [1.0, -2.0]
    assert param.ne(1).all()
    assert exp_avg.tolist() == pytest.approx([-0.1, 0.2])
    assert exp_avg_sq.tolist() == pytest.approx([0.001, 0.004])


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_amsgrad_divides_by_the_largest_second_moment(scale: float) -> None:
    """With max_exp_avg_sq the step divides by the larger of it and the new second moment."""
    param, exp_avg, exp_avg_sq = torch.ones(1), torch.zeros(1), torch.zeros(1)
    largest = torch.tensor([scale * 0.001])
    step_(
        param,
        torch.ones(1),
        exp_avg,
        exp_avg_sq,
        torch.zeros(()),
        max_exp_avg_sq=largest,
        **{**OPTIONS, "lr": 0.1, "weight_decay": 0.0},
    )
    assert exp_avg_sq.item() == pytest.approx(0.001)
    assert largest.item() == pytest.approx(max(scale, 1.0) * 0.001)
    assert 1 - param.item() == pytest.approx(0.1 / max(scale, 1.0) ** 0.5, rel=1e-5)
