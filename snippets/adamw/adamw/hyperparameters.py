"""What AdamW refuses, in torch's order and words, with the argument and the value in each message.

Law: a check reads and never changes; whoever calls it does so before anything else happens.
torch lets infinities pass, looks at the constructor's arguments alone, not at groups, and leaves
what is no number to whichever operation meets it first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import torch
from torch import Tensor

BACKENDS = ("auto", "reference", "foreach", "fused", "triton")
STATE_DTYPES = (None, torch.float32, torch.bfloat16, "8bit")
ROUNDINGS = ("nearest", "stochastic", "master")

CHOICES = {"backend": BACKENDS, "state_dtype": STATE_DTYPES, "rounding": ROUNDINGS}

NUMBERS = {
    "lr": "Invalid learning rate: {}",
    "eps": "Invalid epsilon value: {}",
    "weight_decay": "Invalid weight_decay value: {}",
}


def check_hyperparameters(options: Mapping[str, Any]) -> None:
    """Raise ValueError, or torch's RuntimeError for flags that exclude each other."""
    _check_tensor("lr", "Tensor lr", options["lr"], options)
    _check_number("lr", options)
    _check_number("eps", options)
    _check_betas(options)
    _check_number("weight_decay", options)
    check_storage(options)
    _check_seed(options["seed"])
    _check_flags(options)


def check_usable(options: Mapping[str, Any]) -> None:
    """Raise ValueError for what was put into a group after it was checked and no step can use.

    A negative lr can be used (schedules may end a rounding error below zero), NaN and infinity
    cannot. Tensors away from the CPU are not read: that would wait for the device.
    """
    for name, message in NUMBERS.items():
        if _readable(options[name]) and not math.isfinite(_number(options[name])):
            raise ValueError(message.format(_shown(options[name])))
    for index, beta in enumerate(options["betas"]):
        if _readable(beta):
            _check_beta(index, beta)


def check_storage(options: Mapping[str, Any]) -> None:
    """Raise ValueError for a backend, state_dtype or rounding that does not exist."""
    for name, choices in CHOICES.items():
        if name in options and not any(options[name] is c or options[name] == c for c in choices):
            raise ValueError(f"Invalid {name}: {options[name]!r}, choose from {choices}")


def _readable(value: Any) -> bool:
    return not isinstance(value, Tensor) or value.is_cpu


def _number(value: Any) -> float:
    """Return value as a float; NaN, which no check lets pass, for what is not one real number."""
    if isinstance(value, float):  # nearly always, and at a tenth of Real's time
        return value
    if isinstance(value, Tensor) and value.numel() == 1 and not value.is_complex():
        return float(value.detach())
    return float(value) if isinstance(value, Real) else math.nan


def _shown(value: Any) -> str:
    """Return what a message says of value; of a string that it is one, and what to write."""
    if not isinstance(value, str):
        return f"{value}"
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        return f"{value!r} is a string, not a number"
    mantissa, e, exponent = value.lower().partition("e")
    # YAML 1.1 has floats with a point and a signed exponent alone; configurations are often YAML.
    yaml = f", in YAML {mantissa}.0e{int(exponent):+}" if e and "." not in mantissa else ""
    return f"{value!r} is a string, not a number: write {number}{yaml}"


def _check_number(name: str, options: Mapping[str, Any]) -> None:
    if not 0.0 <= _number(options[name]) < math.inf:
        raise ValueError(NUMBERS[name].format(_shown(options[name])))


def _check_beta(index: int, beta: Any) -> None:
    if not 0.0 <= _number(beta) < 1.0:
        raise ValueError(f"Invalid beta parameter at index {index}: {_shown(beta)}")


def _check_tensor(name: str, words: str, value: Any, options: Mapping[str, Any]) -> None:
    if not isinstance(value, Tensor):
        return
    if options["foreach"] and not options["capturable"]:
        raise ValueError(
            f"{name} as a Tensor is not supported for capturable=False and foreach=True"
        )
    if value.numel() != 1:
        raise ValueError(f"{words} must be 1-element, not {value.numel()}")


def _check_betas(options: Mapping[str, Any]) -> None:
    betas = options["betas"]
    if not isinstance(betas, Sequence) or len(betas) != 2:
        raise ValueError(f"Invalid betas, expected two numbers: {_shown(betas)}")
    for index, beta in enumerate(betas):
        if isinstance(beta, Tensor) and beta.numel() != 1:
            raise ValueError(f"Tensor betas[{index}] must be 1-element, not {beta.numel()}")
        _check_beta(index, beta)
    if not any(all(isinstance(beta, kind) for beta in betas) for kind in (float, Tensor)):
        raise ValueError(f"betas must be either both floats or both Tensors: {betas}")
    for index, beta in enumerate(betas):
        _check_tensor(f"betas[{index}]", f"Tensor betas[{index}]", beta, options)


def _check_seed(seed: Any) -> None:
    if not isinstance(seed, int) or not 0 <= seed < 2**31:
        raise ValueError(f"Invalid seed: {seed!r}, expected an integer in [0, 2**31)")


def _check_flags(options: Mapping[str, Any]) -> None:
    if options["fused"] and options["differentiable"]:
        raise RuntimeError("`fused` does not support `differentiable`")
    if options["fused"] and options["foreach"]:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
    if options["differentiable"] and options["backend"] not in ("auto", "reference"):
        raise RuntimeError(
            f"backend={options['backend']!r} does not support `differentiable`: "
            "only the reference body records gradients"
        )
