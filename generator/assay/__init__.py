"""assay checks every figure and code sample of a glossary by running code, and builds its site.

The public face: :func:`check_root` checks a project as the command line does, :func:`holds`
compares one value with one stated figure, :func:`lint` says what is wrong in a page's text before
anything runs. What stands here stays; what is inside may move.
"""

__version__ = "0.1.0"

from .check import EVERYTHING, check_root, lint
from .figures.conditions import ConditionError
from .figures.judge import holds
from .nouns import Finding, Place, Report, Status, Verdict
from .plan import Scope
from .sessions.runner import Setup, WorkerError
from .settings import Settings, SettingsError

__all__ = [
    "EVERYTHING",
    "ConditionError",
    "Finding",
    "Place",
    "Report",
    "Scope",
    "Settings",
    "SettingsError",
    "Setup",
    "Status",
    "Verdict",
    "WorkerError",
    "check_root",
    "holds",
    "lint",
]
