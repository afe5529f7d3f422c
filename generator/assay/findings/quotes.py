"""Statements from elsewhere: whether they are quoted fairly, and what the claims in them come to.

Law: a statement is a block quote that says where it was read, or that holds a refuted claim. Its
verdict follows from its claims; nobody types it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import Enum

from msgspec import Struct

from ..nouns import Claim, Entry, Finding, Quote, Span, Status, Verdict

MOST = 25
"""Words that are quoted at most."""


class Judgement(Enum):
    """What the claims of a statement come to; *words* and *sign* say it to a reader."""

    REFUTED = "refuted", "refuted by a run", "✗"
    PARTLY = "partly", "partly right", "◐"
    CONFIRMED = "confirmed", "confirmed by a run", "✓"
    UNDECIDABLE = "undecidable", "no program can settle it", "?"
    OPEN = "open", "not settled", "…"

    def __init__(self, key: str, words: str, sign: str) -> None:
        self.key, self.words, self.sign = key, words, sign


class Statement(Struct, frozen=True):
    """A quote, the verdicts on the claims in it, and what they come to."""

    quote: Quote
    verdicts: tuple[Verdict, ...]
    judgement: Judgement


def of(entry: Entry, verdicts: Iterable[Verdict]) -> tuple[Statement, ...]:
    """Return the statements of *entry*; *verdicts* are those of its claims."""
    found = list[Statement]()
    by_start = {verdict.claim.span.start: verdict for verdict in verdicts}
    for quote in _stating(entry):
        inside = tuple(by_start[c.span.start] for c in _inside(quote, entry.claims, by_start))
        found.append(Statement(quote, inside, _judgement(inside)))
    return tuple(found)


def of_pages(
    entries: Iterable[Entry], verdicts: Iterable[Verdict]
) -> Iterator[tuple[Entry, tuple[Statement, ...]]]:
    """Yield each of *entries* with its statements; *verdicts* are those of a whole report."""
    by_entry: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_entry.setdefault(verdict.entry, []).append(verdict)
    return ((entry, of(entry, by_entry.get(entry.slug, ()))) for entry in entries)


def check(entry: Entry, statements: Iterable[Statement]) -> Iterator[Finding]:
    """Yield what is unfair in the *statements* of *entry*, and what is refuted outside of them."""
    statements = tuple(statements)
    for statement in statements:
        yield from _source(statement.quote)
        yield from _length(statement.quote)
        yield from _both_sides(statement)
    for claim in entry.claims:
        if _refutes(claim) and not any(_holds(s.quote, claim.span) for s in statements):
            yield _finding(
                "A207",
                claim,
                "a refuted statement stands outside of a block quote",
                "quote it: > before its lines, and below it > [its source](https://...), "
                "read YYYY-MM-DD",
            )


def _stating(entry: Entry) -> Iterator[Quote]:
    for quote in entry.quotes:
        refuting = any(_refutes(claim) and _holds(quote, claim.span) for claim in entry.claims)
        if quote.source or refuting:
            yield quote


def _refutes(claim: Claim) -> bool:
    return _REFUTED.search(claim.title) is not None


_REFUTED = re.compile(r"(?:^|[,;]\s)\s*(?:refuted|true for )")
"""A phrase of a title, not a part of an id."""


def _holds(quote: Quote, span: Span) -> bool:
    return quote.span.start <= span.start and span.end <= quote.span.end


def _inside(quote: Quote, claims: Iterable[Claim], judged: dict[int, Verdict]) -> Iterator[Claim]:
    return (c for c in claims if _holds(quote, c.span) and c.span.start in judged)


def _judgement(verdicts: tuple[Verdict, ...]) -> Judgement:
    """Return what *verdicts* come to; a figure that is only set settles nothing."""
    statuses = {verdict.status for verdict in verdicts} - {Status.SETTING}
    if not statuses <= {Status.REFUTED, Status.VERIFIED}:
        return Judgement.OPEN
    if len(statuses) == 2:
        return Judgement.PARTLY
    if not statuses:
        return Judgement.UNDECIDABLE
    return Judgement.REFUTED if Status.REFUTED in statuses else Judgement.CONFIRMED


def _source(quote: Quote) -> Iterator[Finding]:
    missing = [
        *(["its address"] if not quote.address else []),
        *(["the day on which it was read"] if quote.read is None else []),
    ]
    if missing:
        yield _finding(
            "A207",
            quote,
            f"a statement from elsewhere is quoted without {' and '.join(missing)}",
            "end the quote with a paragraph: > [its source](https://...), read YYYY-MM-DD; "
            "withdraw it where the address is not to be found",
        )


_BETWEEN_WORDS = re.compile(r"[–—…/]+|\.{3,}")
"""Stands between two words, with blanks around it or without."""


def _words(text: str) -> int:
    return len(_BETWEEN_WORDS.sub(" ", text).split())


def _length(quote: Quote) -> Iterator[Finding]:
    words = max(_words(quote.text), _words(quote.source))
    if words > MOST:
        yield _finding(
            "A208",
            quote,
            f"the quote has {words} words, and {MOST} at most are fair",
            "quote less, but not so little that it says something else",
        )


def _both_sides(statement: Statement) -> Iterator[Finding]:
    sided = any(v.condition.true_for or v.condition.false_for for v in statement.verdicts)
    if statement.judgement is Judgement.CONFIRMED and not sided:
        yield _finding(
            "A209",
            statement.quote,
            "a statement is confirmed, and nothing says when it would be false",
            'name a value for which it would be: [12 GB](claim:total "false for weights")',
        )


def _finding(code: str, at: Quote | Claim, message: str, hint: str) -> Finding:
    return Finding(code=code, place=at.place, end=at.end, message=message, hint=hint)
