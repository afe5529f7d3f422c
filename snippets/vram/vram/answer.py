"""The answer to "will it fit?": each part with its bytes and formula, an interval, a verdict.

The parts are those of the fullest moment, and add up to `high_bytes`. `low_bytes` leaves out what
may not be needed: what the allocator reserves and no tensor uses, a second cuBLAS workspace, layers
gathered ahead, paged states, and the larger CUDA context.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .gpus import Gpu
from .persistent import GIB

FITS, TIGHT, NO = "fits", "tight", "does not fit"


@dataclass(frozen=True)
class Part:
    """One line of the answer: a name, its bytes, and the formula that gives them."""

    name: str
    bytes: int
    formula: str


@dataclass(frozen=True)
class Snapshot:
    """The fullest moment of one phase; its parts add up to `allocated_bytes`."""

    phase: str
    allocated_bytes: int
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Answer:
    """Memory of one training step, in bytes; `str()` is a table, `as_json()` the command's object.

    `persistent_bytes` stay between steps, exact; `peak_allocated_bytes` and `reserved_bytes` are
    what torch.cuda.max_memory_allocated and max_memory_reserved would say, cuBLAS' workspaces
    included; `activation_bytes` and `logit_bytes` are kept between forward and backward;
    `peak_phase` is where the peak is reached, `moments` the fullest of each phase, the fullest of
    all first, and `not_counted` what the figures leave out.
    """

    parameters: int
    parts: tuple[Part, ...]
    persistent_bytes: int
    peak_allocated_bytes: int
    reserved_bytes: int
    low_bytes: int
    high_bytes: int
    not_counted: tuple[str, ...]
    gpu: Gpu | None
    activation_bytes: int
    logit_bytes: int
    moments: tuple[Snapshot, ...]

    @property
    def peak_phase(self) -> str:
        """The phase in which most is allocated."""
        return self.moments[0].phase

    @property
    def phases(self) -> dict[str, int]:
        """The most that is allocated in each phase, in bytes."""
        return {moment.phase: moment.allocated_bytes for moment in self.moments}

    @property
    def verdict(self) -> str:
        """What the interval says of the card: fits, tight (low fits, high does not), or not."""
        if self.gpu is None:
            return "no GPU named"
        if self.high_bytes <= self.gpu.capacity_bytes:
            return FITS
        return TIGHT if self.low_bytes <= self.gpu.capacity_bytes else NO

    def as_json(self) -> dict[str, Any]:
        """Return the object that `python -m vram --format json` prints."""
        card = self.gpu
        return {
            "parameters": self.parameters,
            "parts": [vars(part) for part in self.parts],
            "persistent_bytes": self.persistent_bytes,
            "peak_allocated_bytes": self.peak_allocated_bytes,
            "reserved_bytes": self.reserved_bytes,
            "low_bytes": self.low_bytes,
            "high_bytes": self.high_bytes,
            "not_counted": list(self.not_counted),
            "gpu": card and {"name": card.name, "capacity_bytes": card.capacity_bytes},
            "verdict": self.verdict,
            "sentence": self.sentence,
            "peak_phase": self.peak_phase,
            "moments": [
                {
                    "phase": moment.phase,
                    "allocated_bytes": moment.allocated_bytes,
                    "parts": {part.name: part.bytes for part in moment.parts},
                }
                for moment in self.moments
            ],
        }

    def __str__(self) -> str:
        rows = [(part.name, part.bytes, part.formula) for part in self.parts]
        totals = [
            ("low", self.low_bytes, "what the tensors of this moment need, the smaller context"),
            ("high", self.high_bytes, "the sum of the parts"),
            ("between steps", self.persistent_bytes, "exact"),
            ("peak allocated", self.peak_allocated_bytes, f"reached in: {self.peak_phase}"),
            ("reserved", self.reserved_bytes, "segments of the allocator"),
            ("kept for backward", self.activation_bytes + self.logit_bytes, "after forward"),
        ]
        card = () if self.gpu is None else (self.gpu.name, self.gpu.capacity_bytes, self.gpu.source)
        lines = [
            f"{self.parameters:,} parameters",
            "",
            f"At the fullest moment, in {self.peak_phase}:",
            *map(_row, rows),
            "",
            *map(_row, totals),
            *([_row(card)] if card else ()),
            "",
            "The most allocated in each phase:",
            *(_row((m.phase, m.allocated_bytes, _largest(m))) for m in self.moments),
        ]
        return "\n".join([*lines, "", self.sentence, "", "Not counted:", *self._uncounted()])

    @property
    def sentence(self) -> str:
        """The verdict with its margin, in one sentence; "at least" only where all is counted."""
        if self.gpu is None:
            return f"Needs {_gib(self.low_bytes)} to {_gib(self.high_bytes)}."
        room = self.gpu.capacity_bytes
        least = "for what is not counted" if self.not_counted else "at least"
        if self.verdict == FITS:
            return f"Verdict: fits, with {_gib(room - self.high_bytes)} to spare {least}."
        if self.verdict == TIGHT:
            over, under = _gib(self.high_bytes - room), _gib(room - self.low_bytes)
            return f"Verdict: tight, from {under} to spare to {over} too much."
        return f"Verdict: does not fit, {_gib(self.low_bytes - room)} too much at best."

    def _uncounted(self) -> list[str]:
        return [f"- {line}" for line in self.not_counted]


def _largest(moment: Snapshot) -> str:
    """Return the parts of a moment that are worth a line, the largest first."""
    parts = sorted(moment.parts, key=lambda part: -part.bytes)
    return ", ".join(f"{part.name} {_gib(part.bytes)}" for part in parts[:4])


def _row(row: tuple[str, int, str]) -> str:
    name, count, formula = row
    return f"{name:<28} {count:>19,} B {_gib(count):>12}  {formula}".rstrip()


def _gib(count: int) -> str:
    return f"{count / GIB:,.2f} GiB"
