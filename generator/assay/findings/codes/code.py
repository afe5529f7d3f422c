"""What a code stands for."""

from __future__ import annotations

from msgspec import Struct


class Code(Struct, frozen=True):
    """What a code of a finding stands for."""

    name: str
    """A short name in words joined by hyphens, for machines."""
    summary: str
    why: str
    cure: str
