"""Options as people type them, to those of the command: other tools' words, and no guess.

What another tool calls an option becomes the command's own. What could mean two things is answered
with both, and what vram does not model with what comes nearest to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

RANK = "16"  # of adapters, where --lora or --qlora has no number

_SAME: Mapping[str, Sequence[str]] = {
    "--batch": ["batch-size", "bs", "micro-batch-size", "per-device-train-batch-size", "-b"],
    "--seq": [
        *("seq-len", "seq-length", "sequence-length", "sequence", "max-seq-len", "max-seq-length"),
        *("max-length", "context", "context-length", "ctx", "cutoff-len", "block-size", "-s"),
    ],
    "--optimizer": ["optim", "opt"],
    "--dtype": ["torch-dtype", "precision"],
    "--checkpoint": [
        *("gradient-checkpointing", "grad-checkpointing", "activation-checkpointing"),
        *("checkpointing", "use-gradient-checkpointing", "ac"),
    ],
    "--accumulate": [
        *("gradient-accumulation-steps", "gradient-accumulation", "grad-accum"),
        *("grad-accumulation-steps", "accumulation-steps", "accumulate-grad-batches"),
    ],
    "--lora": ["lora-rank", "lora-r", "r"],
    "--lora-targets": ["lora-target", "target-modules", "lora-target-modules"],
    "--stage": ["zero-stage", "zero"],
    "--gpu": ["card", "device", "gpu-name", "gpu-type", "vram", "gpu-memory"],
    "--attention": ["attn", "attn-implementation", "attention-implementation"],
    "--nf4": ["load-in-4bit", "4bit", "quantize-4bit"],
}
_OWN = {
    (name if name.startswith("-") else f"--{name}"): own
    for own, names in _SAME.items()
    for name in names
}
_SEVERAL: Mapping[str, tuple[str, ...]] = {
    "--json": ("--format", "json"),
    "--flash-attention": ("--attention", "flash"),
    "--flash-attn": ("--attention", "flash"),
    "--flash": ("--attention", "flash"),
    "--fp32": ("--dtype", "fp32"),
    "--fused": ("--implementation", "fused"),
}
_MODEL = frozenset({"--model", "--model-name", "--model-id", "--model-name-or-path", "-m"})
_RANKS = "type --ranks N if they share the states (ZeRO, FSDP), and with --stage 0 if each has all"
_AMBIGUOUS: Mapping[str, str] = {
    "--rank": "type --lora N for adapters of rank N, or --ranks N for GPUs that share the states",
    "--bf16": "type --dtype bf16 for weights in bf16, or --autocast bf16 for float32 weights",
    "--fp16": "type --dtype fp16 for weights in fp16, or --autocast fp16 for float32 weights",
    "--mixed-precision": "type --autocast bf16 for float32 weights, or --master fp32 for a copy",
    "--num-gpus": _RANKS,
    "--gpus": _RANKS,
    "--n-gpus": _RANKS,
    "--num-processes": _RANKS,
    "--nproc-per-node": _RANKS,
    "--world-size": _RANKS,
}

# By the names of transformers' TrainingArguments(optim=...), torch, bitsandbytes and torchao.
_OPTIMIZERS: Mapping[str, tuple[str, ...]] = {
    "adam": ("adamw",),
    "adamwtorch": ("adamw",),
    "adamwhf": ("adamw",),
    "adamwtorchfused": ("adamw", "--implementation", "fused"),
    "fusedadamw": ("adamw", "--implementation", "fused"),
    "adamwapexfused": ("adamw32bit",),
    "adamwbnb": ("adamw32bit",),
    "adamwbnb8bit": ("adamw8bit",),
    "adam8bit": ("adamw8bit",),
    "8bitadam": ("adamw8bit",),
    "8bitadamw": ("adamw8bit",),
    "adamwtorch8bit": ("adamw8bit-torchao",),
    "adamwtorch4bit": ("adamw4bit",),
    "adamwfp8": ("adamwfp8",),
    "momentum": ("sgd-momentum",),
    "lionbnb8bit": ("lion8bit",),
}
_RESIDENT = {"adamw": "adamw32bit", "lion": "lion8bit"}  # of which bitsandbytes has paged ones
_VALUES: Mapping[str, Mapping[str, str]] = {
    "--dtype": {"half": "fp16", "float": "fp32", "full": "fp32", "bf": "bf16"},
    "--attention": {
        "flash_attention_2": "flash",
        "flash_attention": "flash",
        "flash2": "flash",
        "fa2": "flash",
        "mem_efficient": "efficient",
        "xformers": "efficient",
    },
}


def canonical(arguments: Sequence[str]) -> list[str]:
    """Return arguments in the command's own words; what it does not know stays as it is.

    Raises ValueError for an option that could mean two things, in one line that says what to type.
    """
    found: list[str] = []
    given = list(_split(arguments))
    for at, word in enumerate(given):
        option = _option(word)
        if option in _AMBIGUOUS:
            raise ValueError(f"{word} is not one thing: {_AMBIGUOUS[option]}")
        follower = given[at + 1] if at + 1 < len(given) else ""
        before = found[-1] if found else ""
        found += _words(option, word, follower, before)
    return found


def _split(arguments: Sequence[str]) -> Iterator[str]:
    """Yield the arguments, --option=value in two."""
    for word in arguments:
        option, joined, value = word.partition("=")
        yield from (option, value) if joined and word.startswith("--") else (word,)


def _option(word: str) -> str:
    """Return the command's name of an option, or the word itself where it is none."""
    if not re.match(r"--?[a-z0-9]", word.lower()) or re.fullmatch(r"-[\d.]+", word):
        return word
    plain = word.lower().replace("_", "-")
    return _OWN.get(plain, plain)


def _words(option: str, word: str, follower: str, before: str) -> tuple[str, ...]:
    """Return the arguments that stand for one, given the one behind it and the one before."""
    if option in _MODEL:
        return ()
    if option in _SEVERAL:
        return _SEVERAL[option]
    if option in ("--lora", "--qlora"):
        quantised = ("--nf4",) if option == "--qlora" else ()
        return (*quantised, "--lora", *(() if _is_number(follower) else (RANK,)))
    if before == "--optimizer":
        return optimizer_words(word)
    if before in _VALUES:
        plain = word.lower().removeprefix("torch.").replace("-", "_")
        return (_VALUES[before].get(plain, plain),)
    return (option if word.startswith("-") else word,)


def optimizer_words(word: str) -> tuple[str, ...]:
    """Return an optimizer of any tool's name in the command's words, its implementation too."""
    plain = re.sub(r"[-_ ]", "", word.lower().rpartition(".")[2])
    if plain.startswith("paged"):
        resident = optimizer_words(plain.removeprefix("paged"))[0]
        return (f"paged-{_RESIDENT.get(resident, resident)}",)
    return _OPTIMIZERS.get(plain, (word.lower().rpartition(".")[2],))


def _is_number(word: str) -> bool:
    return re.fullmatch(r"-?\d+", word) is not None
