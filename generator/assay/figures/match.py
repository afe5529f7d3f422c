"""Does a stated figure match a computed value? The rules of matching, and nothing else.

Law: a computed whole number stated in its own unit must be equal; anything else must round to the
stated digits. A condition changes this by one entry of a table. Arithmetic is exact decimals.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation, localcontext

from ..hints import looks_alike
from ..nouns import Computed, Figure, Unit, Value
from . import units
from .stated import Mismatch, Stated

PRECISION, LARGEST = 60, 10_000
"""Digits of the arithmetic, more than any float or stated figure has; and of any number."""

RELATIONS: dict[str, Callable[[Decimal, Figure], bool]] = {
    "at least": lambda value, figure: value >= figure.value,
    "at most": lambda value, figure: value <= figure.value,
    "more than": lambda value, figure: value > figure.value,
    "less than": lambda value, figure: value < figure.value,
    "between": lambda value, figure: (
        figure.high is not None and figure.value <= value <= figure.high
    ),
}
BOUNDS: dict[str, Callable[[Decimal, Figure], bool]] = {
    "below": lambda value, figure: value < figure.value,
    "above": lambda value, figure: value > figure.value,
    "exactly": lambda value, figure: value == figure.value,
}
"""What "nearly", "just over" and "exactly" say beside the digits."""

_WHOLE = "a whole number in its own unit must be exact"


def computed(value: Value) -> Computed:
    """Return a probe's value as Python data; None where it is no plain value."""
    kinds: dict[str, Callable[[str], Computed]] = {
        "bool": lambda text: text == "True",
        "int": int,
        "float": float,
        "str": str,
    }
    try:
        return kinds[value.kind](value.text)
    except (KeyError, ValueError):  # such as a number of more digits than Python reads
        return None


def shown(value: Value, stated: Stated | None = None) -> str:
    """Return the computed value at full precision, in the stated unit."""
    if value.kind not in {"int", "float"} or not _is_finite(value):
        return value.text
    figure = stated.figure if stated else None
    measure = figure.measure if figure else None
    with localcontext() as context:
        context.prec = PRECISION
        number = _in_unit(value, measure or units.PLAIN, stated.asked if stated else None)
        text = _plain(number if value.kind == "int" else +_shortest(number))
    return f"{text} {figure.unit}".strip() if figure and measure else text


def compare(value: Value, stated: Stated) -> None:
    """Raise :class:`Mismatch` unless *value* is as it is stated."""
    condition, figure = stated.condition, stated.figure
    if condition.is_true:
        if value.kind != "bool":
            raise Mismatch(f"'is true' needs a bool, not {_kind(value)}", "A109")
        if value.text != "True":
            raise Mismatch("the value is False")
    elif value.kind in {"str", "bool"}:
        if stated.text.strip() != value.text:
            alike = looks_alike(stated.text.strip(), value.text)
            raise Mismatch("the text differs from the computed value", hint=alike)
    elif figure is None or value.kind not in {"int", "float"}:
        raise Mismatch(f"a figure cannot be compared with {_kind(value)}", "A109")
    elif not _is_finite(value):
        said = value.text if len(value.text) < 40 else f"{value.text[:37]}..."
        raise Mismatch(f"the computed value is {said}", "A109", "mend the computation")
    else:
        with localcontext() as context:
            context.prec = PRECISION
            _same_number(value, stated, figure)


def is_exact(value: Computed, figure: Figure) -> bool:
    """Whether *value* is whole and stated in its own unit, and so must be equal."""
    own = figure.measure is not None and figure.measure.factor == 1
    return isinstance(value, int) and own and not figure.scaled


def is_same(stated: Figure, cited: Figure) -> bool:
    """Whether one figure says what another says, perhaps rounded or in another unit."""
    if stated.measure is None or cited.measure is None:
        return stated.text == cited.text
    if stated.measure.dimension != cited.measure.dimension:
        return False
    with localcontext() as context:
        context.prec = PRECISION
        scale = cited.measure.size / stated.measure.size
        low, high = cited.value * scale, cited.high and cited.high * scale
        if stated.high is not None or high is not None:
            return (stated.value, stated.high) == (low, high)
        return abs(stated.value - low) <= stated.step / 2


def _same_number(value: Value, stated: Stated, figure: Figure) -> None:
    condition, measure = stated.condition, _measure(figure, stated.asked)
    number = _in_unit(value, measure, stated.asked)
    if condition.relation != "matches":
        if not RELATIONS[condition.relation](number, figure):
            raise Mismatch(f"the computed value is not {condition.relation} what is stated")
    elif figure.high is not None:
        raise Mismatch("a range is stated", "A101", 'give the title "between"')
    elif condition.within is not None:
        if abs(number - figure.value) > _tolerance(condition.within, figure, measure):
            raise Mismatch(f"it is not within {condition.within.text}")
    elif condition.bound == "exactly" or is_exact(computed(value), figure):
        if number != figure.value:
            exactly = "it is not exactly what is stated"
            raise Mismatch(exactly if condition.bound else _WHOLE)
    elif abs(number - figure.value) > figure.step / 2:
        raise Mismatch("the computed value does not round to the stated digits")
    if condition.bound and not BOUNDS[condition.bound](number, figure):
        raise Mismatch(f"the computed value is not {condition.bound} what is stated")


def _measure(figure: Figure, asked: Unit | None) -> Unit:
    """Return the unit of *figure*, if it is one in which the computed number can be stated."""
    measure = figure.measure
    if measure is None:
        raise Mismatch(f"{figure.unit!r} is no known unit", "A103", _known_hint(figure.unit))
    if asked is not None and asked.dimension != measure.dimension:
        raise Mismatch("the title names a unit of another kind than the text", "A102")
    if measure.is_temperature and asked is None:
        hint = 'give the title "in °C", "in °F" or "in K"'
        raise Mismatch("the computed number does not say which degrees it counts", "A103", hint)
    return measure


def _known_hint(unit: str) -> str:
    """Say how a unit becomes known: as another word, or as the project's own."""
    parts = re.split(r"\s*/\s*|\s+per\s+", unit)
    own = [part.removesuffix("s") for part in parts if units.known(part) is None]
    if len(unit) == 1 and unit.isalpha():
        return f'write thousand, million or billion out, or give the title "in {unit}"'
    if units.looks_like_one(unit) or not own:
        return "write a unit that says which it is: kB, GB, Gbit, or the number in full"
    listed = ", ".join(f'"{part}"' for part in own)
    return f"write a unit that is known, or make it one in the settings: units = [{listed}]"


def _in_unit(value: Value, measure: Unit, asked: Unit | None) -> Decimal:
    """Return the computed number in the stated unit; *asked* is what it counts in."""
    number = Decimal(value.text)
    if asked is None:
        return number / measure.factor
    return (number + asked.zero) * asked.size / measure.size - measure.zero


def _tolerance(within: Figure, figure: Figure, measure: Unit) -> Decimal:
    """A percentage is of the stated figure; an amount is in its own unit, or in the figure's."""
    if within.unit in units.PERCENT and figure.unit not in units.PERCENT:
        return abs(figure.value) * within.value / 100
    if not within.unit:
        return within.value
    if within.measure is None or within.measure.dimension != measure.dimension:
        raise Mismatch(f"{within.text!r} is no distance from {figure.text!r}", "A102")
    return within.value * within.measure.size / measure.size


def _is_finite(value: Value) -> bool:
    """Whether it is a number, and none that is larger or smaller than anything there is."""
    try:
        number = Decimal(value.text)
    except InvalidOperation:
        return False
    return number.is_finite() and abs(number.adjusted()) < LARGEST


def _kind(value: Value) -> str:
    return {"missing": "nothing", "other": value.text}.get(value.kind, f"a {value.kind}")


def _shortest(number: Decimal) -> Decimal:
    """Drop digits that a float does not have."""
    with localcontext() as context:
        context.prec = 17
        return +number


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    if len(text.replace("-", "").replace(".", "").strip("0")) + 12 < len(text):
        return f"{number.normalize():E}".replace("E", "e")
    return text
