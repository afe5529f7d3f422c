"""Claims and outcomes to verdicts. Pure: no I/O.

Law: a claim that could not be checked is never a pass, and everything that does not hold is a
finding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from ..figures import match, stated
from ..figures.names import Names
from ..figures.numbers import FigureError
from ..figures.stated import Mismatch, Stated
from ..hints import nearest
from ..nouns import (
    Checked,
    Citation,
    Entry,
    Finding,
    Given,
    Record,
    Status,
    Value,
    Verdict,
)
from ..plan import Ask, Bound, Key
from ..sessions import records
from . import endings

Checks = Mapping[Key, Checked]


def verdict(bound: Bound, checks: Checks, names: Names) -> tuple[Verdict, Finding | None]:
    """Return what *checks* say of a claim, and the finding if it does not hold."""
    if bound.problem is not None:
        return _unchecked(bound, bound.problem.message), bound.problem
    assert bound.ask is not None
    checked = checks.get(bound.ask.session)
    if checked is not None and checked.is_awaited:
        return _unmeasured(bound, checked, f"no {checked.session.job.device} record is there")
    if checked is not None and checked.record is not None and checked.changed:
        return _stale(bound, checked, checked.record, checks, names)
    if checked is None or not endings.has_answer(checked):
        return _not_run(bound, checked)
    value = checked.outcome.values.get(bound.ask.probe, Value(kind="missing"))
    if checked.record is not None and bound.ask.probe not in checked.outcome.values:
        reason = f"the record of {checked.record.gpu} was made without it"
        return _unmeasured(bound, checked, reason)
    if value.kind == "missing":
        finding = _missing(bound, value)
        return _unchecked(bound, finding.message), finding
    return _compared(bound, checked, value, checks, names)


def judge(bound: Bound, checks: Checks, names: Names) -> tuple[Verdict, Finding | None]:
    """Return the verdict on a claim: of a run, or of all records, where the worst one counts."""
    key = bound.ask.session if bound.ask else None
    checked = checks.get(key) if key else None
    if key is None or checked is None or not checked.others:
        return verdict(bound, checks, names)
    found = [verdict(bound, {**checks, key: one}, names) for one in (checked, *checked.others)]
    return next((judged for judged in found if judged[0].status != "holds"), found[0])


def given_finding(given: Given, citations: Mapping[str, Citation], names: Names) -> Finding | None:
    """Return what is wrong with a given: no citation, or another figure than the one cited."""
    citation = citations.get(given.key)
    if citation is None:
        hint = nearest(given.key, citations) or "add it to givens/*.toml, with its source"
        message = f"{given.key!r} is not among the givens"
        return Finding(code="A203", place=given.place, message=message, hint=hint)
    try:
        said, cited = stated.figure_of(given.text, names), stated.figure_of(citation.value, names)
    except FigureError as error:
        return Finding(code="A101", place=given.place, message=str(error), hint=error.hint)
    if match.is_same(said, cited):
        return None
    return Finding(
        code="A204",
        place=given.place,
        message=f"the source of {given.key!r} says otherwise",
        hint=f"write {citation.value}, as in {citation.source}",
        stated=said.text,
        computed=citation.value,
    )


def opinions(entry: Entry) -> Iterator[Finding]:
    """Yield the opinions that name no owner."""
    for opinion in entry.opinions:
        if not opinion.owner.strip():
            message = f"the opinion {opinion.text!r} does not say whose it is"
            hint = f'write [{opinion.text}](opinion: "common advice for fine-tuning")'
            yield Finding(code="A205", place=opinion.place, message=message, hint=hint)


def _compared(
    bound: Bound, checked: Checked, value: Value, checks: Checks, names: Names
) -> tuple[Verdict, Finding | None]:
    claim, condition = bound.claim, bound.condition
    said: Stated | None = None
    problem: Mismatch | None = None
    status: Status
    try:
        said = stated.read(value, claim.text, condition, names)
        _hold(bound, value, said, checks)
    except Mismatch as mismatch:
        status, reason, problem = "fails", str(mismatch), mismatch
    else:
        status, reason = "holds", ""
    figure = said.figure if said else None
    verdict = Verdict(
        entry=bound.entry.slug,
        claim=claim,
        probe=bound.ask.probe if bound.ask else claim.address,
        page=checked.session.page,
        session=checked.session.name,
        status=status,
        condition=condition,
        figure=figure,
        computed=match.computed(value),
        computed_text=match.shown(value, said),
        unit=figure.unit if figure else "",
        reason=reason,
        device=checked.session.job.device,
        gpus=checked.gpus,
        reused=checked.reused,
    )
    if problem is None:
        return verdict, None
    return verdict, _mismatch(bound, verdict, problem, checked)


def _hold(bound: Bound, value: Value, said: Stated, checks: Checks) -> None:
    """Raise :class:`Mismatch` unless the claim holds; a refuted claim holds when it is false."""
    if not bound.condition.refuted:
        match.compare(value, said)
        return
    try:
        match.compare(value, said)
    except Mismatch as mismatch:
        if mismatch.code != "A104":
            raise
    else:
        raise Mismatch("the statement that the page refutes is true", "A108")
    if bound.true_for is not None:
        other = _value(bound.true_for, checks)
        try:
            match.compare(other, said)
        except Mismatch as mismatch:
            reason = f"it would not be true for {bound.true_for.probe} either"
            raise Mismatch(f"{reason}, which is {match.shown(other)}", "A108") from mismatch


def _value(ask: Ask, checks: Checks) -> Value:
    checked = checks.get(ask.session)
    missing = Value(kind="missing")
    return checked.outcome.values.get(ask.probe, missing) if checked else missing


def _mismatch(bound: Bound, verdict: Verdict, problem: Mismatch, checked: Checked) -> Finding:
    session, record = checked.session, checked.record
    where = session.snippets[0].place
    measured = f" (measured on {record.gpu}, {record.outcome.when})" if record else ""
    hint = problem.hint or (
        f"the figure comes from {verdict.probe!r} of snippet {session.name!r} "
        f"({where.path}:{where.line}); state what it computes, or mend the code"
    )
    return Finding(
        code=problem.code,
        place=bound.claim.place,
        message=f"{problem}{measured}",
        hint=hint,
        stated=f"{bound.claim.text} ({bound.claim.title})"
        if bound.claim.title
        else bound.claim.text,
        computed=verdict.computed_text,
    )


def _unchecked(bound: Bound, reason: str, device: str = "cpu") -> Verdict:
    return Verdict(
        entry=bound.entry.slug,
        claim=bound.claim,
        probe=bound.ask.probe if bound.ask else bound.claim.address,
        page=bound.ask.session[0] if bound.ask else "",
        session=bound.ask.session[1] if bound.ask else "",
        status="unchecked",
        condition=bound.condition,
        reason=reason,
        device=device,
    )


def _not_run(bound: Bound, checked: Checked | None) -> tuple[Verdict, Finding]:
    assert bound.ask is not None
    page, name = bound.ask.session
    message = f"could not be checked: session {name!r} of {page} gave no answer"
    finding = Finding(
        code="A107",
        place=bound.claim.place,
        message=message,
        hint="mend the session; its own finding says where it stopped",
        stated=bound.claim.text,
    )
    return _unchecked(bound, message, checked.session.job.device if checked else "cpu"), finding


def _unmeasured(bound: Bound, checked: Checked, reason: str) -> tuple[Verdict, Finding]:
    finding = Finding(
        code="A110",
        place=bound.claim.place,
        message=f"not measured yet: {reason}",
        hint=records.renew(checked.session),
        stated=bound.claim.text,
        severity="warning",
    )
    awaited = _unchecked(bound, reason, checked.session.job.device)
    return replace(awaited, status="unmeasured"), finding


def _stale(
    bound: Bound, checked: Checked, record: Record, checks: Checks, names: Names
) -> tuple[Verdict, Finding]:
    """Return that a record no longer answers for a claim, with the value that it holds."""
    assert bound.ask is not None
    value = checked.outcome.values.get(bound.ask.probe, Value(kind="missing"))
    compared, _ = _compared(bound, checked, value, checks, names)
    changed = ", ".join(checked.changed[:3]) + (" ..." if checked.changed[3:] else "")
    reason = f"measured on {record.gpu}, {record.outcome.when}; changed since: {changed}"
    finding = Finding(
        code="A111",
        place=bound.claim.place,
        message=reason,
        hint=records.renew(checked.session),
        stated=bound.claim.text,
        computed=compared.computed_text,
        severity="warning",
    )
    return replace(compared, status="stale", reason=reason), finding


def _missing(bound: Bound, value: Value) -> Finding:
    assert bound.ask is not None
    probe = bound.ask.probe
    last = probe.replace("[", ".[").split(".")[-1]
    return Finding(
        code="A105",
        place=bound.claim.place,
        message=f"session {bound.ask.session[1]!r} has no {probe!r}",
        hint=nearest(last, value.near)
        or (
            f"there is: {', '.join(value.near[:8])}" if value.near else "bind the name in the code"
        ),
        stated=bound.claim.text,
    )
