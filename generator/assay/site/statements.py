"""Statements from elsewhere: the verdict below a quote, and the page of all of them by topic.

Law: the verdict is words and a sign, never a colour alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from ..findings import quotes
from ..findings.quotes import Judgement, Statement
from ..nouns import Entry, Verdict
from .inline import OURS, inert

OTHERS = "Other pages"
"""The topic of what stands on a page that is no term."""


class Side(Struct, frozen=True):
    """What a run says of a claim in a statement, and of what the claim would be true or false."""

    text: str
    run: str
    """The computed value, or whether it is true here."""
    said: str
    """The same in a sentence."""
    sense: str
    otherwise: str


class Told(Struct, frozen=True, kw_only=True):
    """A statement as the page of all of them tells it."""

    quote: str
    """As HTML, with what is false in it marked."""
    source: str
    address: str
    read: str
    judgement: Judgement
    sides: tuple[Side, ...]
    page: str
    """The page that quotes it, and what that page is called."""
    name: str
    anchor: str


def note(statement: Statement) -> str:
    """Return the verdict on *statement* as HTML, to stand right below its quote."""
    judged = statement.judgement
    said = " ".join(_said(side) for side in sides(statement))
    return (
        f'\n<p {OURS} class="assay-statement assay-statement-{judged.key}">'
        f'<span aria-hidden="true">{judged.sign}</span> <strong>{words(judged)}.</strong>'
        f"{' ' if said else ''}{said}</p>\n"
    )


def words(judged: Judgement) -> str:
    """Return what a statement comes to, to stand alone."""
    return f"{judged.words[0].upper()}{judged.words[1:]}"


def sides(statement: Statement) -> Iterator[Side]:
    """Yield both sides of each claim of *statement* that has two."""
    for verdict in statement.verdicts:
        condition = verdict.condition
        otherwise = condition.true_for or condition.false_for
        if otherwise is None or not verdict.status.is_good:
            continue
        is_true = not condition.refuted
        truth = ("true here" if is_true else "false here") if condition.is_true else ""
        run = truth or verdict.computed_text
        said = truth or f"the run says {run}"
        yield Side(verdict.claim.text, run, said, "false" if is_true else "true", otherwise)


def _said(side: Side) -> str:
    of = f"it would be {side.sense} of <code>{inert(side.otherwise)}</code>"
    return f"“{inert(side.text)}”: {inert(side.said)}; {of}."


def by_topic(
    pages: Iterable[tuple[Entry, str, tuple[Verdict, ...]]],
) -> dict[str, list[Told]]:
    """Return the statements of *pages*, each with its address, by the category of their term."""
    found: dict[str, list[Told]] = {}
    for entry, path, verdicts in pages:
        for statement in quotes.of(entry, verdicts):
            topic = entry.front.category if entry.front else OTHERS
            found.setdefault(topic, []).append(_told(entry, path, statement))
    return {topic: found[topic] for topic in sorted(found, key=lambda name: (name == OTHERS, name))}


def _told(entry: Entry, path: str, statement: Statement) -> Told:
    quote = statement.quote
    return Told(
        quote=_marked(quote.text, statement.verdicts),
        source=_title(quote.source) or quote.address,
        address=quote.address,
        read=quote.read.isoformat() if quote.read else "",
        judgement=statement.judgement,
        sides=tuple(sides(statement)),
        page=path,
        name=entry.front.term if entry.front else entry.slug,
        anchor=f"claim-{statement.verdicts[0].id}" if statement.verdicts else "",
    )


def _title(source: str) -> str:
    """Return the name of a source, without the day on which it was read."""
    return re.sub(r",?\s*read\s+\d{4}-\d{2}-\d{2}\.?\s*$", "", " ".join(source.split()))


def _marked(text: str, verdicts: Iterable[Verdict]) -> str:
    """Return a quote as HTML; what a run refutes in it is underlined, and stays legible."""
    parts, rest = [], " ".join(text.split())
    for verdict in verdicts:
        before, found, after = rest.partition(" ".join(verdict.claim.text.split()))
        if found and verdict.condition.refuted:
            parts += [inert(before), f'<mark class="assay-false">{inert(found)}</mark>']
            rest = after
    return "".join([*parts, inert(rest)])
