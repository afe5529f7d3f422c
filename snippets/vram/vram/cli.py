"""`python -m vram MODEL`: one answer as a table or as JSON; 2 for a request that makes no sense."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import torch

from .engine import estimate
from .internals import AllocatorHeaderError
from .lists import LISTS
from .names import shape_of
from .optimizers import IMPLEMENTATIONS, OPTIMIZERS
from .options import canonical
from .settings import Training
from .shapes import usual_sequence
from .sharding import LAYOUTS, Sharding

DTYPES = {
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
    "fp32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "float32": torch.float32,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the answer to a request; return 0, or 2 with one line on stderr if it is senseless."""
    words = sys.argv[1:] if arguments is None else arguments
    if len(words) == 1 and words[0] in LISTS:
        return _put("\n".join(LISTS[words[0]]()))
    try:
        given = _parser().parse_args(canonical(words))
        answer = estimate(given.model, _training(given), dtype=DTYPES[given.dtype], gpu=given.gpu)
    except (ValueError, AllocatorHeaderError) as error:
        print(f"vram: {error}", file=sys.stderr)  # noqa: T201 - a command
        return 2
    text = str(answer) if given.format == "table" else json.dumps(answer.as_json(), indent=2)
    return _put(text)


def _put(text: str) -> int:
    """Print the answer; return 0, also where the reader has read enough (| head -1), else 2."""
    try:
        print(text, flush=True)  # noqa: T201 - a command
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at the end
        if isinstance(error, BrokenPipeError):
            return 0
        print(f"vram: the answer could not be written: {error}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


def _training(given: argparse.Namespace) -> Training:
    return Training(
        optimizer=given.optimizer,
        implementation=given.implementation,
        batch=given.batch,
        sequence=given.seq or usual_sequence(shape_of(given.model)),
        attention=given.attention,
        checkpoint=given.checkpoint,
        master_dtype=DTYPES[given.master] if given.master else None,
        lora_rank=given.lora,
        nf4=given.nf4,
        sharding=Sharding(given.ranks, given.stage, given.layout),
        expandable_segments=given.expandable_segments,
    )


class _Parser(argparse.ArgumentParser):
    """One that refuses in one line, as everything here does."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message}; `python -m vram --help` lists the options")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="vram", description="Memory that training takes.")
    add = parser.add_argument
    add("model", help="a name (`vram models` lists them), a hub id, or a config.json")
    add("--optimizer", default="adamw", help=f"one of: {', '.join(OPTIMIZERS)}")
    add("--implementation", default="foreach", help=f"torch's own: {', '.join(IMPLEMENTATIONS)}")
    add("--dtype", default="bf16", choices=DTYPES, help="of the parameters")
    add("--master", choices=DTYPES, help="dtype of a second copy of the trained parameters")
    add("--batch", type=int, default=1, help="sequences in a step")
    add("--seq", type=int, help="tokens in a sequence; 2048, or the most that the model takes")
    add("--attention", help="flash, efficient or math; the default is CUDA's choice")
    add("--checkpoint", action="store_true", help="recompute activations block by block")
    add("--lora", type=int, metavar="RANK", help="adapters beside every linear layer")
    add("--nf4", action="store_true", help="frozen weights in four bits (QLoRA)")
    add("--ranks", type=int, default=1, help="GPUs that share the states")
    add("--stage", type=int, default=3, help="ZeRO stage, 0 to 3")
    add("--layout", default="fsdp", help=f"how a tensor is cut: {', '.join(LAYOUTS)}")
    add("--expandable-segments", action="store_true", help="the allocator's option")
    add("--gpu", help="a card (`vram gpus` lists them), or its memory: 24GiB")
    add("--format", default="table", choices=("table", "json"))
    return parser
