"""How a claim was compared, in words."""

from __future__ import annotations

from ..figures import match
from ..nouns import Verdict


def condition_words(verdict: Verdict) -> str:
    """Say in words under which condition a claim was compared."""
    condition = verdict.condition
    if condition.refuted:
        also = f"; true for {condition.true_for}" if condition.true_for else ""
        return f"refuted: must be false{also}"
    if condition.false_for:
        return condition.said
    if condition.is_true:
        return "must be true"
    if condition.said:
        return condition.said
    if isinstance(verdict.computed, str | bool):
        return "word for word"
    exact = verdict.figure is not None and match.is_exact(verdict.computed, verdict.figure)
    return "exactly" if exact else "to the stated digits"
