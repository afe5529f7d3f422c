"""The replayed allocator reserves what torch's rules reserve, and loses and doubles nothing."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from vram import internals, llama
from vram.allocator import Block, CachingAllocator, OutOfMemoryError, replay
from vram.internals import AllocatorHeaderError, Constants, constants

MIB = 2**20
SIZES = st.one_of(
    st.integers(1, 4096),
    st.integers(1, 3 * MIB),
    st.integers(1, 40 * MIB),
    st.sampled_from([512, MIB, MIB + 1, 10 * MIB - 1, 10 * MIB, 20 * MIB]),
)
TRACES = st.lists(st.one_of(SIZES, st.floats(0, 1)), max_size=80)


def test_constants_are_those_of_the_installed_torch() -> None:
    """The header in the wheel states 512 bytes, 1, 2, 10, 20 and 2 MiB."""
    found = constants()
    assert (found.min_block, found.small_size, found.small_buffer) == (512, MIB, 2 * MIB)
    assert (found.large_buffer, found.min_large_alloc) == (20 * MIB, 10 * MIB)
    assert found.round_large == 2 * MIB


def test_known_constants_are_those_that_the_header_states() -> None:
    """The installed wheel's header states each constant, and each is the known one."""
    header = Path(torch.__file__).parent / internals.HEADER
    text = header.read_text()
    assert all(re.search(pattern, text) for pattern in internals._PATTERNS.values())
    assert constants(header, "99.0") == Constants()


def test_a_header_decides_and_known_constants_fill_in(tmp_path: Path) -> None:
    """What a header states holds, in the words of any version; the rest is known."""
    header = tmp_path / "AllocatorConfig.h"
    header.write_text("constexpr size_t kLargeBuffer = 1024;\nkMinBlockSize = 256;")
    found = constants(header, "2.9.1")
    assert (found.large_buffer, found.min_block, found.small_size) == (1024, 256, MIB)
    assert constants(tmp_path / "none.h", "2.13.0+cpu") == Constants()


@pytest.mark.parametrize(
    ("text", "version", "message"),
    [
        (None, "2.8.0", "torch 2.8.0 is not known.*min_block.*install torch 2.9 to 2.13"),
        ("kMinBlockSize = 512;", "2.14.1", "does not state small_size, "),
    ],
)
def test_an_unknown_torch_is_refused(
    tmp_path: Path, text: str | None, version: str, message: str
) -> None:
    """Where a constant is neither stated nor known, the error names it and what to install."""
    header = tmp_path / "AllocatorConfig.h"
    if text is not None:
        header.write_text(text)
    with pytest.raises(AllocatorHeaderError, match=message):
        constants(header, version)


@pytest.mark.parametrize(
    ("sizes", "allocated", "reserved"),
    [
        ([1], 512, 2 * MIB),
        ([MIB], MIB, 2 * MIB),
        ([MIB + 1], MIB + 512, 20 * MIB),
        ([10 * MIB - 512], 10 * MIB - 512, 20 * MIB),
        ([10 * MIB], 10 * MIB, 10 * MIB),
        ([10 * MIB + 1], 10 * MIB + 512, 12 * MIB),
        ([11 * MIB], 12 * MIB, 12 * MIB),  # what is left, not above 1 MiB, is not cut off
        ([13 * MIB], 14 * MIB, 14 * MIB),
        ([8 * MIB, 8 * MIB], 16 * MIB, 20 * MIB),
        ([8 * MIB, 8 * MIB, 8 * MIB], 24 * MIB, 40 * MIB),
        ([45_568, 8_519_680], 8_565_248, 23_068_672),  # discuss.pytorch.org 178671
    ],
)
def test_segments_by_size(sizes: list[int], allocated: int, reserved: int) -> None:
    """Requests are rounded, pooled and given segments as CUDACachingAllocator.cpp says."""
    found = replay(enumerate(sizes))
    assert (found.allocated, found.reserved) == (allocated, reserved)


@pytest.mark.parametrize(("expandable", "more"), [(False, 538_935_296), (True, 18_841_600)])
def test_llama_3_1_8b_reserves_514_mib_more(expandable: bool, more: int) -> None:
    """Pure bf16 AdamW of 8B is 64,242,089,984 bytes; segments cost 514 MiB, expandable ones 18."""
    sizes = [p.numel() * 2 for _ in range(4) for p in llama("3.1-8B").parameters()]
    found = replay(enumerate(sizes), CachingAllocator(expandable=expandable))
    assert found.allocated == sum(sizes) == 64_242_089_984
    assert found.reserved - found.allocated == more


def test_a_freed_block_is_taken_by_the_best_fit() -> None:
    """A request takes the smallest free block that holds it, the lowest and so last of equals."""
    allocator = CachingAllocator()
    blocks = [allocator.take(size * MIB) for size in (30, 1, 14, 1, 14)]
    for block in (blocks[0], blocks[2], blocks[4]):
        allocator.give_back(block)
    reserved = allocator.reserved
    assert allocator.take(12 * MIB).address == blocks[4].address
    assert allocator.take(25 * MIB).address == blocks[0].address
    assert allocator.reserved == reserved


def test_capacity_is_kept_by_giving_back_whole_segments() -> None:
    """A request over the capacity gives cached segments back first, and then is refused."""
    allocator = CachingAllocator(capacity=64 * MIB)
    allocator.give_back(allocator.take(40 * MIB))
    kept = allocator.take(60 * MIB)
    assert (allocator.reserved, allocator.peak_reserved) == (60 * MIB, 60 * MIB)
    with pytest.raises(OutOfMemoryError, match="of 67,108,864"):
        allocator.take(20 * MIB)
    allocator.give_back(kept)


def test_misuse_is_refused() -> None:
    """A size below 1 and a second give_back are ValueErrors."""
    allocator = CachingAllocator()
    block = allocator.take(5)
    allocator.give_back(block)
    with pytest.raises(ValueError, match="free already"):
        allocator.give_back(block)
    with pytest.raises(ValueError, match="at least 1: 0"):
        allocator.take(0)


@settings(deadline=None, max_examples=150)
@given(trace=TRACES, expandable=st.booleans())
def test_invariants_of_any_trace(trace: list[int | float], expandable: bool) -> None:
    """Blocks never overlap, reserved covers allocated, and all given back merges to segments."""
    allocator = CachingAllocator(expandable=expandable)
    held: list[Block] = []
    for event in trace:
        if isinstance(event, int):
            held.append(allocator.take(event))
            assert held[-1].size >= event
        elif held:
            allocator.give_back(held.pop(int(event * (len(held) - 1))))
        spans = sorted((b.address, b.address + b.size) for b in held)
        assert all(end <= start for (_, end), (start, _) in pairwise(spans))
        assert allocator.allocated == sum(b.size for b in held)
        assert allocator.reserved >= allocator.allocated
        assert allocator.peak_reserved >= allocator.peak_allocated >= allocator.allocated
    for block in held:
        allocator.give_back(block)
    assert allocator.allocated == 0
    allocator.release_cached()
    assert allocator.reserved == 0


class BruteForce:
    """The same rules by scanning maps of 512-byte granules: no lists, no neighbours, no merging."""

    def __init__(self) -> None:
        self.segments: list[tuple[bool, list[int]]] = []  # small?, owner of each granule
        self.next = 1

    def take(self, size: int) -> int:
        granules = -(-size // 512)
        small = granules * 512 <= MIB
        runs = [
            (length, index, start)
            for index, (pool, owners) in enumerate(self.segments)
            if pool == small
            for start, length in free_runs(owners)
            if length >= granules
        ]
        if runs:
            length, index, start = min(runs)
        else:
            if small:
                length = 2 * MIB // 512
            elif granules * 512 < 10 * MIB:
                length = 20 * MIB // 512
            else:
                length = -(-granules // 4096) * 4096
            self.segments.append((small, [0] * length))
            index, start = len(self.segments) - 1, 0
        rest = length - granules
        used = granules if (rest >= 1 if small else rest * 512 > MIB) else length
        self.segments[index][1][start : start + used] = [self.next] * used
        self.next += 1
        return self.next - 1

    def give_back(self, block: int) -> None:
        for _, owners in self.segments:
            owners[:] = [0 if owner == block else owner for owner in owners]

    def sizes(self) -> tuple[int, int]:
        every = [owner for _, owners in self.segments for owner in owners]
        return sum(owner != 0 for owner in every) * 512, len(every) * 512


def free_runs(owners: list[int]) -> list[tuple[int, int]]:
    """Starts and lengths of the longest runs of free granules."""
    runs, start = [], None
    for index, owner in enumerate([*owners, -1]):
        if owner == 0 and start is None:
            start = index
        elif owner != 0 and start is not None:
            runs.append((start, index - start))
            start = None
    return runs


@settings(deadline=None, max_examples=25)
@given(st.lists(st.one_of(SIZES, st.floats(0, 1)), max_size=14))
def test_any_trace_equals_the_brute_force(trace: list[int | float]) -> None:
    """Allocated and reserved bytes are those of a model that only scans, after every event."""
    allocator, brute = CachingAllocator(), BruteForce()
    held: list[tuple[Block, int]] = []
    for event in trace:
        if isinstance(event, int):
            held.append((allocator.take(event), brute.take(event)))
        elif held:
            block, owner = held.pop(int(event * (len(held) - 1)))
            allocator.give_back(block)
            brute.give_back(owner)
        assert (allocator.allocated, allocator.reserved) == brute.sizes()
