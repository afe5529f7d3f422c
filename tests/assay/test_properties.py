"""What is true of every figure and every text, tried by hypothesis."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from string import printable

import pytest
from assay.entries.parse import parse
from assay.figures import match, numbers, reading, stated
from assay.figures.names import Names
from assay.findings import prose, structure
from assay.findings.compare import verdicts
from assay.nouns import (
    Checked,
    Condition,
    Entry,
    Figure,
    Finding,
    Outcome,
    Place,
    Ran,
    Report,
    Settings,
    Value,
)
from assay.plan import Unaskable, plan
from assay.reports import FORMATS
from hypothesis import assume, example, given
from hypothesis import strategies as st

UNITS = {
    "": Decimal(1),
    "bytes": Decimal(1),
    "B": Decimal(1),
    "bits": Decimal(1),
    "kB": Decimal(10**3),
    "KiB": Decimal(2**10),
    "MB": Decimal(10**6),
    "MiB": Decimal(2**20),
    "GB": Decimal(10**9),
    "GiB": Decimal(2**30),
    "TB": Decimal(10**12),
    "TiB": Decimal(2**40),
    "Gbit": Decimal(10**9),
    "s": Decimal(1),
    "ms": Decimal("1e-3"),
    "µs": Decimal("1e-6"),
    "ns": Decimal("1e-9"),
    "min": Decimal(60),
    "hours": Decimal(3600),
    "%": Decimal("0.01"),
    "percent": Decimal("0.01"),
    "×": Decimal(1),
    "TFLOP": Decimal(10**12),
    "TFLOPS": Decimal(10**12),
    "GB/s": Decimal(10**9),
}
SPACES = (",", "\u2009", "\u202f", "\u00a0")
SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")

decimals = st.decimals(0, 10**9, places=6).map(lambda d: d.normalize()) | st.integers(
    0, 10**15
).map(Decimal)


ANY = Value(kind="float", text="1")


def figure_in(text: str) -> Figure:
    figure = stated.read(ANY, text, Condition()).figure
    assert figure is not None
    return figure


def holds(value: Value, text: str) -> bool:
    """Whether a claim with this text would hold."""
    try:
        match.compare(value, stated.read(value, text, Condition()))
    except stated.Mismatch:
        return False
    return True


def as_float(number: Decimal) -> Value:
    return Value(kind="float", text=str(number))


# --- figures are read as they are written --------------------------------------------------------


def powers(number: Decimal) -> tuple[str, int]:
    """Return mantissa and exponent, as in 1.5e-8."""
    mantissa, _, exponent = f"{number:e}".partition("e")
    return mantissa, int(exponent)


STYLES: dict[str, Callable[[Decimal], str]] = {
    "plain": lambda n: f"{n:f}",
    "grouped by commas": lambda n: f"{n:,f}",
    "grouped by thin spaces": lambda n: f"{n:,f}".replace(",", "\u2009"),
    "grouped by narrow spaces": lambda n: f"{n:,f}".replace(",", "\u202f"),
    "grouped by no-break spaces": lambda n: f"{n:,f}".replace(",", "\u00a0"),
    "e": lambda n: "{}e{}".format(*powers(n)),
    "E": lambda n: "{}E{:+d}".format(*powers(n)),
    "e with a minus sign": lambda n: "{}e{}".format(*powers(n)).replace("-", "−"),
    "times ten to the": lambda n: "{}×10^{}".format(*powers(n)),
    "times ten to the, in braces": lambda n: "{} × 10^{{{}}}".format(*powers(n)),
    "times ten, superscript": lambda n: (
        f"{powers(n)[0]}×10{str(powers(n)[1]).translate(SUPERSCRIPTS)}"
    ),
    "dot ten, superscript": lambda n: (
        f"{powers(n)[0]}·10{str(powers(n)[1]).translate(SUPERSCRIPTS)}"
    ),
}


@given(number=decimals, style=st.sampled_from(sorted(STYLES)), unit=st.sampled_from(sorted(UNITS)))
def test_a_figure_reads_back_in_every_style(number: Decimal, style: str, unit: str) -> None:
    """A number written in any style, with any unit, is read as that number in that unit."""
    text = f"{STYLES[style](number)} {unit}".strip()
    (found,) = reading.find(f"about {text}, or so")
    assert (found.value, found.unit, found.text) == (number, unit, text)
    (found,) = reading.find(text)
    assert (found.value, found.unit, found.text) == (number, unit, text)


@given(number=decimals, sign=st.sampled_from("-−+"))
def test_a_sign_belongs_to_its_figure(number: Decimal, sign: str) -> None:
    """A hyphen, a minus sign and a plus sign in front are read as a sign."""
    assert figure_in(f"{sign}{number:f}").value == (number if sign == "+" else -number)


@given(
    number=st.decimals(0, 1000, places=3),
    scale=st.sampled_from(sorted(numbers.SCALES.items())),
)
def test_scale_words_multiply(number: Decimal, scale: tuple[str, Decimal]) -> None:
    """million, billion and their like multiply the number and what its last digit is worth."""
    found = figure_in(f"{number:f} {scale[0]}")
    assert (found.value, found.step) == (number * scale[1], Decimal("0.001") * scale[1])
    assert found.scaled


@given(
    low=st.decimals(0, 1000, places=2),
    high=st.decimals(0, 1000, places=1),
    dash=st.sampled_from(["–", "—", "-", " to ", " – ", "−"]),
    unit=st.sampled_from([u for u in sorted(UNITS) if u not in {"×"}]),
    twice=st.booleans(),
)
def test_a_range_is_one_figure(
    low: Decimal, high: Decimal, dash: str, unit: str, twice: bool
) -> None:
    """Two numbers with a dash or "to" between are one figure with two ends."""
    text = f"{low:f}{' ' + unit if twice and unit else ''}{dash}{high:f} {unit}".strip()
    found = figure_in(text)
    assert (found.value, found.high, found.unit) == (low, high, unit)
    assert found.step == Decimal("0.01")


@given(text=st.text())
def test_finding_figures_never_fails(text: str) -> None:
    """Any text has figures that lie in it in order, or is said to be doubtful, at its place."""
    doubtful: list[numbers.FigureError] = []
    found = list(reading.find(text, doubtful))
    ends = [0, *(figure.end for figure in found)]
    assert all(f.start >= end for f, end in zip(found, ends, strict=False))
    assert all(figure.text == text[figure.start : figure.end] for figure in found)
    assert all(0 <= error.start < error.end <= len(text) for error in doubtful)


# --- what is stated matches what is computed, and nothing else does ------------------------------


@given(
    number=st.floats(1e-9, 1e15),
    places=st.integers(0, 12),
    unit=st.sampled_from(sorted(UNITS)),
)
def test_a_rounding_matches_and_its_neighbours_do_not(
    number: float, places: int, unit: str
) -> None:
    """A value holds rounded to any digits in any unit, and not with its last digit changed."""
    step = Decimal(1).scaleb(-places)
    exact = Decimal(repr(number))
    with localcontext() as context:
        context.prec = 60
        in_unit = exact / UNITS[unit]
        rounded = in_unit.quantize(step, ROUND_HALF_EVEN)
        assume(abs(in_unit - rounded) < step / 2)
        up, down = rounded + step, rounded - step
    assert holds(as_float(exact), f"{rounded:,f} {unit}".strip())
    assert not holds(as_float(exact), f"{up:,f} {unit}".strip())
    assert not holds(as_float(exact), f"{down:,f} {unit}".strip())


@given(number=st.integers(-(10**18), 10**18), change=st.integers(-100, 100))
def test_a_whole_number_in_its_own_unit_is_exact(number: int, change: int) -> None:
    """A computed whole number holds as it is, and no other holds for it, however near."""
    value = Value(kind="int", text=str(number))
    assert holds(value, f"{number:,}")
    assert holds(value, f"{number} bytes")
    assert holds(value, f"{number + change:,}") == (change == 0)


@given(
    count=st.integers(40, 10**6),
    places=st.integers(0, 4),
    units=st.sampled_from(
        [
            ("GB", "GiB"), ("MB", "MiB"), ("kB", "KiB"), ("TB", "TiB"),
            ("GB", "MB"), ("Gbit", "bits"), ("s", "ms"), ("ms", "µs"), ("µs", "ns"), ("min", "s"),
            ("hours", "min"), ("%", ""), ("%", "×"), ("percent", ""), ("GB/s", "GB"),
        ]
    ),
    swap=st.booleans(),
)  # fmt: skip
def test_a_changed_unit_does_not_hold(
    count: int, places: int, units: tuple[str, str], swap: bool
) -> None:
    """A figure that holds in its unit does not hold in another of the same digits."""
    unit, other = units[::-1] if swap else units
    assume(unit != "" and (unit, other) != ("GB", "GB/s"))
    number = Decimal(count).scaleb(-places)
    value = as_float(number * UNITS[unit])
    assume(UNITS[unit] != UNITS[other])
    assert holds(value, f"{number:f} {unit}")
    assert not holds(value, f"{number:f} {other}".strip())


@given(
    number=st.floats(allow_nan=False, allow_infinity=False, min_value=-1e20, max_value=1e20)
    | st.integers(-(10**20), 10**20),
    wrong=st.decimals(0, 10**6, places=3).map(lambda d: d.normalize()),
    unit=st.sampled_from(sorted(UNITS)),
    style=st.sampled_from(["plain", "grouped by commas", "grouped by thin spaces"]),
)
def test_fixing_what_is_stated_makes_it_hold(
    number: float | int, wrong: Decimal, unit: str, style: str
) -> None:
    """Whatever is stated, the computed value written at its precision holds in its place."""
    kind = "int" if isinstance(number, int) else "float"
    value = Value(kind=kind, text=repr(number))  # type: ignore[arg-type]
    figure = figure_in(f"{STYLES[style](wrong)} {unit}".strip())
    with localcontext() as context:
        context.prec = 60
        right = (Decimal(repr(number)) / UNITS[unit]).quantize(figure.step, ROUND_HALF_EVEN)
    assert holds(value, f"{STYLES[style](right)} {unit}".strip())


@given(
    value=st.floats() | st.integers() | st.text() | st.booleans(), unit=st.sampled_from([*UNITS])
)
def test_what_is_shown_as_computed_reads_back(value: object, unit: str) -> None:
    """A computed number is shown such that it is read back as the very same, in its unit."""
    kinds = {bool: "bool", int: "int", float: "float", str: "str"}
    found = Value(kind=kinds[type(value)], text=str(value))  # type: ignore[arg-type]
    text = match.shown(found, stated.read(ANY, f"1 {unit}".strip(), Condition()))
    if isinstance(value, bool | str) or value != value or value in {float("inf"), -float("inf")}:
        assert text == str(value)
    elif isinstance(value, int):
        number = Decimal(text.removesuffix(unit).strip() if unit else text)
        with localcontext() as context:
            context.prec = 60
            assert abs(number * UNITS[unit] - value) <= abs(Decimal(value)) * Decimal("1e-50")


# --- any text at all is parsed, and every place lies in it ---------------------------------------

PIECES = st.sampled_from(
    [
        "---\n", "term: A\n", "summary: |\n", "reviewed: {by: m}\n", "prerequisites: [a, b]\n",
        '```python exec="on"\n', '~~~python exec="on" session="s"\n', "```\n", "~~~\n", "x = 1\n",
        'print("a")  #> a\n', "#> b\n", 'raises="X"', '--8<-- "a.py"\n', 'file="a.py"',
        "[1](claim:x)", '[1](claim:x "at least")', "[2 GB](given:k)", '[3](opinion: "w")',
        "[l](b.md)", "[r][s]", "[s]: claim:x\n", "![i](j.png)", "]", "(", ")",
        "<b>4 GB</b>", "<!-- ", "-->", "<script>", "&nbsp;", "&#0;",
        "> ", "* ", "1. ", "    ", "\t", "| a | b |\n|---|---|\n", "!!! note\n", "# ",
        "[^1]", "[^1]: ", "$", "$$\n", "**", "_", "`", "\\",
        "12 GB", "1,5", "10⁻⁸", "5–8", "é", "🎉", "\u00a0", "\ufeff",
        "\n", "\n\n", "\x00", "\x0b", "\x0c", "\x85", "\u2028",
    ]
)  # fmt: skip
TEXTS = st.lists(PIECES | st.text(max_size=5) | st.text(printable, max_size=8), max_size=40).map(
    lambda pieces: "".join(pieces).replace("\r", "\n")  # as files are read
)
SNIPPETS = {"snippets/a.py": "y = 2\nprint(y)  #> 2\n"}


def places_of(entry: Entry) -> list[Place]:
    """Return every place in the entry's own file that was said of it."""
    found: list[Finding] = [*entry.findings, *prose.check(entry, Names()).findings]
    found += structure.check([entry], {}, [entry.path], Settings())
    planned = plan([entry], 20.0)
    found += [c.problem for c in planned.claims if isinstance(c, Unaskable)]
    places = [finding.place for finding in found] + list(entry.keys.values())
    bound = (*entry.claims, *entry.givens, *entry.opinions, *entry.links, *entry.snippets)
    places += [item.place for item in bound]
    places += [Place(*line) for s in entry.snippets for line in s.lines]
    return [place for place in places if place.path == entry.path]


@given(text=TEXTS, term=st.booleans())
@example(text='```python exec="on"', term=False)
@example(text="[1](claim:x", term=False)
@example(text="---\nsummary: 12 GB\n---", term=True)
def test_any_text_is_parsed_and_every_place_lies_in_it(text: str, term: bool) -> None:
    """No text makes the parser fail, and each place it reports is in the file."""
    entry = parse("a.md", "a", text, SNIPPETS, term=term, snippets="snippets")
    lines = text.split("\n")
    for place in places_of(entry):
        assert 1 <= place.line <= len(lines), place
        assert 1 <= place.column <= len(lines[place.line - 1]) + 1, place
    for item in (*entry.claims, *entry.givens, *entry.opinions):
        assert text[item.span.start] == "["
        assert lines[item.place.line - 1][item.place.column - 1] == "["
        assert text[item.span.start : item.span.end].startswith("[")
    for block in entry.blocks:
        assert len(block.text) == len(block.offsets)
        assert all(0 <= offset <= len(text) for offset in block.offsets)


@given(before=st.text("ab .,%0129é🎉\n"), after=TEXTS)
def test_a_claim_in_a_paragraph_of_its_own_is_always_seen(before: str, after: str) -> None:
    """No prose above a claim hides it, and nothing below it does."""
    text = f"{before}\n\n[64.2 GB](claim:size)\n\n{after}"
    entry = parse("a.md", "a", text, SNIPPETS, term=False, snippets="snippets")
    assert "size" in {claim.address for claim in entry.claims}


# --- every report can be written -----------------------------------------------------------------

VALUES = (
    st.floats().map(lambda f: Value(kind="float", text=repr(f)))
    | st.integers(-(10**400), 10**400).map(lambda i: Value(kind="int", text=str(i)))
    | st.text().map(lambda t: Value(kind="str", text=t))
    | st.booleans().map(lambda b: Value(kind="bool", text=str(b)))
    | st.text().map(lambda t: Value(kind="other", text=t))
    | st.lists(st.text()).map(lambda n: Value(kind="missing", near=tuple(n)))
)


@pytest.mark.parametrize("title", ["", ' "at least"', ' "refuted"', ' "is true"', ' "= 4"'])
@given(value=VALUES, text=st.sampled_from(["64.2 GB", "1", "four", "0.78 %", "1–2"]))
@example(value=Value(kind="float", text="nan"), text="1")
@example(value=Value(kind="float", text="-inf"), text="1")
@example(value=Value(kind="int", text=str(2**64)), text="1")
def test_every_report_can_be_written(title: str, value: Value, text: str) -> None:
    """Whatever a session computed, each format of the report can be written, and JSON read."""
    source = f'```python exec="on"\nx = 1\n```\n\n[{text}](claim:x{title})\n'
    entry = parse("a.md", "a", source, {}, term=False, snippets="snippets")
    planned = plan([entry], 20.0)
    ((key, session),) = planned.sessions.items()
    outcome = Outcome(snippets=(Ran(seconds=0.1),), values={"x": value})
    checked = Checked(session=session, outcome=outcome, reused=False)
    judged = verdicts(planned.claims, {key: checked}, Names())
    found = Report(
        entries=(entry,),
        verdicts=judged,
        checked=(checked,),
        findings=tuple(v.finding for v in judged if v.finding),
        exemptions=(),
        seconds=0.1,
    )
    data = json.loads(FORMATS["json"](found))
    assert data["ok"] == (data["claims"][0]["verdict"] in {"verified", "refuted"})
    for write in FORMATS.values():
        assert write(found).endswith("\n")
