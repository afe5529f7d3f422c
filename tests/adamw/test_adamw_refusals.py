"""What AdamW refuses, each time before anything has changed."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from adamw import AdamW
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.testing._internal.two_tensor import TwoTensor

from .training import parameters, params_of, snapshot, with_gradients

NAN, INF = float("nan"), float("inf")

# (options, what the message must contain), in torch's words where torch refuses the same.
BAD_OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"lr": -1e-3}, "Invalid learning rate: -0.001"),
    ({"lr": NAN}, "Invalid learning rate: nan"),
    ({"lr": INF}, "Invalid learning rate: inf"),
    ({"lr": torch.ones(2)}, "Tensor lr must be 1-element, not 2"),
    ({"lr": torch.tensor(NAN)}, "Invalid learning rate: nan"),
    ({"eps": -1e-8}, "Invalid epsilon value: -1e-08"),
    ({"eps": NAN}, "Invalid epsilon value: nan"),
    ({"eps": INF}, "Invalid epsilon value: inf"),
    ({"betas": (1.0, 0.999)}, "Invalid beta parameter at index 0: 1.0"),
    ({"betas": (-0.1, 0.999)}, "Invalid beta parameter at index 0: -0.1"),
    ({"betas": (NAN, 0.999)}, "Invalid beta parameter at index 0: nan"),
    ({"betas": (0.9, 1.0)}, "Invalid beta parameter at index 1: 1.0"),
    ({"betas": (0.9, INF)}, "Invalid beta parameter at index 1: inf"),
    ({"betas": (0.9,)}, "Invalid betas, expected two numbers: (0.9,)"),
    ({"betas": (0.9, 0.99, 0.999)}, "Invalid betas, expected two numbers: (0.9, 0.99, 0.999)"),
    ({"betas": (0, 0.99)}, "betas must be either both floats or both Tensors: (0, 0.99)"),
    ({"betas": (0.9, torch.tensor(0.9))}, "betas must be either both floats or both Tensors"),
    ({"betas": (torch.ones(2), torch.tensor(0.9))}, "Tensor betas[0] must be 1-element, not 2"),
    ({"backend": "cuda"}, "Invalid backend: 'cuda'"),
    ({"state_dtype": torch.float64}, "Invalid state_dtype: torch.float64"),
    ({"state_dtype": "4bit"}, "Invalid state_dtype: '4bit'"),
    ({"rounding": "up"}, "Invalid rounding: 'up'"),
    ({"seed": -1}, "Invalid seed: -1"),
    ({"seed": 0.5}, "Invalid seed: 0.5"),
    ({"weight_decay": -1}, "Invalid weight_decay value: -1"),
    ({"weight_decay": NAN}, "Invalid weight_decay value: nan"),
    ({"weight_decay": INF}, "Invalid weight_decay value: inf"),
]
# What is no number: torch's error is whatever its first operation says of it.
NO_NUMBERS: list[tuple[dict[str, Any], str]] = [
    ({"lr": "0.1"}, "Invalid learning rate: '0.1' is a string, not a number: write 0.1"),
    (
        {"lr": "1e-3"},
        "Invalid learning rate: '1e-3' is a string, not a number: write 0.001, in YAML 1.0e-3",
    ),
    ({"eps": "1E8"}, "'1E8' is a string, not a number: write 100000000.0, in YAML 1.0e+8"),
    (
        {"weight_decay": "1.5e-2"},
        "value: '1.5e-2' is a string, not a number: write 0.015",
    ),
    ({"lr": "auto"}, "Invalid learning rate: 'auto' is a string, not a number"),
    ({"lr": "inf"}, "Invalid learning rate: 'inf' is a string, not a number"),
    ({"betas": "0.9, 0.99"}, "Invalid betas, expected two numbers: '0.9, 0.99' is a string"),
    ({"lr": None}, "Invalid learning rate: None"),
    ({"lr": [0.1]}, "Invalid learning rate: [0.1]"),
    ({"lr": torch.tensor(1j)}, "Invalid learning rate: "),
    ({"eps": torch.ones(2)}, "Invalid epsilon value: tensor([1., 1.])"),
    ({"weight_decay": 1j}, "Invalid weight_decay value: 1j"),
    ({"betas": 0.9}, "Invalid betas, expected two numbers: 0.9"),
    ({"betas": None}, "Invalid betas, expected two numbers: None"),
    ({"betas": ("a", 0.9)}, "Invalid beta parameter at index 0: 'a' is a string, not a number"),
    ({"betas": (0.9, "0.99")}, "at index 1: '0.99' is a string, not a number: write 0.99"),
    ({"betas": (0.9, None)}, "Invalid beta parameter at index 1: None"),
]
ALL_BAD = BAD_OPTIONS + NO_NUMBERS
ALL_BAD_IDS = [str(options) for options, _ in ALL_BAD]


@pytest.mark.parametrize(("options", "message"), ALL_BAD, ids=ALL_BAD_IDS)
def test_a_bad_argument_is_named_with_its_value(options: dict[str, Any], message: str) -> None:
    """A bad hyperparameter is a ValueError with its name and value, before params is read."""
    with pytest.raises(ValueError, match=re.escape(message)):
        AdamW(None, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(("options", "message"), ALL_BAD, ids=ALL_BAD_IDS)
def test_a_bad_group_changes_nothing(options: dict[str, Any], message: str) -> None:
    """A group with a bad hyperparameter is refused, the optimizer and the dict as they were."""
    a, b, _ = parameters()
    optimizer = AdamW([a])
    group = {"params": b, **options}
    given_keys = set(group)
    with pytest.raises(ValueError, match=re.escape(message)):
        optimizer.add_param_group(group)
    assert [g["params"] for g in optimizer.param_groups] == [[a]]
    assert set(group) == given_keys


# What a message says of a string, whole: what to write, and in YAML where that is another thing.
STRINGS = {
    "1e-3": "'1e-3' is a string, not a number: write 0.001, in YAML 1.0e-3",
    "5E6": "'5E6' is a string, not a number: write 5000000.0, in YAML 5.0e+6",
    "1.5e-2": "'1.5e-2' is a string, not a number: write 0.015",
    " 0.1": "' 0.1' is a string, not a number: write 0.1",
    "nan": "'nan' is a string, not a number",
    "": "'' is a string, not a number",
}


@pytest.mark.parametrize(("text", "message"), STRINGS.items())
def test_a_string_is_shown_as_one_with_what_to_write(text: str, message: str) -> None:
    """The quotes show what came, and what to write instead works."""
    with pytest.raises(ValueError, match=f"^Invalid learning rate: {re.escape(message)}$"):
        AdamW(parameters(), lr=text)  # type: ignore[arg-type]


OURS = ("inf", "two numbers", "backend", "state_dtype", "rounding", "seed")
REFUSED_BY_TORCH_TOO = [
    case
    for case in BAD_OPTIONS
    if case[1].startswith("Invalid") and not any(word in case[1] for word in OURS)
]


@pytest.mark.parametrize(("options", "message"), REFUSED_BY_TORCH_TOO)
def test_refusals_use_torchs_words(options: dict[str, Any], message: str) -> None:
    """Where torch refuses the same argument, its message is the one in our table."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        torch.optim.AdamW(parameters(), **options)


@settings(deadline=None)
@given(st.floats(max_value=0.0, exclude_max=True) | st.sampled_from([NAN, INF]))
def test_no_number_outside_its_range_is_accepted(number: float) -> None:
    """Negative, infinite and NaN are refused for every hyperparameter."""
    for name in ("lr", "eps", "weight_decay"):
        options: dict[str, Any] = {name: number}
        with pytest.raises(ValueError, match="Invalid"):
            AdamW(parameters(), **options)
    for betas in ((number, 0.9), (0.9, number)):
        with pytest.raises(ValueError, match="Invalid beta parameter at index"):
            AdamW(parameters(), betas=betas)


# What the base class refuses stays refused: (params, error, pattern).
BAD_PARAMS: dict[str, tuple[Any, type[Exception], str]] = {
    "a bare tensor": (lambda p: p, TypeError, "iterable of Tensors or dicts"),
    "nothing": (lambda p: [], ValueError, "empty parameter list"),
    "twice": (lambda p: [{"params": p}, {"params": p}], ValueError, "more than one parameter gr"),
    "half named": (lambda p: [("p", p), nn.Parameter(p + 1)], ValueError, "names are missing"),
    "non-leaf": (lambda p: [p * 2], ValueError, "non-leaf"),
    "a number": (lambda p: [3], TypeError, "can only optimize Tensors"),
}


@pytest.mark.parametrize(("make", "error", "pattern"), BAD_PARAMS.values(), ids=BAD_PARAMS)
def test_bad_params_are_refused_as_by_torch(
    make: Any, error: type[Exception], pattern: str
) -> None:
    """What cannot be optimized is refused with torch's error, by us and by torch."""
    for optimizer in (AdamW, torch.optim.AdamW):
        with pytest.raises(error, match=pattern):
            optimizer(make(nn.Parameter(torch.ones(2))))


def test_a_group_that_is_no_dict_is_a_type_error() -> None:
    """add_param_group refuses a list as torch does."""
    with pytest.raises(TypeError, match="param_group must be a dict"):
        AdamW(parameters()).add_param_group([1])  # type: ignore[arg-type]


def test_a_sparse_gradient_is_refused_before_anything_moves() -> None:
    """One sparse gradient, in the last group, stops the step with every parameter untouched."""
    dense, table = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(4, 2))
    optimizer = AdamW([{"params": [dense]}, {"params": [table]}])
    dense.grad = torch.ones(3)
    table.grad = torch.eye(4, 2).to_sparse()
    with pytest.raises(RuntimeError, match="sparse gradients"):
        optimizer.step()
    assert dense.tolist() == [1.0] * 3
    assert not optimizer.state


# What a schedule may put into a group: (option, value, what the message must contain).
BECAME: list[tuple[str, Any, str]] = [
    *((name, bad, f": {bad}") for name in ("lr", "eps", "weight_decay") for bad in (NAN, INF)),
    ("lr", torch.tensor(NAN), "Invalid learning rate: nan"),
    ("lr", None, "Invalid learning rate: None"),
    ("lr", "1e-3", "Invalid learning rate: '1e-3' is a string, not a number: write 0.001"),
    ("betas", (NAN, 0.9), "Invalid beta parameter at index 0: nan"),
    ("betas", (0.9, 1.0), "Invalid beta parameter at index 1: 1.0"),
]


@pytest.mark.parametrize(("name", "value", "message"), BECAME)
def test_an_option_that_no_step_can_use_stops_the_step(name: str, value: Any, message: str) -> None:
    """A schedule that puts NaN, infinity or beta 1 into a group is caught before anything moves."""
    a, b = with_gradients(parameters()[:2])
    optimizer = AdamW([{"params": [a]}, {"params": [b]}])
    before = snapshot([a, b])
    optimizer.param_groups[1][name] = value
    with pytest.raises(ValueError, match=re.escape(message)):
        optimizer.step()
    assert all(torch.equal(x, y) for x, y in zip(before, (a, b), strict=True))
    assert not optimizer.state


def test_a_schedule_may_end_a_rounding_error_below_zero() -> None:
    """An lr that a schedule left barely negative steps on, as in torch."""
    params = with_gradients(parameters())
    optimizer = AdamW(params)
    optimizer.param_groups[0]["lr"] = -1e-20
    optimizer.step()
    assert optimizer.state[params[0]]["step"] == 1


WRAPPED: list[tuple[dict[str, Any], torch.dtype]] = [
    ({"state_dtype": "8bit"}, torch.float32),
    ({"rounding": "stochastic"}, torch.bfloat16),
]


@pytest.mark.parametrize(("options", "dtype"), WRAPPED)
def test_a_tensor_of_tensors_has_no_bits_to_code(
    options: dict[str, Any], dtype: torch.dtype
) -> None:
    """8-bit moments and noise refuse a DTensor or its like, the optimizer as it was."""
    pair = TwoTensor(torch.ones(5000, dtype=dtype), torch.ones(5000, dtype=dtype))
    ((name, value),) = options.items()
    with pytest.raises(RuntimeError, match=f"{name}='{value}' takes plain tensors, not TwoTensor"):
        AdamW([nn.Parameter(pair)], **options)
    optimizer = AdamW(parameters())
    with pytest.raises(RuntimeError, match="takes plain tensors"):
        optimizer.add_param_group({"params": [nn.Parameter(pair)], **options})
    assert len(optimizer.param_groups) == 1


@pytest.mark.parametrize("key", ["exp_avg", "exp_avg_sq"])
def test_state_on_another_device_stops_the_step(key: str) -> None:
    """State away from its parameter is named, with both devices, and nothing moves."""
    params = with_gradients(parameters())
    optimizer = AdamW(params)
    optimizer.step()
    before = snapshot(params)
    optimizer.state[params[-1]][key] = torch.empty_like(params[-1], device="meta")
    with pytest.raises(ValueError, match=f"state {key} is on meta, its parameter on cpu"):
        optimizer.step()
    assert all(torch.equal(x, y) for x, y in zip(before, params, strict=True))
    assert optimizer.state[params[0]]["step"] == 1


@pytest.mark.parametrize("name", ["lr", "eps", "weight_decay"])
def test_a_tensor_option_on_another_device_stops_the_step(name: str) -> None:
    """A tensor option that a CPU parameter cannot use is named, and nothing moves."""
    params = with_gradients(parameters())
    optimizer = AdamW(params, **{name: torch.tensor(0.1)})  # type: ignore[arg-type]
    optimizer.param_groups[0][name] = torch.tensor(0.1, device="meta")
    before = snapshot(params)
    with pytest.raises(ValueError, match=f"{name} is on meta, a parameter on cpu"):
        optimizer.step()
    assert all(torch.equal(x, y) for x, y in zip(before, params, strict=True))


FLAGS: list[tuple[dict[str, Any], str]] = [
    ({"fused": True, "foreach": True}, "`fused` and `foreach` cannot be `True` together."),
    ({"fused": True, "differentiable": True}, "`fused` does not support `differentiable`"),
]


@pytest.mark.parametrize(("options", "message"), FLAGS)
def test_flags_that_exclude_each_other_are_refused_as_by_torch(
    options: dict[str, Any], message: str
) -> None:
    """Both classes raise the same RuntimeError for flags that cannot go together."""
    for optimizer in (AdamW, torch.optim.AdamW):
        with pytest.raises(RuntimeError, match=message):
            optimizer(parameters(), **options)


# What a step refuses, here and in torch: (options, dtype, error, pattern).
STEP_ERRORS: list[tuple[dict[str, Any], torch.dtype, type[Exception], str]] = [
    ({"capturable": True}, torch.float32, AssertionError, "must be on supported devices"),
    ({"fused": True}, torch.complex64, RuntimeError, "requires all the params to be floating"),
]


@pytest.mark.parametrize(("options", "dtype", "error", "pattern"), STEP_ERRORS)
def test_what_a_device_cannot_do_is_refused_as_by_torch(
    options: dict[str, Any], dtype: torch.dtype, error: type[Exception], pattern: str
) -> None:
    """Capturable on a CPU and fused for complex parameters stop the step, state unmade."""
    for cls in (AdamW, torch.optim.AdamW):
        optimizer = cls(with_gradients(parameters(dtype)), **options)
        before = snapshot(params_of(optimizer))
        with pytest.raises(error, match=pattern):
            optimizer.step()
        now = params_of(optimizer)
        assert all(torch.equal(x, y) for x, y in zip(before, now, strict=True))
