"""Units of figures, answered by pint.

Law: information is a dimension of its own here (pint counts bits as pure numbers), a plain number
counts in bytes, seconds or 1, and a word is a unit only if it measures what training figures measure.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pint

FACTOR_UNITS = frozenset({"×", "x", "times"})

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
_ENGLISH = frozenset({"a", "as", "at", "per", "second-hand"})


@cache
def _registry() -> pint.UnitRegistry[Decimal]:
    import pint

    options = {"non_int_type": Decimal, "on_redefinition": "ignore"}
    try:
        registry = pint.UnitRegistry(cache_folder=":auto:", **options)
    except OSError:  # no place to keep pint's parsed definitions: parse them again
        registry = pint.UnitRegistry(**options)
    registry.load_definitions(_DEFINITIONS)
    return registry


@cache
def factor(unit: str) -> Decimal | None:
    """Return what one *unit* is in bytes, seconds, operations or 1, or None if it is no unit.

    >>> factor("GiB")
    Decimal('1073741824')
    """
    if unit == "" or unit in FACTOR_UNITS:
        return Decimal(1)
    if unit in {"%", "percent", "per cent"}:
        return Decimal("0.01")
    if unit in _ENGLISH:
        return None
    try:
        quantity = _registry().Quantity(Decimal(1), unit)
        dimensions = dict(quantity.dimensionality)
        base = quantity.to_base_units().magnitude
    except Exception:  # noqa: BLE001 - pint raises many kinds for a word it cannot read
        return None
    if frozenset(dimensions) not in _MEASURED:
        return None
    bits = int(dimensions.get("[information]", 0))
    return Decimal(base) / Decimal(_BITS_IN_A_BYTE) ** bits
