"""What a bfloat16 parameter does with the 16 bits of a float32 result that it cannot hold.

Law: `stochastic_round` keeps the float32 value on average: it rounds up with the probability of
the fraction lost, from a noise that depends on seed, step, parameter and element alone.
`split_master` keeps it exactly: the parameter is the nearest bfloat16, an int16 holds the rest.
Source of both, in this use: Zamirai et al. 2020, "Revisiting BFloat16 Training", arXiv 2010.06192.
"""

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


def join_master(param: Tensor, remainder: Tensor) -> Tensor:
    """Return the float32 master that split_master took apart into bfloat16 and int16."""
    bits = (param.view(torch.int16).to(torch.int32) << 16) + remainder
    return bits.view(torch.float32)


def split_master(master: Tensor) -> tuple[Tensor, Tensor]:
    """Return master (float32) as its nearest bfloat16, ties away from zero, and the int16 rest.

    Ties to even would need a remainder of +32768, which int16 lacks. NaN passes.
    """
    bits = master.view(torch.int32)
    high = (bits + 0x8000) >> 16
    remainder = (bits - (high << 16)).to(torch.int16)
    param = high.to(torch.int16).view(torch.bfloat16)
    missing = master.isnan()
    return (
        torch.where(missing, master.to(torch.bfloat16), param),
        torch.where(missing, 0, remainder),
    )
