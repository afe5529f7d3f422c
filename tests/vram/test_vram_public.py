"""What a user of the package sees: few names, typed settings, modules that can be imported."""

from __future__ import annotations

import importlib
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import pytest
import vram
from vram import Training, estimate
from vram.settings import Settings


def test_few_names_are_public() -> None:
    """At most fifteen names, each there, each with a docstring of its own or its type's."""
    assert len(vram.__all__) <= 15
    assert sorted(vram.__all__) == sorted(set(vram.__all__))
    assert all(getattr(vram, name).__doc__ for name in vram.__all__)


def test_no_name_hides_a_module() -> None:
    """`vram.x` is the module x for each file of the package, and no public name is a module's."""
    for path in Path(vram.__file__).parent.glob("[a-z]*.py"):
        module = importlib.import_module(f"vram.{path.stem}")
        assert isinstance(module, ModuleType)
        assert getattr(vram, path.stem) is module
        assert path.stem not in vram.__all__


def test_settings_are_the_fields_of_training() -> None:
    """The keywords of estimate are Training's fields, with the same types; loss is its own."""
    assert {f.name: f.type for f in fields(Training) if f.name != "loss"} == {
        name: getattr(kind, "__forward_arg__", kind)
        for name, kind in Settings.__annotations__.items()
    }


@pytest.mark.parametrize(
    ("name", "hint"), [("sequnce", "did you mean 'sequence'"), ("zzz", "settings: optimizer")]
)
def test_a_setting_that_there_is_not_is_told(name: str, hint: str) -> None:
    """A misspelt setting is a TypeError with the nearest name, or all of them."""
    with pytest.raises(TypeError, match=f"no setting is called '{name}': .*{hint}"):
        estimate("gpt2", **{name: 1})  # type: ignore[misc]
