"""`python -m vram MODEL`: one answer as a table or as JSON; 2 for a request that makes no sense."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from .asked import add_settings, asked
from .engine import estimate
from .internals import AllocatorHeaderError
from .lists import LISTS
from .names import shape_of
from .options import canonical
from .shapes import usual_sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the answer to a request; return 0, or 2 with one line on stderr if it is senseless."""
    words = sys.argv[1:] if arguments is None else arguments
    if len(words) == 1 and words[0] in LISTS:
        return _put("\n".join(LISTS[words[0]]()))
    try:
        given = _parser().parse_args(canonical(words))
        plan, dtype = asked(given, usual_sequence(shape_of(given.model)))
        answer = estimate(given.model, plan, dtype=dtype, gpu=given.gpu)
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


class _Parser(argparse.ArgumentParser):
    """One that refuses in one line, as everything here does."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message}; `python -m vram --help` lists the options")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="vram", description="Memory that training takes.")
    add = parser.add_argument
    add("model", help="a name (`vram models` lists them), a hub id, or a config.json")
    add_settings(parser)
    add("--gpu", help="a card (`vram gpus` lists them), or its memory: 24GiB")
    add("--format", default="table", choices=("table", "json"))
    return parser
