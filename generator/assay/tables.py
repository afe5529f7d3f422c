"""Tables of a TOML file: those that hold values, and where each stands."""

from __future__ import annotations

from typing import Any


def leaves(data: dict[str, Any], prefix: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Return the tables that hold values, by dotted key.

    >>> leaves({"a": {"b": {"x": 1}, "c": {"x": 2}}})
    [('a.b', {'x': 1}), ('a.c', {'x': 2})]
    """
    if prefix and not any(isinstance(value, dict) for value in data.values()):
        return [(prefix, data)]
    return [
        leaf
        for key, value in data.items()
        if isinstance(value, dict)
        for leaf in leaves(value, f"{prefix}.{key}".strip("."))
    ]


def line_of(text: str, key: str) -> int:
    """Return the line at which the table *key* begins, the first if it cannot be found."""
    at = text.find(f"[{key}]")
    return text.count("\n", 0, max(at, 0)) + 1
