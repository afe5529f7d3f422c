"""What stands behind a claim, an entry or a code, as text for its author.

Law: it says what was established, and what was not; it decides nothing anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..entries import sentences
from ..findings.codes import CODES
from ..nouns import Checked, Entry, Report, Snippet, Verdict
from ..plain import visible
from . import again, provenance
from .compared import condition_words
from .summary import counted, plural, statuses

NOT_ESTABLISHED = (
    "that the sentence around it is right: only the bound text is compared",
    "that the code computes what the sentence means, or computes at all rather than assigns",
    "that another machine, or other versions, give the same",
)
LISTED = 12
"""How many files or packages are listed by name."""


def code(name: str) -> str:
    """Return what the code *name* means, why it matters and what mends it."""
    meaning = CODES[name]
    return f"{name} {meaning.name}\n\n{meaning.summary}\n{meaning.why}\n\ncure: {meaning.cure}\n"


def entry(report: Report, page: Entry) -> str:
    """Return what rests on what in an entry: its sessions, and the claims on each."""
    verdicts = [verdict for verdict in report.verdicts if verdict.entry == page.slug]
    lines = [f"{page.path}: {plural(len(verdicts), 'claim')}, {counted(statuses(verdicts))}"]
    for checked in report.checked:
        lines += ["", *_session(checked), *_claims(verdicts, checked)]
    return _text(lines)


def claim(report: Report, verdict: Verdict) -> str:
    """Return how the figure of a claim came about, and what would make it run again."""
    page = next(e for e in report.entries if e.path == verdict.claim.place.path)
    place = verdict.claim.place
    lines = [
        f"{verdict.entry}#{verdict.id}  {place.path}:{place.line}:{place.column}",
        f"  {sentences.of_claims(page)[verdict.claim.span.start].whole}",
        "",
        f"stated    {verdict.claim.text}",
        f"computed  {verdict.computed_text or '(nothing)'}{_converted(verdict)}",
        f"compared  {condition_words(verdict)}",
        f"verdict   {_with_reason(verdict)}",
    ]
    if verdict.answer is not None:
        lines += ["", *_session(verdict.answer), *_code(verdict), *_depended(verdict.answer)]
    return _text([*lines, "", "not established:", *(f"  {one}" for one in NOT_ESTABLISHED)])


def _text(lines: Iterable[str]) -> str:
    return "\n".join(visible(line) for part in lines for line in part.split("\n")) + "\n"


def _with_reason(verdict: Verdict) -> str:
    return f"{verdict.status.words}{f': {verdict.reason}' if verdict.reason else ''}"


def _converted(verdict: Verdict) -> str:
    raw = str(verdict.computed)
    is_other = verdict.computed is not None and bool(verdict.unit) and raw != verdict.computed_text
    return f", from {raw}" if is_other else ""


def _session(checked: Checked) -> Iterator[str]:
    """Say which session it is, and when and where it ran."""
    session, outcome = checked.session, checked.outcome
    first = session.snippets[0].place
    yield f"session {session.name} of {session.page} ({first.path}:{first.line})"
    if checked.is_awaited:
        yield f"  not measured yet: {again.measure_session(session)}"
        return
    world = ", ".join(f"{key} {value}" for key, value in provenance.of(checked).items())
    how = "kept, nothing it read has changed" if checked.reused else "run now"
    how = "from a record" if checked.record else how
    yield f"  ran {outcome.when or 'never'} in {outcome.seconds:.2f} s ({how}); {world}"


def _claims(verdicts: Iterable[Verdict], checked: Checked) -> Iterator[str]:
    for verdict in verdicts:
        if verdict.session == checked.session.key:
            yield f"  #{verdict.id}: {verdict.claim.text}, {_with_reason(verdict)}"


def _code(verdict: Verdict) -> Iterator[str]:
    """Show the snippets of the session up to the last that binds what was asked for."""
    assert verdict.answer is not None
    root = verdict.probe.partition(".")[0].partition("[")[0]
    snippets = verdict.answer.session.snippets
    binding = [n for n, snippet in enumerate(snippets) if root in snippet.names]
    for snippet in snippets[: (binding or [len(snippets) - 1])[-1] + 1]:
        yield f"  {_where(snippet)}"
        yield from (f"    {line}" for line in snippet.shown.rstrip("\n").split("\n"))
    yield f"  value of {verdict.probe!r}"


def _where(snippet: Snippet) -> str:
    return f"snippet {snippet.id} ({snippet.place.path}:{snippet.place.line})"


def _depended(checked: Checked) -> Iterator[str]:
    """Say what would make the session run again."""
    traced = checked.outcome.traced
    files = [path for path, word in traced.files.items() if word.startswith("file:")]
    packages = [f"{name} {version}" for name, version in traced.distributions.items() if version]
    yield "runs again when one of these changes:"
    yield "  the code of its snippets, its device, Python, the settings path and preload"
    if files:
        yield f"  files it read: {_listed(files)}"
    if packages:
        yield f"  packages it imported: {_listed(packages)}"
    for reason in checked.unkept or traced.unkept:
        yield f"  it runs at every check, since it {reason}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(sorted(names)[:LISTED]) + more
