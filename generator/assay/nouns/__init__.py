"""The nouns: frozen values that every stage passes on.

Law: each value knows where it stands in its file from birth, nothing here does I/O, and this room
imports nothing else of assay.
"""

from .devices import Device
from .figures import HOLE, Bound, Condition, Figure, Relation, Unit
from .pages import (
    Block,
    Citation,
    Claim,
    Entry,
    Formula,
    FrontMatter,
    Given,
    Link,
    Opinion,
    Options,
    Paper,
    Print,
    Quote,
    Review,
    Snippet,
)
from .places import Edit, Finding, Place, Severity, Span
from .runs import (
    Checked,
    Failure,
    Job,
    Key,
    Outcome,
    Raised,
    Ran,
    Record,
    Session,
    Source,
    Traced,
    Value,
)
from .verdicts import Computed, Exemption, Report, Status, Verdict

__all__ = [
    "HOLE",
    "Block",
    "Bound",
    "Checked",
    "Citation",
    "Claim",
    "Computed",
    "Condition",
    "Device",
    "Edit",
    "Entry",
    "Exemption",
    "Failure",
    "Figure",
    "Finding",
    "Formula",
    "FrontMatter",
    "Given",
    "Job",
    "Key",
    "Link",
    "Opinion",
    "Options",
    "Outcome",
    "Paper",
    "Place",
    "Print",
    "Quote",
    "Raised",
    "Ran",
    "Record",
    "Relation",
    "Report",
    "Review",
    "Session",
    "Severity",
    "Snippet",
    "Source",
    "Span",
    "Status",
    "Traced",
    "Unit",
    "Value",
    "Verdict",
]
