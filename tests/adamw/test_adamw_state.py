"""State: its bytes, known before it exists, and its way between formats and optimizers."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from adamw import AdamW, state_bytes
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from .training import params_of, train, with_gradients

DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16, torch.complex64)
STATE_DTYPES = (None, torch.float32, torch.bfloat16, "8bit")
ROUNDINGS = ("nearest", "stochastic", "master")


def held(optimizer: torch.optim.Optimizer) -> int:
    """Bytes of all tensors in an optimizer's state."""
    return sum(t.nbytes for state in optimizer.state.values() for t in state.values())


@settings(deadline=None, max_examples=60)
@given(
    shapes=st.lists(st.sampled_from([(), (0,), (3,), (4095,), (4096,), (70, 70)]), min_size=1),
    dtype=st.sampled_from(DTYPES),
    state_dtype=st.sampled_from(STATE_DTYPES),
    rounding=st.sampled_from(ROUNDINGS),
    amsgrad=st.booleans(),
)
def test_the_bytes_are_known_beforehand(
    shapes: list[tuple[int, ...]], dtype: torch.dtype, **options: Any
) -> None:
    """state_bytes of meta tensors is the sum of nbytes of the real state, in every format."""
    told = state_bytes([torch.empty(s, dtype=dtype, device="meta") for s in shapes], **options)
    params = with_gradients([nn.Parameter(torch.ones(s, dtype=dtype)) for s in shapes])
    optimizer = AdamW(params, **options)
    optimizer.step()
    assert held(optimizer) == told


# Bytes of state a parameter in a million, without the 4 bytes of each step.
A_PARAMETER: list[tuple[torch.dtype, dict[str, Any], float]] = [
    (torch.float32, {}, 8),
    (torch.bfloat16, {}, 4),
    (torch.bfloat16, {"state_dtype": torch.float32}, 8),
    (torch.float32, {"state_dtype": torch.bfloat16}, 4),
    (torch.float32, {"state_dtype": "8bit"}, 2.03125),
    (torch.bfloat16, {"state_dtype": "8bit", "rounding": "master"}, 6.03125),
    (torch.float32, {"amsgrad": True}, 12),
]


@pytest.mark.parametrize(("dtype", "options", "expected"), A_PARAMETER)
def test_bytes_a_parameter(dtype: torch.dtype, options: dict[str, Any], expected: float) -> None:
    """Each format takes the bytes a parameter that its documentation states."""
    param = torch.empty(2**20, dtype=dtype, device="meta")
    assert state_bytes([param], **options) - 4 == expected * 2**20


def test_bytes_count_groups_with_their_own_options() -> None:
    """Groups, names and a group's own format count as AdamW takes them."""
    a, b = torch.empty(4096), torch.empty(4096)
    groups = [{"params": [("a", a)]}, {"params": b, "state_dtype": "8bit"}]
    assert state_bytes(groups) == 4 + 8 * 4096 + 4 + 2.03125 * 4096


def test_bytes_of_an_unknown_format_are_refused() -> None:
    """A state_dtype that AdamW does not know is a ValueError here too."""
    with pytest.raises(ValueError, match="Invalid state_dtype: '4bit'"):
        state_bytes([torch.ones(1)], state_dtype="4bit")


def trained(dtype: torch.dtype = torch.float32, **options: Any) -> AdamW:
    torch.manual_seed(0)
    params = [nn.Parameter(torch.randn(shape).to(dtype)) for shape in ((5000,), (3, 4), (64, 70))]
    optimizer = AdamW([params[0], params[1], params[2].detach().t().requires_grad_()], **options)
    train(optimizer, 3, seed=1)
    return optimizer


def loaded(source: torch.optim.Optimizer, **options: Any) -> AdamW:
    target = AdamW([nn.Parameter(p.detach().clone()) for p in params_of(source)], **options)
    target.load_state_dict(copy.deepcopy(source.state_dict()))
    return target


@pytest.mark.parametrize("there", STATE_DTYPES)
@pytest.mark.parametrize("here", STATE_DTYPES)
def test_any_format_loads_into_any_other(here: Any, there: Any) -> None:
    """A state moves between formats, exactly where it can, and training goes on."""
    source = trained(state_dtype=here)
    target = loaded(source, state_dtype=there)
    assert target.param_groups[0]["state_dtype"] == there
    assert held(target) == state_bytes(params_of(target), state_dtype=there)
    back = loaded(target, state_dtype=None)
    exact = loaded(source, state_dtype=None)
    widening = there in (None, torch.float32) or here == there
    # An 8-bit moment is off by up to 0.007 of the largest of its block, here under 1.
    atol = 0.0 if widening else 7e-3
    for a, b in zip(params_of(back), params_of(exact), strict=True):
        for key in ("step", "exp_avg", "exp_avg_sq"):
            torch.testing.assert_close(
                back.state[a][key], exact.state[b][key], rtol=0 if widening else 2**-7, atol=atol
            )
    train(target, 1, seed=2)


def test_float32_states_of_bf16_parameters_survive_a_load() -> None:
    """Torch casts loaded state to the parameter's dtype; here it keeps the state's own."""
    source = trained(torch.bfloat16, state_dtype=torch.float32, rounding="master")
    target = loaded(source, state_dtype=torch.float32, rounding="master")
    for a, b in zip(params_of(source), params_of(target), strict=True):
        for key, value in source.state[a].items():
            assert torch.equal(target.state[b][key], value)
            assert target.state[b][key].dtype == value.dtype


def test_a_load_shares_no_tensor_with_what_was_loaded() -> None:
    """Training after a load leaves the loaded dict as it was."""
    source = trained()
    state = source.state_dict()
    kept = copy.deepcopy(state)
    target = AdamW([nn.Parameter(p.detach().clone()) for p in params_of(source)])
    target.load_state_dict(state)
    train(target, 2, seed=2)
    for index, tensors in kept["state"].items():
        for key, value in tensors.items():
            assert torch.equal(state["state"][index][key], value)


def test_torch_refuses_8bit_state_instead_of_misreading_it() -> None:
    """Codes have keys of their own: torch's class fails on them at once."""
    source = trained(state_dtype="8bit")
    theirs = torch.optim.AdamW([nn.Parameter(p.detach().clone()) for p in params_of(source)])
    theirs.load_state_dict(source.state_dict())
    with pytest.raises(KeyError, match="exp_avg"):
        train(theirs, 1, seed=2)


@pytest.mark.parametrize("options", [{}, {"amsgrad": True}])
def test_the_default_state_is_torchs_to_the_bit(options: dict[str, Any]) -> None:
    """A state that goes to torch's class and back has not lost a bit, nor a key."""
    source = trained(**options)
    theirs = torch.optim.AdamW(
        [nn.Parameter(p.detach().clone()) for p in params_of(source)], **options
    )
    theirs.load_state_dict(source.state_dict())
    target = loaded(theirs, **options)
    for a, b in zip(params_of(source), params_of(target), strict=True):
        assert set(source.state[a]) == set(target.state[b])
        assert all(torch.equal(source.state[a][k], target.state[b][k]) for k in source.state[a])
