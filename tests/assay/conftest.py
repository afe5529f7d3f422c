"""Fixtures that the tests of assay share."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import hypothesis
import pytest

from .lab import Project

# The same examples each time; HYPOTHESIS_PROFILE=explore looks for new ones.
hypothesis.settings.register_profile("assay", deadline=None, derandomize=True, database=None)
hypothesis.settings.register_profile("explore", deadline=None, max_examples=3000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "assay"))

Make = Callable[[Mapping[str, str]], Project]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Make a project of files, by path."""
    root = tmp_path / "project"
    root.mkdir()
    return Project(root, tmp_path / "store").write
