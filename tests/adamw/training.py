"""Parameters, pseudo-random training and comparison, shared by the tests of adamw."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


def parameters(dtype: torch.dtype = torch.float64, seed: int = 0) -> list[nn.Parameter]:
    """Three parameters of different shapes, one of them transposed in memory."""
    random = torch.Generator().manual_seed(seed)
    tensors = [torch.randn(shape, generator=random) for shape in ((), (7,), (3, 5))]
    tensors[2] = tensors[2].t()
    return [nn.Parameter(t.to(dtype)) for t in tensors]


def train(
    optimizer: torch.optim.Optimizer, steps: int, seed: int, of: torch.dtype | None = None
) -> None:
    """Take steps on pseudo-random gradients that depend on the seed alone, rounded to dtype of."""
    random = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        for group in optimizer.param_groups:
            for param in group["params"]:
                noise = torch.randn(param.shape, generator=random)
                param.grad = noise.to(of or param.dtype).to(param.device, param.dtype)
        optimizer.step()


def values(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """Copies, on the CPU, of all parameters and of all their state, in order."""
    found = []
    for group in optimizer.param_groups:
        for param in group["params"]:
            state = optimizer.state.get(param, {})
            found += [param.detach(), *(state[key] for key in sorted(state))]
    return [tensor.clone().cpu() for tensor in found]


def assert_same_values(
    ours: torch.optim.Optimizer, theirs: torch.optim.Optimizer, *, rtol: float, atol: float = 0.0
) -> None:
    for a, b in zip(values(ours), values(theirs), strict=True):
        assert b.isfinite().all()
        torch.testing.assert_close(a, b, rtol=rtol, atol=atol)


def distance(ours: torch.optim.Optimizer, exact: torch.optim.Optimizer) -> float:
    """How far the parameters of an optimizer are from another's, as one vector."""
    pairs = zip(params_of(ours), params_of(exact), strict=True)
    return sum((a.detach().double() - b).square().sum().item() for a, b in pairs) ** 0.5


def ulps_apart(a: Tensor, b: Tensor) -> int:
    """Largest distance of two finite float32 tensors, counted in representable numbers."""
    assert a.dtype == b.dtype == torch.float32
    assert a.isfinite().all()
    assert b.isfinite().all()
    if not a.numel():
        return 0
    bits = [x.contiguous().view(torch.int32).long() for x in (a, b)]
    ordered = [torch.where(i < 0, -(i & 0x7FFFFFFF), i) for i in bits]
    return int((ordered[0] - ordered[1]).abs().max())


def params_of(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """All parameters of all groups, in order."""
    return [param for group in optimizer.param_groups for param in group["params"]]


def snapshot(params: Iterable[Tensor]) -> list[Tensor]:
    """Copies of tensors, as they are now."""
    return [param.detach().clone() for param in params]


def with_gradients(params: list[Any], seed: int = 0) -> list[Any]:
    """The same parameters, each with a pseudo-random gradient of its dtype and layout."""
    random = torch.Generator().manual_seed(seed)
    for param in params:
        noise = torch.randn(param.shape, generator=random, dtype=torch.float64)
        param.grad = torch.empty_like(param).copy_(noise)
    return params
