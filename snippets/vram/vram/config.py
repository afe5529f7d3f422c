"""A model's config.json, as Hugging Face writes it, to the shape that vram builds.

kinds.py says what the keys of each model_type mean. A key that would change a tensor and is not
modelled is an error: a wrong shape would be a wrong answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .kinds import KINDS, OUTER, Config
from .shapes import Shape


def read_config(path: Path) -> Shape:
    """Return the shape of a config.json, or of the one in a directory.

    Raises ValueError where the file cannot be read, is no JSON object, or is refused by
    shape_of_config; the message names the file.
    """
    file = path / "config.json" if path.is_dir() else path
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{file}: {error.strerror}: give a model's name or config.json") from error
    except ValueError as error:
        raise ValueError(f"{file} is no JSON ({error}): give a model's config.json") from error
    if not isinstance(found, dict):
        raise ValueError(f"{file} holds no JSON object: give a model's config.json")
    try:
        return shape_of_config(found)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error


def shape_of_config(config: Config) -> Shape:
    """Return the shape that a config.json's keys describe.

    Raises ValueError for a model_type that is not modelled, a key that is missing or of a wrong
    type, a setting that would change tensors and is not modelled, and weights already quantised.
    """
    name = config.get("model_type")
    name = name if isinstance(name, str) else None
    if name in OUTER and isinstance(config.get("text_config"), dict):
        return shape_of_config({"model_type": OUTER[name], **config["text_config"]})
    kind = KINDS.get(name or "")
    if name is None or kind is None:
        known = ", ".join(KINDS)
        raise ValueError(f"model_type {name!r} is not modelled; modelled: {known}")
    merged = {**kind.defaults, **config}  # a null is a value, too: no window, no head_dim
    keys = {key: value for key, value in merged.items() if value is not None}
    missing = [key for key in kind.needed if key not in keys]
    if missing:
        raise ValueError(f"a {name} needs the key {missing[0]!r}, which is not there")
    _demand_modelled(name, keys, kind.only)
    try:
        return kind.read(keys)
    except TypeError as error:
        raise ValueError(f"a value of this {name} is of a wrong type: {error}") from error


def _demand_modelled(name: str, keys: Config, only: Mapping[str, tuple[Any, ...]]) -> None:
    quantised = keys.get("quantization_config")
    if isinstance(quantised, dict):
        method = quantised.get("quant_method", "unknown")
        raise ValueError(
            f"its weights are quantised ({method}): take that key out, and give --nf4 for four bits"
        )
    for key, values in only.items():
        if keys.get(key, values[0]) not in values:
            raise ValueError(f"{key} {keys[key]!r} of a {name} is not modelled, only {values[0]!r}")
