"""What cards hold, as the driver says (nvidia-smi), which is not the number on the box.

Each row names where its figure was read, November 2026: RLinf's thread shows nvidia-smi's own
table, "507MiB / 24564MiB" beside "NVIDIA GeForce RTX 4090"; Modal's lists "the reported totals from
`nvidia-smi` across all our GPU types", the seven others here, in MiB.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

MIB = 2**20


@dataclass(frozen=True)
class Gpu:
    """A card: name, usable bytes, major compute capability, and where the bytes were read."""

    name: str
    capacity_bytes: int
    capability: int
    source: str


_RLINF = "https://github.com/RLinf/RLinf/issues/255"
_MODAL = "https://github.com/modal-labs/modal-client/pull/2797"

GPUS: dict[str, Gpu] = {
    row.name.lower(): row
    for row in (
        Gpu("RTX 4090", 24_564 * MIB, 8, _RLINF),
        Gpu("H100 80GB", 81_559 * MIB, 9, _MODAL),
        Gpu("A100 80GB", 81_920 * MIB, 8, _MODAL),
        Gpu("A100 40GB", 40_960 * MIB, 8, _MODAL),
        Gpu("L40S", 46_068 * MIB, 8, _MODAL),
        Gpu("A10", 23_028 * MIB, 8, _MODAL),
        Gpu("L4", 23_034 * MIB, 8, _MODAL),
        Gpu("T4", 15_360 * MIB, 7, _MODAL),
    )
}


def gpu_named(name: str) -> Gpu:
    """Return a card of GPUS, upper or lower case.

    Raises ValueError for a name not there, with the nearest one that is.
    """
    found = GPUS.get(name.lower())
    if found is None:
        near = difflib.get_close_matches(name.lower(), GPUS, n=1, cutoff=0.3)
        hint = f"did you mean {GPUS[near[0]].name!r}? " if near else ""
        known = ", ".join(gpu.name for gpu in GPUS.values())
        raise ValueError(f"unknown GPU {name!r}: {hint}known: {known}")
    return found
