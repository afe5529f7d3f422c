"""The 8-bit moments: the map, the error bound, and what a training run makes of it."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from adamw import AdamW, eight_bit
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

CPU = torch.device("cpu")


def coded(moment: Tensor, *, signed: bool) -> tuple[Tensor, Tensor]:
    codes = torch.empty_like(moment, dtype=torch.uint8)
    scales = torch.empty(eight_bit.blocks(moment.numel()))
    eight_bit.quantise(moment, codes, scales, signed=signed)
    return codes, scales


def width(decade: Tensor, *, signed: bool) -> Tensor:
    """Width of an interval of a decade, 10**-(d + 1) <= x < 10**-d: 0.9 of it in n parts."""
    return 0.9 * 10**-decade / (2.0 ** (6 - decade) * (1 if signed else 2))


def bound(x: Tensor, *, signed: bool) -> Tensor:
    """Half an interval at each x in [0, 1], as `eight_bit` states it, in float64.

    Codes are taken 2**-10 of a signed interval higher (see OFFSETS), so that much is added, and an
    x that near to its decade's upper end may get the first code of the next. A signed x below the
    smallest decade becomes 0, an unsigned one that decade's first value.
    """
    decade = (torch.ceil(-torch.log10(x.clamp(min=1e-30))) - 1).clamp(0, 6)
    above = (decade - 1).clamp(min=0)
    shift = 2**-10 * width(above, signed=True)
    within = torch.where(x + shift * (1 + 1e-3) >= 10**-decade, above, decade)
    rounding = 4 * 2**-23 * x  # of x itself, of the scale's inverse and of the decoded product
    below = torch.where(x < 1e-7, 1e-7, 0.0)
    half = width(within, signed=signed) / 2 + 2**-10 * width(within, signed=True)
    return half + rounding + below


@pytest.mark.parametrize("signed", [True, False])
def test_the_map_is_the_dynamic_map_of_the_paper(signed: bool) -> None:
    """256 rising values from the paper's construction: decades of evenly spaced middles."""
    values = []
    for i in range(7):
        edges = torch.linspace(0.1, 1, 2 ** (i if signed else i + 1) + 1, dtype=torch.float64)
        values += ((edges[1:] + edges[:-1]) / 2 * 10.0 ** (i - 6)).tolist()
    values += [-value for value in values] if signed else []
    wanted = torch.tensor(sorted([*values, 0.0, 1.0]))
    torch.testing.assert_close(eight_bit.values(CPU, signed=signed), wanted)
    assert len(wanted) == 256


@pytest.mark.parametrize("signed", [True, False])
def test_every_value_of_the_map_keeps_its_code(signed: bool) -> None:
    """Decoding and coding again changes nothing: the middle of an interval lies in it."""
    values = eight_bit.values(CPU, signed=signed)
    codes, scales = coded(values, signed=signed)
    assert scales.tolist() == [1.0]
    assert codes.tolist() == list(range(256))
    assert torch.equal(eight_bit.dequantise(codes, scales, signed=signed), values)


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**31),
    elements=st.integers(1, 700),
    spread=st.floats(0.0, 6.0),
    scale=st.floats(1e-20, 1e20),
    signed=st.booleans(),
)
def test_the_error_is_half_an_interval(
    seed: int, elements: int, spread: float, scale: float, signed: bool
) -> None:
    """Whatever a block holds, each element comes back within half an interval of its decade."""
    random = torch.Generator().manual_seed(seed)
    moment = torch.randn(elements, generator=random)
    moment *= 10 ** (-spread * torch.rand(elements, generator=random)) * scale
    moment = moment if signed else moment.abs()
    codes, scales = coded(moment, signed=signed)
    back = eight_bit.dequantise(codes, scales, signed=signed)
    per_element = scales.repeat_interleave(eight_bit.BLOCK)[:elements].double()
    x = moment.abs().double() / per_element
    error = (back.double() - moment.double()).abs() / per_element
    assert (error <= bound(x, signed=signed)).all()
    assert error.max() <= bound(torch.ones(1).double() * 0.5, signed=signed)


@given(st.integers(0, 2**31))
def test_a_positive_second_moment_never_becomes_zero(seed: int) -> None:
    """However small beside its block, v > 0 decodes to v > 0, and 0 to 0."""
    random = torch.Generator().manual_seed(seed)
    v = torch.rand(512, generator=random) * 10 ** (-30 * torch.rand(512, generator=random))
    v[::7] = 0
    back = eight_bit.dequantise(*coded(v, signed=False), signed=False)
    assert torch.equal(back > 0, v > 0)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_makes_its_block_nan(bad: float) -> None:
    """One NaN or infinity turns its own block into NaN and leaves the next alone."""
    m = torch.ones(512)
    m[3] = bad
    back = eight_bit.dequantise(*coded(m, signed=True), signed=True)
    assert back[:256].isnan().all()
    assert back[256:].eq(1).all()


@pytest.mark.parametrize("signed", [True, False])
def test_pieces_are_coded_as_the_whole(monkeypatch: pytest.MonkeyPatch, signed: bool) -> None:
    """Cut into pieces, the last of them short, a moment has the codes and scales of the whole."""
    moment = torch.randn(2000, generator=torch.Generator().manual_seed(0))
    moment = moment if signed else moment.abs()
    whole = coded(moment, signed=signed)
    back = eight_bit.dequantise(*whole, signed=signed)
    monkeypatch.setattr(eight_bit, "CPU_PIECE", 512)
    pieces = coded(moment, signed=signed)
    assert all(torch.equal(a, b) for a, b in zip(pieces, whole, strict=True))
    assert torch.equal(eight_bit.dequantise(*pieces, signed=signed), back)


def test_a_block_of_zeros_stays_zero() -> None:
    """An all-zero block has scale 0 and decodes to 0, whatever the map says of code 0."""
    for signed in (True, False):
        back = eight_bit.dequantise(*coded(torch.zeros(300), signed=signed), signed=signed)
        assert back.eq(0).all()


class Transformer(nn.Module):
    """Two layers of attention over characters, every matrix large enough for 8-bit moments."""

    def __init__(self, width: int = 64, words: int = 64, length: int = 32) -> None:
        super().__init__()
        self.words = nn.Embedding(words, width)
        self.places = nn.Parameter(0.02 * torch.randn(length, width))
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, 0.0, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.out = nn.Linear(width, words)
        self.mask = nn.Transformer.generate_square_subsequent_mask(length)

    def forward(self, tokens: Tensor) -> Tensor:
        hidden = self.layers(self.words(tokens) + self.places, self.mask, is_causal=True)
        logits: Tensor = self.out(hidden)
        return logits


def text(random: torch.Generator, batch: int = 8, length: int = 33) -> Tensor:
    """Sequences with a rule to learn: a noisy walk whose stride its first two tokens give."""
    first = torch.randint(64, (batch, 1), generator=random)
    stride = torch.randint(1, 8, (batch, 1), generator=random)
    tokens = first + stride * torch.arange(length)
    noise = torch.rand(tokens.shape, generator=random) < 0.05
    return torch.where(noise, torch.randint(64, tokens.shape, generator=random), tokens % 64)


def final_loss(steps: int = 150, **options: Any) -> float:
    """Mean loss of the last 30 steps of a training run that depends on the options alone."""
    torch.manual_seed(0)
    random = torch.Generator().manual_seed(1)
    model = Transformer()
    optimizer = AdamW(model.parameters(), lr=2e-3, **options)
    losses = []
    for _ in range(steps):
        tokens = text(random)
        logits = model(tokens[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    if options:
        assert any("exp_avg_codes" in state for state in optimizer.state.values())
    return sum(losses[-30:]) / 30


def test_training_ends_at_the_loss_of_float32_states() -> None:
    """A small transformer trained with 8-bit moments ends within 1 % of float32's loss."""
    full = final_loss()
    assert full < 2.5  # it has learned: guessing costs log(64) = 4.16
    assert final_loss(state_dtype="8bit") == pytest.approx(full, rel=0.01)
