"""Claims and outcomes to verdicts.

Law: a claim that could not be checked is never a pass, what does not hold has a finding, and of
several records the worst one counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product

from msgspec.structs import replace

from ..figures import match, stated
from ..figures.names import Names
from ..figures.stated import Mismatch, Stated
from ..hints import nearest
from ..nouns import Checked, Condition, Finding, Key, Status, Value, Verdict
from ..plan import Ask, Bound, Unaskable
from . import endings

Checks = Mapping[Key, Checked]
_MISSING = Value(kind="missing")


class Unanswered(Exception):
    """Why a session gave no value for a claim; a stale record has one that counts no more."""

    def __init__(
        self, status: Status, code: str, reason: str, hint: str = "", value: Value = _MISSING
    ) -> None:
        super().__init__(reason)
        self.status, self.code, self.hint, self.value = status, code, hint, value


def verdicts(
    claims: Iterable[Bound | Unaskable], checks: Checks, names: Names
) -> tuple[Verdict, ...]:
    """Return the verdict on each claim."""
    return tuple(verdict(claim, checks, names) for claim in claims)


def verdict(claim: Bound | Unaskable, checks: Checks, names: Names) -> Verdict:
    """Return what *checks* say of a claim; where there are several records, the worst of them."""
    if isinstance(claim, Unaskable):
        return Verdict(
            id=claim.id,
            entry=claim.entry.slug,
            claim=claim.claim,
            status=Status.UNCHECKED,
            session=(claim.entry.slug, ""),
            probe=claim.claim.address,
            reason=claim.problem.message,
            finding=claim.problem,
        )
    answers = product(*(_answers(ask, checks) for ask in claim.asks))
    return max((_judged(claim, one, names) for one in answers), key=lambda v: v.status)


def _answers(ask: Ask, checks: Checks) -> tuple[Checked | None, ...]:
    """Return all that answers for an ask: a run, the records of several GPUs, or nothing."""
    checked = checks.get(ask.session)
    return (checked, *checked.others) if checked else (None,)


def _judged(bound: Bound, answers: tuple[Checked | None, ...], names: Names) -> Verdict:
    """Return the verdict by *answers*, one for each ask of the claim."""
    blank = Verdict(
        id=bound.id,
        entry=bound.entry.slug,
        claim=bound.claim,
        condition=bound.condition,
        status=Status.UNCHECKED,
        session=bound.ask.session,
        probe=bound.ask.probe,
        answer=answers[0],
    )
    try:
        found = [_value(ask, checked) for ask, checked in zip(bound.asks, answers, strict=True)]
    except Unanswered as unanswered:
        return _unanswered(blank, bound, unanswered, names)
    return _compared(blank, bound, found, names)


def _value(ask: Ask, checked: Checked | None) -> Value:
    """Return the value that a session has for *ask*; raise :class:`Unanswered` if none counts."""
    page, name = ask.session
    if checked is not None and checked.is_awaited:
        device = checked.session.job.device.value
        raise Unanswered(Status.UNMEASURED, "A110", f"no {device} record is there")
    if checked is None or not endings.has_answer(checked):
        reason = f"could not be checked: session {name!r} of {page} gave no answer"
        hint = "mend the session; its own finding says where it stopped"
        raise Unanswered(Status.UNCHECKED, "A107", reason, hint)
    value = checked.outcome.values.get(ask.probe, _MISSING)
    if checked.record is not None and checked.changed:
        changed = ", ".join(checked.changed[:3]) + (" ..." if checked.changed[3:] else "")
        reason = (
            f"measured on {checked.record.gpu}, {checked.outcome.when}; changed since: {changed}"
        )
        raise Unanswered(Status.STALE, "A111", reason, value=value)
    if checked.record is not None and ask.probe not in checked.outcome.values:
        reason = f"the record of {checked.record.gpu} was made without it"
        raise Unanswered(Status.UNMEASURED, "A110", reason)
    if value.kind == "missing":
        reason = f"session {name!r} has no {ask.probe!r}"
        raise Unanswered(Status.UNCHECKED, "A105", reason, _near(ask.probe, value))
    return value


def _near(probe: str, value: Value) -> str:
    last = probe.replace("[", ".[").split(".")[-1]
    there = f"there is: {', '.join(value.near[:8])}" if value.near else "bind the name in the code"
    return nearest(last, value.near) or there


def _unanswered(blank: Verdict, bound: Bound, why: Unanswered, names: Names) -> Verdict:
    seen = blank
    if why.value.kind != "missing":
        seen = _seen(blank, why.value, _read(bound, why.value, names))
    awaits = why.status in {Status.UNMEASURED, Status.STALE}
    finding = Finding(
        code=why.code,
        place=bound.claim.place,
        end=bound.claim.end,
        message=f"not measured yet: {why}" if why.status is Status.UNMEASURED else str(why),
        hint=why.hint,
        stated=bound.claim.text,
        computed=seen.computed_text,
        severity="warning" if awaits else "error",
        awaits=blank.device if awaits else None,
    )
    return replace(seen, status=why.status, reason=str(why), finding=finding)


def _read(bound: Bound, value: Value, names: Names) -> Stated | Mismatch:
    """Return what the claim states of *value*, or why that cannot be read."""
    try:
        return stated.read(value, bound.claim.text, bound.condition, names)
    except Mismatch as mismatch:
        return mismatch


def _seen(blank: Verdict, value: Value, said: Stated | Mismatch) -> Verdict:
    """Note what a session computed, in the unit that the claim states, if it could be read."""
    read = said if isinstance(said, Stated) else None
    figure = read.figure if read else None
    return replace(
        blank,
        figure=figure,
        computed=match.computed(value),
        computed_text=match.shown(value, read),
        unit=figure.unit if figure else "",
    )


def _compared(blank: Verdict, bound: Bound, values: Sequence[Value], names: Names) -> Verdict:
    said = _read(bound, values[0], names)
    seen = _seen(blank, values[0], said)
    try:
        _hold(bound, values, said)
    except Mismatch as mismatch:
        finding = _mismatch(seen, bound, mismatch)
        return replace(seen, status=Status.FAILS, reason=str(mismatch), finding=finding)
    return replace(seen, status=_status_of(bound.condition))


def _status_of(condition: Condition) -> Status:
    """Return what a claim is that holds."""
    if condition.setting:
        return Status.SETTING
    return Status.REFUTED if condition.refuted else Status.VERIFIED


def _hold(bound: Bound, values: Sequence[Value], said: Stated | Mismatch) -> None:
    """Raise :class:`Mismatch` unless the claim holds; a refuted claim holds when it is false."""
    if isinstance(said, Mismatch):
        raise said
    if not bound.condition.refuted:
        match.compare(values[0], said)
        return
    if _agrees(values[0], said):
        raise Mismatch("the statement that the page refutes is true", "A108")
    for ask, value in zip(bound.asks[1:], values[1:], strict=True):
        if not _agrees(value, said):
            reason = f"it would not be true for {ask.probe} either"
            raise Mismatch(f"{reason}, which is {match.shown(value)}", "A108")


def _agrees(value: Value, said: Stated) -> bool:
    """Whether *value* is as stated; what cannot be compared at all raises."""
    try:
        match.compare(value, said)
    except Mismatch as mismatch:
        if mismatch.comparable:
            return False
        raise
    return True


def _mismatch(seen: Verdict, bound: Bound, problem: Mismatch) -> Finding:
    assert seen.answer is not None
    session, record = seen.answer.session, seen.answer.record
    where = session.snippets[0].place
    measured = f" (measured on {record.gpu}, {record.outcome.when})" if record else ""
    hint = problem.hint or (
        f"the figure comes from {seen.probe!r} of snippet {session.name!r} "
        f"({where.path}:{where.line}); state what it computes, or mend the code"
    )
    title = f" ({bound.claim.title})" if bound.claim.title else ""
    return Finding(
        code=problem.code,
        place=bound.claim.place,
        end=bound.claim.end,
        message=f"{problem}{measured}",
        hint=hint,
        stated=bound.claim.text + title,
        computed=seen.computed_text,
    )
