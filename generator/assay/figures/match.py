"""Does a stated figure match a computed value? The rules of matching, and nothing else.

Strategy: a computed whole number stated in its own unit must be equal; anything else must round to
the stated digits. A condition changes this by one entry of a table. Arithmetic is exact decimals.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation, localcontext

from ..nouns import Computed, Condition, Figure, Value
from . import reading, units

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


class Mismatch(Exception):
    """Why a claim does not hold."""

    def __init__(self, reason: str, code: str = "A104", hint: str = "") -> None:
        super().__init__(reason)
        self.code, self.hint = code, hint

    @property
    def comparable(self) -> bool:
        """Whether it was compared, and differs; else it could not even be compared."""
        return self.code == "A104"


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


def stated_figure(text: str, condition: Condition) -> Figure | None:
    """Return the figure that a claim states: in its text, or in the title's ``= 4``.

    Raises :class:`Mismatch` where text and title leave no single figure to compare.
    """
    try:
        found = list(reading.find(text))
        if condition.is_true:
            if any(reading.is_measured(f) for f in found):
                reason = "'is true' compares no figure, but the text holds one"
                raise Mismatch(reason, "A101", "bind the figure itself")
            return None
        if condition.equals is None:
            return reading.only(text)
    except reading.FigureError as error:
        raise Mismatch(str(error), "A101", error.hint) from error
    if found:
        hint = "leave '= ...' out of the title"
        raise Mismatch("the text and the title both hold a figure", "A101", hint)
    said = reading.word_value(text)
    if said is not None and said != condition.equals.value:
        reason = f"the text says {said:f}, the title says = {condition.equals.text}"
        raise Mismatch(reason, "A101", "make both say the same")
    return condition.equals


def shown(value: Value, unit: str) -> str:
    """Return the computed value at full precision, in *unit*."""
    if value.kind not in {"int", "float"} or not _is_finite(value):
        return value.text
    with localcontext() as context:
        context.prec = PRECISION
        number = Decimal(value.text) / (units.factor(unit) or Decimal(1))
        text = _plain(number if value.kind == "int" else +_shortest(number))
    return f"{text} {unit}".strip()


def compare(value: Value, text: str, figure: Figure | None, condition: Condition) -> None:
    """Raise :class:`Mismatch` unless *value* is as *text* states under *condition*."""
    if condition.is_true:
        if value.kind != "bool":
            raise Mismatch(f"'is true' needs a bool, not {_kind(value)}", "A109")
        if value.text != "True":
            raise Mismatch("the value is False")
    elif value.kind in {"str", "bool"}:
        _same_text(value, text)
    elif figure is None or value.kind not in {"int", "float"}:
        raise Mismatch(f"a figure cannot be compared with {_kind(value)}", "A109")
    elif not _is_finite(value):
        shown = value.text if len(value.text) < 40 else f"{value.text[:37]}..."
        raise Mismatch(f"the computed value is {shown}", "A109", "mend the computation")
    else:
        _same_number(value, figure, condition)


def is_exact(value: Computed, figure: Figure) -> bool:
    """Whether *value* is whole and stated in its own unit, and so must be equal."""
    return isinstance(value, int) and units.factor(figure.unit) == 1 and not figure.scaled


def is_text(value: Value, condition: Condition) -> bool:
    """Whether the claim's text as a whole, not a figure in it, is what is compared."""
    return value.kind in {"str", "bool"} and not condition.is_true


def _same_text(value: Value, text: str) -> None:
    if text.strip() != value.text:
        raise Mismatch("the text differs from the computed value")


def _same_number(value: Value, figure: Figure, condition: Condition) -> None:
    with localcontext() as context:
        context.prec = PRECISION
        factor = units.factor(figure.unit)
        if factor is None:
            raise Mismatch(f"{figure.unit!r} is no known unit", "A103")
        number = Decimal(value.text) / factor
        if condition.relation != "matches":
            if not RELATIONS[condition.relation](number, figure):
                raise Mismatch(f"the computed value is not {condition.relation} what is stated")
        elif figure.high is not None:
            raise Mismatch("a range is stated", "A101", 'give the title "between"')
        elif condition.within is not None:
            if abs(number - figure.value) > _tolerance(condition.within, figure, factor):
                raise Mismatch(f"it is not within {condition.within.text}")
        elif is_exact(computed(value), figure):
            if number != figure.value:
                raise Mismatch("a whole number in its own unit must be exact")
        elif abs(number - figure.value) > figure.step / 2:
            raise Mismatch("the computed value does not round to the stated digits")


def _tolerance(within: Figure, figure: Figure, factor: Decimal) -> Decimal:
    """A percentage is of the stated figure; an amount is in its own unit."""
    amount = within.value * (units.factor(within.unit) or Decimal(1))
    if within.unit in {"%", "percent", "per cent"}:
        return abs(figure.value) * amount
    return amount / factor if within.unit else within.value


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
