"""How figures that are bound to nothing count: as errors, as warnings, or not, by folder.

Law: what is let through is counted by the reason, so that a report says how much is not looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from ..nouns import Exemption, Finding, Level
from .prose import Unbound

Known = Mapping[str, Mapping[str, int]]
"""Figures that stood there when the baseline was written: how often each, by page and text."""
REASONS = {
    'unbound = "off"': "figures of folders that are not searched",
    "baseline": "figures that are known since the baseline",
    "code and math": "figures in code spans and formulas",
}


def of_page(unbound: Level | Mapping[str, Level], path: str) -> Level:
    """Return how the unbound figures of the page at *path* count: its nearest folder says.

    >>> of_page({".": "warning", "docs/blog": "off"}, "docs/blog/a.md")
    'off'
    """
    if isinstance(unbound, str):
        return unbound
    folders = [f for f in unbound if f in {".", path} or path.startswith(f"{f.rstrip('/')}/")]
    nearest = max(folders, key=lambda folder: len(folder.strip("./")), default="")
    return unbound[nearest] if nearest else "error"


def weighed(found: Unbound, level: Level, known: Mapping[str, int]) -> Unbound:
    """Return *found* with its figures at *level*, less those of the baseline."""
    if level == "off":
        let = {'unbound = "off"': len(found.findings)}
        return replace(found, findings=(), kept=found.kept | let)
    left, findings = Counter(known), list[Finding]()
    for finding in found.findings:
        text = found.texts.get(finding.place, "")
        if left[text] > 0:
            left[text] -= 1
        else:
            findings.append(replace(finding, severity=level))
    known_here = len(found.findings) - len(findings)
    return replace(found, findings=tuple(findings), kept=found.kept | {"baseline": known_here})


def exemptions(unbound: Iterable[Unbound]) -> tuple[Exemption, ...]:
    """Add up how many figures each reason let through, where it let through any."""
    pages = tuple(unbound)
    counts = {name: sum(page.kept.get(name, 0) for page in pages) for name in REASONS}
    return tuple(Exemption(name, REASONS[name], n) for name, n in counts.items() if n)


def baseline(unbound: Iterable[tuple[str, Unbound]], before: Known) -> dict[str, dict[str, int]]:
    """Return the baseline in which every figure of the pages is known, and *before* of others."""
    new = {path: dict(Counter(page.texts.values())) for path, page in unbound}
    merged = {path: dict(texts) for path, texts in before.items()} | new
    return {path: merged[path] for path in sorted(merged) if merged[path]}
