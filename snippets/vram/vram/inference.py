"""What running a decoder takes: its weights, and the keys and values of every token so far.

A layer keeps a key and a value for each token it can still see, K heads of C channels each; one
with a window forgets what is further back. Prefill passes the whole prompt at once, and is what
needs most beside weights and cache.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from .adapters import nf4
from .answer import FITS, NO, TIGHT, Part
from .gpus import Gpu, gpu_named
from .kernels import CudaKernels
from .losses import output_layer, without_output
from .model import build
from .names import shape_of
from .outside import CUDA_CONTEXT, workspace_bytes
from .persistent import GIB, parameter_bytes, parameters
from .recorder import Recorder, high_water, live_bytes
from .shapes import BertShape, Shape
from .step import token_ids

WEIGHTS: Mapping[str, torch.dtype | None] = {
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
    "fp32": torch.float32,
    "int8": None,
    "nf4": None,
}
GROUP, RECENT = 64, 128  # transformers 5.24.0, cache_utils.py: q_group_size, residual_length
NOT_COUNTED = (
    "other processes on the card, and the desktop's own use",
    "what a server reserves ahead: pages of its cache, CUDA graphs, a share of the card it is told",
    "what torch.compile changes, and beams beyond the batch",
)


@dataclass(frozen=True)
class Cache:
    """How keys and values are held: bits of one, and those of its group's scale and zero.

    The last `recent` tokens are in 16 bits, where the rest is in fewer.
    """

    bits: int
    group_bits: int = 0
    recent: int = 0

    def bytes(self, tokens: int, width: int) -> int:
        """Return the bytes of keys or values of `tokens` tokens, `width` channels each."""
        full = min(self.recent, tokens)
        packed = (tokens - full) * width
        groups = -(-packed // GROUP) if self.group_bits else 0
        return (packed * self.bits + groups * self.group_bits) // 8 + full * width * 2


CACHES: Mapping[str, Cache] = {
    "bf16": Cache(16),
    "fp16": Cache(16),
    "fp32": Cache(32),
    "fp8": Cache(8),
    "int8": Cache(8, 32, RECENT),
    "int4": Cache(4, 32, RECENT),
    "int2": Cache(2, 32, RECENT),
}


@dataclass(frozen=True)
class Inference:
    """Memory of generating text, in bytes; `str()` is a table.

    `low_bytes` is a step of one token a sequence, `high_bytes` the prefill of the whole context.
    """

    parameters: int
    parts: tuple[Part, ...]
    weight_bytes: int
    cache_bytes: int
    low_bytes: int
    high_bytes: int
    not_counted: tuple[str, ...]
    gpu: Gpu | None

    @property
    def verdict(self) -> str:
        """What the interval says of the card: fits, tight (low fits, high does not), or not."""
        if self.gpu is None:
            return "no GPU named"
        if self.high_bytes <= self.gpu.capacity_bytes:
            return FITS
        return TIGHT if self.low_bytes <= self.gpu.capacity_bytes else NO

    def as_json(self) -> dict[str, Any]:
        """Return the object that `python -m vram infer --format json` prints."""
        card = self.gpu and {"name": self.gpu.name, "capacity_bytes": self.gpu.capacity_bytes}
        return {
            **{key: value for key, value in vars(self).items() if key not in ("parts", "gpu")},
            "parts": [vars(part) for part in self.parts],
            "not_counted": list(self.not_counted),
            "gpu": card,
            "verdict": self.verdict,
        }

    def __str__(self) -> str:
        totals = [
            Part("low", self.low_bytes, "one token a sequence, the smaller context"),
            Part("high", self.high_bytes, "the sum of the parts"),
        ]
        rows = [
            f"{part.name:<28} {part.bytes:>19,} B {part.bytes / GIB:>8,.2f} GiB  {part.formula}"
            for part in (*self.parts, *totals)
        ]
        verdict = f"Verdict: {self.verdict}."
        uncounted = [f"- {line}" for line in self.not_counted]
        lines = [f"{self.parameters:,} parameters", "", *rows, "", verdict, "", "Not counted:"]
        return "\n".join([*lines, *uncounted])


def infer(
    model: str | Shape,
    *,
    batch: int = 1,
    context: int = 4096,
    weights: str = "bf16",
    cache: str = "bf16",
    gpu: str | Gpu | None = None,
) -> Inference:
    """Return the memory that generating text takes, with a context full of tokens.

    Args:
        model: a name of MODELS, a config.json or a shape: a decoder.
        batch: sequences at once.
        context: tokens of each, prompt and answer.
        weights: "bf16", "fp16", "fp32"; "int8" (a float32 scale a row, as LLM.int8) or "nf4", of
            the linear layers but the output.
        cache: "bf16", "fp16", "fp32", "fp8"; "int8", "int4", "int2" as transformers quantises it.
        gpu: a name of GPUS, or a card of one's own.

    Raises ValueError for a name or a size that makes no sense, and for a model without a cache.
    """
    for name, value, known in (("weights", weights, WEIGHTS), ("cache", cache, CACHES)):
        if value not in known:
            raise ValueError(f"unknown {name} {value!r}: {', '.join(known)}")
    token_ids(batch, context)
    shape = shape_of(model) if isinstance(model, str) else model
    if isinstance(shape, BertShape):
        raise ValueError("an encoder keeps no keys and values: it does not generate")
    card = gpu_named(gpu) if isinstance(gpu, str) else gpu
    dtype = WEIGHTS[weights] or torch.bfloat16
    module = build(shape, dtype=dtype)
    kept = batch * cache_bytes(shape, context, CACHES[cache])
    held = _weights(module, weights)
    prefill, step = (_temporaries(shape, dtype, batch, n, card) for n in (context, 1))
    workspace = workspace_bytes(card.capability if card else None)
    parts = (
        Part("weights", held, f"{parameters(module):,} parameters, {weights}"),
        Part("keys and values", kept, f"{cache}, batch {batch}, context {context}"),
        Part("temporaries of prefill", prefill, f"traced, {context} tokens a sequence at once"),
        Part("cuBLAS workspace", workspace, "one thread's"),
        Part("CUDA context", CUDA_CONTEXT.high, CUDA_CONTEXT.source),
    )
    return Inference(
        parameters=parameters(module),
        parts=parts,
        weight_bytes=held,
        cache_bytes=kept,
        low_bytes=held + kept + step + CUDA_CONTEXT.low,
        high_bytes=sum(part.bytes for part in parts),
        not_counted=NOT_COUNTED,
        gpu=card,
    )


def cache_bytes(shape: Shape, context: int, cache: Cache) -> int:
    """Return the bytes of one sequence's keys and values: each layer's tokens, K heads of C."""
    heads = getattr(shape, "kv_heads", getattr(shape, "heads", 0))
    channels = getattr(shape, "head_dim", None) or shape.hidden // getattr(shape, "heads", 1)
    window_of = getattr(shape, "window_of", lambda layer: None)
    seen = (min(context, window_of(layer) or context) for layer in range(shape.layers))
    return sum(2 * cache.bytes(tokens, heads * channels) for tokens in seen)


def _weights(module: nn.Module, kind: str) -> int:
    if kind == "nf4":
        packed = nf4(module)
        return parameter_bytes(packed) + sum(b.nbytes for b in packed.buffers())
    if kind != "int8":
        return parameter_bytes(module)
    output = output_layer(module)
    layers = [m for m in module.modules() if isinstance(m, nn.Linear) and m is not output]
    saved = sum(m.weight.numel() * (m.weight.dtype.itemsize - 1) for m in layers)
    return parameter_bytes(module) - saved + sum(4 * m.out_features for m in layers)


def _temporaries(
    shape: Shape, dtype: torch.dtype, batch: int, tokens: int, card: Gpu | None
) -> int:
    """Return the most that a forward of `tokens` a sequence holds beside weights and cache.

    Two layers tell: nothing is kept from one to the next. The logits are those of the last token.
    """
    module = build(replace(shape, layers=min(shape.layers, 2)), dtype=dtype)
    ids, recorder = token_ids(batch, tokens), Recorder()
    for tensor in (*module.parameters(), *module.buffers(), ids):
        recorder.block_of(tensor)
    start = len(recorder.events)
    kernels = CudaKernels(None, card.capability if card else None)
    with torch.no_grad(), without_output(module) as layer, kernels, recorder:
        hidden = module(ids)
        last = hidden[:, -1:].contiguous()
        del hidden
        logits = nn.functional.linear(last, layer.weight, layer.bias).float()
    recorder.close()
    del last, logits
    return high_water(recorder.events[start:])[0] if live_bytes(recorder.events) else 0
