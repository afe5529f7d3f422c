"""AdamW is a drop-in for torch.optim.AdamW: results, state, groups and refusals."""

from __future__ import annotations

import ast
import copy
import inspect
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import adamw
import pytest
import torch
from adamw import AdamW
from torch import nn

from .training import assert_same_values, parameters, train, values

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
    """Every argument of torch.optim.AdamW is here, in its place, with its default and its kind."""
    theirs = inspect.signature(torch.optim.AdamW).parameters
    ours = inspect.signature(AdamW).parameters
    assert list(ours)[: len(theirs)] == list(theirs)
    for name, argument in theirs.items():
        assert (ours[name].default, ours[name].kind) == (argument.default, argument.kind)


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
        kept = [key for key in now if key != "params"]
        assert set(kept) >= set(torch.optim.AdamW(params).param_groups[0]) - {"params"}
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
    """Torch's schedulers drive it: with lr halved, a steady gradient moves half as far."""
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


def private_names_of_torch(source: Path) -> set[str]:
    """Names of torch that begin with an underscore: attributes of the module, and imports."""
    found = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value).split(".")[0] == "torch":
            found |= {node.attr}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("torch"):
            found |= {*(node.module or "").split("."), *(alias.name for alias in node.names)}
    return {name for name in found if name.startswith("_")}


def test_private_names_of_torch_stand_in_one_file() -> None:
    """What torch may move is in torch_internals; the foreach body is made of torch._foreach_*."""
    package = Path(adamw.__file__).parent
    found = {path.name: private_names_of_torch(path) for path in package.glob("*.py")}
    assert "_fused_adamw_" in found.pop("torch_internals.py")
    assert all(name.startswith("_foreach_") for name in found.pop("foreach.py"))
    assert not set().union(*found.values())


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
