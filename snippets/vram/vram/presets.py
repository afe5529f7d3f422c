"""Settings as tools come: `--like trainer` and its kin, to which a request adds its own.

Where the tool is installed its defaults are read from it; else they are those that are noted here
with the version they were read from. A preset says nothing of the model, the card or the sequence
where the tool has no default for them.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.metadata
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

import torch

from .options import optimizer_words

Read = Callable[[Any], dict[str, Any]]


@dataclass(frozen=True)
class Preset:
    """A tool's settings: fields of Training, and the parameters' dtype.

    `noted` are those of the version in `source`; `defaults` maps fields of `cls`, a dataclass of
    the installed package, to what they set.
    """

    name: str
    source: str
    noted: Mapping[str, Any]
    dtype: torch.dtype
    package: str = ""
    cls: str = ""
    defaults: Mapping[str, Read] = field(default_factory=dict)

    def settings(self) -> dict[str, Any]:
        """Return fields of Training, the installed package's own where it is there."""
        return {**self.noted, **self._installed()}

    def read_from(self) -> str:
        """Return where the settings were read: the installed version, or the one noted."""
        if not self._installed():
            return self.source
        return f"{self.package} {importlib.metadata.version(self.package)}, as installed"

    def _installed(self) -> dict[str, Any]:
        if not self.package:
            return {}
        try:
            found = getattr(importlib.import_module(self.package), self.cls)
        except (ImportError, AttributeError, RuntimeError):
            return {}
        known = {f.name: f.default for f in fields(found) if f.default is not MISSING}
        read = (law(known[name]) for name, law in self.defaults.items() if name in known)
        return {key: value for part in read for key, value in part.items()}


def _as(name: str) -> Read:
    return lambda value: {name: value}


def _switch(name: str) -> Read:
    return lambda value: {name: bool(value)}


def _optimizer(name: str) -> dict[str, Any]:
    words = optimizer_words(name)
    return {"optimizer": words[0], "implementation": words[2] if words[1:] else "foreach"}


_ARGUMENTS: Mapping[str, Read] = {
    "per_device_train_batch_size": _as("batch"),
    "gradient_accumulation_steps": _as("accumulate"),
    "optim": lambda value: _optimizer(str(getattr(value, "value", value))),
    "gradient_checkpointing": _switch("checkpoint"),
    "torch_compile": _switch("compile"),
}
_SFT: Mapping[str, Read] = {
    **_ARGUMENTS,
    "max_length": _as("sequence"),
    "activation_offloading": lambda value: {"offload": ("activations",) if value else ()},
}
_LORA: Mapping[str, Read] = {
    "r": _as("lora_rank"),
    "lora_dropout": _as("lora_dropout"),
    "use_dora": _switch("dora"),
}
_FUSED = {"optimizer": "adamw", "implementation": "fused"}
_ATTENTION = ("q_proj", "v_proj")  # PEFT's targets of a Llama, Mistral or Qwen 2

PRESETS: Mapping[str, Preset] = {
    row.name: row
    for row in (
        Preset(
            "trainer",
            "transformers 5.24.0, training_args.py",
            {"batch": 8, **_FUSED},
            torch.bfloat16,
            "transformers",
            "TrainingArguments",
            _ARGUMENTS,
        ),
        Preset(
            "trl-sft",
            "trl 1.16.0, trainer/sft_config.py, base_config.py; its loss is made in chunks",
            {
                "batch": 8,
                "sequence": 1024,
                "checkpoint": True,
                "loss": "chunked",
                **_FUSED,
                "autocast": torch.bfloat16,
            },
            torch.float32,
            "trl",
            "SFTConfig",
            _SFT,
        ),
        Preset(
            "peft-qlora",
            "peft 0.21.2, LoraConfig and prepare_model_for_kbit_training; bitsandbytes' defaults",
            {
                "lora_rank": 8,
                "lora_targets": _ATTENTION,
                "nf4": True,
                "checkpoint": True,
                "double_quantisation": False,
                "kbit_fp32": True,
            },
            torch.bfloat16,
            "peft",
            "LoraConfig",
            _LORA,
        ),
        Preset(
            "unsloth",
            "unsloth 2026.10.9, models/llama.py get_peft_model, models/loader.py",
            {
                "sequence": 2048,
                "lora_rank": 16,
                "nf4": True,
                "checkpoint": True,
                "offload": ("activations",),
                "loss": "fused",
                "autocast": torch.bfloat16,
            },
            torch.bfloat16,
        ),
        Preset(
            "axolotl",
            "axolotl, examples/llama-3/qlora-1b.yml at 1377ccc",
            {
                "batch": 2,
                "accumulate": 4,
                "sequence": 2048,
                "optimizer": "adamw8bit",
                "lora_rank": 32,
                "lora_dropout": 0.05,
                "nf4": True,
                "checkpoint": True,
                "kbit_fp32": True,
                "autocast": torch.bfloat16,
            },
            torch.bfloat16,
        ),
        Preset(
            "torchtune",
            "torchtune 0.6.1, recipes/configs/llama3_1/8B_lora_single_device.yaml",
            {
                "batch": 2,
                "accumulate": 8,
                "lora_rank": 8,
                "lora_dtype": torch.bfloat16,
                "loss": "chunked",
                "checkpoint": True,
                **_FUSED,
            },
            torch.bfloat16,
        ),
    )
}


def preset_named(name: str) -> Preset:
    """Return a row of PRESETS. Raises ValueError for a name not there, with the nearest."""
    found = PRESETS.get(name.lower())
    if found is None:
        near = difflib.get_close_matches(name.lower(), PRESETS, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"unknown tool {name!r}: {hint}known: {', '.join(PRESETS)}")
    return found
