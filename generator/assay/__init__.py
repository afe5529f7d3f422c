"""assay checks every figure and code sample of a glossary by running code, and builds its site.

The public face: :func:`check_root` checks a project as the command line does, :func:`holds`
compares one value with one stated figure, :func:`lint` says what is wrong in a page's text before
anything runs. What stands here stays; what is inside may move. Nothing of it is imported before it
is asked for, since pytest loads this package for its plugin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .check import EVERYTHING, check_root, lint
    from .figures.conditions import ConditionError
    from .figures.judge import holds
    from .nouns import Finding, Place, Report, Status, Verdict
    from .plan import Scope
    from .sessions.runner import Setup, WorkerError
    from .settings import Settings, SettingsError

_HOMES = {
    "EVERYTHING": "check",
    "ConditionError": "figures.conditions",
    "Finding": "nouns",
    "Place": "nouns",
    "Report": "nouns",
    "Scope": "plan",
    "Settings": "settings",
    "SettingsError": "settings",
    "Setup": "sessions.runner",
    "Status": "nouns",
    "Verdict": "nouns",
    "WorkerError": "sessions.runner",
    "check_root": "check",
    "holds": "figures.judge",
    "lint": "check",
}

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


def __getattr__(name: str) -> Any:
    """Import what the public face names when it is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
