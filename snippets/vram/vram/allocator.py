"""torch's CUDA caching allocator, replayed: which segments it would reserve, without a GPU.

Sizes round up to 512 bytes; small requests share 2 MiB segments, middling ones 20 MiB segments,
large ones get their own, rounded up to 2 MiB; a free block is taken by best fit, the lower address
of equals, split, and merged with free neighbours. Law: c10/cuda/CUDACachingAllocator.cpp of torch.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import dataclass, field

from .internals import Constants, constants
from .recorder import Event

# The driver places each new segment below the last, so that of two equal free blocks the one of the
# younger segment is taken. In published runs of eager attention, with many equal blocks, this order
# gives what was reserved to a few MiB, and the other misses it by whole score matrices.
_TOP = 1 << 47


class OutOfMemoryError(RuntimeError):
    """The replay needed more bytes than its capacity, after giving back all cached segments."""


@dataclass(eq=False)
class Block:
    """A run of bytes of a segment, in use or free, with its neighbours."""

    segment: int
    address: int
    size: int
    small: bool
    free: bool = False
    before: Block | None = None
    after: Block | None = None

    @property
    def whole(self) -> bool:
        """Whether the block is a segment, not a part of one."""
        return self.before is None and self.after is None


@dataclass
class CachingAllocator:
    """Take and give back blocks as torch would; `allocated` and `reserved` are in bytes.

    expandable: expandable_segments:True, one growing segment for each pool, mapped in pages.
    capacity: bytes that may be reserved; None is no limit. Segments start 2 GiB-aligned addresses
    apart in the order they are made, as best fit breaks ties by address.

    Not replayed: torch unmaps free pages of an expandable segment before it gives up. So with
    expandable and a capacity, a request can be refused here that torch would still serve.
    """

    expandable: bool = False
    capacity: int | None = None
    sizes: Constants = field(default_factory=constants)
    allocated: int = field(default=0, init=False)
    reserved: int = field(default=0, init=False)
    peak_allocated: int = field(default=0, init=False)
    peak_reserved: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._free: dict[bool, list[tuple[int, int]]] = {True: [], False: []}
        self._blocks: dict[int, Block] = {}  # free blocks by address
        self._address = _TOP
        self._tails: dict[bool, Block | None] = {True: None, False: None}
        self._bases = {True: 1 << 50, False: 1 << 51}

    def take(self, size: int) -> Block:
        """Return a block of at least `size` bytes.

        Raises ValueError for a size below 1, OutOfMemoryError where the capacity does not hold it.
        """
        if size < 1:
            raise ValueError(f"size must be at least 1: {size}")
        rounded = _up(size, self.sizes.min_block)
        small = rounded <= self.sizes.small_size
        block = self._best_fit(rounded, small=small)
        if block is None:
            block = (self._grow if self.expandable else self._segment)(rounded, small=small)
        else:
            self._remove_free(block)
        block.free = False
        self._split(block, rounded)
        self.allocated += block.size
        self.peak_allocated = max(self.peak_allocated, self.allocated)
        return block

    def give_back(self, block: Block) -> None:
        """Free a block taken before; its free neighbours become one block with it."""
        if block.free:
            raise ValueError("the block is free already")
        self.allocated -= block.size
        for neighbour in (block.before, block.after):
            if neighbour is not None and neighbour.free:
                self._remove_free(neighbour)
                self._merge(block, neighbour)
        self._add_free(block)

    def release_cached(self) -> None:
        """Give segments without a block in use back to CUDA (torch.cuda.empty_cache)."""
        for block in [b for b in self._blocks.values() if b.whole]:
            self._remove_free(block)
            self.reserved -= block.size
            if self._tails[block.small] is block:
                self._tails[block.small] = None

    def _best_fit(self, size: int, *, small: bool) -> Block | None:
        free = self._free[small]
        at = bisect_left(free, (size, -1))
        if at == len(free):
            return None
        tail = self._tails[small]
        if tail is not None and free[at] == (tail.size, tail.address) and at + 1 < len(free):
            at += 1  # a block that can still grow counts as larger than any that cannot
        return self._blocks[free[at][1]]

    def _segment(self, size: int, *, small: bool) -> Block:
        length = self._segment_length(size)
        self._reserve(length)
        self._address -= length
        return Block(self._address, self._address, length, small)

    def _segment_length(self, size: int) -> int:
        if size <= self.sizes.small_size:
            return self.sizes.small_buffer
        if size < self.sizes.min_large_alloc:
            return self.sizes.large_buffer
        return _up(size, self.sizes.round_large)

    def _grow(self, size: int, *, small: bool) -> Block:
        """Map pages at the end of the pool's one segment, into the free block there if any."""
        page = self.sizes.small_buffer if small else self.sizes.large_buffer
        tail = self._tails[small]
        spare = tail if tail is not None and tail.free else None
        mapped = _up(self._segment_length(size) - (spare.size if spare else 0), page)
        self._reserve(mapped)
        if spare is not None and spare.free:
            self._remove_free(spare)
            spare.size += mapped
            return spare
        tail = self._tails[small]
        address = tail.address + tail.size if tail else self._bases[small]
        block = Block(self._bases[small], address, mapped, small, before=tail)
        if tail is not None:
            tail.after = block
        self._tails[small] = block
        return block

    def _reserve(self, length: int) -> None:
        if self.capacity is not None and self.reserved + length > self.capacity:
            if not self.expandable:
                self.release_cached()
            if self.reserved + length > self.capacity:
                raise OutOfMemoryError(
                    f"{length:,} bytes more than {self.reserved:,} of {self.capacity:,}"
                )
        self.reserved += length
        self.peak_reserved = max(self.peak_reserved, self.reserved)

    def _split(self, block: Block, size: int) -> None:
        """Cut off what the request does not need, if what remains is worth keeping."""
        rest = block.size - size
        least = (
            self.sizes.min_block if block.small or self.expandable else self.sizes.small_size + 1
        )
        if rest < least:
            return
        after = Block(
            block.segment, block.address + size, rest, block.small, before=block, after=block.after
        )
        if block.after is not None:
            block.after.before = after
        block.after, block.size = after, size
        if self._tails[block.small] is block:
            self._tails[block.small] = after
        self._add_free(after)

    def _merge(self, block: Block, neighbour: Block) -> None:
        if neighbour is block.before:
            block.address, block.before = neighbour.address, neighbour.before
            if block.before is not None:
                block.before.after = block
        else:
            block.after = neighbour.after
            if block.after is not None:
                block.after.before = block
        block.size += neighbour.size
        if self._tails[block.small] is neighbour:
            self._tails[block.small] = block

    def _add_free(self, block: Block) -> None:
        block.free = True
        insort(self._free[block.small], (block.size, block.address))
        self._blocks[block.address] = block

    def _remove_free(self, block: Block) -> None:
        free = self._free[block.small]
        del free[bisect_left(free, (block.size, block.address))]
        del self._blocks[block.address]


def replay(events: Iterable[Event], allocator: CachingAllocator | None = None) -> CachingAllocator:
    """Run a timeline of (block, bytes) events through an allocator and return it."""
    allocator = allocator or CachingAllocator()
    held: dict[int, Block] = {}
    for block, size in events:
        if size > 0:
            held[block] = allocator.take(size)
        else:
            allocator.give_back(held.pop(block))
    return allocator


def _up(size: int, multiple: int) -> int:
    return -(-size // multiple) * multiple
