"""What can be named: `python -m vram models`, `gpus` and `optimizers`, one line each."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .gpus import GIB, GPUS
from .names import KNOWN
from .optimizers import OPTIMIZERS


def models() -> Iterator[str]:
    """Yield a line for each model: name, parameters, repository, other names."""
    for row in KNOWN.values():
        also = f"  also {', '.join(row.also)}" if row.also else ""
        yield f"{row.name:<30} {row.parameters / 1e9:>8.3f} B  {row.repo}{also}"


def gpus() -> Iterator[str]:
    """Yield a line for each card: name, what CUDA hands out, compute capability, and the source."""
    for card in GPUS.values():
        capability, gib = f"{card.capability}.{card.minor}", card.capacity_bytes / GIB
        yield f"{card.name:<20} {gib:>7.2f} GiB {capability:>5}  {card.source}"


def optimizers() -> Iterator[str]:
    """Yield a line for each optimizer: name, and what it keeps."""
    for row in OPTIMIZERS.values():
        yield f"{row.name:<18} {row.formula}"


LISTS: dict[str, Callable[[], Iterator[str]]] = {
    "models": models,
    "gpus": gpus,
    "optimizers": optimizers,
}
