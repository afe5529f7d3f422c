"""Front matter: YAML, read strictly and with the place of every key.

Law: duplicate keys, anchors, aliases and tags are refused, so that what is read is what is seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import yaml

from ..hints import nearest
from ..nouns import Finding, FrontMatter, Place

LIMIT, DEEPEST = 16_384, 20
SHOWN = frozenset({"title", "description", "subtitle"})
"""What readers see of the front matter of a page that is no term."""
_FENCE = re.compile(r"\A---[ \t]*\n(?P<yaml>.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
# The parser in C where PyYAML was built with it: a third of a warm check's time otherwise.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_KEY = re.compile(r"\s*[A-Za-z][\w-]*[ \t]*:(?:\s|\Z)")
_MEANT = "mend it: as it is, the site shows it as text"
_HINT = "a term's front matter holds: " + ", ".join(FrontMatter.__struct_fields__)


class _Refused(Exception):
    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.line, self.column = line, column


def split(text: str) -> tuple[str | None, int]:
    """Return the YAML between the ``---`` lines, or None, and where the body starts."""
    match = _FENCE.match(text)
    return (match["yaml"], match.end()) if match else (None, 0)


def read(
    path: str, source: str | None
) -> tuple[FrontMatter | None, dict[str, Place], list[Finding]]:
    """Return the front matter, the place of each key, and what is wrong with it."""
    if source is None:
        problem = Finding(
            code="A401", place=Place(path), message="the entry has no front matter", hint=_HINT
        )
        return None, {}, [problem]
    places: dict[str, Place] = {}
    try:
        data = _plain(_compose(source), path, "", places)
        front = msgspec.convert(data, FrontMatter)
        empty = [_empty(key, place) for key, place in _blank(front, places)]
        return (None if empty else front), places, empty
    except _Refused as error:
        place = Place(path, error.line, error.column)
        return None, places, [Finding(code="A401", place=place, message=str(error), hint=_HINT)]
    except msgspec.ValidationError as error:
        return None, places, [_invalid(path, str(error), places)]


def shown(path: str, source: str) -> tuple[dict[str, tuple[str, Place]] | None, list[Finding]]:
    """Return what a page other than a term shows of its front matter, by key, each with its place.

    None where it is no front matter: a page may begin with a rule. What begins with a key and is
    no YAML was meant to be front matter, and would be shown as text.
    """
    try:
        node = _compose(source)
    except _Refused as error:
        place = Place(path, error.line, error.column)
        meant = Finding(code="A401", place=place, message=str(error), hint=_MEANT)
        return None, [meant] if _KEY.match(source) else []
    found = {
        str(key.value): (
            value.value,
            Place(path, key.start_mark.line + 2, key.start_mark.column + 1),
        )
        for key, value in node.value
        if key.value in SHOWN and isinstance(value, yaml.ScalarNode)
    }
    return found, []


def _compose(source: str) -> yaml.MappingNode:
    if len(source) > LIMIT:
        raise _Refused(f"the front matter is longer than {LIMIT} characters", 1, 1)
    depth = 0
    try:
        for event in yaml.parse(source, Loader=_LOADER):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                raise _refused(event, f"it nests more than {DEEPEST} deep")
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise _refused(event, "anchors and aliases are not allowed here")
            if isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent)) and event.tag:
                raise _refused(event, f"the tag {event.tag!r} is not allowed here")
        node = yaml.compose(source, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = (mark.line + 2, mark.column + 1) if mark else (1, 1)
        colon = "; put a text that holds ': ' in quotes" if "mapping values" in str(error) else ""
        raise _Refused(f"the front matter is not YAML: {error.problem}{colon}", *where) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise _Refused(f"the front matter is not YAML: {error}", 1, 1) from error
    if not isinstance(node, yaml.MappingNode):
        raise _Refused("the front matter is not a list of keys with values", 2, 1)
    return node


def _refused(event: yaml.Event, message: str) -> _Refused:
    mark = event.start_mark
    assert mark is not None
    return _Refused(message, mark.line + 2, mark.column + 1)


def _plain(node: yaml.Node, path: str, key: str, places: dict[str, Place]) -> Any:
    """Turn *node* into plain data, noting the place of each key; refuse a key given twice."""
    mark = node.start_mark
    places.setdefault(key, Place(path, mark.line + 2, mark.column + 1))
    if isinstance(node, yaml.SequenceNode):
        return [_plain(v, path, f"{key}[{i}]", places) for i, v in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return dict(_pairs(node, path, key, places))
    try:
        return yaml.SafeLoader("").construct_object(node)
    except (ValueError, yaml.YAMLError) as error:  # 2026-02-30
        message = f"{node.value!r} cannot be read: {getattr(error, 'problem', error)}"
        raise _Refused(message, mark.line + 2, mark.column + 1) from error


def _pairs(
    node: yaml.MappingNode, path: str, key: str, places: dict[str, Place]
) -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for name, value in node.value:
        child = f"{key}.{name.value}" if key else str(name.value)
        if child in places:
            mark = name.start_mark
            raise _Refused(f"the key {child!r} stands twice", mark.line + 2, mark.column + 1)
        places[child] = Place(path, name.start_mark.line + 2, name.start_mark.column + 1)
        pairs.append((str(name.value), _plain(value, path, child, places)))
    return pairs


_REQUIRED = tuple(f.name for f in msgspec.structs.fields(FrontMatter) if f.required)


def _blank(front: FrontMatter, places: Mapping[str, Place]) -> Iterator[tuple[str, Place]]:
    """Yield what a term needs and has only in name: text without a letter to show."""
    lists = ("aliases", "code_names", "prerequisites", "papers")
    for key in ("term", "category", "summary", *lists):
        value = getattr(front, key)
        if isinstance(value, str) and not value.strip():
            yield key, places[key]
        elif not isinstance(value, str):
            yield from ((key, places[f"{key}[{i}]"]) for i, v in enumerate(value) if not v.strip())
    for number, fact in enumerate(front.facts):
        for part in ("label", "figure"):
            if not getattr(fact, part).strip():
                yield f"facts[{number}].{part}", places[f"facts[{number}].{part}"]


def _empty(key: str, place: Place) -> Finding:
    message = f"front matter in {key!r}: there is nothing in it"
    return Finding(code="A402", place=place, message=message, hint="write a text, or leave it out")


def _invalid(path: str, error: str, places: dict[str, Place]) -> Finding:
    """Turn msgspec's message (``Expected `str`, got `int` - at `$.term```) into a finding."""
    message, _, at = error.partition(" - at `$")
    key = at.strip("`").removeprefix(".").replace("[...]", "[0]")
    unknown = re.search(r"unknown field `([^`]+)`", message)
    hint = _HINT
    if "missing required field" in message:
        lacking = [name for name in _REQUIRED if name not in places]
        message = f"there is no {' and no '.join(lacking)}" if lacking else message
    if "RFC3339" in message:
        message, hint = "this is no day", "write the year first, as in 2026-11-25"
    if unknown:
        key = f"{key}.{unknown[1]}".strip(".")
        hint = nearest(unknown[1], FrontMatter.__struct_fields__) or _HINT
    place = places.get(key) or Place(path, 1, 1)
    where = f" in {key!r}" if key and not unknown else ""
    return Finding(code="A402", place=place, message=f"front matter{where}: {message}", hint=hint)
