"""A report as SARIF 2.1.0, which code hosts and editors show beside the lines that it names.

Law: a result is known by its claim's id, or by what it says: a line that moves changes no
fingerprint, so that what was dismissed stays dismissed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from ..findings.codes import CODES
from ..nouns import Edit, Finding, Place, Report
from ..plain import in_json
from . import again
from .summary import claims_by_place

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
HOME = "%SRCROOT%"
"""What all paths are relative to: the root of the project."""
_UNSAFE = re.compile(rb"[^A-Za-z0-9_.~/-]")


def as_sarif(report: Report) -> str:
    """Return the findings as one run of a SARIF log."""
    codes = sorted({finding.code for finding in report.findings})
    claims = claims_by_place(report)
    results = [_result(f, codes.index(f.code), claims.get(f.place, "")) for f in report.findings]
    run = {
        "tool": {"driver": {"name": "assay", "rules": list(map(_rule, codes))}},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {HOME: {"description": {"text": "the root of the project"}}},
        "results": results,
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return in_json(msgspec.json.format(msgspec.json.encode(log), indent=2).decode()) + "\n"


def _rule(code: str) -> dict[str, Any]:
    meaning = CODES[code]
    return {
        "id": code,
        "name": meaning.name,
        "shortDescription": {"text": meaning.summary},
        "fullDescription": {"text": meaning.why},
        "help": {"text": meaning.cure},
    }


def _result(finding: Finding, rule: int, claim: str) -> dict[str, Any]:
    location: dict[str, Any] = {"physicalLocation": _physical(finding)}
    if claim:
        location["logicalLocations"] = [{"fullyQualifiedName": claim, "kind": "claim"}]
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": finding.severity,
        "message": {"text": "; ".join(_said(finding))},
        "locations": [location],
        "partialFingerprints": {"assay/v1": _fingerprint(finding, claim)},
    }
    return result | ({"fixes": [_fix(finding)]} if finding.fix else {})


def _said(finding: Finding) -> Iterator[str]:
    yield finding.message
    if finding.stated or finding.computed:
        yield f"stated {finding.stated}, computed {finding.computed or '(nothing)'}"
    if hint := again.hint(finding):
        yield hint


def _physical(finding: Finding) -> dict[str, Any]:
    region = _region(finding.place, finding.end or finding.place)
    return {"artifactLocation": _artifact(finding.place.path), "region": region}


def _artifact(path: str) -> dict[str, Any]:
    return {"uri": _quoted(path), "uriBaseId": HOME}


def _quoted(path: str) -> str:
    """Return a path as an address.

    >>> _quoted("docs/a b.md")
    'docs/a%20b.md'
    """
    written = path.encode("utf-8", "replace")
    return _UNSAFE.sub(lambda match: b"%%%02X" % match[0][0], written).decode("ascii")


def _region(start: Place, end: Place) -> dict[str, int]:
    return {
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
    }


def _fingerprint(finding: Finding, claim: str) -> str:
    said = claim or f"{finding.place.path} {finding.stated or finding.message}"
    return hashlib.sha256(f"{finding.code} {said}".encode("utf-8", "replace")).hexdigest()


def _fix(finding: Finding) -> dict[str, Any]:
    edits: dict[str, list[Edit]] = {}
    for edit in finding.fix:
        edits.setdefault(edit.start.path, []).append(edit)
    changes = [
        {"artifactLocation": _artifact(path), "replacements": list(map(_replacement, of_file))}
        for path, of_file in edits.items()
    ]
    return {"description": {"text": again.hint(finding)}, "artifactChanges": changes}


def _replacement(edit: Edit) -> dict[str, Any]:
    inserted = {"insertedContent": {"text": edit.text}} if edit.text else {}
    return {"deletedRegion": _region(edit.start, edit.end)} | inserted
