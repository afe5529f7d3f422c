"""`python -m vram MODEL`: one answer as a table or as JSON; 2 for a request that makes no sense."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, Protocol

from .asked import add_settings, asked
from .engine import estimate
from .internals import AllocatorHeaderError
from .lists import LISTS
from .names import shape_of
from .options import canonical
from .shapes import usual_sequence


class Told(Protocol):
    """What a command prints: as a table, or as one JSON object."""

    def as_json(self) -> dict[str, Any]:
        """Return the object that --format json prints."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the answer to a request; return 0, or 2 with one line on stderr if it is senseless."""
    words = sys.argv[1:] if arguments is None else arguments
    if len(words) == 1 and words[0] in LISTS:
        return _put("\n".join(LISTS[words[0]]()))
    try:
        answer, form = _COMMANDS.get(words[0] if words else "", _train)(words)
    except (ValueError, AllocatorHeaderError) as error:
        print(f"vram: {error}", file=sys.stderr)  # noqa: T201 - a command
        return 2
    text = str(answer) if form == "table" else json.dumps(answer.as_json(), indent=2)
    return _put(text)


def _train(words: Sequence[str]) -> tuple[Told, str]:
    """Answer `vram MODEL ...`."""
    given = _parser().parse_args(canonical(words))
    plan, dtype = asked(given, usual_sequence(shape_of(given.model)))
    return estimate(given.model, plan, dtype=dtype, gpu=given.gpu), given.format


def _solve(words: Sequence[str]) -> tuple[Told, str]:
    """Answer `vram solve MODEL ... --gpu CARD`."""
    from .solver import solve

    given = _parser("solve").parse_args(canonical(words[1:]))
    if given.gpu is None:
        raise ValueError("solve needs a card: --gpu CARD")
    plan, dtype = asked(given, usual_sequence(shape_of(given.model)))
    return solve(given.model, plan, dtype=dtype, gpu=given.gpu), given.format


def _infer(words: Sequence[str]) -> tuple[Told, str]:
    """Answer `vram infer MODEL ...`."""
    from .inference import CACHES, WEIGHTS, infer

    parser = _bare("infer", "Memory that generating text takes.")
    add = parser.add_argument
    add("--batch", type=int, default=1, help="sequences at once")
    add("--context", "--seq", type=int, default=4096, help="tokens of each, prompt and answer")
    add("--weights", "--dtype", default="bf16", help=f"one of: {', '.join(WEIGHTS)}")
    add("--cache", default="bf16", help=f"one of: {', '.join(CACHES)}")
    given = parser.parse_args(canonical(words[1:]))
    sizes = {"batch": given.batch, "context": given.context}
    kinds = {"weights": given.weights, "cache": given.cache}
    return infer(given.model, **sizes, **kinds, gpu=given.gpu), given.format


_COMMANDS: Mapping[str, Callable[[Sequence[str]], tuple[Told, str]]] = {
    "solve": _solve,
    "infer": _infer,
}


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


def _bare(command: str, about: str) -> argparse.ArgumentParser:
    """Return what all commands take: a model, a card and a format."""
    parser = _Parser(prog=f"vram {command}".strip(), description=about)
    add = parser.add_argument
    add("model", help="a name (`vram models` lists them), a hub id, or a config.json")
    add("--gpu", help="a card (`vram gpus` lists them), or its memory: 24GiB")
    add("--format", default="table", choices=("table", "json"))
    return parser


def _parser(command: str = "") -> argparse.ArgumentParser:
    parser = _bare(command, "Memory that training takes.")
    add_settings(parser)
    return parser
