"""The options of a fence: from its info string to typed values.

Law: the struct `Options` says which keys there are, which values each takes and of what type; what
it refuses is told, and the rest is read all the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import EnumType
from typing import Any, get_args

import msgspec

from ..hints import nearest
from ..nouns import Options

_OPTION = re.compile(
    r"""(?P<key>[\w-]+)\s*=\s*(?:"(?P<d>[^"]*)"|'(?P<s>[^']*)'|(?P<b>[^\s"'}]+))"""
)
_LANGUAGE = re.compile(r"\{?\s*\.?([\w+-]*)")
_FALSE = frozenset({"", "no", "off", "false", "0"})
_ELSEWHERE = {
    "workdir": "leave it out: a session runs in the project's root; write paths from there",
    "returncode": 'leave it out: a session that is to end in an error says raises="SystemExit"',
    "width": "leave it out: output is shown as it was printed; break its lines in the code",
    "idprefix": "leave it out: headings that are printed are made unique by MkDocs",
    "updatetoc": "leave it out: headings that are printed are part of the table of contents",
}
"""Options of markdown-exec that do nothing here, and what to do instead."""
_CURES = {"timeout": 'write seconds, as in timeout="60"'}
_FAULTS = {"timeout": "is no number of seconds"}
_FIELDS = {field.name: field for field in msgspec.structs.fields(Options)}


def split(info: str) -> tuple[str, dict[str, str]]:
    """Split a fence's info string into language and options.

    >>> split('python exec="on" id="a"')
    ('python', {'exec': 'on', 'id': 'a'})
    """
    language = _LANGUAGE.match(info.strip())
    found = {m["key"]: m["d"] or m["s"] or m["b"] or "" for m in _OPTION.finditer(info)}
    return (language[1] if language else ""), found


def is_executable(written: Mapping[str, str]) -> bool:
    """Whether markdown-exec would run a fence with these options."""
    return written.get("exec", "").lower() not in _FALSE


def typed(written: Mapping[str, str]) -> tuple[Options, list[tuple[str, str]]]:
    """Return the options with their types, and a message and a hint for each that is refused.

    >>> typed({"timeout": "5", "sesion": "a"})[1]
    [("the fence option 'sesion' is unknown", "did you mean 'session'?")]
    """
    values: dict[str, Any] = {}
    refused = []
    for key, text in written.items():
        if key not in _FIELDS:
            refused.append(_unknown(key))
            continue
        try:
            values[key] = _value(key, text)
        except msgspec.ValidationError as error:
            refused.append(
                (f"{key}={text!r} {_FAULTS.get(key, 'is not known')}", _cure(key, text, str(error)))
            )
    return Options(**values), refused


def _unknown(key: str) -> tuple[str, str]:
    if key in _ELSEWHERE:
        return f"the fence option {key!r} does nothing here", _ELSEWHERE[key]
    hint = nearest(key, _FIELDS) or f"known: {', '.join(sorted(_FIELDS))}"
    return f"the fence option {key!r} is unknown", hint


def _value(key: str, text: str) -> Any:
    kind = _FIELDS[key].type
    if kind is bool:
        return text.lower() not in _FALSE
    return msgspec.convert(text, kind, strict=False)


def _cure(key: str, text: str, error: str) -> str:
    choices = _choices(_FIELDS[key].type)
    if not choices:
        return _CURES.get(key, error)
    return nearest(text, choices) or f"known: {', '.join(sorted(choices))}"


def _choices(kind: Any) -> list[str]:
    """Return the texts that a type of few values takes: of a literal, or of an enumeration."""
    if isinstance(kind, str):
        return [kind]
    if isinstance(kind, EnumType):
        return [str(value) for value in kind._value2member_map_]
    return [choice for one in get_args(kind) for choice in _choices(one)]
