"""What a name means: models.toml's rows by every name that people type, and no guess.

A name is one row, or an error of one line that says what to type: the sizes of a family where the
size is missing, the one name that a slip of the keyboard meant, or else where all names stand.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from .config import read_config, shape_of_config
from .kinds import KINDS
from .shapes import DecoderShape, Shape
from .typed import Parts, bare, parts_of, size_of, unquantised, without_training

LISTED = 12  # names that fit a line


@dataclass(frozen=True)
class Model:
    """A row of models.toml: a name, its other names, the hub's repository, and its shape.

    parameters is what transformers counts in its own class; left_out names a part of the model that
    the shape has not, or is empty.
    """

    name: str
    also: tuple[str, ...]
    repo: str
    parameters: int
    shape: Shape
    left_out: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """All its names, the repository last."""
        return (self.name, *self.also, self.repo)


@cache
def _table() -> dict[str, Any]:
    file = resources.files(__package__).joinpath("models.toml")
    found: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    return found


@cache
def _elsewhere() -> tuple[Parts, ...]:
    """Return the parts that names of architectures begin with which vram does not build."""
    return tuple(map(without_training, _table()["elsewhere"]["names"]))


def _rows() -> Iterator[Model]:
    kinds = ((kind, rows) for kind, rows in _table().items() if kind in KINDS)
    for kind, rows in kinds:
        for name, row in rows.items():
            config = {"model_type": kind, **row}
            about = (tuple(config.pop("also", ())), config.pop("repo"), config.pop("parameters"))
            left_out = config.pop("left_out", "")
            yield Model(name, *about, shape_of_config(config), left_out)


KNOWN: dict[str, Model] = {row.name: row for row in _rows()}
MODELS: dict[str, Shape] = {name: row.shape for name, row in KNOWN.items()}
LLAMA: dict[str, DecoderShape] = {
    name.removeprefix("llama-")[:-1] + "B": shape
    for name, shape in MODELS.items()
    if name.startswith("llama-3") and isinstance(shape, DecoderShape)
}


def shape_of(name: str) -> Shape:
    """Return the shape of a model's name, or of a config.json given by its path.

    Raises ValueError for a name that is unknown or means several models, in one line that says what
    to type, and for a file as read_config does.
    """
    path = Path(name)
    if name.endswith(".json") or path.is_file() or (path / "config.json").is_file():
        return read_config(path)
    return MODELS.get(name) or model_named(name).shape


def model_named(name: str) -> Model:
    """Return the row that a name means: case, separators and words of training do not matter.

    Raises ValueError as shape_of.
    """
    found = _exact(name)
    if found is not None:
        return found
    raise ValueError(f"unknown model {name!r}: {_advice(name)}")


def left_out(name: str) -> str:
    """Return what the shape of a name or file has not of the model, empty where it is whole."""
    row = _exact(name)
    return row.left_out if row else ""


def _exact(name: str) -> Model | None:
    full, trained = parts_of(name), without_training(name)
    for parts in (full, trained, bare(trained)):
        if parts in _index():
            return _index()[parts]
    return None


@cache
def _index() -> dict[Parts, Model]:
    """Return the rows by their names' parts; where two share shorter parts, the first has them."""
    whole = {parts_of(name): row for row in KNOWN.values() for name in row.names}
    shorter: dict[Parts, Model] = {}
    for row in KNOWN.values():
        for name in row.names:
            shorter.setdefault(without_training(name), row)
    return {**shorter, **whole}


def _advice(name: str) -> str:
    """Return what to type instead of a name that is not known."""
    plain = unquantised(name)
    base = _exact(plain) if plain else None
    if base:
        return f"its weights are quantised: type {base.name} --qlora to train it from four bits"
    parts = without_training(name)
    if any(parts[: len(own)] == own for own in _elsewhere()):
        return "vram does not build this architecture; give the nn.Module itself, from Python"
    for phrase, way in _WAYS:
        names = way(parts)
        if names:
            return phrase.format(_either(names))
    return "type a name that `python -m vram models` lists, or give the path of its config.json"


def _completions(parts: Parts) -> list[str]:
    """Return a name of each row that begins with these parts: the family without its size."""
    return _one_a_row(lambda own: bool(parts) and own[: len(parts)] == parts)


def _same_version(parts: Parts) -> list[str]:
    """Return the names of the same letters and version: llama-3.1-9b is no Llama 3.1."""
    return _completions(parts[:2]) if len(parts) > 2 else []


def _same_size(parts: Parts) -> list[str]:
    """Return the names of the same letters and size: qwen-32b may be one of three."""
    size = size_of(parts)
    return _one_a_row(lambda own: size is not None and size in own and own[:1] == parts[:1])


def _same_letters(parts: Parts) -> list[str]:
    return _completions(parts[:1])


def _slips(parts: Parts) -> list[str]:
    """Return the name whose numbers are the same, and whose letters are nearly so."""
    letters = {own[0] for own in _index() if parts and own[1:] == parts[1:]}
    near = difflib.get_close_matches(parts[0], letters, n=1, cutoff=0.8) if letters else []
    return [_index()[(first, *parts[1:])].name for first in near]


_WAYS: tuple[tuple[str, Callable[[Parts], list[str]]], ...] = (
    ("type {}", _completions),
    ("of that version vram knows {}", _same_version),
    ("type {}", _same_size),
    ("of that family vram knows {}", _same_letters),
    ("did you mean {!r}?", _slips),
)


def _one_a_row(fits: Callable[[Parts], bool]) -> list[str]:
    """Return the first name of each row that fits, but no repository."""
    named = ([n for n in (row.name, *row.also) if "/" not in n] for row in KNOWN.values())
    fitting = (next((n for n in names if fits(without_training(n))), None) for names in named)
    return [name for name in fitting if name is not None]


def _either(names: list[str]) -> str:
    """Return the names as one phrase, where there are many the first of them."""
    shown, rest = names[:LISTED], len(names) - LISTED
    if rest > 0:
        return f"{', '.join(shown)} and {rest} more (`python -m vram models` lists them)"
    return " or ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))
