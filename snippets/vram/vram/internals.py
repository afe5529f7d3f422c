"""All that this package takes from inside torch, in one place: private names and constants.

Works with torch 2.9 to 2.13. The allocator's constants are known for these; where the installed
torch has the header that states them, the header is read, and it decides.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim.adam import adam
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = ["TorchDispatchMode", "adam", "aten"]

FIRST, LAST = (2, 9), (2, 13)
HEADER = "include/c10/core/AllocatorConfig.h"
aten = torch.ops.aten


class AllocatorHeaderError(RuntimeError):
    """The installed torch is not known, and its header does not state the allocator's constants."""


@dataclass(frozen=True)
class Constants:
    """Sizes in bytes by which the allocator rounds, pools and splits (the header's names).

    The defaults are those of torch 2.9 to 2.13: c10/cuda/CUDACachingAllocator.cpp, and from 2.10 on
    c10/core/AllocatorConfig.h.
    """

    min_block: int = 512  # kMinBlockSize: every size is rounded up to it
    small_size: int = 1_048_576  # kSmallSize: the largest request of the small pool
    small_buffer: int = 2_097_152  # kSmallBuffer: a segment of the small pool
    large_buffer: int = 20_971_520  # kLargeBuffer, large_segment_size_: middling requests share it
    min_large_alloc: int = 10_485_760  # kMinLargeAlloc: from here on a request has its own segment
    round_large: int = 2_097_152  # kRoundLarge: to which that segment is rounded up


_PATTERNS = {
    "min_block": r"kMinBlockSize = (\d+)",
    "small_size": r"kSmallSize = (\d+)",
    "small_buffer": r"kSmallBuffer = (\d+)",
    "large_buffer": r"(?:large_segment_size_\{|kLargeBuffer = )(\d+)",
    "min_large_alloc": r"kMinLargeAlloc = (\d+)",
    "round_large": r"kRoundLarge = (\d+)",
}


@cache
def constants(header: Path | None = None, version: str = torch.__version__) -> Constants:
    """Return the allocator's constants: the header's where it states them, else the known ones.

    header=None is the installed torch's own. Raises AllocatorHeaderError where a constant is
    neither stated nor known, because torch's version is outside FIRST to LAST.
    """
    path = header or Path(torch.__file__).parent / HEADER
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    found = {name: re.search(pattern, text) for name, pattern in _PATTERNS.items()}
    stated = {name: int(match[1]) for name, match in found.items() if match}
    missing = [name for name in _PATTERNS if name not in stated]
    if missing and not FIRST <= _release(version) <= LAST:
        raise AllocatorHeaderError(
            f"torch {version} is not known, and {path} does not state {', '.join(missing)}: "
            f"install torch {_dotted(FIRST)} to {_dotted(LAST)}"
        )
    return Constants(**asdict(Constants()) | stated)


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def _dotted(release: tuple[int, ...]) -> str:
    return ".".join(map(str, release))


def storage_key(tensor: Tensor) -> int:
    """Return what tells a tensor's storage from any other that is alive."""
    return int(tensor.untyped_storage()._cdata)


def schema_of(operator: Any) -> Any:
    """Return an operator's schema: its name, arguments, returns and what it changes."""
    return operator._schema


def run_backward(scalar: Tensor) -> None:
    """Run backward from a scalar, without switching function modes off as Tensor.backward does.

    So what a checkpoint computes again runs under the modes that forward ran under.
    """
    engine = torch.autograd.Variable._execution_engine
    keep_graph = create_graph = False
    engine.run_backward(
        (scalar,),
        (torch.ones_like(scalar),),
        keep_graph,
        create_graph,
        (),
        allow_unreachable=True,
        accumulate_grad=True,
    )


def softmax_to_float(scores: Tensor, dim: int) -> Tensor:
    """Run the softmax of a 16-bit tensor that gives a float32 one, without a copy between."""
    out: Tensor = aten._softmax(scores, dim, True)  # noqa: FBT003 - torch's own signature
    return out


def attention_math(*args: Any, **options: Any) -> Tensor:
    """Run the attention that keeps the scores, as scaled_dot_product_attention's last resort."""
    out: Tensor = aten._scaled_dot_product_attention_math(*args, **options)[0]
    return out
