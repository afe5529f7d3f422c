"""A name as people type it, in parts that can be compared: letters, numbers and sizes.

`Meta-Llama-3.1-8B-Instruct`, `llama3.1:8b` and `llama 3.1 8b` are the same parts. What comes after
a size may say which training (-Instruct, -chat, -hf, -v0.3, -2407, -4k) and mostly not which shape.
"""

from __future__ import annotations

import re

Parts = tuple[str, ...]

_PART = re.compile(r"\d+x\d+(?:\.\d+)?b|a?\d+(?:\.\d+)?[bmk](?![a-z])|v?\d+(?:\.\d+)*|[a-z]+")
_SIZE = re.compile(r"(?:\d+x)?\d+(?:\.\d+)?[bm]")
_LATER = re.compile(r"v?\d+(?:\.\d+)*|\d+k|1m")  # versions, dates and contexts, after a size
_TRAINING = frozenset(
    [
        *("meta", "instruct", "instruction", "chat", "hf", "it", "base", "pt", "sft", "dpo"),
        *("preview", "thinking", "step", "intermediate", "python", "deduped", "text"),
    ]
)
_QUANTISED = re.compile(
    r"[-_. ](?:bnb|unsloth|awq|gptq|gguf|ggml|exl2|mlx|[48]-?bit|int[48]|fp8|nf4|q\d\w*)"
    r"(?![a-z0-9])"
)


def parts_of(name: str) -> Parts:
    """Return a name's parts: runs of letters joined across separators, numbers, sizes (8b, 8x7b).

    The part of a hub's id before the last slash is left out.
    """
    found = _PART.findall(name.lower().rpartition("/")[2])
    return _joined(found)


def without_training(name: str) -> Parts:
    """Return parts_of a name without the words that say how a model was trained."""
    found = _PART.findall(name.lower().rpartition("/")[2])
    return _joined([part for part in found if part not in _TRAINING])


def bare(parts: Parts) -> Parts:
    """Return the parts without versions, dates and contexts after a size; a v before it goes."""
    sized = next((i for i, part in enumerate(parts) if _SIZE.fullmatch(part)), len(parts))
    before = tuple(p[1:] if re.fullmatch(r"v\d.*", p) else p for p in parts[:sized])
    after = tuple(p for p in parts[sized + 1 :] if not _LATER.fullmatch(p))
    return before + parts[sized : sized + 1] + after


def size_of(parts: Parts) -> str | None:
    """Return the part that is a size, such as 8b or 8x7b, or None."""
    return next((part for part in parts if _SIZE.fullmatch(part)), None)


def unquantised(name: str) -> str | None:
    """Return the name without what says that its weights are quantised, None if nothing does."""
    found = _QUANTISED.sub("", name.lower())
    return found if found != name.lower() else None


def _joined(found: list[str]) -> Parts:
    """Join neighbouring letters, so that code-llama is codellama."""
    joined: list[str] = []
    for part in found:
        if joined and part.isalpha() and joined[-1].isalpha():
            joined[-1] += part
        else:
            joined.append(part)
    return tuple(joined)
