"""AdamW is a drop-in for torch.optim.AdamW: results, state, groups and refusals."""

from __future__ import annotations

import ast
import copy
import inspect
import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import adamw
import pytest
import torch
from adamw import AdamW
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

NAN, INF = float("nan"), float("inf")


def parameters(dtype: torch.dtype = torch.float64, seed: int = 0) -> list[nn.Parameter]:
    """Three parameters of different shapes, one of them transposed in memory."""
    random = torch.Generator().manual_seed(seed)
    tensors = [torch.randn(shape, generator=random) for shape in ((), (7,), (3, 5))]
    tensors[2] = tensors[2].t()
    return [nn.Parameter(t.to(dtype)) for t in tensors]


def train(optimizer: torch.optim.Optimizer, steps: int, seed: int) -> None:
    """Take steps on pseudo-random gradients that depend on the seed alone."""
    random = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        for group in optimizer.param_groups:
            for param in group["params"]:
                param.grad = torch.randn(param.shape, generator=random).to(param.dtype)
        optimizer.step()


def values(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """Copies of all parameters and of all their state, in order."""
    found = []
    for group in optimizer.param_groups:
        for param in group["params"]:
            state = optimizer.state.get(param, {})
            found += [param.detach().clone(), *(state[key].clone() for key in sorted(state))]
    return found


def assert_same_values(
    ours: torch.optim.Optimizer, theirs: torch.optim.Optimizer, *, rtol: float, atol: float = 0.0
) -> None:
    for a, b in zip(values(ours), values(theirs), strict=True):
        assert b.isfinite().all()
        torch.testing.assert_close(a, b, rtol=rtol, atol=atol)


# Options by name, and for how many steps to follow torch with them.
OPTIONS: dict[str, tuple[dict[str, Any], int]] = {
    "defaults": ({}, 1000),
    "all": ({"lr": 0.02, "betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.3}, 1000),
    "amsgrad and maximize": ({"amsgrad": True, "maximize": True, "weight_decay": 0.1}, 1000),
    "amsgrad": ({"amsgrad": True, "lr": 0.01}, 100),
    "maximize": ({"maximize": True}, 10),
    "no decay": ({"weight_decay": 0.0}, 10),
    "lr 0": ({"lr": 0.0}, 10),
}


@pytest.mark.parametrize(("options", "steps"), OPTIONS.values(), ids=OPTIONS)
def test_float64_training_agrees_with_torch(options: dict[str, Any], steps: int) -> None:
    """After up to 1,000 float64 steps parameters and state are torch's within 1e-12."""
    ours = AdamW(parameters(), **options)
    theirs = torch.optim.AdamW(parameters(), foreach=False, **options)
    train(ours, steps, seed=1)
    train(theirs, steps, seed=1)
    assert_same_values(ours, theirs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.complex64])
def test_other_dtypes_agree_with_torch(dtype: torch.dtype) -> None:
    """Each dtype's parameters and state follow torch's, complex ones as pairs of real numbers."""
    ours = AdamW(parameters(dtype), amsgrad=True)
    theirs = torch.optim.AdamW(parameters(dtype), foreach=False, amsgrad=True)
    train(ours, 20, seed=1)
    train(theirs, 20, seed=1)
    assert_same_values(ours, theirs, rtol=1e-6)


def test_shared_arguments_have_torchs_defaults() -> None:
    """Every argument has the default and the kind it has in torch.optim.AdamW."""
    theirs = inspect.signature(torch.optim.AdamW).parameters
    ours = inspect.signature(AdamW).parameters
    assert list(ours) == [name for name in theirs if name in ours]
    for name, argument in ours.items():
        assert (argument.default, argument.kind) == (theirs[name].default, theirs[name].kind)


GROUPED: dict[str, Any] = {
    "lists": lambda a, b, c: [a, b, c],
    "groups": lambda a, b, c: [{"params": [a]}, {"params": [b, c], "lr": 0.1, "betas": (0.5, 0.6)}],
    "amsgrad in one group": lambda a, b, c: [{"params": [a, b]}, {"params": c, "amsgrad": True}],
    "named": lambda a, b, c: [("a", a), ("b", b), ("c", c)],
    "named groups": lambda a, b, c: [{"params": [("a", a)]}, {"params": [("b", b), ("c", c)]}],
    "generator": lambda *three: (p for p in three),
}


@pytest.mark.parametrize("group", GROUPED.values(), ids=GROUPED)
def test_training_moves_from_torch_to_ours_and_back(group: Any) -> None:
    """A state dict taken mid-training in either class goes on in the other as if never moved."""
    straight = torch.optim.AdamW(group(*parameters()), foreach=False)
    for seed in (1, 2, 3):
        train(straight, 5, seed)

    first = torch.optim.AdamW(group(*parameters()), foreach=False)
    train(first, 5, seed=1)
    second = moved(first, AdamW, group)
    train(second, 5, seed=2)
    third = moved(second, torch.optim.AdamW, group)
    train(third, 5, seed=3)
    assert_same_values(third, straight, rtol=1e-13)


def moved(source: torch.optim.Optimizer, target: Any, group: Any) -> Any:
    """An optimizer of class target that continues source, through a saved file."""
    file = io.BytesIO()
    torch.save(source.state_dict(), file)
    file.seek(0)
    params = [p for g in source.param_groups for p in g["params"]]
    continued = target(group(*(nn.Parameter(p.detach().clone()) for p in params)))
    continued.load_state_dict(torch.load(file, weights_only=True))
    assert_same_values(continued, source, rtol=0.0)
    for was, now in zip(source.param_groups, continued.param_groups, strict=True):
        kept = [key for key in was if key != "params"]
        assert {key: now[key] for key in kept} == {key: was[key] for key in kept}
    return continued


def test_our_state_stays_decoupled_in_torchs_adam() -> None:
    """torch.optim.Adam, given our state, decays as AdamW does."""
    ours = AdamW(parameters(), lr=0.1, weight_decay=0.5)
    train(ours, 3, seed=1)
    adam = torch.optim.Adam([p for g in ours.param_groups for p in g["params"]])
    adam.load_state_dict(ours.state_dict())
    assert adam.param_groups[0]["decoupled_weight_decay"] is True


def test_state_of_older_torch_is_accepted() -> None:
    """A saved step that is a plain number, and a group without newer options, load and go on."""
    source = torch.optim.AdamW(parameters(), foreach=False)
    train(source, 3, seed=1)
    old = copy.deepcopy(source.state_dict())
    for state in old["state"].values():
        state["step"] = int(state["step"])
    for key in ("amsgrad", "maximize", "decoupled_weight_decay"):
        del old["param_groups"][0][key]
    ours = AdamW([nn.Parameter(p.detach().clone()) for p in source.param_groups[0]["params"]])
    ours.load_state_dict(old)
    assert ours.param_groups[0]["decoupled_weight_decay"] is True
    train(ours, 3, seed=2)
    train(source, 3, seed=2)
    assert_same_values(ours, source, rtol=1e-13)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("amsgrad", [False, True])
def test_state_appears_at_the_first_step_with_torchs_keys(
    dtype: torch.dtype, amsgrad: bool
) -> None:
    """State is made lazily: a CPU float32 step and moments of the parameter's dtype and layout."""
    params = parameters(dtype)
    optimizer = AdamW(params, amsgrad=amsgrad)
    assert not optimizer.state
    train(optimizer, 1, seed=1)
    moments = {"exp_avg", "exp_avg_sq"} | ({"max_exp_avg_sq"} if amsgrad else set())
    for param in params:
        state = optimizer.state[param]
        assert set(state) == moments | {"step"}
        step = state["step"]
        assert (step.shape, step.dtype, step.device.type) == ((), torch.float32, "cpu")
        assert step.item() == 1
        for name in moments:
            moment = state[name]
            assert (moment.dtype, moment.shape, moment.stride()) == (
                dtype,
                param.shape,
                param.stride(),
            )


def test_a_parameter_without_gradient_is_skipped() -> None:
    """No gradient means no step: no decay, no state, no count."""
    used, unused = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    optimizer = AdamW([used, unused], weight_decay=0.5)
    used.grad = torch.zeros(2)
    optimizer.step()
    assert unused.tolist() == [1.0, 1.0]
    assert unused not in optimizer.state
    assert used.tolist() == pytest.approx([0.9995, 0.9995])


def test_a_closure_is_called_once_with_gradients_enabled() -> None:
    """step(closure) runs the closure under autograd, steps on its gradient, returns its loss."""
    weight = nn.Parameter(torch.tensor(3.0, dtype=torch.float64))
    optimizer = AdamW([weight], lr=0.1, weight_decay=0.0)
    calls = []

    def closure() -> float:
        calls.append(1)
        optimizer.zero_grad()
        loss = weight**2
        torch.autograd.backward(loss)
        return loss.item()

    assert optimizer.step(closure) == 9.0
    assert calls == [1]
    assert weight.item() == pytest.approx(2.9)


def test_a_scheduler_sets_the_learning_rate_of_each_step() -> None:
    """torch's schedulers drive it: with lr halved, a steady gradient moves half as far."""
    weight = nn.Parameter(torch.zeros((), dtype=torch.float64))
    optimizer = AdamW([weight], lr=0.1, weight_decay=0.0)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    places = []
    for _ in range(3):
        weight.grad = torch.ones_like(weight)
        optimizer.step()
        scheduler.step()
        places.append(weight.item())
    assert places == pytest.approx([-0.1, -0.15, -0.175], rel=1e-6)


def test_a_copy_trains_apart_from_the_original() -> None:
    """A deep copy of model and optimizer together carries the state and shares no tensor."""
    optimizer = AdamW(parameters())
    train(optimizer, 3, seed=1)
    before = values(optimizer)
    twin = copy.deepcopy(optimizer)
    train(twin, 3, seed=2)
    assert all(torch.equal(a, b) for a, b in zip(before, values(optimizer), strict=True))
    train(optimizer, 3, seed=2)
    assert_same_values(twin, optimizer, rtol=0.0)


# (options, what the message must contain), in torch's words where torch refuses the same.
BAD_OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"lr": -1e-3}, "Invalid learning rate: -0.001"),
    ({"lr": NAN}, "Invalid learning rate: nan"),
    ({"lr": INF}, "Invalid learning rate: inf"),
    ({"lr": torch.tensor(0.1)}, "lr as a Tensor is not supported by adamw.AdamW: 0.1"),
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
    ({"betas": (torch.tensor(0.9),) * 2}, "betas as Tensors are not supported by adamw.AdamW"),
    ({"weight_decay": -1}, "Invalid weight_decay value: -1"),
    ({"weight_decay": NAN}, "Invalid weight_decay value: nan"),
    ({"weight_decay": INF}, "Invalid weight_decay value: inf"),
]
BAD_OPTION_IDS = [str(options) for options, _ in BAD_OPTIONS]


@pytest.mark.parametrize(("options", "message"), BAD_OPTIONS, ids=BAD_OPTION_IDS)
def test_a_bad_argument_is_named_with_its_value(options: dict[str, Any], message: str) -> None:
    """A bad hyperparameter is a ValueError with its name and value, before params is read."""
    with pytest.raises(ValueError, match=re.escape(message)):
        AdamW(None, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(("options", "message"), BAD_OPTIONS, ids=BAD_OPTION_IDS)
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


REFUSED_BY_TORCH_TOO = [
    case for case in BAD_OPTIONS if case[1].startswith("Invalid") and "inf" not in case[1]
]


@pytest.mark.parametrize(
    ("options", "message"), [case for case in REFUSED_BY_TORCH_TOO if "two numbers" not in case[1]]
)
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


def test_a_group_dict_can_be_used_again() -> None:
    """An optimizer leaves the caller's group dict as it was, so that a second one may use it."""
    group = {"params": parameters()}
    AdamW([group], lr=1.0)
    assert set(group) == {"params"}
    assert AdamW([group], lr=2.0).param_groups[0]["lr"] == 2.0


def test_import_brings_in_torch_and_nothing_else() -> None:
    """`import adamw` imports and tries to import no package that torch has not already loaded."""
    program = """
import sys, torch
tried = set()
class Watch:
    def find_spec(self, name, path=None, target=None):
        tried.add(name.partition(".")[0])
sys.meta_path.insert(0, Watch())
import adamw
print(*sorted(tried - sys.stdlib_module_names))
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(Path(adamw.__file__).parents[1]), "PATH": ""},
    )
    assert done.stdout.split() == ["adamw"]


def test_adamw_imports_no_neighbour() -> None:
    """No module of adamw imports assay or vram, at any depth of its code."""
    imported = set()
    for source in Path(adamw.__file__).parent.glob("**/*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add((node.module or "").partition(".")[0])
    assert "torch" in imported
    assert not imported & {"assay", "vram"}
