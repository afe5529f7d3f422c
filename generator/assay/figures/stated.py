"""What a claim states: its text and its title, read together.

Law: text and title must agree, and leave one figure and one way to compare it; else the claim is
refused with advice.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from ..nouns import Condition, Figure, Unit, Value
from . import reading, units, wording
from .names import Names
from .numbers import FigureError
from .units import Lexicon

NAMES = Names()


class Mismatch(Exception):
    """Why a claim does not hold, and the code and the advice of its finding."""

    def __init__(self, reason: str, code: str = "A104", hint: str = "") -> None:
        super().__init__(reason)
        self.code, self.hint = code, hint

    @property
    def comparable(self) -> bool:
        """Whether it was compared, and differs; else it could not even be compared."""
        return self.code == "A104"


class Stated(Struct, frozen=True):
    """A claim's text, with the figure and the condition that text and title make."""

    text: str
    condition: Condition
    figure: Figure | None = None
    asked: Unit | None = None
    """What the computed number counts in, if the title says so."""


def is_text(value: Value, condition: Condition) -> bool:
    """Whether the claim's text as a whole, not a figure in it, is what is compared."""
    return value.kind in {"str", "bool"} and not condition.is_true


def read(value: Value, text: str, condition: Condition, names: Names = NAMES) -> Stated:
    """Return what a claim states of *value*.

    Raises :class:`Mismatch` where text and title leave no single figure to compare.
    """
    if is_text(value, condition):
        return _text(text, condition)
    try:
        asked = _asked(condition.unit, names.lexicon)
        if condition.is_true:
            _refuse_figures(names.mask(text), names.lexicon)
            return Stated(text, condition)
        lexicon = replace(names.lexicon, asked=asked)
        said = wording.read(names.mask(text), lexicon)
        figure = _figure(said, condition, lexicon)
        condition = _agreed(said, condition, lexicon)
    except FigureError as error:
        raise Mismatch(str(error), "A101", error.hint) from error
    if asked is not None and not figure.unit:
        figure = replace(figure, unit=condition.unit, measure=asked)
    return Stated(text, condition, figure, asked)


def figure_of(text: str, names: Names = NAMES) -> Figure:
    """Return the one figure of a given, about which nothing else may be said."""
    lexicon = replace(names.lexicon, every=True)
    return _resolved(wording.only(names.mask(text), lexicon), lexicon)


def _text(text: str, condition: Condition) -> Stated:
    numeric = (condition.within, condition.equals, condition.unit)
    if condition.relation != "matches" or any(numeric):
        reason = "the computed value is a text, and the title compares a figure"
        raise Mismatch(reason, "A102", "leave the title out: a text is compared as it stands")
    return Stated(text, condition)


def _refuse_figures(text: str, lexicon: Lexicon) -> None:
    doubtful: list[FigureError] = []
    found = reading.find(text, doubtful, lexicon)
    if any(reading.is_measured(figure, text) for figure in found) or doubtful:
        raise FigureError(
            "'is true' compares no figure, but the text holds one", "bind the figure itself"
        )


def _asked(unit: str, lexicon: Lexicon) -> Unit | None:
    found = (lexicon.unit(unit) or units.known(unit)) if unit else None
    if unit and found is None:
        raise Mismatch(f"{unit!r} is no known unit", "A102", "name a unit, as in: in °C")
    return found


def _figure(said: wording.Wording, condition: Condition, lexicon: Lexicon) -> Figure:
    """Return the figure that is stated: in the text, or in the title's ``= 4``."""
    if condition.equals is None:
        if said.figure is None:
            raise FigureError(
                "the text holds no figure",
                'write the figure inside the brackets, or bind a word with "= 4" or "is true"',
            )
        return _resolved(said.figure, lexicon)
    equals = _resolved(condition.equals, lexicon)
    if said.figure is None:
        return equals
    if not said.in_words:
        hint = "leave '= ...' out of the title"
        raise FigureError("the text and the title both hold a figure", hint)
    if not _says_the_same(_resolved(said.figure, lexicon), equals):
        reason = f"the text says {said.figure.text!r}, the title says = {equals.text}"
        raise FigureError(reason, "make both say the same")
    return equals


def _says_the_same(said: Figure, equals: Figure) -> bool:
    if said.measure is None or equals.measure is None:
        return False
    plain = said.unit in {"", *units.FACTORS}
    scale = Decimal(1) if plain else said.measure.size / equals.measure.size
    if not plain and said.measure.dimension != equals.measure.dimension:
        return False
    return abs(said.value * scale - equals.value) <= equals.step / 2


def _agreed(said: wording.Wording, condition: Condition, lexicon: Lexicon) -> Condition:
    """Return the condition of text and title together."""
    for name in ("relation", "within"):
        nothing = "matches" if name == "relation" else None
        in_text, in_title = getattr(said, name), getattr(condition, name)
        if nothing not in (in_text, in_title) and in_text != in_title:
            shown = [one.text if isinstance(one, Figure) else one for one in (in_text, in_title)]
            reason = f"the text says {shown[0]!r}, the title says {shown[1]!r}"
            raise Mismatch(reason, "A102", "say it once")
    relation = condition.relation if said.relation == "matches" else said.relation
    within = said.within or condition.within
    if (relation != "matches") + (within is not None) + bool(said.bound) > 1:
        reason = "text and title compare in two ways that cannot both be meant"
        raise Mismatch(reason, "A102", "say one thing")
    within = _resolved(within, lexicon) if within else None
    return replace(condition, relation=relation, within=within, bound=said.bound)


def _resolved(figure: Figure, lexicon: Lexicon) -> Figure:
    """Return *figure* with what its unit is worth to a project that has units of its own."""
    if figure.measure is not None:
        return figure
    return replace(figure, measure=lexicon.unit(figure.unit))
