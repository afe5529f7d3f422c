"""PyTorch's own inputs for AdamW, and its error inputs, drive this optimizer.

They are the tables `torch.testing._internal.common_optimizers` ships in every torch wheel.
"""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from adamw import AdamW
from torch import Tensor, nn

from .training import assert_same_values, distance, params_of, train, values, with_gradients

common = pytest.importorskip(
    "torch.testing._internal.common_optimizers", reason="torch's test tables need expecttest"
)
INFO = next(info for info in common.optim_db if info.optim_cls is torch.optim.AdamW)
# As for a GPU too: what is capturable cannot step here, everything else can.
INPUTS = {
    f"{entry.desc}, {dtype}".replace("torch.", ""): (entry.kwargs, dtype)
    for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16, torch.complex64)
    for entry in [*INFO.optim_inputs_func("cpu", dtype), *INFO.optim_inputs_func("mps", dtype)]
}
CUDA_INPUTS = {entry.desc: entry.kwargs for entry in INFO.optim_inputs_func("cuda", torch.float32)}
ERRORS = [*INFO.optim_error_inputs_func("cpu", torch.float32)]
ERRORS += (
    INFO.optim_error_inputs_func("cuda", torch.float32)[-2:] if torch.cuda.is_available() else []
)


def parameters(dtype: torch.dtype, seed: int = 0) -> list[nn.Parameter]:
    """Parameters of several shapes, one of them empty and one transposed in memory."""
    random = torch.Generator().manual_seed(seed)
    tensors = [torch.randn(s, generator=random).to(dtype) for s in ((), (3, 4), (0,), (2, 3, 5))]
    return [nn.Parameter(t) for t in (*tensors, torch.randn(4, 3, generator=random).to(dtype).t())]


IMPLS = ["foreach", "fused", "differentiable", None]


@pytest.mark.parametrize("impl", IMPLS)
@pytest.mark.parametrize(("kwargs", "dtype"), INPUTS.values(), ids=INPUTS)
def test_every_input_trains_as_torchs_for_loop(
    kwargs: dict[str, Any], dtype: torch.dtype, impl: str | None
) -> None:
    """Under each of torch's inputs and flags, parameters and state follow torch's for-loop.

    differentiable=True does the same in another order. In bfloat16 that may be a second unit in the
    last place. With a float32 lr torch rounds lr / (1 - beta1**t) to float32, this optimizer does
    not: in float64 five steps of 0.1 differ by up to 5 * 0.1 * 6e-8 / (1 - beta1).
    float16 is computed in float32 here and in 16 bits by torch's for-loop, and fused=True is its
    fused step: `test_float16_is_nearer_to_float64` and `test_adamw_fused` have those.
    """
    flags = {impl: True} if impl else {}
    if flags and isinstance(kwargs.get("lr"), Tensor) and impl == "foreach":
        pytest.skip("torch refuses a tensor lr with foreach=True")
    if impl == "fused" and dtype.is_complex:
        pytest.skip("torch refuses complex parameters with fused=True")
    if dtype == torch.float16 or (impl == "fused" and special_to_fused(dtype, kwargs)):
        pytest.skip("computed more widely than by torch's for-loop")
    ours = AdamW(parameters(dtype), **kwargs, **flags)
    theirs = torch.optim.AdamW(parameters(dtype), **kwargs, foreach=False)
    if impl == "differentiable":
        ours = AdamW([p.detach() for p in parameters(dtype)], **kwargs, **flags)
    train(ours, 5, seed=1)
    train(theirs, 5, seed=1)
    rounding = {torch.float64: 1e-12, torch.bfloat16: 2**-7}
    tolerance = rounding.get(dtype, 1e-6)
    if impl == "differentiable" and dtype == torch.bfloat16:
        tolerance *= 2
    if impl == "differentiable" and dtype == torch.float64 and isinstance(kwargs.get("lr"), Tensor):
        tolerance = 1e-8
    assert_same_values(ours, theirs, rtol=tolerance, atol=tolerance / 10)


def special_to_fused(dtype: torch.dtype, kwargs: dict[str, Any]) -> bool:
    """Whether torch's own two steps differ: in bfloat16, and by a float32 lr in float64."""
    float32_lr = isinstance(kwargs.get("lr"), Tensor) and dtype == torch.float64
    return dtype == torch.bfloat16 or float32_lr


HALF = {name: kwargs for name, (kwargs, dtype) in INPUTS.items() if dtype == torch.float16}


@pytest.mark.parametrize("impl", IMPLS)
@pytest.mark.parametrize("kwargs", HALF.values(), ids=HALF)
def test_float16_is_nearer_to_float64(kwargs: dict[str, Any], impl: str | None) -> None:
    """The same gradients in float64 are where float16 should end; torch's loop is no nearer."""
    flags = {impl: True} if impl else {}
    if impl == "foreach" and isinstance(kwargs.get("lr"), Tensor):
        pytest.skip("torch refuses a tensor lr with foreach=True")
    ours = AdamW([p.detach() for p in parameters(torch.float16)], **kwargs, **flags)
    theirs = torch.optim.AdamW(parameters(torch.float16), **kwargs, foreach=False)
    exact = torch.optim.AdamW([p.double() for p in params_of(ours)], **kwargs, foreach=False)
    for optimizer in (ours, theirs, exact):
        train(optimizer, 20, seed=1, of=torch.float16)
    assert distance(ours, exact) <= distance(theirs, exact)


@pytest.mark.parametrize("entry", ERRORS, ids=lambda entry: entry.optimizer_error_input.desc)
def test_every_error_input_is_refused_as_in_torch(entry: Any) -> None:
    """Each of torch's erroneous inputs raises torch's error, with torch's words."""
    wrong = entry.optimizer_error_input
    if issubclass(entry.error_type, Warning):
        with pytest.warns(entry.error_type, match=entry.error_regex):
            AdamW(wrong.params, **wrong.kwargs)
    elif entry.error_on is common.OptimizerErrorEnum.CONSTRUCTION_ERROR:
        with pytest.raises(entry.error_type, match=entry.error_regex):
            AdamW(wrong.params, **wrong.kwargs)
    else:
        optimizer = AdamW(wrong.params, **wrong.kwargs)
        with pytest.raises(entry.error_type, match=entry.error_regex):
            optimizer.step()


@pytest.mark.parametrize("kwargs", CUDA_INPUTS.values(), ids=CUDA_INPUTS)
def test_inputs_for_a_gpu_are_accepted(kwargs: dict[str, Any]) -> None:
    """What torch would take for a GPU (capturable, tensor lr and betas) constructs here too."""
    assert AdamW(parameters(torch.float32), **kwargs).defaults["lr"] is not None


@pytest.mark.parametrize(("kwargs", "dtype"), INPUTS.values(), ids=INPUTS)
def test_every_input_round_trips_through_torch(kwargs: dict[str, Any], dtype: torch.dtype) -> None:
    """Torch's state goes to ours and back mid-training, and training ends where torch's does."""
    straight = torch.optim.AdamW(parameters(dtype), **kwargs, foreach=False)
    train(straight, 2, seed=1)
    ours = AdamW([p.detach().clone() for p in params_of(straight)], **kwargs)
    ours.load_state_dict(copy.deepcopy(straight.state_dict()))
    for seed in (2, 3):
        train(straight, 2, seed=seed)
    train(ours, 2, seed=2)
    back = torch.optim.AdamW([p.detach().clone() for p in params_of(ours)], **kwargs, foreach=False)
    back.load_state_dict(ours.state_dict())
    train(back, 2, seed=3)
    tolerance = {torch.bfloat16: 2**-7, torch.float16: 2**-9}.get(dtype, 1e-6)
    assert_same_values(back, straight, rtol=tolerance, atol=tolerance / 10)


@pytest.mark.parametrize("how", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
@pytest.mark.parametrize(
    "kwargs", [{}, {"state_dtype": "8bit"}, {"rounding": "master"}, {"amsgrad": True}]
)
def test_a_copy_goes_on_as_the_original(how: Any, kwargs: dict[str, Any]) -> None:
    """Deep copies and pickles carry all state, all options and the public attributes."""
    optimizer = AdamW([nn.Parameter(torch.randn(5000)), nn.Parameter(torch.ones(3))], **kwargs)
    train(optimizer, 2, seed=1)
    twin = how(optimizer)
    public = ({k for k in vars(o) if not k.startswith("_")} for o in (optimizer, twin))
    assert len({frozenset(names) for names in public}) == 1
    train(optimizer, 2, seed=2)
    train(twin, 2, seed=2)
    assert_same_values(twin, optimizer, rtol=0.0)


def test_a_saved_file_loads_with_weights_only() -> None:
    """torch.load(weights_only=True) reads a state_dict, 8-bit state and its options included."""
    optimizer = AdamW([nn.Parameter(torch.randn(5000))], state_dtype="8bit")
    train(optimizer, 2, seed=1)
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    loaded = torch.load(file, weights_only=True)
    twin = AdamW(
        [nn.Parameter(p.detach().clone()) for p in params_of(optimizer)], state_dtype="8bit"
    )
    twin.load_state_dict(loaded)
    assert_same_values(twin, optimizer, rtol=0.0)


def test_hooks_see_every_step_and_every_load() -> None:
    """Step hooks and state-dict hooks run, in torch's order, and a load hook's change counts."""
    calls = []
    optimizer = AdamW(with_gradients(parameters(torch.float32)))
    optimizer.register_step_pre_hook(lambda o, a, k: calls.append("before"))
    optimizer.register_step_post_hook(lambda o, a, k: calls.append("after"))
    optimizer.step()

    def change(o: torch.optim.Optimizer, state: dict[str, Any]) -> dict[str, Any]:
        calls.append("load")
        return {**state, "param_groups": [{**g, "lr": 0.5} for g in state["param_groups"]]}

    optimizer.register_load_state_dict_pre_hook(change)
    optimizer.register_load_state_dict_post_hook(lambda o: calls.append("loaded"))
    optimizer.load_state_dict(optimizer.state_dict())
    assert calls == ["before", "after", "load", "loaded"]
    assert optimizer.param_groups[0]["lr"] == 0.5


@pytest.mark.parametrize("no_scale", [True, False])
def test_found_inf_skips_the_step(no_scale: bool) -> None:
    """With fused=True and found_inf set, nothing moves and no step is counted."""
    params = with_gradients([nn.Parameter(torch.ones(3)) for _ in range(3)])
    optimizer: Any = AdamW(params, fused=True)
    assert optimizer._step_supports_amp_scaling
    optimizer.grad_scale = None if no_scale else torch.ones(1)
    optimizer.found_inf = torch.ones(())
    optimizer.step()
    assert all(torch.equal(param, torch.ones(3)) for param in params)
    assert [optimizer.state[param]["step"].item() for param in params] == [0, 0, 0]


def test_a_scaled_gradient_is_unscaled_in_the_step() -> None:
    """grad_scale divides the gradients: training under a GradScaler is training without."""
    scaled, plain = (AdamW(with_gradients(parameters(torch.float32)), fused=True) for _ in "ab")
    for param in params_of(scaled):
        param.grad.mul_(1024)
    scaled_any: Any = scaled
    scaled_any.grad_scale, scaled_any.found_inf = torch.tensor(1024.0), torch.tensor(0.0)
    scaled.step()
    plain.step()
    assert all(torch.equal(a, b) for a, b in zip(values(scaled), values(plain), strict=True))


@pytest.fixture
def steps_in_float64() -> Iterator[None]:
    """torch counts steps, and takes beta**step, in the default dtype."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.usefixtures("steps_in_float64")
@pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad=True")  # torch's own
@pytest.mark.parametrize("name", ["lr", "betas", "weight_decay"])
def test_a_differentiable_step_has_torchs_gradients(name: str) -> None:
    """Autograd through two steps gives torch's derivatives, of hyperparameters and gradients."""
    derivatives = []
    for cls in (AdamW, torch.optim.AdamW):
        start, grad = torch.tensor([1.0, -2.0], dtype=torch.float64).requires_grad_(), None
        grad = torch.tensor([0.5, 3.0], dtype=torch.float64, requires_grad=True)
        number = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
        option = (number, number + 0.5) if name == "betas" else number
        param = start.clone()
        optimizer: Any = cls(
            [param.detach().requires_grad_()], differentiable=True, **{name: option}
        )
        optimizer.param_groups[0]["params"][0] = param
        for factor in (1.0, 2.0):
            param.grad = grad * factor
            optimizer.step()
        derivatives.append(torch.autograd.grad(param.sum(), (start, grad, number)))
    for ours, theirs in zip(*derivatives, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-14)
