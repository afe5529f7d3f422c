"""Cards: what CUDA hands out, by the names that people type."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vram.gpus import GIB, GPUS, gpu_named

# Case 10: "total capacity" of torch's own messages, in GiB.
HANDED_OUT = {
    "RTX 4090": 23.64,
    "H100 80GB": 79.11,
    "A100 80GB": 79.25,
    "A100 40GB": 39.50,
    "A10": 21.99,
    "T4": 14.56,
}
SPELLINGS = {
    "RTX 4090": ["4090", "rtx4090", "NVIDIA GeForce RTX 4090", "RTX-4090", "rtx 4090 24GB"],
    "A100 80GB": ["A100-80GB", "A100-SXM4-80GB", "NVIDIA A100 80GB PCIe", "a100 80g", "A100-80"],
    "H100 80GB": ["H100", "H100 PCIe", "NVIDIA H100 80GB HBM3".removesuffix(" HBM3")],
    "H100 NVL": ["H100 NVL", "H100 94GB"],
    "RTX 3060 12GB": ["3060 12gb", "RTX 3060 12 GB"],
    "RTX 4070 Ti SUPER": ["4070 ti super", "RTX 4070Ti Super"],
    "RTX 4070 Ti": ["4070ti"],
    "RTX A6000": ["A6000"],
    "RTX 6000 Ada": ["RTX 6000 Ada Generation"],
    "T4": ["Tesla T4", "t4"],
    "V100 32GB": ["Tesla V100-SXM2-32GB"],
    "GTX 1080 Ti": ["1080ti", "GeForce GTX 1080 Ti"],
}


@pytest.mark.parametrize(("name", "typed"), [(n, t) for n, ts in SPELLINGS.items() for t in ts])
def test_a_card_as_people_type_it(name: str, typed: str) -> None:
    """The maker's words, the interface and the series may be there or not."""
    assert gpu_named(typed).name == name


@pytest.mark.parametrize(("name", "gib"), HANDED_OUT.items())
def test_a_card_hands_out_what_torch_says(name: str, gib: float) -> None:
    """The capacity is that of torch's out-of-memory message, not the driver's total."""
    card = gpu_named(name)
    assert card.measured
    assert card.capacity_bytes == int(gib * GIB)
    assert card.source.startswith("https://github.com/")


def test_a_derived_card_hands_out_no_more_than_a_measured_one_of_its_kind() -> None:
    """Where no message was found, the label is cut by the least share seen, and says so."""
    for card in GPUS.values():
        assert 0.9 <= card.capacity_bytes / (card.gib * GIB) < 1
        assert card.measured == card.source.startswith("https://")
        assert card.measured or card.source.startswith("derived: ")
    assert len(GPUS) >= 40
    assert sum(card.measured for card in GPUS.values()) >= 20


def test_every_card_has_its_compute_capability() -> None:
    """It decides attention's kernel and bf16: Turing and Volta have neither flash nor bf16."""
    found = {name: (GPUS[name].capability, GPUS[name].minor) for name in ("t4", "v100 16gb", "l4")}
    assert found == {"t4": (7, 5), "v100 16gb": (7, 0), "l4": (8, 9)}
    assert all(3 <= card.capability <= 12 for card in GPUS.values())


@pytest.mark.parametrize(
    ("typed", "count"),
    [
        ("24GiB", 24 * GIB),
        ("24 GB", 24 * 10**9),
        ("24", 24 * GIB),
        ("24g", 24 * GIB),
        ("24564MiB", 24_564 * 2**20),
        ("11.5 GiB", int(11.5 * GIB)),
    ],
)
def test_a_card_of_ones_own(typed: str, count: int) -> None:
    """Memory stands where a name does; GB are decimal, a bare number is GiB."""
    card = gpu_named(typed)
    assert (card.capacity_bytes, card.capability) == (count, 8)
    assert "given" in card.source


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("A100", "type 'A100 80GB' or 'A100 40GB'"),
        ("RTX 3060", "type 'RTX 3060 12GB' or 'RTX 3060 8GB'"),
        ("RTX 6000", "type 'RTX 6000 Ada' or 'Quadro RTX 6000'"),
        ("RTX 4080 Ti", "type 'RTX 4080 SUPER' or 'RTX 4080', or the card's memory"),
        ("RTX 4090 48GB", "type 'RTX 4090', or the card's memory"),
        ("RTX 4090 Laptop", "less memory than its namesake"),
        ("8 x A100 80GB", "--gpu 'A100 80GB'"),
        ("MI300X", "`python -m vram gpus`"),
        ("0", "`python -m vram gpus`"),
        ("", "`python -m vram gpus`"),
    ],
)
def test_what_is_not_known_is_told_what_to_type(typed: str, told: str) -> None:
    """One line, and never another card as if it were the one typed."""
    with pytest.raises(ValueError, match=r".") as refusal:
        gpu_named(typed)
    assert told in str(refusal.value)
    assert "'A10'" not in str(refusal.value)


@given(st.text(max_size=20))
def test_any_text_is_a_card_or_a_refusal(text: str) -> None:
    """No text makes the resolver fail in another way."""
    with contextlib.suppress(ValueError):
        assert gpu_named(text).capacity_bytes > 0
