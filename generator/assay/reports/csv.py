"""The claims of a report as CSV, for spreadsheets: the rows of the JSON report, less what nests.

Law: a cell that a spreadsheet would compute begins with an apostrophe, so it stays text.
"""

from __future__ import annotations

import csv
import io
import re

from ..nouns import Report
from .json import claims

COLUMNS = (
    *("entry", "id", "sentence", "stated", "computed", "unit", "verdict", "condition", "reason"),
    *("probe", "device", "date", "versions", "path", "line"),
)
_FORMULA = re.compile(r"[=+\-@\t\r](?![\d.]+(?:\s|$))")
"""What a spreadsheet takes for a formula; a signed number is none."""


def as_csv(report: Report) -> str:
    """Return a line for each claim of the report, under a line of names."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\r\n")  # RFC 4180
    lines.writerow(COLUMNS)
    for row in claims(report):
        versions = " ".join(f"{name}={version}" for name, version in row.versions.items())
        cells = {name: getattr(row, name) for name in COLUMNS if name != "versions"}
        lines.writerow(_cell((cells | {"versions": versions})[name]) for name in COLUMNS)
    return text.getvalue()


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if _FORMULA.match(text) else text
