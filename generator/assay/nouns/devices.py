"""What a session runs on."""

from __future__ import annotations

from enum import Enum


class Device(Enum):
    """Results of a GPU are kept as records in the repository, those of the CPU in a store."""

    CPU = "cpu"
    CUDA = "cuda"
