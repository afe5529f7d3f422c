"""How each snippet ended, and what that says: the one place that decides it.

Law: every way to end without an answer is a finding, and only a session without one is a success.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from .. import pictures
from ..hints import looks_alike
from ..nouns import Checked, Finding, Place, Print, Ran, Session, Snippet

FAILURES = {"timeout": "A303", "flood": "A307", "signal": "A302", "exit": "A302", "lost": "A308"}
_LAST_LINE = "a snippet must end by reaching its last line"
_HINTS = {
    "timeout": 'make it faster, or give the fence timeout="60"',
    "flood": "print less",
    "signal": _LAST_LINE,
    "exit": _LAST_LINE,
    "lost": "a snippet must leave the processes around it alone",
}


class End(Enum):
    """How a snippet ended."""

    RAN = "ran"
    RAISED_AS_EXPECTED = "raised as expected"
    RAISED = "raised"
    EXITED = "exited"
    RAISED_NOTHING = "raised nothing"
    STOPPED = "stopped"
    NOT_RUN = "not run"
    AWAITED = "awaited"
    """It needs a device that it has not been measured on."""

    @property
    def is_good(self) -> bool:
        """Whether it ran to its end, as the page says that it would."""
        return self in {End.RAN, End.RAISED_AS_EXPECTED}


def end_of(snippet: Snippet, checked: Checked) -> End:
    """Say how *snippet*, one of the session of *checked*, ended."""
    return _end(checked.session.snippets.index(snippet), snippet, checked)


def _end(number: int, snippet: Snippet, checked: Checked) -> End:
    if checked.is_awaited:
        return End.AWAITED
    ran, failure = checked.outcome.snippets, checked.outcome.failure
    if number >= len(ran):
        struck = failure is not None and number == len(ran)
        return End.STOPPED if struck else End.NOT_RUN
    raised, expected = ran[number].raised, snippet.options.raises
    if raised is None:
        return End.RAN if expected is None else End.RAISED_NOTHING
    if expected in raised.kinds:
        return End.RAISED_AS_EXPECTED
    return End.EXITED if "SystemExit" in raised.kinds else End.RAISED


def findings(checked: Checked) -> list[Finding]:
    """Return what went wrong in a session."""
    session, outcome = checked.session, checked.outcome
    pairs = zip(session.snippets, outcome.snippets, strict=False)
    return [
        *(finding for snippet, ran in pairs for finding in _ran(snippet, ran, checked)),
        *_failed(checked),
        *(_note(session, note) for note in outcome.notes),
    ]


def is_success(checked: Checked) -> bool:
    """Whether a session ran to its end, as stated, and every value can be compared."""
    values = checked.outcome.values.values()
    return not any(f.severity == "error" for f in findings(checked)) and all(
        v.kind not in {"missing", "other"} and v.text not in {"nan", "inf", "-inf"} for v in values
    )


def has_answer(checked: Checked) -> bool:
    """Whether a session ran to its end, whatever the page states of it."""
    snippets = checked.session.snippets
    ends = (_end(number, snippet, checked) for number, snippet in enumerate(snippets))
    return checked.outcome.failure is None and all(end.is_good for end in ends)


def _failed(checked: Checked) -> Iterator[Finding]:
    failure, snippets = checked.outcome.failure, checked.session.snippets
    if failure is not None:
        snippet = snippets[min(failure.snippet, len(snippets) - 1)]
        yield _finding(
            FAILURES[failure.kind],
            snippet,
            f"snippet {snippet.id!r}: {failure.text}",
            _HINTS[failure.kind],
            _line(snippet, failure.line) if failure.line else snippet.place,
        )


def _note(session: Session, note: str) -> Finding:
    return Finding(
        code="A312",
        place=session.snippets[0].place,
        message=f"session {session.name!r}: {note}",
        hint="this is a note; the values it gave are used",
        severity="warning",
    )


def _ran(snippet: Snippet, ran: Ran, checked: Checked) -> Iterator[Finding]:
    end = end_of(snippet, checked)
    if end.is_good:
        yield from _prints(snippet, ran)
        yield from _figure(snippet, ran)
    elif end is End.RAISED_NOTHING:
        message = (
            f"snippet {snippet.id!r} was to raise {snippet.options.raises}, and raised nothing"
        )
        yield _finding("A306", snippet, message, "take raises= out, or mend the code")
    elif ran.raised is not None:
        kind = ran.raised.kinds[0]
        expect = _ABSENT.get(kind) or _expecting(kind)
        yield _finding(
            "A302" if end is End.EXITED else "A301",
            snippet,
            f"snippet {snippet.id!r} raised {_said(kind, ran.raised.message)}",
            _LAST_LINE if end is End.EXITED else expect,
            _raised_at(checked.session, snippet, ran.raised.frames),
        )


_ABSENT = {
    "ModuleNotFoundError": (
        "install it where assay runs, and add it to the requirements; that a page shows its "
        'absence, it says with raises="ModuleNotFoundError"'
    ),
    "FileNotFoundError": "make the file, or write its path from the root of the project",
}


def _expecting(kind: str) -> str:
    return f'mend the code, or expect it with raises="{kind}"'


def _finding(
    code: str, snippet: Snippet, message: str, hint: str, place: Place | None = None
) -> Finding:
    place = place or snippet.place
    page = snippet.place.path if place.path != snippet.place.path else ""
    return Finding(code=code, place=place, message=message, hint=hint, page=page)


def _said(kind: str, message: str) -> str:
    lines = message.strip().splitlines()
    return f"{kind}: {lines[0]}" if lines else kind


def _raised_at(
    session: Session, snippet: Snippet, frames: tuple[tuple[int, int, str], ...]
) -> Place:
    own = [(number, line) for number, line, _ in frames if number < len(session.snippets)]
    if not own:
        return snippet.place  # code may name its own files as it likes
    number, line = own[-1]
    return _line(session.snippets[number], line)


def _line(snippet: Snippet, line: int) -> Place:
    path, number = snippet.lines[min(max(line, 1), len(snippet.lines)) - 1]
    return Place(path, number, 1)


def _prints(snippet: Snippet, ran: Ran) -> Iterator[Finding]:
    for stated in snippet.prints:
        printed = _raised_line(ran) if stated.error else _printed(stated, ran)
        if stated.silent and printed is None:
            continue
        if printed is None or _lines(printed) != _lines(stated.stated + "\n"):
            unlike = looks_alike(stated.stated, (printed or "").removesuffix("\n"))
            yield Finding(
                code="A304",
                place=stated.place,
                message="the printed output differs from what is stated",
                hint=unlike or "state what it prints, or mend the code",
                stated=stated.stated or ("(nothing)" if stated.silent else "(an empty line)"),
                computed=_said_of(printed, ran),
                page=snippet.place.path if stated.place.path != snippet.place.path else "",
            )


def _figure(snippet: Snippet, ran: Ran) -> Iterator[Finding]:
    """Find fault with the figure of a snippet that is to show one."""
    wanted = f"snippet {snippet.id!r} is to show a figure"
    if snippet.options.figure and not ran.figures:
        yield _finding("A316", snippet, f"{wanted}, and none of matplotlib is open", _OPEN_ONE)
    if len(ran.figures) > 1:
        said = f"{wanted}, and {len(ran.figures)} are open"
        yield _finding("A316", snippet, said, _OPEN_ONE)
    for svg in ran.figures:
        if why := pictures.fault(svg):
            yield _finding("A316", snippet, f"{wanted}, and {why}", _DRAW_LESS)


_OPEN_ONE = "leave one open at its end: draw with plt.subplots(), and close the others"
_DRAW_LESS = "draw fewer points, or rasterize them: plot(..., rasterized=True)"


def _raised_line(ran: Ran) -> str | None:
    """Return the last line of the traceback that a snippet ended in."""
    if ran.raised is None:
        return None
    return _said(ran.raised.kinds[0], ran.raised.message)


def _printed(stated: Print, ran: Ran) -> str | None:
    """Return what a statement printed; None if it printed nothing, which is no empty line."""
    under_way = range(stated.first, stated.last + 1)
    texts = [
        text
        for lines, text in ran.prints
        if any(line in under_way for line in (lines[:1] if stated.own else lines))
    ]
    return "".join(texts) if texts else None


def _said_of(printed: str | None, ran: Ran) -> str:
    if printed is None:
        return (
            "(not kept: more was printed before it than is kept)" if ran.prints_cut else "(nothing)"
        )
    return printed.removesuffix("\n") or "(an empty line)"


def _lines(text: str) -> list[str]:
    """Return the lines without blanks at their ends, which no editor shows."""
    return [line.rstrip(" \t") for line in text.removesuffix("\n").split("\n")]
