"""How the fused body's kernels read and write each storage format.

Law: what is read is float32 or wider, what is written is what the torch bodies write: `eight_bit`
for codes, `bf16` for rounding and masters. A tile is rows of 256 elements, a block of codes each;
mask is None for a tile that lies inside its tensor. Importing this module imports Triton.
"""

import triton
import triton.language as tl

from . import eight_bit

CODE_BLOCK = tl.constexpr(eight_bit.BLOCK)
SLOPES = tl.constexpr(eight_bit.SLOPES)
OFFSETS = tl.constexpr(eight_bit.OFFSETS)
ZERO = tl.constexpr(eight_bit.SIGNED_ZERO)
SMALLEST = tl.constexpr(eight_bit.SMALLEST)


@triton.jit
def mix(x):
    """Return 32 well mixed bits of x, uint32: `bf16.mix`."""
    x = (x ^ (x >> 16)) * 0x7FEB352D
    x = (x ^ (x >> 15)) * 0x846CA68B
    return x ^ (x >> 16)


@triton.jit
def code_magnitude(x):
    """Return the least of the seven lines at x, float32: `eight_bit._magnitude`."""
    least = x * SLOPES[0] + OFFSETS[0]
    for decade in tl.static_range(1, 7):
        least = tl.minimum(least, x * SLOPES[decade] + OFFSETS[decade])
    return least


@triton.jit
def load_moment(pointer, scales, values, offsets, mask, CODES: tl.constexpr):
    """Return a moment in float32 or wider; for CODES by way of the map and the block's scale."""
    stored = tl.load(pointer + offsets, mask=mask)
    if CODES:
        block = tl.min(offsets, axis=1) // CODE_BLOCK
        # The row's first element decides: a row that begins inside has a scale.
        scale = tl.load(
            scales + block, mask=None if mask is None else tl.max(mask.to(tl.int32), axis=1) > 0
        )
        decoded = tl.load(values + stored.to(tl.int32), mask=mask)
        stored = decoded * scale[:, None]
    return stored


@triton.jit
def store_moment(
    pointer,
    scales,
    moment,
    offsets,
    mask,
    SIGNED: tl.constexpr,
    CODES: tl.constexpr,
    DTYPE: tl.constexpr,
):
    """Write a moment as DTYPE, or as codes and one scale a row of 256: `eight_bit.quantise`."""
    if not CODES:
        tl.store(pointer + offsets, moment.to(DTYPE), mask=mask)
    else:
        moment = moment.to(tl.float32)
        inside = moment if mask is None else tl.where(mask, moment, 0.0)
        largest = tl.max(tl.abs(inside), axis=1)
        # max may drop NaN; a sum does not. A block with one is NaN as a whole.
        broken = tl.sum(inside * 0.0, axis=1) != 0.0
        largest = tl.where(broken, float("nan"), largest)
        x = inside * (1.0 / tl.maximum(largest, SMALLEST))[:, None]
        if SIGNED:
            k = code_magnitude(tl.abs(x)).to(tl.int32)
            code = ZERO + tl.where(x < 0, -tl.minimum(k, 127), k)
        else:
            k = (2 * code_magnitude(x)).to(tl.int32) - 1
            code = tl.where(x > 0, tl.maximum(k, 1), 0)
        block = tl.min(offsets, axis=1) // CODE_BLOCK
        tl.store(pointer + offsets, code.to(tl.uint8), mask=mask)
        rows = None if mask is None else tl.max(mask.to(tl.int32), axis=1) > 0
        tl.store(scales + block, largest, mask=rows)


@triton.jit
def nearest_bfloat16(value):
    """Return float32 as bfloat16, ties to even, as hardware does; the interpreter would cut."""
    bits = value.to(tl.int32, bitcast=True)
    high = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    rounded = high.to(tl.int16).to(tl.bfloat16, bitcast=True)
    return tl.where(value == value, rounded, value.to(tl.bfloat16))


@triton.jit
def load_param(pointer, masters, offsets, mask, MASTER: tl.constexpr, COMPUTE: tl.constexpr):
    """Return parameters in COMPUTE; for MASTER what they stand for: `bf16.master_of`."""
    param = tl.load(pointer + offsets, mask=mask).to(COMPUTE)
    if MASTER:
        master = tl.load(masters + offsets, mask=mask)
        param = tl.where(nearest_bfloat16(master).to(COMPUTE) == param, master, param)
    return param


@triton.jit
def store_param(
    pointer, masters, value, key, offsets, mask, ROUNDING: tl.constexpr, DTYPE: tl.constexpr
):
    """Write parameters as DTYPE by ROUNDING: by `bf16.stochastic_round`, or beside a master."""
    rounded = value.to(DTYPE)
    if ROUNDING == "stochastic":
        noise = (mix(offsets.to(tl.uint32) ^ key) >> 16).to(tl.int32)
        bits = (value.to(tl.int32, bitcast=True) + noise) >> 16
        finite = tl.abs(value) < float("inf")
        rounded = tl.where(finite, bits.to(tl.int16).to(tl.bfloat16, bitcast=True), rounded)
    if ROUNDING == "master":
        tl.store(masters + offsets, value, mask=mask)
        rounded = nearest_bfloat16(value)
    tl.store(pointer + offsets, rounded, mask=mask)
