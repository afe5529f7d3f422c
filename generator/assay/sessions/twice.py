"""Running twice: what another run of the same session gives, in another order and hash seed.

Law: the second run shares nothing with the first but the code; what differs is named with both of
its values, and a session that has no second answer differs too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from ..nouns import Job, Outcome
from .setup import Runner, Setup

HASH_SEED = 1
"""The hash seed of second runs: the order of sets of strings is another."""


class Difference(Struct, frozen=True):
    """Something that two runs of one session gave otherwise."""

    what: str
    """The probe, or what else was compared: ``the output of snippet 1``."""
    first: str
    second: str


def another(setup: Setup) -> Setup:
    """Return the setup for second runs."""
    return replace(setup, hash_seed=setup.hash_seed + HASH_SEED)


def differing(
    jobs: Mapping[int, Job],
    outcomes: Mapping[int, Outcome],
    run: Runner,
    started: Callable[[int], None] = lambda _: None,
) -> Iterator[tuple[int, tuple[Difference, ...]]]:
    """Run *jobs* again by *run*, a runner of :func:`another` setup, in the opposite order.

    Yield each job whose second outcome differs from its first of *outcomes*, with what differs.
    """
    for number, second in run([(n, jobs[n]) for n in reversed(list(jobs))], started):
        found = tuple(differences(outcomes[number], second))
        if found:
            yield number, found


def differences(first: Outcome, second: Outcome) -> Iterator[Difference]:
    """Compare what two runs of one session gave: how it ended, what it printed, its values."""
    pairs = [(_ending(first), _ending(second), "how it ended")]
    for number, (one, other) in enumerate(zip(first.snippets, second.snippets, strict=False), 1):
        pairs.append((one.output, other.output, f"the output of snippet {number}"))
    names = sorted(first.values.keys() & second.values.keys())
    pairs += [(first.values[n].text, second.values[n].text, n) for n in names]
    return (Difference(what, one, other) for one, other, what in pairs if one != other)


def _ending(outcome: Outcome) -> str:
    if outcome.failure is not None:
        return outcome.failure.text
    raised = [ran.raised.kinds[0] if ran.raised else "nothing" for ran in outcome.snippets]
    return f"raised {', '.join(raised)}"
