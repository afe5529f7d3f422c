"""What is alive at the fullest moment of each phase, once all phases went through the allocator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from .allocator import Block, CachingAllocator
from .recorder import Event


@dataclass(frozen=True)
class Phase:
    """Events of one phase; its blocks are of `kind`, or of what `kinds` says of them."""

    name: str
    events: tuple[Event, ...]
    kind: str
    kinds: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Moment:
    """The fullest moment of a phase: `parts` are the tensors' own bytes by kind.

    `allocated` is what torch would count: the parts and the allocator's rounding.
    """

    phase: str
    allocated: int
    parts: dict[str, int]


@dataclass(frozen=True)
class Peak:
    """The fullest moments of all phases, the first of them the fullest of all.

    `reserved` is the most that the allocator held of the GPU at any moment.
    """

    moments: tuple[Moment, ...]
    reserved: int

    @property
    def phase(self) -> str:
        """The phase in which most was allocated."""
        return self.moments[0].phase

    @property
    def parts(self) -> dict[str, int]:
        """The tensors' bytes by kind when most was allocated."""
        return self.moments[0].parts

    @property
    def allocated(self) -> int:
        """The most that torch would count as allocated."""
        return self.moments[0].allocated

    @property
    def by_phase(self) -> dict[str, int]:
        """The most allocated in each phase."""
        return {moment.phase: moment.allocated for moment in self.moments}


def high_point(phases: Iterable[Phase], allocator: CachingAllocator | None = None) -> Peak:
    """Run phases through the allocator, and return the moments when most was allocated."""
    allocator = allocator or CachingAllocator()
    alive: dict[int, tuple[Block, str]] = {}
    now: Counter[str] = Counter()
    fullest: dict[str, Moment] = {}
    for phase in phases:
        top = fullest[phase.name].allocated if phase.name in fullest else -1
        for block, size in phase.events:
            if size < 0:
                taken, kind = alive.pop(block)
                allocator.give_back(taken)
                now[kind] += size
                continue
            kind = phase.kinds.get(block, phase.kind)
            alive[block] = allocator.take(size), kind
            now[kind] += size
            if allocator.allocated > top:
                top = allocator.allocated
                fullest[phase.name] = Moment(phase.name, top, dict(now))
        if allocator.allocated > top:
            fullest[phase.name] = Moment(phase.name, allocator.allocated, dict(now))
    moments = sorted(fullest.values(), key=lambda moment: -moment.allocated)
    return Peak(tuple(moments), allocator.peak_reserved)
