"""The schemas of what people and programs write and read, made from the code's own types.

Law: a schema is never written by hand. Editors show its descriptions, so each key has one.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ..nouns import Citation, FrontMatter, Paper, Settings
from .json import Document

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TABLES = {"papers": Paper, "givens": Citation}
"""Files whose tables are all of one kind; a dotted key makes tables within tables."""
_DOCUMENTS = {"report": Document, "front-matter": FrontMatter, "settings": Settings}
NAMES = (*_DOCUMENTS, *_TABLES)


def schema(name: str) -> str:
    """Return the JSON Schema called *name*, one of :data:`NAMES`."""
    found = _of_tables(name) if name in _TABLES else msgspec.json.schema(_DOCUMENTS[name])
    head = {"$schema": DIALECT, "title": name}
    return msgspec.json.format(msgspec.json.encode(head | found), indent=2).decode() + "\n"


def _of_tables(name: str) -> dict[str, Any]:
    (table,), definitions = msgspec.json.schema_components(
        [_TABLES[name]], ref_template="#/$defs/{name}"
    )
    either = {"anyOf": [table, {"$ref": "#"}]}
    return {"type": "object", "additionalProperties": either, "$defs": definitions}
