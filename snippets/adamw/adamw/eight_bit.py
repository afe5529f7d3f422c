"""A moment in one byte an element: a code into a fixed map, times its block's largest magnitude.

Law: a block of 256 consecutive elements (in memory order) shares one float32 scale, its largest
magnitude; each element becomes the code of the interval that element / scale falls in, and decodes
to that interval's middle. The map is the dynamic one of Dettmers et al. 2022, "8-bit Optimizers via
Block-wise Quantization", arXiv 2110.02861, section 2.2: seven decades, each with twice the
intervals of the decade below, so that large elements keep two digits and small ones survive.

Error, for x = |element| / scale in decade d, 10**-(d + 1) <= x < 10**-d: at most half an
interval of 0.9 * 10**-d / n, with n = 64, 32, ... 1 intervals for d = 0 ... 6, twice as many in
the unsigned map (and a thousandth of a signed one's, see OFFSETS). So never more than 0.45 / 64 of
the scale signed, 0.45 / 128 unsigned; nothing at x = 1 (half an interval at x = -1, signed).
Below 1e-7 a signed element becomes 0. A positive element of an unsigned map never does: a second
moment that vanished would leave the first divided by eps alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

BLOCK = 256
"""Elements that share a scale: 4 bytes of scale a block, 1/64 byte an element."""

DECADES = 7
SIGNED_ZERO = 127
"""Code of zero in the signed map: 127 codes below it, 127 above it, and 1.0 at the end."""

# Signed magnitudes have codes k = 0 ... 128. Decade i, counted from the smallest, holds the codes
# 2**i ... 2**(i + 1) - 1 in steps of equal width, so k is the floor of a line in x; the lines meet
# at the powers of ten and flatten upwards, so k is the floor of the least of them. The unsigned
# map has twice the intervals: floor(2 * least) - 1.
# A thousandth of an interval is added so that rounding cannot keep x = 1 from its code, 128.
SLOPES = tuple(2**i / 0.9 * 10.0 ** (DECADES - 1 - i) for i in range(DECADES))
OFFSETS = tuple(2**i * 8 / 9 + 2**-10 for i in range(DECADES))
CPU_PIECE = 2**17
"""Elements that are coded at a time on a CPU."""

SMALLEST = 2.0**-126
"""Scales below float32's normal range count as this one: its inverse is still finite."""


@cache
def values(device: torch.device, *, signed: bool) -> Tensor:
    """Return the 256 values of the map in the order of their codes, float32, on device."""
    return torch.tensor(_signed_values() if signed else _unsigned_values(), device=device)


def _middles(decade: int, intervals: int) -> list[float]:
    width = 0.9 / intervals
    top = 10.0 ** (decade - DECADES + 1)
    return [top * (0.1 + width * (j + 0.5)) for j in range(intervals)]


def _signed_values() -> list[float]:
    positive = [value for i in range(DECADES) for value in _middles(i, 2**i)]
    return [-value for value in reversed(positive)] + [0.0] + positive + [1.0]


def _unsigned_values() -> list[float]:
    positive = [value for i in range(DECADES) for value in _middles(i, 2 ** (i + 1))]
    return [0.0, *positive, 1.0]


def blocks(elements: int) -> int:
    """Return how many scales so many elements need."""
    return -(-elements // BLOCK)


def quantise(moment: Tensor, codes: Tensor, scales: Tensor, *, signed: bool) -> None:
    """Write moment (any float dtype, codes' strides) into codes (uint8) and scales (float32).

    codes and moment share one dense layout, scales has one element a block of 256 in memory order.
    NaN or infinity anywhere in a block makes all of it NaN: never a silent number.
    """
    flat, into = in_memory_order(moment), in_memory_order(codes)
    for piece in _pieces(codes):
        _quantise(flat[piece.elements], into[piece.elements], scales[piece.blocks], signed)


def dequantise(codes: Tensor, scales: Tensor, *, signed: bool) -> Tensor:
    """Return the float32 moment that codes and scales stand for, in codes' shape and strides."""
    moment = torch.empty_like(codes, dtype=torch.float32)
    flat, into = in_memory_order(codes), in_memory_order(moment)
    table = values(codes.device, signed=signed)
    for piece in _pieces(codes):
        decoded = table.index_select(0, flat[piece.elements].int())
        rows = _rows(decoded).mul_(scales[piece.blocks].unsqueeze(1))
        into[piece.elements] = rows.view(-1)[: decoded.numel()]
    return moment


class _Piece(NamedTuple):
    elements: slice
    blocks: slice


def _pieces(codes: Tensor) -> Iterator[_Piece]:
    """Cut a tensor so that temporaries stay in a CPU's cache: a third of the time of the whole."""
    whole = not codes.is_cpu or torch.compiler.is_compiling()
    size = BLOCK * blocks(codes.numel()) if whole else CPU_PIECE
    for start in range(0, codes.numel(), size):
        yield _Piece(
            slice(start, start + size), slice(start // BLOCK, start // BLOCK + size // BLOCK)
        )


def _rows(flat: Tensor) -> Tensor:
    return pad(flat, (0, -flat.numel() % BLOCK)).view(-1, BLOCK)


def _quantise(flat: Tensor, codes: Tensor, scales: Tensor, signed: bool) -> None:
    rows = _rows(flat.float())
    torch.amax(rows.abs(), dim=1, out=scales)
    scales[~scales.isfinite()] = float("nan")
    x = rows * scales.clamp(min=SMALLEST).reciprocal().unsqueeze(1)
    new = _signed_codes(x) if signed else _unsigned_codes(x)
    codes.copy_(new.view(-1)[: codes.numel()])


def _magnitude(x: Tensor) -> Tensor:
    least: Tensor = x * SLOPES[0] + OFFSETS[0]
    line = torch.empty_like(x)
    for slope, offset in zip(SLOPES[1:], OFFSETS[1:], strict=True):
        torch.mul(x, slope, out=line).add_(offset)
        torch.minimum(least, line, out=least)
    return least


def _signed_codes(x: Tensor) -> Tensor:
    k = _magnitude(x.abs()).trunc_().copysign_(x)
    # The map has +1 and no -1: minus the largest magnitude takes the code next to it.
    return k.clamp_(min=-SIGNED_ZERO).add_(SIGNED_ZERO).to(torch.uint8)


def _unsigned_codes(x: Tensor) -> Tensor:
    k = _magnitude(x).mul_(2).trunc_().sub_(1)
    return k.clamp_(min=1).mul_(x.sign()).to(torch.uint8)


def in_memory_order(tensor: Tensor) -> Tensor:
    """Return a flat view of a dense tensor, its elements as they lie in memory."""
    if tensor.is_contiguous():
        return tensor.view(-1)
    return tensor.as_strided((tensor.numel(),), (1,))
