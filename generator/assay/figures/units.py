"""Units of figures, answered by pint.

Law: information is a dimension of its own here (pint counts bits as pure numbers), a plain number
counts in bytes, seconds or 1, and a word is a unit only if it measures what training measures.
What pint answered is remembered on disk, since importing it takes longer than a warm check.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.resources
import os
import re
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    import pint

FACTOR_UNITS = frozenset({"×", "x", "times"})
_PERCENT = frozenset({"%", "percent", "per cent"})

_DEFINITIONS = [
    "bit = [information] = b",
    "FLOP = [operation] = _ = flop",
    "FLOPS = FLOP / second",
]
_BITS_IN_A_BYTE = 8

# Dimensions in which training is measured; others (length, charge ...) are English words far more
# often than figures: "3 in a row", "4 are".
_MEASURED = frozenset(
    {
        frozenset({"[information]"}),
        frozenset({"[time]"}),
        frozenset({"[operation]"}),
        frozenset({"[information]", "[time]"}),
        frozenset({"[operation]", "[time]"}),
        frozenset({"[operation]", "[information]"}),
        frozenset({"[temperature]"}),
        frozenset({"[mass]", "[length]", "[time]"}),
    }
)
_ENGLISH = frozenset({"a", "as", "at", "per"})


@cache
def factor(unit: str) -> Decimal | None:
    """Return what one *unit* is in bytes, seconds, operations or 1, or None if it is no unit.

    >>> factor("GiB")
    Decimal('1073741824')
    """
    if unit == "" or unit in FACTOR_UNITS:
        return Decimal(1)
    if unit in _PERCENT:
        return Decimal("0.01")
    if unit in _ENGLISH:
        return None
    answers = _answers()
    if unit not in answers:
        answers[unit] = _asked(unit)
        _remember(answers)
    answer = answers[unit]
    return None if answer is None else Decimal(answer)


def looks_like_one(word: str) -> bool:
    """Whether *word* is a size in bytes or bits to a reader, in a spelling that says not which.

    >>> [looks_like_one(word) for word in ("KB", "gb", "GB", "steps")]
    [True, True, False, False]
    """
    sizes = r"[kmgtpe]i?bs?|(?:[kmgtpe]i?)?b(?:it|yte)s?"
    sized = re.fullmatch(sizes, word, re.IGNORECASE) is not None
    return sized and factor(word) is None


def _asked(unit: str) -> str | None:
    """Ask pint; an answer is a decimal number as text."""
    import pint

    try:
        quantity = _registry().Quantity(Decimal(1), unit)
    except (pint.UndefinedUnitError, AssertionError, ValueError):
        return None  # pint raises all three for words that it cannot read
    dimensions: dict[str, Any] = dict(quantity.dimensionality)
    base = quantity.to_base_units().magnitude
    if frozenset(dimensions) not in _MEASURED:
        return None
    bits = int(dimensions.get("[information]", 0))
    value = Decimal(base) / Decimal(_BITS_IN_A_BYTE) ** bits
    return str(value.to_integral() if value == value.to_integral() else value.normalize())


@cache
def _registry() -> pint.UnitRegistry[Any]:
    import pint

    # Ours come with pint's own into an empty registry: added to a finished one, they would meet
    # conversions that it has worked out already, with bits as pure numbers.
    registry: pint.UnitRegistry[Any] = pint.UnitRegistry(
        None, non_int_type=Decimal, on_redefinition="ignore"
    )
    with importlib.resources.as_file(importlib.resources.files("pint")) as folder:
        registry.load_definitions(folder / "default_en.txt")
    registry.load_definitions(_DEFINITIONS)
    registry.default_system = "mks"
    return registry


# --- what pint answered before -------------------------------------------------------------------


@cache
def _memory() -> Path:
    import platformdirs

    asked = importlib.metadata.version("pint").encode() + Path(__file__).read_bytes()
    folder = Path(platformdirs.user_cache_dir("assay", appauthor=False))
    return folder / f"units-{hashlib.sha256(asked).hexdigest()[:16]}.json"


@cache
def _answers() -> dict[str, str | None]:
    try:
        return msgspec.json.decode(_memory().read_bytes(), type=dict[str, str | None])
    except (OSError, msgspec.DecodeError):
        return {}


def _remember(answers: dict[str, str | None]) -> None:
    file = _memory()
    new = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        new.write_bytes(msgspec.json.encode(answers))
        new.replace(file)
    except OSError:
        new.unlink(missing_ok=True)  # no room to remember: pint is asked again next time
