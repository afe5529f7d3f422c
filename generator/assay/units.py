"""Units of figures, answered by pint.

Law: information is a dimension of its own here (pint counts bits as pure numbers), a plain number
counts in bytes, seconds or 1, and a word is a unit only if it measures what training measures.
What pint answered is remembered on disk, since importing it takes longer than a warm check.
"""

from __future__ import annotations

import importlib.metadata
import os
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


def _asked(unit: str) -> str | None:
    """Ask pint; an answer is a decimal number as text."""
    try:
        quantity = _registry().Quantity(Decimal(1), unit)
        dimensions: dict[str, Any] = dict(quantity.dimensionality)
        base = quantity.to_base_units().magnitude
    except Exception:  # noqa: BLE001 - pint raises many kinds for a word it cannot read
        return None
    if frozenset(dimensions) not in _MEASURED:
        return None
    bits = int(dimensions.get("[information]", 0))
    value = Decimal(base) / Decimal(_BITS_IN_A_BYTE) ** bits
    return str(value.to_integral() if value == value.to_integral() else value.normalize())


@cache
def _registry() -> pint.UnitRegistry[Any]:
    import pint

    options: dict[str, Any] = {"non_int_type": Decimal, "on_redefinition": "ignore"}
    try:
        registry: pint.UnitRegistry[Any] = pint.UnitRegistry(cache_folder=":auto:", **options)
    except OSError:  # no place to keep pint's parsed definitions: parse them again
        registry = pint.UnitRegistry(**options)
    registry.load_definitions(_DEFINITIONS)
    return registry


# --- what pint answered before -------------------------------------------------------------------


@cache
def _memory() -> Path:
    import platformdirs

    version = importlib.metadata.version("pint")
    folder = Path(platformdirs.user_cache_dir("assay", appauthor=False))
    return folder / f"units-{version}-{len(_DEFINITIONS)}.json"


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
