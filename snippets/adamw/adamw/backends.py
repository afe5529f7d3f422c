"""Which body runs: a table of bodies, what each needs, and the choice for `backend="auto"`.

Law: a body that was asked for runs or is refused with what is missing; only "auto" chooses another.
Triton is imported by the first call that needs it, never by `import adamw`.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeAlias

import torch
from torch import Tensor

from . import foreach, fused, plain
from .batch import Batch, Options

Body: TypeAlias = Callable[[Batch, Options], None]

TRITON_DEVICES = ("cuda", "xpu")

UNSCALING = ("fused", "triton")
"""Bodies that divide by GradScaler's scale and look for infinities in their pass over gradients."""

READS_STEPS = (
    "the foreach body and stochastic rounding outside Triton read steps on the host, "
    "which capturable=True rules out; use backend='triton'"
)


def _triton_update(batch: Batch, options: Options) -> None:
    from . import triton_body  # imports triton, which not every machine has

    triton_body.update(batch, options)


BODIES: Mapping[str, Body] = {
    "reference": plain.update,
    "foreach": foreach.update,
    "fused": fused.update,
    "triton": _triton_update,
}


def choose(param: Tensor, group: Mapping[str, Any]) -> str:
    """Return the name of the body for a parameter of a group."""
    backend: str = group["backend"]
    if backend == "auto":
        return _auto(param, group)
    if reason := missing(backend, param, group):
        raise RuntimeError(f"backend={backend!r} cannot run here: {reason}")
    return backend


def _auto(param: Tensor, group: Mapping[str, Any]) -> str:
    wants_fused = group["fused"] or (group["fused"] is None and group["foreach"] is None)
    if wants_fused and param.device.type in TRITON_DEVICES and not group["differentiable"]:
        reason = missing("triton", param, group)
        if not reason:
            return "triton"
        if group["fused"]:
            raise RuntimeError(f"fused=True cannot run here: {reason}")
    if group["fused"] and param.is_cpu and not param.is_complex():  # complex ones: see `gather`
        if reason := missing("fused", param, group):
            raise RuntimeError(f"fused=True cannot run here: {reason}; leave fused out for that")
        return "fused"
    # The foreach body reads steps on the host; a graph or autograd needs them as tensors.
    name = "reference" if group["differentiable"] or group["capturable"] else "foreach"
    if reason := missing(name, param, group):
        raise RuntimeError(f"capturable=True cannot run here: {reason}")
    return name


def step_on_device(param: Tensor, group: Mapping[str, Any]) -> bool:
    """Return whether param's step lives beside it: for graphs, for fused, for the triton body."""
    return bool(group["capturable"] or group["fused"]) or choose(param, group) == "triton"


def missing(backend: str, param: Tensor, group: Mapping[str, Any]) -> str:
    """Return what a body lacks to update param here, in words; nothing if it can run."""
    if backend == "fused":
        return fused.missing(param, group)
    if backend != "triton":
        reads_steps = backend == "foreach" or group["rounding"] == "stochastic"
        return READS_STEPS if reads_steps and group["capturable"] else ""
    if not _triton_installed():
        return "Triton is not installed (pip install triton)"
    if type(param) not in (Tensor, torch.nn.Parameter):
        return f"it takes plain tensors, not {type(param).__name__}"
    if param.device.type not in TRITON_DEVICES and not (param.is_cpu and interpreted()):
        return (
            f"a parameter is on {param.device}, and Triton needs a GPU "
            "(or TRITON_INTERPRET=1, set before Python starts, to interpret it slowly on the CPU)"
        )
    return ""


@cache
def _triton_installed() -> bool:
    return importlib.util.find_spec("triton") is not None


def interpreted() -> bool:
    """Return whether Triton kernels run in its interpreter."""
    return os.environ.get("TRITON_INTERPRET", "0") not in ("", "0")
