"""Memory that no tensor holds: the CUDA context, and cuBLAS' workspaces. Measured by others.

A context's size depends on the driver, the card and which kernels are loaded, so it is an interval
of what was seen; a workspace's size is stated by torch's source.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """Bytes between low and high, both seen, and where."""

    low: int
    high: int
    source: str


CUDA_CONTEXT = Interval(
    147_718_144,  # 140.875 MiB, of 69 runs on a T4 with torch 2.10 to 2.14 (fitcheck-llm 0.3.1)
    666_632_192,
    "https://github.com/pytorch/pytorch/issues/86509 and fitcheck-llm's archive: "
    "kernels loaded as they are needed, or all at once",
)

# CublasHandlePool.cpp, parseChosenWorkspaceSize: :4096:2:16:8 in KiB, and 32 MiB on compute
# capability 9, 10 and 12. cuBLASLt shares the workspace (TORCH_CUBLASLT_UNIFIED_WORKSPACE).
WORKSPACE = 8_519_680
WORKSPACE_FROM_HOPPER = 33_554_432
WORKSPACES = 2  # one for the thread of forward, one for autograd's thread of backward


def workspace_bytes(capability: int | None) -> int:
    """Return the bytes of one cuBLAS workspace by major compute capability, None unknown."""
    return WORKSPACE_FROM_HOPPER if capability in (9, 10, 12) else WORKSPACE
