"""The fused body's two kernels: `advance` counts the step, `update` does the rest in one pass.

Law: each operand is read once and written once, whatever its storage; arithmetic is float32
(float64 for float64 parameters). A launch covers any number of tensors: a program finds its tensor
by bisection in a table of addresses, one row of int64 a tensor, columns as below. Importing this
module imports Triton. Source of the equations: `reference`; of the formats: `eight_bit`, `bf16`.
"""

import triton
import triton.language as tl

from . import eight_bit

# Columns of the table. Addresses first; a column that a format does not use holds 0.
PARAM = tl.constexpr(0)
GRAD = tl.constexpr(1)
STEP = tl.constexpr(2)
EXP_AVG = tl.constexpr(3)
EXP_AVG_SQ = tl.constexpr(4)
MAX_EXP_AVG_SQ = tl.constexpr(5)
EXP_AVG_SCALES = tl.constexpr(6)
EXP_AVG_SQ_SCALES = tl.constexpr(7)
MAX_EXP_AVG_SQ_SCALES = tl.constexpr(8)
REMAINDER = tl.constexpr(9)
ELEMENTS = tl.constexpr(10)
FIRST_BLOCK = tl.constexpr(11)
STREAM = tl.constexpr(12)
COLUMNS = tl.constexpr(13)

SCALARS = tl.constexpr(8)
"""float64 numbers a tensor that `advance` leaves for `update`."""

CODE_BLOCK = tl.constexpr(eight_bit.BLOCK)
SLOPES = tl.constexpr(eight_bit.SLOPES)
OFFSETS = tl.constexpr(eight_bit.OFFSETS)
ZERO = tl.constexpr(eight_bit.SIGNED_ZERO)
SMALLEST = tl.constexpr(eight_bit.SMALLEST)


@triton.jit
def address(table, row, COLUMN: tl.constexpr, DTYPE: tl.constexpr, ALIGN: tl.constexpr):
    """Return the pointer to DTYPE that the table holds, known to be a multiple of ALIGN bytes."""
    # The hint stays with the operation that it is given, so it is given here, to the conversion.
    pointer = tl.load(table + row * COLUMNS + COLUMN).to(tl.pointer_type(DTYPE))
    return tl.multiple_of(pointer, ALIGN)


@triton.jit
def number(bits):
    """Return the float64 whose bits an argument holds: Triton passes Python floats as float32."""
    return bits.to(tl.int64).to(tl.float64, bitcast=True)


@triton.jit(
    do_not_specialize=["lr_bits", "beta1_bits", "beta2_bits", "eps_bits", "weight_decay_bits"]
)
def advance(
    table,
    scalars,
    found_inf,
    lr_pointer,
    beta1_pointer,
    beta2_pointer,
    lr_bits,
    beta1_bits,
    beta2_bits,
    eps_bits,
    weight_decay_bits,
    STEP_DTYPE: tl.constexpr,
):
    """Count the step of tensor program_id(0), unless found_inf, and write its scalars.

    A pointer that is not None takes the place of the number of that name. float64, because
    1 - beta**t loses as many digits as beta**t has nines.
    """
    row = tl.program_id(0)
    lr = number(lr_bits)
    beta1 = number(beta1_bits)
    beta2 = number(beta2_bits)
    if lr_pointer is not None:
        lr = tl.load(lr_pointer).to(tl.float64)
    if beta1_pointer is not None:
        beta1 = tl.load(beta1_pointer).to(tl.float64)
        beta2 = tl.load(beta2_pointer).to(tl.float64)
    step = address(table, row, STEP, STEP_DTYPE, 4)
    t = tl.load(step) + 1
    if found_inf is not None:
        t -= tl.load(found_inf).to(STEP_DTYPE)
    tl.store(step, t)
    t = t.to(tl.float64)
    beta1_correction = 1 - tl.exp(t * tl.log(beta1))  # beta1 = 0: exp(-inf) = 0
    beta2_correction = 1 - tl.exp(t * tl.log(beta2))
    own = scalars + row * SCALARS
    tl.store(own + 0, 1 - lr * number(weight_decay_bits))
    tl.store(own + 1, beta1)
    tl.store(own + 2, 1 - beta1)
    tl.store(own + 3, beta2)
    tl.store(own + 4, 1 - beta2)
    tl.store(own + 5, number(eps_bits))
    tl.store(own + 6, lr / beta1_correction)
    tl.store(own + 7, 1 / tl.sqrt(beta2_correction))


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
def load_param(pointer, remainders, offsets, mask, MASTER: tl.constexpr, COMPUTE: tl.constexpr):
    """Return parameters in COMPUTE; for MASTER joined with their remainder: `bf16.join_master`."""
    param = tl.load(pointer + offsets, mask=mask)
    if MASTER:
        high = param.to(tl.int16, bitcast=True).to(tl.int32) << 16
        low = tl.load(remainders + offsets, mask=mask).to(tl.int32)
        param = (high + low).to(tl.float32, bitcast=True)
    return param.to(COMPUTE)


@triton.jit
def store_param(
    pointer, remainders, value, key, offsets, mask, ROUNDING: tl.constexpr, DTYPE: tl.constexpr
):
    """Write parameters as DTYPE by ROUNDING: `bf16.stochastic_round`, `bf16.split_master`."""
    rounded = value.to(DTYPE)
    if ROUNDING == "stochastic":
        noise = (mix(offsets.to(tl.uint32) ^ key) >> 16).to(tl.int32)
        bits = (value.to(tl.int32, bitcast=True) + noise) >> 16
        finite = tl.abs(value) < float("inf")
        rounded = tl.where(finite, bits.to(tl.int16).to(tl.bfloat16, bitcast=True), rounded)
    if ROUNDING == "master":
        bits = value.to(tl.int32, bitcast=True)
        high = (bits + 0x8000) >> 16
        missing = value != value
        rest = tl.where(missing, 0, bits - (high << 16))
        tl.store(remainders + offsets, rest.to(tl.int16), mask=mask)
        rounded = tl.where(missing, rounded, high.to(tl.int16).to(tl.bfloat16, bitcast=True))
    tl.store(pointer + offsets, rounded, mask=mask)


@triton.jit
def update_tile(
    table,
    row,
    own,
    grad_scale,
    signed_values,
    unsigned_values,
    key,
    offsets,
    mask,
    PARAM_DTYPE: tl.constexpr,
    GRAD_DTYPE: tl.constexpr,
    MOMENT_DTYPE: tl.constexpr,
    COMPUTE: tl.constexpr,
    CODES: tl.constexpr,
    AMSGRAD: tl.constexpr,
    MAXIMIZE: tl.constexpr,
    ROUNDING: tl.constexpr,
    ALIGN: tl.constexpr,
):
    """Update the elements at offsets (rows of 256) of tensor row: `reference.adamw_step`."""
    p_pointer = address(table, row, PARAM, PARAM_DTYPE, ALIGN)
    g_pointer = address(table, row, GRAD, GRAD_DTYPE, ALIGN)
    m_pointer = address(table, row, EXP_AVG, MOMENT_DTYPE, ALIGN)
    v_pointer = address(table, row, EXP_AVG_SQ, MOMENT_DTYPE, ALIGN)
    m_scales = address(table, row, EXP_AVG_SCALES, tl.float32, 4)
    v_scales = address(table, row, EXP_AVG_SQ_SCALES, tl.float32, 4)
    remainders = address(table, row, REMAINDER, tl.int16, ALIGN)

    theta = load_param(p_pointer, remainders, offsets, mask, ROUNDING == "master", COMPUTE)
    g = tl.load(g_pointer + offsets, mask=mask).to(COMPUTE)
    m = load_moment(m_pointer, m_scales, signed_values, offsets, mask, CODES).to(COMPUTE)
    v = load_moment(v_pointer, v_scales, unsigned_values, offsets, mask, CODES).to(COMPUTE)

    keep = tl.load(own + 0).to(COMPUTE)
    beta1 = tl.load(own + 1).to(COMPUTE)
    one_minus_beta1 = tl.load(own + 2).to(COMPUTE)
    beta2 = tl.load(own + 3).to(COMPUTE)
    one_minus_beta2 = tl.load(own + 4).to(COMPUTE)
    eps = tl.load(own + 5).to(COMPUTE)
    step_size = tl.load(own + 6).to(COMPUTE)
    inverse_root_correction = tl.load(own + 7).to(COMPUTE)
    if grad_scale is not None:
        g = g / tl.load(grad_scale).to(COMPUTE)
        tl.store(g_pointer + offsets, g.to(GRAD_DTYPE), mask=mask)
    if MAXIMIZE:
        g = -g

    m = beta1 * m + one_minus_beta1 * g  # first_moment
    v = beta2 * v + one_minus_beta2 * (g * g)  # second_moment
    used = v
    if AMSGRAD:
        # Reddi et al. 2018, arXiv 1904.09237: the largest second moment so far stands in for v.
        x_pointer = address(table, row, MAX_EXP_AVG_SQ, MOMENT_DTYPE, ALIGN)
        x_scales = address(table, row, MAX_EXP_AVG_SQ_SCALES, tl.float32, 4)
        largest = load_moment(x_pointer, x_scales, unsigned_values, offsets, mask, CODES)
        used = tl.maximum(largest.to(COMPUTE), v, propagate_nan=tl.PropagateNan.ALL)
        store_moment(x_pointer, x_scales, used, offsets, mask, False, CODES, MOMENT_DTYPE)
    theta = theta * keep  # decay
    # bias_correct, both corrections scalars, and adam_direction
    theta = theta - step_size * (m / (tl.sqrt(used) * inverse_root_correction + eps))

    store_moment(m_pointer, m_scales, m, offsets, mask, True, CODES, MOMENT_DTYPE)
    store_moment(v_pointer, v_scales, v, offsets, mask, False, CODES, MOMENT_DTYPE)
    store_param(p_pointer, remainders, theta, key, offsets, mask, ROUNDING, PARAM_DTYPE)


@triton.jit(do_not_specialize=["tensors", "seed"])
def update(
    table,
    scalars,
    grad_scale,
    found_inf,
    signed_values,
    unsigned_values,
    tensors,
    seed,
    STEP_DTYPE: tl.constexpr,
    PARAM_DTYPE: tl.constexpr,
    GRAD_DTYPE: tl.constexpr,
    MOMENT_DTYPE: tl.constexpr,
    COMPUTE: tl.constexpr,
    CODES: tl.constexpr,
    AMSGRAD: tl.constexpr,
    MAXIMIZE: tl.constexpr,
    ROUNDING: tl.constexpr,
    ALIGN: tl.constexpr,
    HALVINGS: tl.constexpr,
    ROWS: tl.constexpr,
):
    """Update ROWS * 256 elements: block program_id(0) of the table's tensors laid end to end.

    HALVINGS is at least log2(tensors); `advance` has run before.
    """
    if found_inf is not None and tl.load(found_inf).to(tl.float32) != 0.0:
        return
    block = tl.program_id(0).to(tl.int64)
    row = 0
    above = tensors
    for _ in range(HALVINGS):
        middle = (row + above) // 2
        before = tl.load(table + middle * COLUMNS + FIRST_BLOCK) <= block
        row = tl.where(before, middle, row)
        above = tl.where(before, above, middle)

    elements = tl.load(table + row * COLUMNS + ELEMENTS)
    start = (block - tl.load(table + row * COLUMNS + FIRST_BLOCK)) * (ROWS * CODE_BLOCK)
    offsets = start + (tl.arange(0, ROWS)[:, None] * CODE_BLOCK + tl.arange(0, CODE_BLOCK)[None, :])
    own = scalars + row * SCALARS
    key = seed.to(tl.uint32)
    if ROUNDING == "stochastic":
        t = tl.load(address(table, row, STEP, STEP_DTYPE, 4)).to(tl.int64).to(tl.uint32)
        stream = tl.load(table + row * COLUMNS + STREAM).to(tl.uint32)
        key = mix(mix(mix(t) ^ stream) ^ key)
    # Whole blocks go without a mask, which would keep loads from being 16 bytes wide.
    if start + ROWS * CODE_BLOCK <= elements:
        update_tile(
            table, row, own, grad_scale, signed_values, unsigned_values, key, offsets, None,
            PARAM_DTYPE, GRAD_DTYPE, MOMENT_DTYPE, COMPUTE, CODES, AMSGRAD, MAXIMIZE, ROUNDING,
            ALIGN,
        )  # fmt: skip
    else:
        update_tile(
            table, row, own, grad_scale, signed_values, unsigned_values, key, offsets,
            offsets < elements,
            PARAM_DTYPE, GRAD_DTYPE, MOMENT_DTYPE, COMPUTE, CODES, AMSGRAD, MAXIMIZE, ROUNDING,
            ALIGN,
        )  # fmt: skip
