"""Every body is the reference: one step of each against the equations in float64."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from adamw import AdamW, backends, reference
from torch import Tensor, nn

from .training import params_of, snapshot, train, values, with_gradients

BODIES = ("reference", "foreach", "triton")

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
    "maximize": {"maximize": True},
    "no decay": {"weight_decay": 0.0},
    "beta 0": {"betas": (0.0, 0.5)},
}

FLOATS = {
    torch.float64: 1e-13,
    torch.float32: 1e-6,
    torch.bfloat16: 2.0**-7,
    torch.float16: 2.0**-9,
}


def needs(body: str) -> None:
    """Skip, with the reason, where a body cannot run."""
    group = {"backend": body, "capturable": False, "rounding": "nearest"}
    if reason := backends.missing(body, torch.ones(1), group):
        pytest.skip(reason)


def make(dtype: torch.dtype, shapes: list[tuple[int, ...]], seed: int = 0) -> list[nn.Parameter]:
    random = torch.Generator().manual_seed(seed)
    drawn = [torch.randn(shape, generator=random).to(dtype) for shape in shapes]
    return with_gradients([nn.Parameter(tensor) for tensor in drawn], seed)


def expected(param: Tensor, steps: int, **options: Any) -> Tensor:
    """The parameter after so many steps on its gradient, by the equations, in float64."""
    g = param.grad.double()  # type: ignore[union-attr]
    g = -g if options.pop("maximize", False) else g
    beta1, beta2 = options.pop("betas", (0.9, 0.999))
    largest = options.pop("amsgrad", False)
    theta, m, v = param.detach().double(), torch.zeros_like(g), torch.zeros_like(g)
    top = v
    for t in range(1, steps + 1):
        if not largest:
            theta, m, v = reference.adamw_step(
                theta, g, m, v, t, beta1=beta1, beta2=beta2, **options
            )
            continue
        m = reference.first_moment(m, g, beta1)
        v = reference.second_moment(v, g, beta2)
        top = torch.maximum(top, v)
        theta = reference.decay(theta, 1e-3, 0.01)
        m_hat = reference.bias_correct(m, beta1, t)
        v_hat = reference.bias_correct(top, beta2, t)
        theta = theta - 1e-3 * reference.adam_direction(m_hat, v_hat, 1e-8)
    return theta


@pytest.mark.parametrize("flags", FLAGS.values(), ids=FLAGS)
@pytest.mark.parametrize("body", BODIES)
def test_flags(body: str, flags: dict[str, Any]) -> None:
    """Under every flag three float64 steps are the equations'."""
    needs(body)
    params = make(torch.float64, [(), (3, 5), (1100,)])
    wanted = [expected(param, 3, **flags) for param in params]
    optimizer = AdamW(params, backend=body, **flags)
    for _ in range(3):
        optimizer.step()
    for param, want in zip(params, wanted, strict=True):
        torch.testing.assert_close(param.detach(), want, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("shapes", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("body", BODIES)
def test_shapes(body: str, shapes: list[tuple[int, ...]]) -> None:
    """Empty, single, odd, large and many: two float32 steps of each are the equations'."""
    needs(body)
    params = make(torch.float32, shapes)
    wanted = [expected(param, 2) for param in params]
    optimizer = AdamW(params, backend=body)
    for _ in range(2):
        optimizer.step()
    assert {optimizer.state[param]["step"].item() for param in params} == {2.0}
    for param, want in zip(params, wanted, strict=True):
        torch.testing.assert_close(param.detach().double(), want, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("body", BODIES)
def test_dtypes(body: str, dtype: torch.dtype) -> None:
    """One step in every float dtype is the equations' within that dtype's rounding."""
    needs(body)
    params = make(dtype, [(5,), (1100,)])
    wanted = [expected(param, 1, lr=0.1) for param in params]
    # torch's rule computes 16-bit moments in 16 bits, where float16 holds neither v nor eps.
    states = torch.float32 if dtype.itemsize == 2 else None
    AdamW(params, backend=body, state_dtype=states, lr=0.1).step()
    for param, want in zip(params, wanted, strict=True):
        torch.testing.assert_close(
            param.detach().double(), want, rtol=FLOATS[dtype], atol=FLOATS[dtype]
        )


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
    needs(body)
    torch.manual_seed(0)
    param = nn.Parameter(layout())
    param.grad = torch.randn(param.shape)
    want = expected(param, 1)
    AdamW([param], backend=body, state_dtype=state_dtype).step()
    torch.testing.assert_close(param.detach().double(), want, rtol=1e-6, atol=1e-7)


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

    Two units of bfloat16 and two codes are allowed: Triton's interpreter cuts float32 to bfloat16
    where hardware rounds, and the last bit of a moment may cross the edge of a code.
    """
    needs(body)
    trained = []
    for name in ("foreach", body):
        optimizer = AdamW(make(dtype, [(4100,), (5,), (65, 64)]), backend=name, lr=0.01, **options)
        train(optimizer, 1 if options.get("state_dtype") == torch.bfloat16 else 2, seed=1)
        trained.append(values(optimizer))
    for ours, theirs in zip(*trained, strict=True):
        if ours.dtype == torch.uint8:
            apart = (ours.int() - theirs.int()).abs()
            assert apart.max() <= 2
            assert apart.ne(0).double().mean() < 0.01
        elif ours.dtype != torch.int16:
            narrow = torch.bfloat16 in (ours.dtype, options.get("state_dtype"))
            tolerance = 2.0**-6 if narrow else 2.0**-9 if dtype == torch.float16 else 1e-5
            atol = 0.05 * 0.01 if narrow else tolerance / 10  # a twentieth of lr
            torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=atol)


@pytest.mark.parametrize("body", BODIES)
def test_nan_is_never_hidden(body: str) -> None:
    """A NaN gradient makes its parameter NaN, in every format and rounding."""
    needs(body)
    for options in (
        {},
        {"state_dtype": "8bit"},
        {"rounding": "master"},
        {"rounding": "stochastic"},
    ):
        for dtype in (torch.float32, torch.bfloat16):
            params = make(dtype, [(4100,)])
            params[0].grad[5] = math.nan  # type: ignore[index]
            AdamW(params, backend=body, **options).step()
            assert params[0][5].isnan()
            assert params[0][300:].isfinite().all()


@pytest.mark.parametrize("body", BODIES)
def test_tensors_may_be_at_different_steps(body: str) -> None:
    """Parameters that skipped steps are corrected by their own count."""
    needs(body)
    params = make(torch.float64, [(6,), (6,)])
    alone = make(torch.float64, [(6,), (6,)])[1]
    optimizer = AdamW(params, backend=body)
    gradient, params[1].grad = params[1].grad, None
    optimizer.step()
    params[1].grad = gradient
    optimizer.step()
    AdamW([alone], backend=body).step()
    assert torch.equal(params[1], alone)
    assert [optimizer.state[param]["step"].item() for param in params] == [2.0, 1.0]


@pytest.mark.parametrize("body", BODIES)
def test_tensor_hyperparameters(body: str) -> None:
    """A learning rate and betas in tensors do what the numbers do."""
    needs(body)
    results = []
    for kind in (float, lambda x: torch.tensor([x], dtype=torch.float64)):
        params = make(torch.float64, [(6,)])
        AdamW(params, kind(0.1), (kind(0.8), kind(0.9)), backend=body).step()
        results.append(snapshot(params)[0])
    torch.testing.assert_close(results[0], results[1], rtol=1e-13, atol=0)


@pytest.mark.parametrize("body", BODIES)
def test_every_body_skips_and_unscales_for_a_grad_scaler(body: str) -> None:
    """found_inf of 1 moves and counts nothing, and grad_scale divides the gradients otherwise."""
    needs(body)
    params = make(torch.float32, [(1030,), (3,)])
    optimizer: Any = AdamW(params, backend=body, fused=True)
    optimizer.grad_scale, optimizer.found_inf = torch.tensor(4.0), torch.tensor(1.0)
    before = snapshot(params)
    optimizer.step()
    assert all(torch.equal(a, b) for a, b in zip(before, params, strict=True))
    assert optimizer.state[params[0]]["step"] == 0
    optimizer.found_inf = torch.tensor(0.0)
    wanted = [expected(param, 1) for param in make(torch.float32, [(1030,), (3,)])]
    for param in params_of(optimizer):
        param.grad.mul_(4.0)  # type: ignore[union-attr]
    optimizer.step()
    for param, want in zip(params, wanted, strict=True):
        torch.testing.assert_close(param.detach().double(), want, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("body", BODIES)
def test_a_scale_beyond_float16_divides_float16_gradients(body: str) -> None:
    """GradScaler's first scale, 65,536, is no float16, and still divides float16 gradients."""
    needs(body)
    param = nn.Parameter(torch.zeros(3, dtype=torch.float16))
    param.grad = torch.tensor([0.0, 65504.0, -65504.0], dtype=torch.float16)
    optimizer: Any = AdamW([param], lr=1.0, backend=body, fused=True, state_dtype=torch.float32)
    optimizer.grad_scale = torch.tensor([65536.0])
    optimizer.step()
    assert param.tolist() == [0.0, -1.0, 1.0]
    assert optimizer.state[param]["exp_avg"].tolist() == pytest.approx([0.0, 0.1, -0.1], rel=1e-3)
