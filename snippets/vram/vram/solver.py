"""What would fit: the longest sequence, the largest batch, and the cheapest changes, for one card.

"Fits" is the verdict: high is no more than the card hands out. Changes are tried by what they cost,
the cheapest set first; one whose tensors between steps alone are too many is not traced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import torch

from .answer import FITS, Answer
from .engine import estimate, prepared
from .gpus import Gpu, gpu_named
from .model import build
from .names import shape_of
from .optimizers import optimizer_named
from .persistent import GIB, persistent_bytes
from .settings import Training
from .shapes import Shape, longest_sequence

STEP = 64  # tokens: a sequence is found to this many
TRIES = 60  # sets of changes that are traced at most


@dataclass(frozen=True)
class Change:
    """One change of settings, what it costs, and how much that weighs against other changes."""

    name: str
    cost: str
    weight: int
    settings: Callable[[Training], Mapping[str, Any] | None]


def _if(condition: bool, **settings: Any) -> Mapping[str, Any] | None:
    return settings if condition else None


CHANGES: tuple[Change, ...] = (
    Change(
        "fused optimizer",
        "nothing: torch's own, with fused=True",
        1,
        lambda plan: _if(plan.optimizer == "adamw", implementation="fused"),
    ),
    Change(
        "fused loss",
        "another package (Liger) or kernel; the loss is the same",
        2,
        lambda plan: _if(plan.loss == "full", loss="fused", keep_logits=False),
    ),
    Change(
        "expandable segments",
        "an environment variable, PYTORCH_ALLOC_CONF",
        2,
        lambda plan: _if(not plan.expandable_segments, expandable_segments=True),
    ),
    Change(
        "batch of 1, accumulated",
        "time: small products use the card less well; the step is the same",
        4,
        lambda plan: _if(plan.batch > 1, batch=1, accumulate=plan.accumulate * plan.batch),
    ),
    Change(
        "checkpointing",
        "time: forward runs twice, about a third more work",
        5,
        lambda plan: _if(not plan.checkpoint, checkpoint=True),
    ),
    Change(
        "8-bit optimizer",
        "coarser moments",
        6,
        lambda plan: _if(
            plan.optimizer in ("adamw", "adamw32bit") and not plan.lora_rank,
            optimizer="adamw8bit",
            implementation="foreach",
        ),
    ),
    Change(
        "activations on the host",
        "time: each crosses the bus twice; memory of the host",
        8,
        lambda plan: _if("activations" not in plan.offload, offload=("activations",)),
    ),
    Change(
        "LoRA of rank 16",
        "other weights than these are trained, and fewer",
        20,
        lambda plan: _if(plan.lora_rank is None, lora_rank=16, master_dtype=None),
    ),
    Change(
        "four-bit base (QLoRA)",
        "coarser frozen weights; time to unpack them",
        10,
        lambda plan: _if(plan.lora_rank is not None and not plan.nf4, nf4=True),
    ),
)


@dataclass(frozen=True)
class Solution:
    """What fits a card: `taken` are changes with the answer after each, the last of which fits.

    `sequence` and `batch` are the most that fit with the other settings as they are, None where
    even the least does not. `taken` is None where no set that was tried fits.
    """

    gpu: Gpu
    as_asked: Answer
    sequence: int | None
    batch: int | None
    taken: tuple[tuple[Change, Answer], ...] | None

    def as_json(self) -> dict[str, Any]:
        """Return the object that `python -m vram solve --format json` prints."""
        return {
            "gpu": {"name": self.gpu.name, "capacity_bytes": self.gpu.capacity_bytes},
            "as_asked": {
                "verdict": self.as_asked.verdict,
                "low_bytes": self.as_asked.low_bytes,
                "high_bytes": self.as_asked.high_bytes,
            },
            "longest_sequence": self.sequence,
            "largest_batch": self.batch,
            "changes": None if self.taken is None else [_row(c, a) for c, a in self.taken],
            "not_counted": list(self.as_asked.not_counted),
        }

    def __str__(self) -> str:
        lines = [
            f"{self.gpu.name}: {self.gpu.capacity_bytes / GIB:,.2f} GiB",
            f"as asked: {self.as_asked.sentence}",
            f"longest sequence that fits: {_or_none(self.sequence)}",
            f"largest batch that fits: {_or_none(self.batch)}",
            "",
            *self._changes(),
            "",
            "Not counted:",
            *(f"- {line}" for line in self.as_asked.not_counted),
        ]
        return "\n".join(lines)

    def _changes(self) -> Iterator[str]:
        if self.taken is None:
            yield "no set of changes that was tried fits"
        elif not self.taken:
            yield "no change is needed"
        else:
            yield "the cheapest changes that fit, each with what it costs:"
            for change, answer in self.taken:
                high = f"{answer.high_bytes / GIB:,.2f} GiB"
                yield f"- {change.name}: then {high}, {answer.verdict}; costs {change.cost}"


def _row(change: Change, answer: Answer) -> dict[str, Any]:
    return {
        "name": change.name,
        "cost": change.cost,
        "low_bytes": answer.low_bytes,
        "high_bytes": answer.high_bytes,
        "verdict": answer.verdict,
    }


def _or_none(count: int | None) -> str:
    return "none, even the least does not" if count is None else f"{count:,}"


def solve(
    model: str | Shape,
    training: Training | None = None,
    *,
    gpu: str | Gpu,
    dtype: torch.dtype = torch.bfloat16,
) -> Solution:
    """Return what fits a card: the longest sequence, the largest batch, the cheapest changes.

    Arguments and errors as estimate's.
    """
    plan = training or Training()
    shape = shape_of(model) if isinstance(model, str) else model
    card = gpu_named(gpu) if isinstance(gpu, str) else gpu

    def ask(asked: Training) -> Answer:
        return estimate(shape, asked, dtype=dtype, gpu=card)

    def fits(**settings: Any) -> bool:
        return ask(replace(plan, **settings)).verdict == FITS

    most = (longest_sequence(shape) or 2**20) // STEP
    sequences = largest(lambda n: fits(sequence=n * STEP), most)
    return Solution(
        gpu=card,
        as_asked=ask(plan),
        sequence=sequences and sequences * STEP,
        batch=largest(lambda n: fits(batch=n), 2**12),
        taken=_cheapest(shape, plan, dtype, card, ask),
    )


def largest(holds: Callable[[int], bool], most: int) -> int | None:
    """Return the largest number up to `most` for which it holds, None where it does not for 1.

    It is doubled, then halved: a number in between that does not hold, for the allocator's steps,
    may be passed over.
    """
    if not holds(1):
        return None
    good, bad = 1, 2
    while bad <= most and holds(bad):
        good, bad = bad, 2 * bad
    bad = min(bad, most + 1)
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if holds(middle) else (good, middle)
    return good


def _cheapest(
    shape: Shape,
    plan: Training,
    dtype: torch.dtype,
    card: Gpu,
    ask: Callable[[Training], Answer],
) -> tuple[tuple[Change, Answer], ...] | None:
    tried = 0
    for changes in _sets():
        plans = _applied(plan, changes)
        if plans is None or not _may_fit(shape, plans[-1] if plans else plan, dtype, card):
            continue
        tried += 1
        if ask(plans[-1] if plans else plan).verdict == FITS:
            return tuple(zip(changes, map(ask, plans), strict=True))
        if tried == TRIES:
            return None
    return None


def _sets() -> list[tuple[Change, ...]]:
    """Return all sets of changes, by what they cost together."""
    every = (c for count in range(len(CHANGES) + 1) for c in combinations(CHANGES, count))
    return sorted(every, key=lambda changes: sum(change.weight for change in changes))


def _applied(plan: Training, changes: tuple[Change, ...]) -> list[Training] | None:
    """Return the plan after each change, or None where one of them does not apply."""
    found = []
    for change in changes:
        settings = change.settings(plan)
        if settings is None:
            return None
        try:
            plan = replace(plan, **settings)
        except ValueError:
            return None
        found.append(plan)
    return found


def _may_fit(shape: Shape, plan: Training, dtype: torch.dtype, card: Gpu) -> bool:
    """Whether what stays between steps leaves any room at all; paged states need none."""
    if optimizer_named(plan.optimizer).paged:
        return True
    module = prepared(build(shape, dtype=dtype), plan)
    return persistent_bytes(module, plan) < card.capacity_bytes
