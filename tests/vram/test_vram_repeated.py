"""The trace of many equal layers told from few is the full trace, event for event."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import torch
import vram
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn
from vram import Training, build, repeated
from vram.allocator import CachingAllocator
from vram.engine import prepared
from vram.loop import Loop
from vram.losses import Objective
from vram.moments import high_point
from vram.shapes import BertShape, Experts, GPT2Shape, LlamaShape, NeoXShape, PhiShape, Shape
from vram.step import token_ids, trace_step
from vram.timeline import training_phases

GEMMA: dict[str, Any] = {
    "sandwich_norms": True,
    "activation": "gelu_tanh",
    "attention_softcap": 50.0,
    "logit_softcap": 30.0,
}
SHAPES: tuple[Shape, ...] = (
    LlamaShape(1, 64, 96, 4, 2, 100, tied=False),
    LlamaShape(1, 64, 96, 4, 2, 100, tied=True, qkv_bias=True),
    LlamaShape(1, 64, 96, 4, 4, 100, tied=False, fused_projections=True),
    LlamaShape(1, 64, 96, 4, 2, 100, tied=True, scaled_embedding=True, **GEMMA),
    LlamaShape(1, 64, 96, 4, 2, 100, tied=False, head_norms=True, window=8, rotary=0.5),
    LlamaShape(1, 64, 96, 4, 2, 100, tied=False, experts=Experts(4, 2, 48, shared=32)),
    GPT2Shape(1, 64, 4, 100, 64, dropout=0.1),
    NeoXShape(1, 64, 96, 4, 100),
    PhiShape(1, 64, 96, 4, 4, 100),
    BertShape(1, 64, 96, 4, 100, 64),
)
ADAPTERS: tuple[dict[str, Any], ...] = ({}, {"lora_rank": 4}, {"lora_rank": 4, "nf4": True})


LOOPS = (
    Loop(),
    Loop(accumulate=True, keep_logits=True),
    Loop(release=True),
    Loop(offload=True),
    Loop(autocast=torch.bfloat16),
    Loop(objective=Objective("chunked", 2)),
    Loop(objective=Objective("fused")),
)


@settings(deadline=None, max_examples=25, derandomize=True)
@given(
    shape=st.sampled_from(SHAPES),
    layers=st.integers(repeated.FEW + 2, 12),
    dtype=st.sampled_from([torch.bfloat16, torch.float32]),
    attention=st.sampled_from([None, "math", "efficient", "eager"]),
    loop=st.sampled_from(LOOPS),
    checkpoint=st.booleans(),
    adapters=st.sampled_from(ADAPTERS),
    expandable=st.booleans(),
)
def test_the_short_cut_is_the_full_trace(
    shape: Shape,
    layers: int,
    dtype: torch.dtype,
    attention: str | None,
    loop: Loop,
    checkpoint: bool,
    adapters: dict[str, Any],
    expandable: bool,
) -> None:
    """Events, gradients and logits are equal, and so peak, reserved bytes and timeline.

    Adapters under autocast are left out: there every layer is traced.
    """
    assume(not (adapters and loop.autocast))
    plan = Training(**({} if isinstance(shape, GPT2Shape) else adapters))

    def of(count: int) -> nn.Module:
        return prepared(build(replace(shape, layers=count), dtype=dtype), plan)

    def trace(count: int) -> vram.StepTrace:
        return trace_step(
            of(count), token_ids(2, 16), attention=attention, checkpoint=checkpoint, loop=loop
        )

    whole = of(layers)
    full = trace(layers)
    with mock.patch.object(repeated, "ENOUGH", repeated.FEW):
        told = repeated.trace_layers(trace, whole, layers)
    assert told == full
    steps = Training(accumulate=2 if loop.accumulate else 1, step_in_backward=loop.release)
    peaks = [
        high_point(training_phases(whole, each, steps), CachingAllocator(expandable=expandable))
        for each in (told, full)
    ]
    assert peaks[0] == peaks[1]


def test_few_layers_are_traced_as_they_are() -> None:
    """Up to ENOUGH layers the trace itself is returned, and asked for once."""
    asked: list[int] = []

    def trace(count: int) -> vram.StepTrace:
        asked.append(count)
        return trace_step(build(replace(SHAPES[0], layers=count)), token_ids(1, 8))

    repeated.trace_layers(trace, nn.Module(), 3)
    assert asked == [3]


# Nothing is collected but where vram asks for it, as in the command.
FRESH = """
import gc
gc.disable()
from vram import estimate
first = estimate("gpt2", sequence=64, checkpoint=True)
gc.collect()
assert estimate("gpt2", sequence=64, checkpoint=True) == first
"""


def test_the_first_answer_of_a_process_is_like_any_other() -> None:
    """What torch loads in the middle of the first trace keeps none of the model's tensors alive."""
    env = {"PYTHONPATH": str(Path(vram.__file__).parent.parent)}
    command = [sys.executable, "-W", "ignore", "-c", FRESH]
    found = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert found.returncode == 0, found.stderr
