"""Sessions and outcomes to findings: what went wrong while code ran, at its line in the page.

Law: every way to end without an answer is a finding, and only a session without one is a success.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..nouns import Checked, Finding, Outcome, Place, Raised, Ran, Session, Snippet

FAILURES = {"timeout": "A303", "flood": "A307", "signal": "A302", "exit": "A302", "lost": "A308"}
FAILURE_HINTS = {
    "timeout": 'make it faster, or give the fence timeout="60"',
    "flood": "print less",
    "signal": "a snippet must end by reaching its last line",
    "exit": "a snippet must end by reaching its last line",
    "lost": "a snippet must leave the processes around it alone",
}


def findings(session: Session, outcome: Outcome) -> list[Finding]:
    """Return what went wrong in a session."""
    pairs = zip(session.snippets, outcome.snippets, strict=False)
    found = [finding for snippet, ran in pairs for finding in _ran(snippet, session, ran)]
    if outcome.failure is not None:
        snippet = session.snippets[min(outcome.failure.snippet, len(session.snippets) - 1)]
        place = _line(snippet, outcome.failure.line) if outcome.failure.line else snippet.place
        kind = outcome.failure.kind
        found.append(
            Finding(
                code=FAILURES[kind],
                place=place,
                message=f"snippet {snippet.id!r}: {outcome.failure.text}",
                hint=FAILURE_HINTS[kind],
            )
        )
    found += [
        Finding(
            code="A312",
            place=session.snippets[0].place,
            message=f"session {session.name!r}: {note}",
            hint="this is a note; the values it gave are used",
            severity="warning",
        )
        for note in outcome.notes
    ]
    return found


def is_success(checked: Checked) -> bool:
    """Whether a session ran to its end, as stated, and every value can be compared."""
    values = checked.outcome.values.values()
    return not any(
        f.severity == "error" for f in findings(checked.session, checked.outcome)
    ) and all(
        v.kind not in {"missing", "other"} and v.text not in {"nan", "inf", "-inf"} for v in values
    )


def has_answer(checked: Checked) -> bool:
    """Whether a session ran to its end, whatever the page states of it."""
    return checked.outcome.failure is None and has_run(checked)


def has_run(checked: Checked) -> bool:
    """Whether every snippet ran, each raising what it was expected to and nothing else."""
    ran = checked.outcome.snippets
    return len(ran) == len(checked.session.snippets) and not any(
        f.code in {"A301", "A302", "A306"}
        for s, r in zip(checked.session.snippets, ran, strict=True)
        for f in _raises(s, checked.session, r)
    )


def _ran(snippet: Snippet, session: Session, ran: Ran) -> Iterator[Finding]:
    raised = list(_raises(snippet, session, ran))
    yield from raised or _prints(snippet, ran)


def _raises(snippet: Snippet, session: Session, ran: Ran) -> Iterator[Finding]:
    if ran.raised is None:
        if snippet.raises is not None:
            yield Finding(
                code="A306",
                place=snippet.place,
                message=f"snippet {snippet.id!r} was to raise {snippet.raises}, and raised nothing",
                hint="take raises= out, or mend the code",
            )
    elif snippet.raises not in ran.raised.kinds:
        ends = "SystemExit" in ran.raised.kinds
        yield Finding(
            code="A302" if ends else "A301",
            place=_raised_at(session, snippet, ran.raised),
            message=f"snippet {snippet.id!r} raised {_said(ran.raised)}",
            hint="a snippet must end by reaching its last line"
            if ends
            else f'mend the code, or expect it with raises="{ran.raised.kinds[0]}"',
        )


def _said(raised: Raised) -> str:
    lines = raised.message.strip().splitlines()
    return f"{raised.kinds[0]}: {lines[0]}" if lines else raised.kinds[0]


def _raised_at(session: Session, snippet: Snippet, raised: Raised) -> Place:
    if not raised.frames:
        return snippet.place
    number, line, _ = raised.frames[-1]
    return _line(session.snippets[number], line)


def _line(snippet: Snippet, line: int) -> Place:
    path, number = snippet.lines[min(line, len(snippet.lines)) - 1]
    return Place(path, number, 1)


def _prints(snippet: Snippet, ran: Ran) -> Iterator[Finding]:
    for stated in snippet.prints:
        printed = "".join(text for line, text in ran.prints if line == stated.first)
        if _normal(printed) != _normal(stated.stated):
            yield Finding(
                code="A304",
                place=stated.place,
                message="the printed output differs from what is stated",
                hint="state what it prints, or mend the code",
                stated=stated.stated,
                computed=printed.rstrip("\n") or "(nothing)",
            )


def _normal(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())
