"""A report as text, for people and for programs: one file a format.

Law: a format is a function from a report to text. It prints nothing and decides nothing.
"""

from collections.abc import Callable

from ..nouns import Report
from .badge import as_badge
from .github import as_github
from .json import as_json
from .junit import as_junit
from .sarif import as_sarif
from .text import as_text

FORMATS: dict[str, Callable[[Report], str]] = {
    "text": as_text,
    "json": as_json,
    "github": as_github,
    "sarif": as_sarif,
    "junit": as_junit,
    "badge": as_badge,
}
