"""fused=True on a CPU is torch's own fused step, to the bit, or an error that says why not."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from adamw import AdamW
from torch import Tensor, nn

from .test_adamw_torch_inputs import INPUTS, parameters
from .training import assert_same_values, params_of, values

OF_FUSED = {name: case for name, case in INPUTS.items() if not case[1].is_complex}


def train(optimizer: torch.optim.Optimizer, steps: int, seed: int) -> None:
    """Steps on gradients that lie in memory as their parameters do, as torch's kernel needs."""
    random = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        for param in params_of(optimizer):
            noise = torch.randn(param.shape, generator=random)
            param.grad = torch.empty_like(param).copy_(noise)
        optimizer.step()


@pytest.mark.parametrize(("kwargs", "dtype"), OF_FUSED.values(), ids=OF_FUSED)
def test_every_input_is_torchs_fused_step_to_the_bit(
    kwargs: dict[str, Any], dtype: torch.dtype
) -> None:
    """Under each of torch's inputs parameters and state are torch.optim.AdamW(fused=True)'s."""
    ours = AdamW(parameters(dtype), fused=True, **kwargs)
    theirs = torch.optim.AdamW(parameters(dtype), fused=True, **kwargs)
    train(ours, 5, seed=1)
    train(theirs, 5, seed=1)
    assert_same_values(ours, theirs, rtol=0.0)


@pytest.mark.parametrize("found", [0.0, 1.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_grad_scaler_sees_torchs_fused_step(dtype: torch.dtype, found: float) -> None:
    """Scaled gradients, and a step that is skipped, leave what torch's fused step leaves."""
    both = []
    for cls in (AdamW, torch.optim.AdamW):
        optimizer: Any = cls(parameters(dtype), fused=True)
        train(optimizer, 1, seed=1)
        optimizer.grad_scale, optimizer.found_inf = torch.tensor(512.0), torch.tensor(found)
        train(optimizer, 2, seed=2)
        both.append(optimizer)
    assert_same_values(*both, rtol=0.0)
    for a, b in zip(params_of(both[0]), params_of(both[1]), strict=True):
        assert torch.equal(a.grad, b.grad)  # type: ignore[arg-type]


def test_training_goes_from_torchs_fused_step_to_ours_and_back() -> None:
    """A state dict taken mid-training goes on in the other class as if never moved."""
    straight = torch.optim.AdamW(parameters(torch.float32), fused=True)
    train(straight, 6, seed=1)
    optimizer: torch.optim.Optimizer = torch.optim.AdamW(parameters(torch.float32), fused=True)
    random = torch.Generator().manual_seed(1)
    for cls in (AdamW, torch.optim.AdamW):
        for _ in range(3):
            for param in params_of(optimizer):
                noise = torch.randn(param.shape, generator=random)
                param.grad = torch.empty_like(param).copy_(noise)
            optimizer.step()
        last, optimizer = optimizer, cls([p.detach() for p in params_of(optimizer)], fused=True)
        optimizer.load_state_dict(last.state_dict())
    assert_same_values(optimizer, straight, rtol=0.0)


@pytest.mark.parametrize("layout", ["transposed", "with holes", "gradient transposed"])
def test_elements_meet_their_own_gradients(layout: str) -> None:
    """However a parameter and its gradient lie in memory, the step is the contiguous one's."""
    torch.manual_seed(0)
    value, grad = torch.randn(33, 40), torch.randn(33, 40)
    plain = nn.Parameter(value.clone())
    plain.grad = grad.clone()
    odd = {
        "transposed": lambda: value.t().contiguous().t(),
        "with holes": lambda: value.repeat_interleave(2, dim=1)[:, ::2],
        "gradient transposed": lambda: value.clone(),
    }[layout]()
    param = nn.Parameter(odd)
    param.grad = grad.t().contiguous().t() if layout.startswith("gradient") else grad.clone()
    for each in (plain, param):
        optimizer = AdamW([each], fused=True)
        optimizer.step()
        optimizer.step()
    # Where an element lies decides whether it is computed eight at a time: an ulp of lr.
    torch.testing.assert_close(param, plain, rtol=0, atol=1e-9 + 2**-23 * 4)


def test_a_fused_step_is_another_arithmetic_than_a_foreach_step() -> None:
    """It really is another body: in bfloat16 its rounding differs, and its float32 agrees."""
    for dtype, same in ((torch.bfloat16, False), (torch.float32, True)):
        found: list[list[Tensor]] = []
        for fused in (True, None):
            optimizer = AdamW([nn.Parameter(torch.linspace(-1, 1, 999).to(dtype))], fused=fused)
            train(optimizer, 5, seed=1)
            found.append(values(optimizer))
        close = [torch.allclose(a, b, rtol=1e-6, atol=1e-8) for a, b in zip(*found, strict=True)]
        assert all(close) == same


# Options that torch's fused step has no arithmetic for, the dtype, and what the error says.
WITHOUT: list[tuple[dict[str, Any], torch.dtype, str]] = [
    ({"state_dtype": "8bit"}, torch.float32, "not with state_dtype='8bit'"),
    ({"state_dtype": torch.float32}, torch.bfloat16, "torch.bfloat16, not with state_dtype=torch."),
    ({"state_dtype": torch.bfloat16}, torch.float32, "not with state_dtype=torch.bfloat16"),
    ({"rounding": "master"}, torch.bfloat16, "rounds to nearest, not with rounding='master'"),
    ({"rounding": "stochastic"}, torch.bfloat16, "not with rounding='stochastic'"),
]


@pytest.mark.parametrize("ask", [{"fused": True}, {"backend": "fused"}])
@pytest.mark.parametrize(("options", "dtype", "why"), WITHOUT)
def test_what_it_cannot_do_is_refused_with_the_reason(
    ask: dict[str, Any], options: dict[str, Any], dtype: torch.dtype, why: str
) -> None:
    """The constructor and add_param_group say why, in one line, and change nothing."""
    (name,) = ask
    params = [nn.Parameter(torch.ones(5000, dtype=dtype))]
    with pytest.raises(RuntimeError, match=f"{name}=.* cannot run here: torch's fused .*{why}"):
        AdamW(params, **ask, **options)
    optimizer = AdamW(parameters(torch.float32))
    with pytest.raises(RuntimeError, match="torch's fused step"):
        optimizer.add_param_group({"params": params, **ask, **options})
    assert len(optimizer.param_groups) == 1


@pytest.mark.parametrize(
    ("options", "dtype"),
    [
        ({"state_dtype": torch.float32}, torch.float32),
        ({"state_dtype": torch.bfloat16}, torch.bfloat16),
        ({"state_dtype": "8bit"}, torch.float32),  # of fewer than 4,096 elements: no codes
        ({"rounding": "master"}, torch.float32),  # rounds nothing
    ],
)
def test_an_option_that_changes_nothing_is_no_reason(
    options: dict[str, Any], dtype: torch.dtype
) -> None:
    """Where a format is torch's own under another name, the step runs and is torch's."""
    ours = AdamW(parameters(dtype), fused=True, **options)
    theirs = torch.optim.AdamW(parameters(dtype), fused=True)
    train(ours, 2, seed=1)
    train(theirs, 2, seed=1)
    assert_same_values(ours, theirs, rtol=0.0)


def test_a_gradient_of_another_dtype_is_taken() -> None:
    """A float32 gradient of a bfloat16 parameter is rounded to it; torch's kernel would refuse."""
    param = nn.Parameter(torch.ones(9, dtype=torch.bfloat16))
    param.grad_dtype = None  # type: ignore[assignment]
    param.grad = torch.ones(9)
    AdamW([param], lr=0.5, fused=True).step()
    assert param.eq(0.494140625).all()
