"""What a card hands out to CUDA, which is less than its driver counts and its box promises.

gpus.toml has what torch's own messages say of a card. Where none was found, the label is cut by the
least fraction that any measured card of its kind hands out; such a row says that it is derived.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

GIB = 2**30
UNITS = {"gib": GIB, "gb": 10**9, "g": GIB, "": GIB, "mib": 2**20, "mb": 10**6, "m": 2**20}
LARGEST = 1024  # GiB: a bare number above it is a card's name


@dataclass(frozen=True)
class Gpu:
    """A card: name, bytes that CUDA hands out, major compute capability, and where they were read.

    minor is the capability's second number. measured is False where the bytes are derived from the
    label `gib`, which is 0 for a card of one's own.
    """

    name: str
    capacity_bytes: int
    capability: int
    source: str
    minor: int = 0
    gib: int = 0
    measured: bool = True
    also: tuple[str, ...] = field(default=(), repr=False)


def _cards() -> Iterator[Gpu]:
    file = resources.files(__package__).joinpath("gpus.toml")
    rows: dict[str, dict[str, Any]] = tomllib.loads(file.read_text(encoding="utf-8"))
    kinds = {row["kind"] for row in rows.values()}
    least = {kind: _least_share(rows.values(), kind) for kind in kinds}
    return (_card(name, row, least[row["kind"]]) for name, row in rows.items())


def _least_share(rows: Iterable[dict[str, Any]], kind: str) -> float:
    """Return the least share of its label that any measured card of a kind hands out."""
    known = (row for row in rows if row["kind"] == kind and "torch" in row)
    return min(float(row["torch"]) / float(row["gib"]) for row in known)


def _card(name: str, row: dict[str, Any], share: float) -> Gpu:
    gib, kind = row["gib"], row["kind"]
    derived = f"derived: {share:.1%} of {gib} GiB, the least that a {kind} card hands out"
    major, minor = map(int, row["capability"].split("."))
    return Gpu(
        name,
        int(row.get("torch", gib * share) * GIB),
        major,
        row.get("source", derived),
        minor,
        gib,
        "torch" in row,
        tuple(row.get("also", ())),
    )


GPUS: dict[str, Gpu] = {card.name.lower(): card for card in _cards()}


def gpu_named(name: str) -> Gpu:
    """Return a card by a name as people type it (RTX 4090, 4090, A100-SXM4-80GB), or by its memory.

    24GiB, 24GB, 24564MiB and 24 (GiB) are a card of one's own, of compute capability 8, all of it
    handed out. Raises ValueError for a name that is unknown or sold with several sizes of memory,
    in one line that says what to type.
    """
    words, size = _typed(name)
    matching = [card for card in GPUS.values() if _means(card, words, size)]
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise ValueError(f"{name!r} is sold in several sizes: type {_either(matching)}")
    own = _of_ones_own(name)
    if own is not None:
        return own
    raise ValueError(f"unknown GPU {name!r}: {_advice(name, words)}")


_MAKERS = frozenset(
    [
        *("nvidia", "geforce", "tesla", "gpu", "generation", "gen", "graphics", "card", "edition"),
        *("pcie", "pci", "sxm", "sxm2", "sxm3", "sxm4", "sxm5", "blackwell", "ampere"),
    ]
)
_SERIES = frozenset({"rtx", "gtx"})
_PORTABLE = frozenset({"laptop", "mobile", "notebook", "max", "maxq"})
_SIZE = re.compile(r"\b(\d+)\s?gi?b?\b")
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*(gi?b|g|mi?b|m|)")
_SEVERAL = re.compile(r"(\d+)\s*[x×*]\s*(.+)|(.+?)\s*[x×*]\s*(\d+)")
Words = frozenset[str]


def _typed(name: str) -> tuple[Words, int | None]:
    """Return the words of a name that tell cards apart, and the GB of memory that it says."""
    text = re.sub(r"[-_/()]", " ", name.lower())
    text = re.sub(r"\b([rg]tx)(?=\w)", r"\1 ", text)
    text = re.sub(r"(?<=\d{4})(ti|super)", r" \1 ", text)
    size = _SIZE.search(text)
    return frozenset(_SIZE.sub(" ", text).split()) - _MAKERS, int(size[1]) if size else None


def _means(card: Gpu, words: Words, size: int | None) -> bool:
    """Whether words mean the card: rtx may be left out, and memory, unless `also` has it."""
    if size not in (None, card.gib):
        return False
    own, _ = _typed(card.name)
    others = [typed for typed, gib in map(_typed, card.also) if gib in (None, size)]
    said = (words, words - {str(card.gib)})
    return any(name in said or _without_series(name) in said for name in (own, *others))


def _without_series(words: Words) -> Words:
    rest = words - _SERIES
    return rest if any(map(_has_digit, rest)) else words


def _has_digit(word: str) -> bool:
    return any(map(str.isdigit, word))


def _of_ones_own(name: str) -> Gpu | None:
    found = _MEMORY.fullmatch(name.strip().lower())
    size = float(found[1]) * UNITS[found[2]] if found else 0.0
    if not GIB // 4 <= size <= LARGEST * GIB:
        return None
    return Gpu(name.strip(), int(size), 8, "as given; compute capability 8 is assumed")


def _advice(name: str, words: Words) -> str:
    """Return what to type instead of a name that is not known."""
    several = _SEVERAL.fullmatch(name.strip().lower())
    if several:
        number, card = several[1] or several[4], (several[2] or several[3]).upper()
        return f"type one card, --gpu {card!r}, and how many share the states: --ranks {number}"
    if words & _PORTABLE:
        return "a laptop's card has less memory than its namesake: type its memory, such as 16GiB"
    numbers = {word for word in words if _has_digit(word)}
    like = [card for card in GPUS.values() if numbers & _typed(card.name)[0]]
    if like:
        return f"type {_either(like)}, or the card's memory, such as 24GiB"
    return "type a card that `python -m vram gpus` lists, or its memory, such as 24GiB"


def _either(cards: list[Gpu]) -> str:
    names = [repr(card.name) for card in cards]
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
