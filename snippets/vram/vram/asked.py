"""The command's options that are settings: each a field of Training, nothing where it is not given.

A preset (`--like`) is what stands below them: what is typed holds.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

import torch

from .kernels import ATTENTION
from .optimizers import IMPLEMENTATIONS, OPTIMIZERS
from .presets import PRESETS, preset_named
from .settings import OFFLOADED, Training
from .sharding import LAYOUTS, Sharding

DTYPES = {
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
    "fp32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "float32": torch.float32,
}


def _targets(text: str) -> tuple[str, ...] | str:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    return "all-linear" if text in ("all", "all-linear") else names


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _dtype(text: str) -> torch.dtype:
    return DTYPES[text]


# Each option: the field it sets, how its text is read, and argparse's own words for it.
_OPTIONS: Mapping[str, tuple[str, Callable[[Any], Any] | None, dict[str, Any]]] = {
    "--optimizer": ("optimizer", None, {"help": f"one of: {', '.join(OPTIMIZERS)}"}),
    "--implementation": (
        "implementation",
        None,
        {"help": f"torch's own: {', '.join(IMPLEMENTATIONS)}"},
    ),
    "--master": (
        "master_dtype",
        _dtype,
        {"choices": DTYPES, "help": "dtype of a second copy of the trained parameters"},
    ),
    "--batch": ("batch", None, {"type": int, "help": "sequences in a micro-batch"}),
    "--accumulate": (
        "accumulate",
        None,
        {"type": int, "metavar": "N", "help": "micro-batches whose gradients make a step"},
    ),
    "--attention": ("attention", None, {"help": f"{', '.join(ATTENTION)}; else CUDA's choice"}),
    "--loss": ("loss", None, {"help": "full, chunked, chunked:N or fused"}),
    "--keep-logits": (
        "keep_logits",
        None,
        {"action": "store_true", "help": "the loop has a name for the model's output"},
    ),
    "--autocast": ("autocast", _dtype, {"choices": DTYPES, "help": "bf16 or fp16"}),
    "--checkpoint": (
        "checkpoint",
        None,
        {"action": "store_true", "help": "recompute activations block by block"},
    ),
    "--lora": ("lora_rank", None, {"type": int, "metavar": "RANK", "help": "train adapters"}),
    "--lora-targets": (
        "lora_targets",
        _targets,
        {"metavar": "NAMES", "help": "such as q_proj,v_proj; all is every linear layer"},
    ),
    "--lora-dtype": ("lora_dtype", _dtype, {"choices": DTYPES, "help": "of the adapters"}),
    "--lora-dropout": ("lora_dropout", None, {"type": float, "metavar": "P"}),
    "--dora": ("dora", None, {"action": "store_true", "help": "adapters with a magnitude"}),
    "--nf4": (
        "nf4",
        None,
        {"action": "store_true", "help": "frozen weights in four bits (QLoRA)"},
    ),
    "--single-quantisation": (
        "double_quantisation",
        lambda given: not given,
        {"action": "store_true", "help": "nf4's scales stay in float32"},
    ),
    "--kbit-fp32": (
        "kbit_fp32",
        None,
        {"action": "store_true", "help": "PEFT's prepare_model_for_kbit_training"},
    ),
    "--step-in-backward": (
        "step_in_backward",
        None,
        {"action": "store_true", "help": "each gradient is used at once, and dropped"},
    ),
    "--offload": (
        "offload",
        _names,
        {"metavar": "WHAT", "help": f"to the host: {','.join(OFFLOADED)}"},
    ),
    "--compile": (
        "compile",
        None,
        {"action": "store_true", "help": "torch.compile: not modelled, and the answer says so"},
    ),
    "--expandable-segments": (
        "expandable_segments",
        None,
        {"action": "store_true", "help": "the allocator's option"},
    ),
}


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add the options that are settings; one that is not given leaves no trace."""
    for option, (name, _, words) in _OPTIONS.items():
        parser.add_argument(option, dest=name, default=argparse.SUPPRESS, **words)
    add = parser.add_argument
    add("--dtype", choices=DTYPES, default=argparse.SUPPRESS, help="of the parameters; bf16")
    add("--seq", type=int, help="tokens in a sequence; 2048, or the most that the model takes")
    add("--ranks", type=int, default=1, help="GPUs that share the states")
    add("--stage", type=int, default=3, help="ZeRO stage, 0 to 3")
    add("--layout", default="fsdp", help=f"how a tensor is cut: {', '.join(LAYOUTS)}")
    add("--like", metavar="TOOL", help=f"settings as a tool comes: {', '.join(PRESETS)}")


def asked(given: argparse.Namespace, sequence: int) -> tuple[Training, torch.dtype]:
    """Return the settings of a request and the parameters' dtype; sequence where it says none.

    Raises ValueError as Training and preset_named do.
    """
    preset = preset_named(given.like) if given.like else None
    base = preset.settings() if preset else {}
    typed = {
        name: (read or _as_it_is)(getattr(given, name))
        for name, read, _ in _OPTIONS.values()
        if hasattr(given, name)
    }
    length = given.seq or base.pop("sequence", None) or sequence
    sharding = Sharding(given.ranks, given.stage, given.layout)
    settings = {**base, **typed, "sequence": length, "sharding": sharding}
    dtype = preset.dtype if preset else torch.bfloat16
    return Training(**settings), DTYPES[given.dtype] if hasattr(given, "dtype") else dtype


def _as_it_is(value: Any) -> Any:
    return value
