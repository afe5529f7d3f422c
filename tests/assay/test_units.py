"""The table of units agrees with pint, name for name and size for size."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal, localcontext
from functools import cache

import pint
import pytest
from assay.figures import units
from hypothesis import example, given
from hypothesis import strategies as st

from . import pint_table

PINT = pint_table.registry()


@cache
def by_pint(word: str) -> Decimal | None:
    """Return what one of a unit is in SI base units, by pint; information in bits."""
    try:
        quantity = PINT.Quantity(Decimal(1), word)
    except (pint.UndefinedUnitError, AssertionError, ValueError, TypeError):
        return None
    return Decimal(quantity.to_base_units().magnitude)


def in_bits(unit: units.Unit) -> Decimal:
    powers = dict(unit.dimension)
    return unit.size * Decimal(8) ** int(powers.get("information", 0))


def is_near(one: Decimal, other: Decimal) -> bool:
    with localcontext() as context:
        context.prec = 60
        return abs(one - other) <= abs(other) * Decimal("1e-20")


def test_the_table_is_what_pint_says() -> None:
    """Written anew, the table of units is the one that is kept."""
    assert pint_table.FILE.read_text(encoding="utf-8") == pint_table.written()


@pytest.mark.parametrize("word", sorted(units.words()))
def test_every_unit_of_prose_is_a_unit_of_pint(word: str) -> None:
    """Each word that counts as a unit in prose has the size and the dimension that pint gives."""
    found = units.curated(word)
    assert found is not None
    word = word.replace("bps", "bit/s")
    if found.is_temperature:
        kelvin = PINT.Quantity(Decimal(20), word).to("K").magnitude
        assert is_near((20 + found.zero) * found.size, kelvin)
        return
    size = by_pint(word)
    assert size is not None
    assert is_near(in_bits(found), size)
    dimension = PINT.get_dimensionality(word)
    assert dict(found.dimension) == {name.strip("[]"): p for name, p in dimension.items()}


NAMES = [row.split()[0] for row in pint_table.UNITS_OF_PINT]
ANY = st.tuples(
    st.sampled_from(["", *units.prefixes()]),
    st.sampled_from([name for names in NAMES for name in names.split("=")]),
    st.sampled_from(["", "s"]),
).map("".join)


@given(word=ANY)
@example(word="cats")
@example(word="dtex")
def test_any_prefix_and_any_unit_are_read_as_pint_reads_them(word: str) -> None:
    """A prefix and a unit make the unit that pint makes of them, or, in doubt, none."""
    found, size = units.known(word), by_pint(word)
    if found is not None and not found.zero and word not in units.words():
        assert size is not None
        assert is_near(in_bits(found), size)


def test_a_check_does_not_import_pint() -> None:
    """Reading units takes neither pint nor a file."""
    code = "import sys; from assay.figures import units; units.known('kV'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pint" not in done.stdout.split()


@pytest.mark.parametrize(
    "word", ["decade", "dB", "dBm", "octaves", "Np", "doct", "°C", "5", "/", ""]
)
def test_what_has_no_fixed_size_is_no_unit(word: str) -> None:
    """Logarithmic units are none, a temperature needs to be asked for, and nothing raises."""
    found = units.curated(word)
    assert found is None or found.is_temperature or word == ""


def test_a_long_word_is_read_at_once() -> None:
    """A word is looked up, not searched through: its length does not count."""
    assert units.known("k" * 40_000) is None
    assert not units.looks_like_one("b" * 40_000)
