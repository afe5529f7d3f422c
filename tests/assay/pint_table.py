"""Writes the table of units from pint: ``python tests/assay/pint_table.py``.

Law: every unit, prefix and size in ``figures/unit_table.py`` is pint's, or stands in OURS below.
"""

from __future__ import annotations

import importlib.resources
import textwrap
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import assay
import pint

FILE = Path(assay.__file__).parent / "figures" / "unit_table.py"
OURS = [
    "bit = [information] = b",
    "FLOP = [operation] = _ = flop",
    "FLOPS = FLOP / second",
    "OPS = FLOP / second",
    "Bps = byte / second",
]
"""pint counts a bit as a pure number, and does not know the operations of a computer."""
HEAD = '''"""The units of pint, their names and sizes. Written by tests/assay/pint_table.py.

Law: no unit is defined here; each row is what pint says, in SI base units (information in bits).
"""

PREFIXES = """
{prefixes}
"""
"""Names of a prefix, and what it multiplies by."""

UNITS = """
{units}
"""
"""A line begins with a dimension; then units: their names, and the size in base units.
A third number is what is added first, to count from absolute zero."""
'''


def registry() -> pint.UnitRegistry[Any]:
    """Return pint's units with ours, as exact decimals."""
    # Ours come with pint's own into an empty registry: added to a finished one, they would meet
    # conversions that it has worked out already, with bits as pure numbers.
    found: pint.UnitRegistry[Any] = pint.UnitRegistry(
        None, non_int_type=Decimal, on_redefinition="ignore"
    )
    with importlib.resources.as_file(importlib.resources.files("pint")) as folder:
        found.load_definitions(folder / "default_en.txt")
    found.load_definitions(OURS)
    found.default_system = "mks"
    return found


def constants() -> set[str]:
    """Return what pint defines as constants of nature and mathematics: no units."""
    text = (importlib.resources.files("pint") / "constants_en.txt").read_text("utf-8")
    return {line.partition("=")[0].strip() for line in text.splitlines() if "=" in line}


def number(value: Any) -> str:
    """Write a size with at most 25 digits."""
    value = +Decimal(value)
    short = value.quantize(Decimal(1).scaleb(value.adjusted() - 24))
    return f"{short.normalize():f}" if -9 < short.adjusted() < 15 else f"{short.normalize():e}"


def dimension_of(units: pint.UnitRegistry[Any], name: str) -> str:
    """Write a dimension as in ``length*time^-2``; a pure number has ``1``."""
    powers = {k.strip("[]"): v for k, v in units.get_dimensionality(name).items()}
    parts = (k if v == 1 else f"{k}^{+Decimal(v).normalize():f}" for k, v in sorted(powers.items()))
    return "*".join(parts) or "1"


def names_of(definition: Any) -> str:
    """Write all names of a unit or a prefix, its full name first."""
    symbol = (definition.defined_symbol,) if definition.defined_symbol else ()
    return "=".join(dict.fromkeys((definition.name, *symbol, *definition.aliases)))


def rows(units: pint.UnitRegistry[Any]) -> Iterator[tuple[str, str]]:
    """Yield each unit that a number can be multiplied by: its dimension, and its row."""
    left_out = constants()
    for name, definition in {d.name: d for d in units._units.values()}.items():
        kind = type(definition.converter).__name__
        if name in left_out or kind == "LogarithmicConverter":
            continue
        delta = f"delta_{name}" if kind == "OffsetConverter" else name
        size = number(units.Quantity(Decimal(1), delta).to_base_units().magnitude)
        zero = ""
        if kind == "OffsetConverter":
            zero = " " + number(Decimal(definition.converter.offset) / Decimal(size))
        yield dimension_of(units, name), f"{names_of(definition)} {size}{zero}"


def written() -> str:
    """Return the text of the table."""
    units = registry()
    groups: dict[str, list[str]] = {}
    for dimension, row in rows(units):
        groups.setdefault(dimension, []).append(row)
    prefixes = {d.name: f"{names_of(d)} {number(d.value)}" for d in units._prefixes.values()}
    lines = [f"{dimension}: {'; '.join(found)}" for dimension, found in groups.items()]
    return HEAD.format(
        prefixes="\n".join(wrapped("; ".join(row for name, row in prefixes.items() if name))),
        units="\n".join(line for group in lines for line in wrapped(group)),
    )


def wrapped(text: str) -> list[str]:
    """Break a line between rows."""
    return textwrap.wrap(
        text, 98, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )


UNITS_OF_PINT = [row for _, row in rows(registry())]

if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
