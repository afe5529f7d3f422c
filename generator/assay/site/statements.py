"""What a page says below a statement from elsewhere: its verdict, and what the run says instead.

Law: the verdict is words and a sign, never a colour alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..findings.quotes import Statement
from ..nouns import Verdict
from .inline import OURS, inert


def note(statement: Statement) -> str:
    """Return the verdict on *statement* as HTML, to stand right below its quote."""
    judged = statement.judgement
    words = f"{judged.words[0].upper()}{judged.words[1:]}."
    said = " ".join(part for verdict in statement.verdicts for part in _said(verdict))
    return (
        f'\n<p {OURS} class="assay-statement assay-statement-{judged.key}">'
        f'<span aria-hidden="true">{judged.sign}</span> <strong>{words}</strong>'
        f"{' ' if said else ''}{said}</p>\n"
    )


def _said(verdict: Verdict) -> Iterator[str]:
    condition, text = verdict.condition, f"“{inert(verdict.claim.text)}”"
    otherwise = condition.true_for or condition.false_for
    if otherwise is None or not verdict.status.is_good:
        return
    is_true = not condition.refuted
    truth = ("true here" if is_true else "false here") if condition.is_true else ""
    run = truth or f"the run says {inert(verdict.computed_text)}"
    sense = "false" if is_true else "true"
    yield f"{text}: {run}; it would be {sense} of <code>{inert(otherwise)}</code>."
