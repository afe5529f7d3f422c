"""What a bfloat16 parameter does with the 16 bits of a float32 result that it cannot hold.

Law: `stochastic_round` keeps the float32 value on average: it rounds up with the probability of
the fraction lost, from a noise that depends on seed, step, parameter and element alone.
A master keeps it exactly, whole, in the state, and counts only for the weight that it rounds to.
Sources: for the noise, Zamirai et al. 2020, "Revisiting BFloat16 Training", arXiv 2010.06192; for
the master, Micikevicius et al. 2018, "Mixed Precision Training", arXiv 1710.03740, section 3.1.
"""

# Why whole: the lower 16 bits alone would take half the memory, and cannot tell whose they are.
# They and the weight are 32 bits for 2**32 masters, so each pair of them means one: set the weight
# to 3 from outside, and the pair says anything from 2.992 to 3.008; set it to 0, and with a
# negative rest it says NaN. To tell every other weight from the one stored takes 16 bits more.

from __future__ import annotations

import torch
from torch import Tensor

LOW_32 = 0xFFFFFFFF


def mix(x: int | Tensor) -> int | Tensor:
    """Return 32 well mixed bits of 32 bits, for integers and int64 tensors alike.

    The hash `lowbias32` of Chris Wellons's hash-prospector: multiply, shift, xor, both ways
    invertible, every input bit felt in every output bit.
    """
    x = ((x ^ (x >> 16)) * 0x7FEB352D) & LOW_32
    x = ((x ^ (x >> 15)) * 0x846CA68B) & LOW_32
    return x ^ (x >> 16)


def noise_key(seed: int, step: int, stream: int) -> int:
    """Return the 32-bit key of one parameter's noise in one step; stream numbers the parameter."""
    key = mix(mix(mix(step & LOW_32) ^ (stream & LOW_32)) ^ (seed & LOW_32))
    assert isinstance(key, int)
    return key


def noise(key: int, like: Tensor) -> Tensor:
    """Return int32 noise in [0, 65536) for like's elements, numbered in memory order.

    It repeats after 2**32 elements of one parameter.
    """
    index = torch.arange(like.numel(), device=like.device, dtype=torch.int64)
    bits = mix((index & LOW_32) ^ key)
    assert isinstance(bits, Tensor)
    return (bits >> 16).to(torch.int32).as_strided(like.shape, like.stride())


def stochastic_round(value: Tensor, noise: Tensor) -> Tensor:
    """Return value (float32) as bfloat16, up or down at random: its expectation is value.

    NaN and infinities pass; noise is int32, uniform in [0, 65536), of value's shape.
    """
    rounded = ((value.view(torch.int32) + noise) >> 16).to(torch.int16).view(torch.bfloat16)
    return torch.where(value.isfinite(), rounded, value.to(torch.bfloat16))


def master_of(param: Tensor, master: Tensor) -> Tensor:
    """Return the float32 that param stands for: master wherever param is still its rounding.

    param (bfloat16) and master (float32) have one shape. An element that anything else has set to
    another value since, zero, infinity and NaN among them, is that value, exactly. So zeros will do
    for a master that was never stored: they count for no weight but zero.
    """
    return torch.where(master.to(param.dtype) == param, master, param.to(master.dtype))
