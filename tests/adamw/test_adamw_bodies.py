"""Every body is the reference: one step of each against the equations in float64."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from adamw import AdamW, backends, reference
from torch import Tensor, nn

from .training import params_of, snapshot, train, with_gradients

BODIES = ("reference", "foreach", "triton")
EVERY_BODY = (*BODIES, "fused")
"""With torch's own, which has no formats."""

SHAPES: dict[str, list[tuple[int, ...]]] = {
    "empty": [(0,), (0, 3)],
    "one": [(1,), ()],
    "odd": [(7,), (257,), (1023, 3)],
    "a whole block and more": [(1024,), (1025,), (4096,)],
    "many small": [(n,) for n in range(1, 40)],
}

FLAGS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "all": {"lr": 0.02, "betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.3},
    "amsgrad": {"amsgrad": True},
    "all of amsgrad": {
        "amsgrad": True,
        "maximize": True,
        "lr": 0.02,
        "betas": (0.8, 0.5),
        "eps": 1e-6,
        "weight_decay": 0.3,
    },
    "maximize": {"maximize": True},
    "no decay": {"weight_decay": 0.0},
    "beta 0": {"betas": (0.0, 0.5)},
}

DEFAULTS = {"lr": 1e-3, "eps": 1e-8, "weight_decay": 0.01}

# Half a unit in the last place, relative: what rounding the result once may cost.
HALF_UNIT = {torch.bfloat16: 2.0**-8, torch.float16: 2.0**-11}


def rounds_down(body: str) -> bool:
    """Whether a body cuts float32 to bfloat16 where hardware rounds: Triton's interpreter does."""
    return body == "triton" and backends.interpreted()


def home(body: str) -> torch.device:
    """The device a body is tested on: Triton's is a GPU where there is one. Skips where none is."""
    device = torch.device("cuda" if body == "triton" and torch.cuda.is_available() else "cpu")
    group = {"backend": body, "capturable": False, "rounding": "nearest", "state_dtype": None}
    if reason := backends.missing(body, torch.ones(1, device=device), group):
        pytest.skip(reason)
    return device


def make(
    device: torch.device, dtype: torch.dtype, shapes: list[tuple[int, ...]]
) -> list[nn.Parameter]:
    random = torch.Generator().manual_seed(0)
    drawn = [torch.randn(shape, generator=random).to(device, dtype) for shape in shapes]
    return with_gradients([nn.Parameter(tensor) for tensor in drawn])


def expected(param: Tensor, steps: int, **options: Any) -> Tensor:
    """The parameter after so many steps on its gradient, by the equations, in float64."""
    g = param.grad.double()  # type: ignore[union-attr]
    g = -g if options.pop("maximize", False) else g
    beta1, beta2 = options.pop("betas", (0.9, 0.999))
    lr, eps, weight_decay = (options.pop(name, own) for name, own in DEFAULTS.items())
    amsgrad = options.pop("amsgrad", False)
    assert not options  # whatever is asked for is followed
    theta, m, v = param.detach().double(), torch.zeros_like(g), torch.zeros_like(g)
    used = v
    for t in range(1, steps + 1):
        m = reference.first_moment(m, g, beta1)
        v = reference.second_moment(v, g, beta2)
        used = torch.maximum(used, v) if amsgrad else v
        m_hat = reference.bias_correct(m, beta1, t)
        v_hat = reference.bias_correct(used, beta2, t)
        theta = reference.decay(theta, lr, weight_decay)
        theta = theta - lr * reference.adam_direction(m_hat, v_hat, eps)
    return theta


@pytest.mark.parametrize("flags", FLAGS.values(), ids=FLAGS)
@pytest.mark.parametrize("body", EVERY_BODY)
def test_flags(body: str, flags: dict[str, Any]) -> None:
    """Under every flag three float64 steps are the equations'."""
    device = home(body)
    params = make(device, torch.float64, [(), (3, 5), (1100,)])
    wanted = [expected(param, 3, **flags) for param in params]
    optimizer = AdamW(params, backend=body, **flags)
    for _ in range(3):
        optimizer.step()
    for param, want in zip(params, wanted, strict=True):
        torch.testing.assert_close(param.detach(), want, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("shapes", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("body", EVERY_BODY)
def test_shapes(body: str, shapes: list[tuple[int, ...]]) -> None:
    """Empty, single, odd, large and many: two float32 steps of each are the equations'."""
    device = home(body)
    params = make(device, torch.float32, shapes)
    wanted = [expected(param, 2) for param in params]
    optimizer = AdamW(params, backend=body)
    for _ in range(2):
        optimizer.step()
    assert {optimizer.state[param]["step"].item() for param in params} == {2.0}
    for param, want in zip(params, wanted, strict=True):
        torch.testing.assert_close(param.detach().double(), want, rtol=2**-22, atol=5e-8)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, *HALF_UNIT])
@pytest.mark.parametrize("body", BODIES)
def test_dtypes(body: str, dtype: torch.dtype) -> None:
    """One step in every float dtype is the equations', rounded once.

    float64 and float32 are computed in themselves: a few roundings of a parameter below 4 and of
    an update of 0.1. 16-bit parameters, their moments in float32, are rounded at the end alone.
    """
    device = home(body)
    params = make(device, dtype, [(5,), (1100,)])
    wanted = [expected(param, 1, lr=0.1) for param in params]
    rtol = HALF_UNIT.get(dtype, 2 * torch.finfo(dtype).eps)
    rtol *= 2 if rounds_down(body) and dtype == torch.bfloat16 else 1
    states = torch.float32 if dtype in HALF_UNIT else None
    AdamW(params, backend=body, state_dtype=states, lr=0.1).step()
    for param, want in zip(params, wanted, strict=True):
        torch.testing.assert_close(
            param.detach().double(), want, rtol=rtol, atol=torch.finfo(torch.float32).eps * 0.4
        )


@pytest.mark.parametrize("dtype", HALF_UNIT)
@pytest.mark.parametrize("body", EVERY_BODY)
def test_16_bit_moments(body: str, dtype: torch.dtype) -> None:
    """With moments in the parameter's own 16 bits, one step is the equations' but for roundings.

    The parameter is rounded twice, after decay and after the update: 2 half units of itself. The
    update is made in at most 8 rounded operations: 8 half units of lr. eps is 0.1, as in torch's
    own tests: float16 has no 1e-8.
    """
    device = home(body)
    params = make(device, dtype, [(5,), (1100,)])
    wanted = [expected(param, 1, lr=0.1, eps=0.1) for param in params]
    half = HALF_UNIT[dtype] * (2 if rounds_down(body) and dtype == torch.bfloat16 else 1)
    AdamW(params, backend=body, lr=0.1, eps=0.1).step()
    for param, want in zip(params, wanted, strict=True):
        torch.testing.assert_close(
            param.detach().double(), want, rtol=2 * half, atol=8 * half * 0.1
        )


@pytest.mark.parametrize("body", EVERY_BODY)
def test_float16_is_finite_after_a_zero_gradient(body: str) -> None:
    """torch's eps is no float16 and the square of a small gradient neither: float32 has both.

    The parameter, its moments in float16 too, is the equations' rounded once.
    """
    device = home(body)
    param = nn.Parameter(torch.ones(3, dtype=torch.float16, device=device))
    param.grad = torch.tensor([0.0, 1e-4, -1e-7], dtype=torch.float16, device=device)
    want = expected(param, 1)
    AdamW([param], backend=body).step()
    torch.testing.assert_close(param.detach().double(), want, rtol=2**-11, atol=0)


LAYOUTS: dict[str, Any] = {
    "transposed": lambda: torch.randn(33, 40).t(),
    "channels last": lambda: torch.randn(4, 3, 5, 6).to(memory_format=torch.channels_last),
    "with holes": lambda: torch.randn(40, 60)[:, ::2],
    "unaligned": lambda: torch.randn(1300)[1:],
    "expanded to one": lambda: torch.randn(1, 9, 1),
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("state_dtype", [None, "8bit"])
@pytest.mark.parametrize("body", BODIES)
def test_layouts(body: str, layout: Any, state_dtype: Any) -> None:
    """However a parameter and its gradient lie in memory, elements meet their own gradients."""
    device = home(body)
    torch.manual_seed(0)
    param = nn.Parameter(layout().to(device))
    param.grad = torch.randn(param.shape).to(device)
    want = expected(param, 1)
    AdamW([param], backend=body, state_dtype=state_dtype).step()
    torch.testing.assert_close(param.detach().double(), want, rtol=2**-22, atol=5e-8)


FORMATS: dict[str, tuple[torch.dtype, dict[str, Any]]] = {
    "bf16, fp32 states": (torch.bfloat16, {"state_dtype": torch.float32}),
    "bf16, stochastic": (
        torch.bfloat16,
        {"rounding": "stochastic", "seed": 7, "state_dtype": torch.float32},
    ),
    "bf16, master": (torch.bfloat16, {"rounding": "master", "state_dtype": torch.float32}),
    "bf16, 8-bit, master": (torch.bfloat16, {"rounding": "master", "state_dtype": "8bit"}),
    "fp32, 8-bit": (torch.float32, {"state_dtype": "8bit"}),
    "fp32, 8-bit, amsgrad": (torch.float32, {"state_dtype": "8bit", "amsgrad": True}),
    "fp32, bf16 states": (torch.float32, {"state_dtype": torch.bfloat16}),
    "fp16, fp32 states": (torch.float16, {"state_dtype": torch.float32}),
    "fp64, 8-bit": (torch.float64, {"state_dtype": "8bit"}),
}


@pytest.mark.parametrize(("dtype", "options"), FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("body", ["reference", "triton"])
def test_formats(body: str, dtype: torch.dtype, options: dict[str, Any]) -> None:
    """In every storage format each body does what the foreach body does, noise included.

    float32 arithmetic in another order is off by 4 roundings of the largest element. Rounded to 16
    bits, or to a code, that may cross an edge: one unit, and in few elements. Triton's interpreter
    cuts float32 to bfloat16 where hardware rounds: two units after two steps, and near zero a
    twentieth of lr.
    """
    device = home(body)
    trained = []
    for name in ("foreach", body):
        params = make(device, dtype, [(4100,), (5,), (65, 64)])
        optimizer = AdamW(params, backend=name, lr=0.01, **options)
        train(optimizer, 1 if options.get("state_dtype") == torch.bfloat16 else 2, seed=1)
        trained.append(with_masters(optimizer))
    cut = rounds_down(body) and options.get("rounding", "nearest") == "nearest"
    for ours, theirs in zip(*trained, strict=True):
        if ours.dtype == torch.uint8:
            apart = (ours.int() - theirs.int()).abs()
            assert apart.max() <= 1
            assert apart.ne(0).double().mean() < 0.001
            continue
        rtol, atol = 2 * HALF_UNIT.get(ours.dtype, 0.0), 4 * 2**-23 * theirs.abs().max().item()
        if cut and torch.bfloat16 in (ours.dtype, options.get("state_dtype")):
            rtol, atol = 4 * HALF_UNIT[torch.bfloat16], 0.05 * 0.01
        elif ours.dtype in HALF_UNIT:
            assert ours.ne(theirs).double().mean() < 0.01
        torch.testing.assert_close(ours, theirs, rtol=rtol, atol=atol)


def with_masters(optimizer: AdamW) -> list[Tensor]:
    """An optimizer's values, a master in place of the parameter that it rounds to."""
    found = []
    for param in params_of(optimizer):
        state = dict(optimizer.state[param])
        found.append(state.pop("master_param", param.detach()))
        found += [state[key] for key in sorted(state)]
    return [tensor.cpu() for tensor in found]


@pytest.mark.parametrize("body", BODIES)
def test_nan_is_never_hidden(body: str) -> None:
    """A NaN gradient makes its parameter NaN, in every format and rounding."""
    device = home(body)
    for options in (
        {},
        {"state_dtype": "8bit"},
        {"rounding": "master"},
        {"rounding": "stochastic"},
    ):
        for dtype in (torch.float32, torch.bfloat16):
            params = make(device, dtype, [(4100,)])
            params[0].grad[5] = math.nan  # type: ignore[index]
            AdamW(params, backend=body, **options).step()
            assert params[0][5].isnan()
            assert params[0][300:].isfinite().all()


@pytest.mark.parametrize("body", BODIES)
def test_nan_is_the_largest_second_moment(body: str) -> None:
    """With amsgrad a NaN stays in the largest second moment: a maximum may not drop it."""
    device = home(body)
    params = make(device, torch.float32, [(9,)])
    params[0].grad[5] = math.nan  # type: ignore[index]
    optimizer = AdamW(params, backend=body, amsgrad=True)
    optimizer.step()
    assert optimizer.state[params[0]]["max_exp_avg_sq"].isnan().nonzero().tolist() == [[5]]


@pytest.mark.parametrize("body", BODIES)
def test_an_infinite_gradient_makes_its_blocks_of_codes_nan(body: str) -> None:
    """What 8 bits cannot hold is NaN in the state too, in its own block alone."""
    device = home(body)
    params = make(device, torch.float32, [(4100,)])
    params[0].grad[5] = math.inf  # type: ignore[index]
    optimizer = AdamW(params, backend=body, state_dtype="8bit")
    optimizer.step()
    for key in ("exp_avg_scales", "exp_avg_sq_scales"):
        scales = optimizer.state[params[0]][key]
        assert scales[0].isnan()
        assert scales[1:].isfinite().all()


@pytest.mark.parametrize("body", EVERY_BODY)
def test_tensors_may_be_at_different_steps(body: str) -> None:
    """Parameters that skipped steps are corrected by their own count."""
    device = home(body)
    params = make(device, torch.float64, [(6,), (6,)])
    alone = make(device, torch.float64, [(6,), (6,)])[1]
    optimizer = AdamW(params, backend=body)
    gradient, params[1].grad = params[1].grad, None
    optimizer.step()
    params[1].grad = gradient
    optimizer.step()
    AdamW([alone], backend=body).step()
    assert torch.equal(params[1], alone)
    assert [optimizer.state[param]["step"].item() for param in params] == [2.0, 1.0]


@pytest.mark.parametrize("body", EVERY_BODY)
def test_tensor_hyperparameters(body: str) -> None:
    """A learning rate and betas in tensors do what the numbers do."""
    device = home(body)
    results = []
    for kind in (float, lambda x: torch.tensor([x], dtype=torch.float64)):
        params = make(device, torch.float64, [(6,)])
        AdamW(params, kind(0.1), (kind(0.8), kind(0.9)), backend=body).step()
        results.append(snapshot(params)[0])
    torch.testing.assert_close(results[0], results[1], rtol=1e-13, atol=0)


@pytest.mark.parametrize("body", EVERY_BODY)
def test_every_body_skips_and_unscales_for_a_grad_scaler(body: str) -> None:
    """found_inf of 1 moves and counts nothing, and grad_scale divides the gradients otherwise."""
    device = home(body)
    params = make(device, torch.float32, [(1030,), (3,)])
    optimizer: Any = AdamW(params, backend=body, fused=True)
    optimizer.grad_scale, optimizer.found_inf = torch.tensor(4.0), torch.tensor(1.0)
    before = snapshot(params)
    optimizer.step()
    assert all(torch.equal(a, b) for a, b in zip(before, params, strict=True))
    assert optimizer.state[params[0]]["step"] == 0
    optimizer.found_inf = torch.tensor(0.0)
    wanted = [expected(param, 1) for param in make(device, torch.float32, [(1030,), (3,)])]
    for param in params_of(optimizer):
        param.grad.mul_(4.0)  # type: ignore[union-attr]
    optimizer.step()
    for param, want in zip(params, wanted, strict=True):
        torch.testing.assert_close(param.detach().double(), want, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("body", BODIES)
def test_a_scale_beyond_float16_divides_float16_gradients(body: str) -> None:
    """GradScaler's first scale, 65,536, is no float16, and still divides float16 gradients."""
    device = home(body)
    param = nn.Parameter(torch.zeros(3, dtype=torch.float16, device=device))
    param.grad = torch.tensor([0.0, 65504.0, -65504.0], dtype=torch.float16, device=device)
    optimizer: Any = AdamW([param], lr=1.0, backend=body, fused=True, state_dtype=torch.float32)
    optimizer.grad_scale = torch.tensor([65536.0])
    optimizer.step()
    assert param.tolist() == [0.0, -1.0, 1.0]
    assert optimizer.state[param]["exp_avg"].tolist() == pytest.approx([0.0, 0.1, -0.1], rel=1e-3)
