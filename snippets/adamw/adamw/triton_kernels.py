"""The fused body's two kernels: `advance` counts the step, `update` does the rest in one pass.

Law: each operand is read once and written once, whatever its storage; arithmetic is float32
(float64 for float64 parameters). A launch covers any number of tensors: a program finds its tensor
by bisection in a table of addresses, `triton_table`. Importing this module imports Triton.
Source of the equations: `reference`; of the formats: `triton_formats`.
"""

import triton
import triton.language as tl

from . import eight_bit
from .triton_formats import load_moment, load_param, mix, store_moment, store_param
from .triton_table import Row, Scalars, column, scalar

PARAM = tl.constexpr(column("param"))
GRAD = tl.constexpr(column("grad"))
STEP = tl.constexpr(column("step"))
EXP_AVG = tl.constexpr(column("exp_avg"))
EXP_AVG_SQ = tl.constexpr(column("exp_avg_sq"))
MAX_EXP_AVG_SQ = tl.constexpr(column("max_exp_avg_sq"))
EXP_AVG_SCALES = tl.constexpr(column("exp_avg_scales"))
EXP_AVG_SQ_SCALES = tl.constexpr(column("exp_avg_sq_scales"))
MAX_EXP_AVG_SQ_SCALES = tl.constexpr(column("max_exp_avg_sq_scales"))
MASTER_PARAM = tl.constexpr(column("master_param"))
ELEMENTS = tl.constexpr(column("elements"))
FIRST_BLOCK = tl.constexpr(column("first_block"))
STREAM = tl.constexpr(column("stream"))
COLUMNS = tl.constexpr(len(Row._fields))

KEEP = tl.constexpr(scalar("keep"))
BETA1 = tl.constexpr(scalar("beta1"))
ONE_MINUS_BETA1 = tl.constexpr(scalar("one_minus_beta1"))
BETA2 = tl.constexpr(scalar("beta2"))
ONE_MINUS_BETA2 = tl.constexpr(scalar("one_minus_beta2"))
EPS = tl.constexpr(scalar("eps"))
STEP_SIZE = tl.constexpr(scalar("step_size"))
INVERSE_ROOT_CORRECTION = tl.constexpr(scalar("inverse_root_correction"))
SCALARS = tl.constexpr(len(Scalars._fields))

CODE_BLOCK = tl.constexpr(eight_bit.BLOCK)


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
    tl.store(own + KEEP, 1 - lr * number(weight_decay_bits))
    tl.store(own + BETA1, beta1)
    tl.store(own + ONE_MINUS_BETA1, 1 - beta1)
    tl.store(own + BETA2, beta2)
    tl.store(own + ONE_MINUS_BETA2, 1 - beta2)
    tl.store(own + EPS, number(eps_bits))
    tl.store(own + STEP_SIZE, lr / beta1_correction)
    tl.store(own + INVERSE_ROOT_CORRECTION, 1 / tl.sqrt(beta2_correction))


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
    masters = address(table, row, MASTER_PARAM, tl.float32, ALIGN)

    theta = load_param(p_pointer, masters, offsets, mask, ROUNDING == "master", COMPUTE)
    g = tl.load(g_pointer + offsets, mask=mask).to(COMPUTE)
    m = load_moment(m_pointer, m_scales, signed_values, offsets, mask, CODES).to(COMPUTE)
    v = load_moment(v_pointer, v_scales, unsigned_values, offsets, mask, CODES).to(COMPUTE)

    keep = tl.load(own + KEEP).to(COMPUTE)
    beta1 = tl.load(own + BETA1).to(COMPUTE)
    one_minus_beta1 = tl.load(own + ONE_MINUS_BETA1).to(COMPUTE)
    beta2 = tl.load(own + BETA2).to(COMPUTE)
    one_minus_beta2 = tl.load(own + ONE_MINUS_BETA2).to(COMPUTE)
    eps = tl.load(own + EPS).to(COMPUTE)
    step_size = tl.load(own + STEP_SIZE).to(COMPUTE)
    inverse_root_correction = tl.load(own + INVERSE_ROOT_CORRECTION).to(COMPUTE)
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
    store_param(p_pointer, masters, theta, key, offsets, mask, ROUNDING, PARAM_DTYPE)


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
