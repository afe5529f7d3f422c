"""LoRA trains what it adds, and four-bit weights take what bitsandbytes allocates."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from vram import build, estimate, llama, parameters
from vram.adapters import constant_bytes, lora, nf4, nf4_bytes
from vram.persistent import parameter_bytes
from vram.shapes import LlamaShape
from vram.step import trace_step

SMALL = LlamaShape(2, 64, 96, 4, 2, 100, tied=False)


def test_lora_trains_only_its_adapters() -> None:
    """LoRA of rank 4 adds 4 (inputs + outputs) to each linear layer but the output's."""
    model = lora(llama(SMALL), 4, dtype=torch.bfloat16)
    layer = 4 * (2 * (64 + 64) + 2 * (64 + 32) + 3 * (64 + 96))
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert trained == 2 * layer
    assert parameters(model) == parameters(llama(SMALL)) + trained
    with pytest.raises(ValueError, match=r"no linear layer \(nn.Linear\) is named"):
        lora(llama(SMALL), 4, ["query"])
    with pytest.raises(ValueError, match="rank must be at least 1: 0"):
        lora(llama(SMALL), 0)


def test_nf4_packs_each_layer_but_the_output() -> None:
    """The seven linear layers of each block are packed as nf4_bytes says; the count stays."""
    model = nf4(llama(SMALL))
    weights = [64 * 64, 64 * 32, 64 * 32, 64 * 64, *[64 * 96] * 3]
    rest = 2 * (2 * 100 * 64 + 5 * 64)
    packed = 2 * sum(map(nf4_bytes, weights))
    assert parameter_bytes(model) + constant_bytes(model) == packed + rest
    assert parameters(model) == parameters(llama(SMALL))


def test_qlora_of_llama_3_1_8b_holds_5_31_gib_of_base() -> None:
    """Its linear layers in NF4 and the rest in bf16 take 5.31 GiB, twice quantised."""
    model = nf4(llama("3.1-8B"))
    assert round((parameter_bytes(model) + constant_bytes(model)) / 2**30, 2) == 5.31
    assert (
        round(
            (parameter_bytes(m := nf4(llama("3.1-8B"), double=False)) + constant_bytes(m)) / 2**30,
            2,
        )
        == 5.61
    )


@pytest.mark.parametrize(("packed", "count"), [(True, 4), (False, 2)])
def test_peft_copies_what_a_packed_layer_returns(packed: bool, count: int) -> None:
    """Beside four bits PEFT clones the base's output, and casts the update before it adds."""
    model = nn.Sequential(nn.Linear(64, 96, bias=False, dtype=torch.bfloat16, device="meta"))
    model = lora(nf4(model) if packed else model, 4, ["0"])
    x = torch.empty(8, 64, dtype=torch.bfloat16, device="meta")
    trace = trace_step(model, x, loss=lambda out: out.sum())
    assert [size for _, size in trace.forward].count(8 * 96 * 2) == count


def test_a_qlora_step_needs_less_than_a_full_one() -> None:
    """Four-bit weights with adapters peak below the same model trained in full."""
    full = estimate(llama(SMALL), sequence=32)
    assert estimate(llama(SMALL), sequence=32, lora_rank=4, nf4=True).persistent_bytes < (
        full.persistent_bytes
    )


def test_the_layers_of_gpt2_take_adapters() -> None:
    """Their weights are (inputs, outputs); PEFT trains 294,912 parameters at rank 8 of c_attn."""
    model = lora(build("gpt2", device="meta"), 8, ("c_attn",))
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == 294_912
    packed = estimate("gpt2", nf4=True, lora_rank=8, dora=True, batch=1, sequence=64)
    plain = estimate("gpt2", lora_rank=8, dora=True, batch=1, sequence=64)
    assert packed.persistent_bytes < plain.persistent_bytes
