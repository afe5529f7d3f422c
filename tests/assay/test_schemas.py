"""The schemas that are published: made from the code's types, and true of what is written."""

from __future__ import annotations

import datetime
import json
import tomllib
from typing import Any

import jsonschema
import msgspec
import pytest
from assay.entries import frontmatter
from assay.reports import schemas
from assay.reports.json import as_json

from .conftest import Make
from .lab import REPOSITORY, page, pages_of


def validator(name: str) -> jsonschema.Draft202012Validator:
    schema = json.loads(schemas.schema(name))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())


def plain(data: Any) -> Any:
    """Return *data* as JSON would hold it."""
    return json.loads(json.dumps(data, default=datetime.date.isoformat))


def keys_of(schema: Any) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for name, definition in schema["$defs"].items():
        for key, about in definition.get("properties", {}).items():
            found.append((f"{name}.{key}", about))
    return found


@pytest.mark.parametrize("name", ["front-matter", "settings", "papers", "givens"])
def test_every_key_that_is_written_by_hand_has_a_hover_text(name: str) -> None:
    """Each key of what authors write has a description, in a sentence."""
    for key, about in keys_of(json.loads(schemas.schema(name))):
        assert about.get("description", "").endswith("."), key


def test_the_front_matter_of_every_entry_fits_its_schema() -> None:
    """Each entry that is shipped fits; a key that is unknown or missing does not."""
    check = validator("front-matter")
    files = sorted((REPOSITORY / "glossary").glob("*.md"))
    for file in files:
        source, _ = frontmatter.split(file.read_text(encoding="utf-8"))
        front = plain(msgspec.to_builtins(frontmatter.read(file.name, source)[0]))
        check.validate(front)
        for wrong in ({**front, "trem": "x"}, {k: v for k, v in front.items() if k != "summary"}):
            assert not check.is_valid(wrong)
    assert len(files) > 20


def test_papers_givens_and_settings_fit_their_schemas() -> None:
    """The files that are shipped fit; a table without a key does not."""
    papers = plain(tomllib.loads((REPOSITORY / "glossary/papers.toml").read_text("utf-8")))
    validator("papers").validate(papers)
    del next(iter(papers.values()))["url"]
    assert not validator("papers").is_valid(papers)
    for file in (REPOSITORY / "glossary/givens").glob("*.toml"):
        validator("givens").validate(plain(tomllib.loads(file.read_text("utf-8"))))
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    validator("settings").validate(project["tool"]["assay"])
    assert not validator("settings").is_valid({"unbound": "of"})


def test_a_report_fits_its_schema(make: Make) -> None:
    """What --format json writes fits the published schema, whatever was found."""
    files = {
        "docs/a.md": page("x = 1\nprint(2)  #> 3", "[1](claim:x) [2](claim:x) 12 GB"),
        "docs/b.md": page("x = 1", "[1](claim:x)", device="cuda"),
        "docs/c.md": page("1 / 0", "[1](claim:a/y)"),
    }
    report = json.loads(as_json(make(files).check()))
    validator("report").validate(report)
    report["claims"][0]["line"] = "5"
    assert not validator("report").is_valid(report)


def test_schemas_are_published_with_the_site(make: Make) -> None:
    """Each schema stands on the site, as the command prints it."""
    made = make({"docs/a.md": page("x = 1", "[1](claim:x)")})
    pages = pages_of(made.check(), made)
    for name in schemas.NAMES:
        assert pages[f"claims/schemas/{name}.json"] == made.assay("schema", name).stdout
