"""AdamW in torch's optimizer form: groups, state and errors here, arithmetic in `single_tensor`.

Whatever is wrong with a request is found before anything is changed: no group is added, no state
made and no parameter moved by a call that raises.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, overload

import torch
from torch import Tensor
from torch.optim.optimizer import Optimizer, ParamsT

from .single_tensor import step_


class AdamW(Optimizer):
    """Adam with decoupled weight decay, for `torch.optim.AdamW`'s arguments and defaults.

    Args:
        params: tensors, (name, tensor) pairs, or groups: dicts with `params` and their own options.
        lr: learning rate, finite and at least 0. It also scales the decay: lr * weight_decay.
        betas: decay rates of the two running means, floats in [0, 1).
        eps: added to the root of the second moment, in units of the gradient; at least 0.
        weight_decay: fraction of the parameter removed in a step, per unit of lr; at least 0.
        amsgrad: divide by the largest second moment so far (Reddi et al. 2018).
        maximize: climb instead of descend.

    State of a parameter, made at its first step with a gradient: `step` (0-dimensional float32 on
    the CPU, 4 bytes), `exp_avg` and `exp_avg_sq`, with amsgrad `max_exp_avg_sq`; each moment has
    the parameter's own shape, dtype and device. `state_dict()` loads into torch.optim.AdamW and
    the other way round.

    Raises:
        ValueError: a hyperparameter outside its range, NaN or infinite, in the arguments or in a
            group (torch looks at the arguments alone, and lets infinity pass).

    Source: Loshchilov & Hutter 2019, arXiv 1711.05101, Algorithm 2; see `adamw.reference`.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            # Read by torch's Adam when it loads our state; without it, it would couple the decay.
            "decoupled_weight_decay": True,
        }
        _check_hyperparameters(defaults)
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Accept state saved by any version of torch's Adam family, as AdamW."""
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("amsgrad", False)
            group.setdefault("maximize", False)
            group["decoupled_weight_decay"] = True
        for param_state in self.state.values():
            if "step" in param_state and not isinstance(param_state["step"], Tensor):
                param_state["step"] = torch.tensor(float(param_state["step"]), dtype=torch.float32)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group after checking its hyperparameters; the caller's dict stays as it was.

        torch fills the caller's dict with this optimizer's defaults, and the next optimizer built
        from the same dict would then ignore its own arguments.
        """
        if isinstance(param_group, dict):
            _check_hyperparameters({**self.defaults, **param_group})
            param_group = dict(param_group)
        super().add_param_group(param_group)

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Update every parameter that has a gradient; return the closure's loss, if one is given.

        Raises RuntimeError for a sparse gradient, before any parameter is changed.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self._refuse_sparse_gradients()
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is not None:
                    self._update(param, group)
        return loss

    def _refuse_sparse_gradients(self) -> None:
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is not None and param.grad.is_sparse:
                    raise RuntimeError(
                        "AdamW does not support sparse gradients, "
                        "please consider SparseAdam instead"
                    )

    def _update(self, param: Tensor, group: Mapping[str, Any]) -> None:
        state = self.state[param]
        if not state:
            state.update(_initial_state(param, amsgrad=group["amsgrad"]))
        beta1, beta2 = group["betas"]
        assert param.grad is not None  # step() passes only parameters with one
        step_(
            param,
            param.grad,
            state["exp_avg"],
            state["exp_avg_sq"],
            state["step"],
            lr=group["lr"],
            beta1=beta1,
            beta2=beta2,
            eps=group["eps"],
            weight_decay=group["weight_decay"],
            max_exp_avg_sq=state["max_exp_avg_sq"] if group["amsgrad"] else None,
            maximize=group["maximize"],
        )


def _initial_state(param: Tensor, *, amsgrad: bool) -> dict[str, Tensor]:
    moments = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq") if amsgrad else ("exp_avg", "exp_avg_sq")
    # The step count lives on the CPU: it is only ever read as a Python number, and reading it
    # from a GPU would wait for the device.
    step = torch.zeros((), dtype=torch.float32, device="cpu")
    return {"step": step} | {name: torch.zeros_like(param) for name in moments}


def _check_hyperparameters(options: Mapping[str, Any]) -> None:
    """Refuse, in torch's order and words, what torch refuses, and infinities besides."""
    if isinstance(options["lr"], Tensor):
        raise ValueError(f"lr as a Tensor is not supported by adamw.AdamW: {options['lr']}")
    if not _finite_and_at_least_zero(options["lr"]):
        raise ValueError(f"Invalid learning rate: {options['lr']}")
    if not _finite_and_at_least_zero(options["eps"]):
        raise ValueError(f"Invalid epsilon value: {options['eps']}")
    _check_betas(options["betas"])
    if not _finite_and_at_least_zero(options["weight_decay"]):
        raise ValueError(f"Invalid weight_decay value: {options['weight_decay']}")


def _check_betas(betas: Any) -> None:
    if len(betas) != 2:
        raise ValueError(f"Invalid betas, expected two numbers: {betas}")
    for index, beta in enumerate(betas):
        if not 0.0 <= beta < 1.0:
            raise ValueError(f"Invalid beta parameter at index {index}: {beta}")
    if all(isinstance(beta, Tensor) for beta in betas):
        raise ValueError(f"betas as Tensors are not supported by adamw.AdamW: {betas}")
    if not all(isinstance(beta, float) for beta in betas):
        raise ValueError(f"betas must be either both floats or both Tensors: {betas}")


def _finite_and_at_least_zero(value: float) -> bool:
    return math.isfinite(value) and value >= 0.0
