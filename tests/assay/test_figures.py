"""Figures: what matplotlib has open at the end of a snippet stands on its page."""

from __future__ import annotations

import pytest
from assay import pictures

from .conftest import Make
from .lab import lines_of, page, pages_of

DRAWS = """\
import matplotlib.pyplot as plt

figure, axes = plt.subplots()
axes.plot([0, 1], [0, {height}], label="a line")
axes.legend()
"""


def drawn(code: str, make: Make) -> tuple[str, ...]:
    project = make({"docs/a.md": page(code, figure="a line that rises")})
    report = project.check(keep=False)
    assert report.ok, lines_of(report)
    (checked,) = report.checked
    return checked.outcome.snippets[0].figures


def test_a_figure_is_the_same_in_each_run(make: Make) -> None:
    """No date, no drawn id and no path stands in it; its text is text."""
    code = DRAWS.format(height=1)
    (first,), (second,) = drawn(code, make), drawn(code, make)
    assert first == second
    assert ">a line</text>" in first
    assert not pictures.fault(first)


def test_a_figure_follows_the_code(make: Make) -> None:
    """Another height is another picture, under another address."""
    (low,), (high,) = (drawn(DRAWS.format(height=h), make) for h in (1, 2))
    assert pictures.address(low) != pictures.address(high)


def test_a_figure_is_a_file_that_the_page_shows(make: Make) -> None:
    """The page holds its text and its address, and a second check draws nothing anew."""
    project = make({"docs/deep/a.md": page(DRAWS.format(height=1), figure="a [line] & more")})
    report = project.check()
    pages = pages_of(report, project)
    ((path, svg),) = [(p, text) for p, text in pages.items() if p.endswith(".svg")]
    assert f"](../{path})" in pages["docs/deep/a.md"]
    assert "a &#91;line&#93; &#38; more" in pages["docs/deep/a.md"]
    again = project.check()
    assert [checked.reused for checked in again.checked] == [True]
    assert pages_of(again, project)[path] == svg


def test_a_figure_that_was_taken_is_closed(make: Make) -> None:
    """The next snippet of the session starts with none, and shows its own."""
    first = page(DRAWS.format(height=1), session="s", figure="first")
    second = page("plt.subplots()", session="s", figure="second")
    report = make({"docs/a.md": first + second}).check(keep=False)
    assert report.ok, lines_of(report)
    assert [len(ran.figures) for ran in report.checked[0].outcome.snippets] == [1, 1]


def test_the_text_of_a_figure_runs_nothing(make: Make) -> None:
    """It is for readers: another text is shown, and the kept result is used."""
    project = make({"docs/a.md": page(DRAWS.format(height=1), figure="a line")})
    project.check()
    project.edit("docs/a.md", 'figure="a line"', 'figure="a slope"')
    assert [checked.reused for checked in project.check().checked] == [True]


HOSTILE = {
    "a script": "<script/>",
    "a handler": "<g onclick='x'/>",
    "HTML": "<foreignObject><iframe src='x'/></foreignObject>",
    "an address elsewhere": "<image href='https://example.org/x.png'/>",
    "a picture in a picture": "<image href='data:image/svg+xml;base64,x'/>",
    "a style that fetches": "<style>@import 'x'</style>",
    "a fill that fetches": "<g fill='url(https://example.org/x)'/>",
    "what is no XML": "<g>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_picture_that_could_run_something_is_none(name: str) -> None:
    """Its fault says what it holds."""
    svg = '<svg xmlns="http://www.w3.org/2000/svg">{}</svg>'
    assert pictures.fault(svg.format(HOSTILE[name]))
    assert not pictures.fault(svg.format("<g fill='url(#a)'><use href='#b'/></g>"))
