"""Key facts of the front matter: their texts, read as those of the page are.

Law: a fact is one sentence with its label and its note, and what it binds is checked like every
other claim; so its texts must stand in the file as they are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..nouns import Fact, Finding, FrontMatter, Place, Span
from .positions import written
from .reader import Reader

_PARTS = ("label", "figure", "note")


def read(
    reader: Reader, text: str, front: FrontMatter | None, keys: Mapping[str, Place]
) -> tuple[tuple[Fact, ...], list[Finding]]:
    """Give *reader* the facts of *front*; return where they stand, and what cannot be read."""
    found: list[Fact] = []
    unread: list[Finding] = []
    for number, fact in enumerate(front.facts if front else ()):
        parts: list[tuple[str, list[int]]] = []
        for part in _PARTS:
            value, key = " ".join(getattr(fact, part).split()), f"facts[{number}].{part}"
            if not value:
                continue
            at = written(text, value, reader.lines.offset(keys[key]) + len(f"{part}:"))
            if at is None:
                unread.append(_escaped(key, keys[key]))
            else:
                parts.append((value, at))
        if len(parts) >= 2 and not unread:
            reader.read(*_sentence(parts))
            spans = [Span(at[0], at[-1] + 1) for _, at in parts]
            found.append(Fact(spans[0], spans[1], spans[2] if spans[2:] else None))
    return tuple(found), unread


def _sentence(parts: Sequence[tuple[str, list[int]]]) -> tuple[str, list[int]]:
    """Join the parts of a fact as it is cited; what joins them stands at the end of the former."""
    (sentence, offsets), *others = parts
    for (text, at), joint in zip(others, (": ", ", "), strict=False):
        sentence += joint + text
        offsets = [*offsets, *[offsets[-1]] * len(joint), *at]
    return sentence, offsets


def _escaped(key: str, place: Place) -> Finding:
    return Finding(
        code="A402",
        place=place,
        message=f"front matter in {key!r}: it cannot be read as it is written",
        hint="write it without escapes, in single quotes where it holds a colon or double quotes",
    )
