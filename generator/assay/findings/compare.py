"""Claims and outcomes to verdicts.

Law: a claim that could not be checked is never a pass, what does not hold has a finding, and of
several records the worst one counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import product

from msgspec.structs import replace

from ..figures import match
from ..figures.judge import judge
from ..figures.names import Names
from ..figures.stated import Mismatch, Stated
from ..hints import nearest
from ..nouns import (
    Checked,
    Condition,
    Finding,
    Key,
    Session,
    Snippet,
    Status,
    Value,
    Verdict,
)
from ..plan import Ask, Bound, Unaskable
from . import endings, fault

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
    """Return the verdict on each claim; where there are several records, by the worst of them."""
    found = list[Verdict]()
    for claim in claims:
        if isinstance(claim, Unaskable):
            found.append(_unaskable(claim))
            continue
        found.append(_worst(claim, checks, names))
    return tuple(found)


def _worst(claim: Bound, checks: Checks, names: Names) -> Verdict:
    answers = product(*(_answers(ask, checks) for ask in claim.asks))
    try:
        return max((verdict(claim, one, names) for one in answers), key=lambda v: v.status)
    except Exception as error:  # noqa: BLE001 - whatever a value is, other claims are compared
        place, page = claim.claim.place, claim.entry.path
        problem = fault.found(page, error, place)
        return _unaskable(
            Unaskable(entry=claim.entry, claim=claim.claim, id=claim.id, problem=problem)
        )


def _answers(ask: Ask, checks: Checks) -> tuple[Checked | None, ...]:
    """Return all that answers for an ask: a run, the records of several GPUs, or nothing."""
    checked = checks.get(ask.session)
    return (checked, *checked.others) if checked else (None,)


def _unaskable(claim: Unaskable) -> Verdict:
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


def verdict(bound: Bound, answers: Sequence[Checked | None], names: Names) -> Verdict:
    """Return the verdict on a claim by *answers*, one for each of its asks."""
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
        values = [_value(ask, one) for ask, one in zip(bound.asks, answers, strict=True)]
    except Unanswered as unanswered:
        return _unanswered(blank, bound, unanswered, names)
    judged = judge(values, bound.claim.text, bound.condition, names)
    seen = _seen(blank, values[0], judged.said)
    if judged.problem is None:
        return replace(seen, status=_status_of(bound.condition))
    finding = _mismatch(seen, bound, judged.problem)
    return replace(seen, status=Status.FAILS, reason=str(judged.problem), finding=finding)


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
    last = re.sub(r"""\[["'](.*)["']\]""", r"\1", probe.replace("[", ".[").split(".")[-1])
    if not value.near:
        return "bind the name in the code"
    there = ", ".join(value.near[:8])
    if value.text == "dict":
        there = ", ".join(n if n.startswith("[") else f"[{n!r}]" for n in value.near[:8])
    return nearest(last, value.near) or f"there is: {there}"


def _unanswered(blank: Verdict, bound: Bound, why: Unanswered, names: Names) -> Verdict:
    seen = blank
    if why.value.kind != "missing":
        judged = judge([why.value], bound.claim.text, bound.condition, names)
        seen = _seen(blank, why.value, judged.said)
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


def _seen(blank: Verdict, value: Value, said: Stated | None) -> Verdict:
    """Note what a session computed, in the unit that the claim states, if it could be read."""
    figure = said.figure if said else None
    return replace(
        blank,
        figure=figure,
        computed=match.computed(value),
        computed_text=match.shown(value, said),
        unit=figure.unit if figure else "",
    )


def _status_of(condition: Condition) -> Status:
    """Return what a claim is that holds."""
    if condition.setting:
        return Status.SETTING
    return Status.REFUTED if condition.refuted else Status.VERIFIED


_CURE = "state what it computes, or mend the code"
_CURES = {
    "timedelta": "bind its .total_seconds() to a name, and claim that",
    "ndarray": "claim one of its elements, or bind a sum or a mean of it",
    "Tensor": "claim one of its elements, or bind a sum or a mean of it",
    "Series": "claim one of its elements, or bind a sum or a mean of it",
    "list": "claim one of its elements: steps[0]",
    "dict": "claim one of its values: sizes['total']",
    "function": "call it in the code, and bind what it returns",
    "builtin_function_or_method": "call it in the code, and bind what it returns",
    "method": "call it in the code, and bind what it returns",
}
"""What to do with a value that is no figure, by its kind."""


def binding(session: Session, probe: str) -> Snippet:
    """Return the snippet that a value comes from: the last that binds its name."""
    root = re.split(r"[.\[]", probe)[0]
    binds = [snippet for snippet in session.snippets if root in snippet.names]
    return (binds or session.snippets)[-1]


def _mismatch(seen: Verdict, bound: Bound, problem: Mismatch) -> Finding:
    assert seen.answer is not None
    session, record = seen.answer.session, seen.answer.record
    snippet = binding(session, seen.probe)
    kind = seen.computed_text.partition(":")[0] if problem.code == "A109" else ""
    measured = f" (measured on {record.gpu}, {record.outcome.when})" if record else ""
    hint = problem.hint or (
        f"the figure comes from {seen.probe!r} of snippet {snippet.id!r} "
        f"({snippet.place.path}:{snippet.place.line}); {_CURES.get(kind, _CURE)}"
    )
    title = f" ({bound.condition.said})" if bound.condition.said else ""
    return Finding(
        code=problem.code,
        place=bound.claim.place,
        end=bound.claim.end,
        message=f"{problem}{measured}",
        hint=hint,
        stated=bound.claim.text + title,
        computed=seen.computed_text,
    )
