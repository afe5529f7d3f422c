"""One optimizer step as a timeline: the states it makes, and the copies it makes and drops.

torch's optimizers are torch's own classes run on tensors without storage, so their temporary
copies are those of their code; those of other packages update each tensor in place by one kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .internals import adam
from .moments import Phase
from .optimizers import hidden_matrices, optimizer_named, state_buffers
from .persistent import STATES
from .recorder import Event, Recorder
from .results import empty_as
from .settings import OPTIMIZER, Training
from .sharding import ALONE, Sharding, local_parameters

TEMPORARIES = "temporaries of the optimizer"
_BLOCKS = 10**13  # the first number of a step's blocks: a trace's are far below


def optimizer_events(
    model: nn.Module,
    optimizer: str,
    *,
    implementation: str = "foreach",
    update_dtype: torch.dtype | None = None,
    sharding: Sharding = ALONE,
) -> tuple[tuple[Event, ...], tuple[Event, ...]]:
    """Return the events of an optimizer's first step, which makes its states, and of a later one.

    Blocks count from 0; parameters, masters and gradients are there before and no events.
    Arguments and errors as state_buffers'.
    """
    state_buffers(model, optimizer, implementation=implementation)  # refuses unknown names
    local = local_parameters(model, sharding, update_dtype)
    rule = optimizer_named(optimizer)
    if rule.torch_name is None or (implementation == "fused" and optimizer == "adamw"):
        made = state_buffers(
            local, optimizer, update_dtype=update_dtype, implementation=implementation
        )
        sizes = [buffer.bytes for buffers in made for buffer in buffers if buffer.bytes]
        return tuple(enumerate(sizes)), ()
    recorder = Recorder()
    for parameter in local.parameters():
        parameter.grad = empty_as(parameter)
        recorder.block_of(parameter)
        recorder.block_of(parameter.grad)
    start = len(recorder.events)
    step = _stepper(local, rule.name, implementation)
    with recorder:
        step()
        middle = len(recorder.events)
        step()
    recorder.close()
    return tuple(recorder.events[start:middle]), tuple(recorder.events[middle:])


@dataclass(frozen=True)
class Updates:
    """The events of an optimizer's first step and of a later one, of all parameters or of each.

    `each` has those of one parameter by its place, where it is updated within backward. copies:
    torch's optimizers need a gradient of the dtype that they update.
    """

    first: tuple[Event, ...]
    later: tuple[Event, ...]
    each: dict[int, tuple[tuple[Event, ...], tuple[Event, ...]]]
    copies: bool

    def whole(self, step: int) -> Phase:
        """Return the update of all parameters in one phase."""
        return _phase(self.later if step else self.first, _BLOCKS * (step + 1), "optimizer")

    def within(self, step: int) -> dict[int, Phase]:
        """Return the update of each parameter, by its place."""
        return {
            place: _phase(events[min(step, 1)], _BLOCKS * (step + 5) + place * 10**6, "backward")
            for place, events in self.each.items()
        }


def _phase(events: tuple[Event, ...], base: int, name: str) -> Phase:
    kept = {b for b, size in events if size > 0} - {b for b, size in events if size < 0}
    moved = tuple((b + base, size) for b, size in events)
    return Phase(name, moved, TEMPORARIES, {b + base: STATES for b in kept})


def updates_of(model: nn.Module, plan: Training) -> Updates:
    """Return how a plan updates a model: not on the card, all at once, or each within backward."""
    copies = optimizer_named(plan.optimizer).torch_name is not None
    if OPTIMIZER in plan.offload:
        return Updates((), (), {}, copies=False)
    if plan.step_in_backward:
        return Updates((), (), dict(_each(model, plan)), copies=False)
    return Updates(*_events(model, plan), {}, copies)


def _events(model: nn.Module, plan: Training) -> tuple[tuple[Event, ...], tuple[Event, ...]]:
    return optimizer_events(
        model,
        plan.optimizer,
        implementation=plan.implementation,
        update_dtype=plan.master_dtype,
        sharding=plan.sharding,
    )


def _each(
    model: nn.Module, plan: Training
) -> Iterator[tuple[int, tuple[tuple[Event, ...], tuple[Event, ...]]]]:
    """Yield the events of each trained parameter's own optimizer; equal tensors' are equal."""
    known: dict[tuple[torch.Size, torch.dtype], Any] = {}
    for place, parameter in enumerate(model.parameters()):
        if parameter.requires_grad:
            key = parameter.shape, parameter.dtype
            if key not in known:
                known[key] = _events(nn.ParameterList([parameter]), plan)
            yield place, known[key]


def _stepper(model: nn.Module, name: str, implementation: str) -> Callable[[], None]:
    """Return a function that runs one step of torch's optimizer on the model's parameters."""
    foreach = implementation == "foreach"
    every = list(model.parameters())
    if name == "adamw":
        return _AdamW(every, foreach=foreach).step
    if name.startswith("sgd"):
        momentum = 0.9 if name == "sgd-momentum" else 0.0
        return torch.optim.SGD(every, momentum=momentum, foreach=foreach).step
    if name == "adafactor":
        return torch.optim.Adafactor(every, foreach=foreach).step
    hidden = hidden_matrices(model)
    matrices = [p for p in every if id(p) in hidden]
    rest = _AdamW([p for p in every if id(p) not in hidden], foreach=foreach)
    muon = torch.optim.Muon(matrices).step if matrices else _nothing

    def both() -> None:
        muon()
        rest.step()

    return both


def _nothing() -> None:
    """Take no step: there is no matrix for Muon."""


class _AdamW:
    """torch.optim.AdamW without its class, whose constructor loads torch's compiler for seconds."""

    def __init__(self, parameters: list[nn.Parameter], *, foreach: bool) -> None:
        self.parameters, self.foreach = parameters, foreach
        self.moments: list[tuple[Tensor, Tensor]] = []
        self.steps = [torch.zeros(()) for _ in parameters]

    def step(self) -> None:
        self.moments = self.moments or [
            (torch.zeros_like(p), torch.zeros_like(p)) for p in self.parameters
        ]
        if not self.parameters:
            return
        with torch.no_grad():
            adam(
                self.parameters,  # type: ignore[arg-type]
                [p.grad for p in self.parameters],  # type: ignore[misc]
                [first for first, _ in self.moments],
                [second for _, second in self.moments],
                [],
                self.steps,
                foreach=self.foreach,
                decoupled_weight_decay=True,
                amsgrad=False,
                beta1=0.9,
                beta2=0.999,
                lr=1e-3,
                weight_decay=1e-2,
                eps=1e-8,
                maximize=False,
            )
