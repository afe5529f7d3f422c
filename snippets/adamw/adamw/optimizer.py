"""AdamW in torch's optimizer form: groups, state and errors here, arithmetic in the bodies.

Whatever is wrong with a request is found before anything is changed: no group is added, no state
made and no parameter moved by a call that raises.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

import torch
from torch import Tensor
from torch.optim.optimizer import Optimizer, ParamsT

from . import backends, gather, loading, torch_internals
from .batch import Batch, Options
from .groups import OWN_OPTIONS, Group
from .hyperparameters import check_hyperparameters


class AdamW(Optimizer):
    """Adam with decoupled weight decay: `torch.optim.AdamW`'s arguments and defaults, and more.

    Args:
        params: tensors of any shape, float16 to float64, bfloat16 or complex; (name, tensor) pairs;
            or groups: dicts with `params` and their own options.
        lr: learning rate, finite and at least 0; a float or a 1-element tensor. It also scales the
            decay: lr * weight_decay.
        betas: decay rates of the two running means, two floats or two 1-element tensors in [0, 1).
        eps: added to the root of the second moment, in units of the gradient; at least 0.
        weight_decay: fraction of the parameter removed in a step, per unit of lr; at least 0.
        amsgrad: divide by the largest second moment so far (Reddi et al. 2018).
        maximize: climb instead of descend.
        foreach: True keeps "auto" from choosing Triton.
        capturable: keep steps beside the parameters and read nothing on the host, so that step()
            can be captured in a CUDA graph.
        differentiable: let autograd record the step.
        fused: True asks for Triton on a GPU and for torch's own fused step on a CPU.
        backend: the body of the arithmetic: "reference", "foreach", "fused" (torch's, on a CPU),
            "triton", or "auto": as fused and foreach say, and without them Triton on a GPU where it
            is installed, foreach elsewhere, reference under differentiable.
        state_dtype: of the moments. None is torch's rule, the parameter's own dtype; torch.float32
            is the rule of Apex and bitsandbytes; torch.bfloat16; "8bit" codes blocks of 256 and
            leaves tensors under 4,096 elements in float32. Complex parameters keep torch's rule.
        rounding: of bfloat16 parameters: "nearest", "stochastic" (right on average), or "master": a
            float32 of each weight is kept in the state, and counts until something else sets the
            weight.
        seed: of the stochastic rounding, in [0, 2**31).

    State of a parameter, made at its first step with a gradient: `step` (0-dimensional float32, on
    the CPU unless fused, capturable or updated by Triton); of the parameter's shape `exp_avg` and
    `exp_avg_sq`, with amsgrad `max_exp_avg_sq`, under rounding="master" `master_param` (float32);
    8-bit moments are `exp_avg_codes` (uint8) and `exp_avg_scales` (float32, one a block of 256).
    A `state_dict()` with torch's keys loads into torch.optim.AdamW, and torch's loads here,
    converted to this optimizer's state_dtype. backend, state_dtype, rounding and seed are not
    saved: they stay as constructed.

    Raises:
        ValueError: a hyperparameter outside its range, NaN, infinite or no number, in the
            arguments, a group or a loaded state (torch looks at the arguments alone, and lets
            infinity pass); loaded state that does not fit.
        RuntimeError: a backend that cannot run here, with what is missing; fused=True on a CPU with
            a format that torch's fused step does not have; flags that exclude each other; a sparse
            gradient; 8-bit moments, or stochastic rounding, for a DTensor or another tensor that
            wraps tensors.

    Source: Loshchilov & Hutter 2019, arXiv 1711.05101, Algorithm 2; see `adamw.reference`.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        backend: str = "auto",
        state_dtype: torch.dtype | str | None = None,
        rounding: str = "nearest",
        seed: int = 0,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            # Read by torch's Adam when it loads our state; without it, it would couple the decay.
            "decoupled_weight_decay": True,
            "backend": backend,
            "state_dtype": state_dtype,
            "rounding": rounding,
            "seed": seed,
        }
        check_hyperparameters(defaults)
        self._kept: dict[str, Any] = {}  # what bodies keep between steps; neither saved nor copied
        super().__init__(params, defaults)
        self._announce_unscaling()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Accept state saved by any version of torch's Adam family, as AdamW."""
        super().__setstate__(state)
        self._kept = {}
        loading.unseal(self.state)
        self._own_groups()
        for group in self.param_groups:
            for name, value in loading.OLDEST.items():
                group.setdefault(name, value)
            group["decoupled_weight_decay"] = True
        self._announce_unscaling()

    def _announce_unscaling(self) -> None:
        """Let GradScaler leave unscaling and skipping to step(): no wait for the host."""
        ours = (g["fused"] or g["backend"] in backends.UNSCALING for g in self.param_groups)
        torch_internals.announce_unscaling(self, unscales=all(ours))

    def _own_groups(self) -> None:
        """Make groups of the plain dicts that torch's load, a pickle or a wrapper put there."""
        if not all(isinstance(group, Group) for group in self.param_groups):
            self.param_groups = [Group.of(group, self.defaults) for group in self.param_groups]

    def __repr__(self) -> str:
        """Show torch's options of each group, and this optimizer's own beside its number."""
        text = super().__repr__()
        for number, group in enumerate(self.param_groups):
            own = ", ".join(f"{name}={group[name]!r}" for name in OWN_OPTIONS)
            text = text.replace(f"Parameter Group {number}\n", f"Parameter Group {number}: {own}\n")
        return text

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group after checking its hyperparameters; the caller's dict stays as it was.

        torch fills the caller's dict with this optimizer's defaults, and the next optimizer built
        from the same dict would then ignore its own arguments.
        """
        if isinstance(param_group, dict):
            options = {**self.defaults, **param_group}
            check_hyperparameters(options)
            param_group = dict(param_group)
        super().add_param_group(param_group)
        self.param_groups[-1] = Group.of(self.param_groups[-1], self.defaults)
        try:
            gather.refuse_format(self.param_groups[-1]["params"], options)
            for param in self.param_groups[-1]["params"]:
                if options["backend"] != "auto" or options["fused"]:
                    backends.choose(param, options)
        except RuntimeError:
            self.param_groups.pop()
            raise

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load a state_dict of this class or of torch.optim.AdamW, converted to this one's formats.

        Raises ValueError for groups or tensors that do not fit, with nothing changed.
        """
        # Registered last, so that it sees the state as other hooks leave it.
        handle = self.register_load_state_dict_pre_hook(
            lambda optimizer, loaded: loading.seal(optimizer.param_groups, loaded)
        )
        try:
            super().load_state_dict(state_dict)
        finally:
            handle.remove()

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Update every parameter that has a gradient; return the closure's loss, if one is given.

        Raises, before any parameter is changed, RuntimeError for a sparse gradient or a body that
        cannot run, and ValueError for a hyperparameter that became NaN or infinite and for state or
        hyperparameters on another device than their parameter.
        """
        torch_internals.check_capture(self)
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self._own_groups()
        for group in self.param_groups:
            gather.refuse(group)
        scaler = getattr(self, "grad_scale", None), getattr(self, "found_inf", None)
        with torch.set_grad_enabled(self.defaults["differentiable"]):
            for body, batch, options in self._work(*scaler):
                backends.BODIES[body](batch, options)
        return loss

    def _work(
        self, grad_scale: Tensor | None, found_inf: Tensor | None
    ) -> list[tuple[str, Batch, Options]]:
        """Return all that the step will do, every check of it made and nothing of it done."""
        work, stream = [], 0
        for group in self.param_groups:
            options = Options.of(group, grad_scale, found_inf)
            for body, batch in gather.batches(self.state, group, stream, self._kept):
                gather.check_devices(body, batch, options)
                work.append((body, batch, options))
            stream += len(group["params"])
        return work
