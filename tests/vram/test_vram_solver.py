"""What fits a card, at what cost, what generating text takes, and settings by a tool's name."""

from __future__ import annotations

import json
from typing import Any

import pytest
from vram import Gpu, Training, build, estimate, infer, parameters, solve
from vram.cli import main
from vram.inference import CACHES, cache_bytes
from vram.presets import PRESETS, preset_named
from vram.shapes import BertShape, DecoderShape
from vram.solver import largest

SHAPE = DecoderShape(2, 256, 512, 4, 2, 1000, tied=False)


def card(**settings: Any) -> Gpu:
    """A card that just holds SHAPE trained with these settings."""
    return Gpu("card", estimate(SHAPE, **settings).high_bytes, 8, "a test")


def test_the_most_that_fits_fits_and_one_more_does_not() -> None:
    """The longest sequence and the largest batch fit; the next ones do not."""
    found = solve(SHAPE, Training(sequence=512), gpu=card(sequence=1024, batch=2))
    assert found.sequence is not None
    assert found.batch is not None
    assert estimate(SHAPE, gpu=found.gpu, sequence=found.sequence).verdict == "fits"
    assert estimate(SHAPE, gpu=found.gpu, sequence=512, batch=found.batch).verdict == "fits"
    assert estimate(SHAPE, gpu=found.gpu, sequence=found.sequence + 64).verdict != "fits"
    assert estimate(SHAPE, gpu=found.gpu, sequence=512, batch=found.batch + 1).verdict != "fits"
    assert found.taken == ()


def test_the_cheapest_changes_are_taken() -> None:
    """What costs least and fits is asked for, each change with its cost and its answer."""
    plan = Training(sequence=512)
    found = solve(SHAPE, plan, gpu=card(sequence=512, checkpoint=True, implementation="fused"))
    assert found.taken is not None
    weights = [change.weight for change, _ in found.taken]
    assert sum(weights) <= 1 + 5  # of the fused optimizer and checkpointing, which fit
    assert found.taken[-1][1].verdict == "fits"
    assert all(answer.verdict != "fits" for _, answer in found.taken[:-1])
    assert str(found).count("costs ") == len(found.taken) > 0


def test_nothing_fits_no_memory() -> None:
    """A card of one byte is told that nothing was found."""
    found = solve(SHAPE, gpu=Gpu("card", 1, 8, "a test"))
    assert (found.sequence, found.batch, found.taken) == (None, None, None)
    assert "no set of changes" in str(found)


@pytest.mark.parametrize(("most", "limit"), [(10, 7), (10, 10), (100, 1), (64, 63), (5, 100)])
def test_largest_is_the_last_that_holds(most: int, limit: int) -> None:
    """The largest number that holds, no larger than the most."""
    assert largest(lambda n: n <= limit, most) == min(limit, most)
    assert largest(lambda n: False, most) is None


def test_keys_and_values_of_llama_3_1_8b() -> None:
    """A token takes 128 KiB in 16 bits: 2 x 32 layers x 8 heads x 128 channels x 2 bytes."""
    found = infer("llama-3.1-8b", context=1000, batch=3)
    assert found.cache_bytes == 3 * 1000 * 2 * 32 * 8 * 128 * 2
    assert found.weight_bytes == 2 * parameters(build("llama-3.1-8b"))
    assert sum(part.bytes for part in found.parts) == found.high_bytes
    assert found.low_bytes < found.high_bytes


def test_a_window_forgets() -> None:
    """A layer with a window keeps that many tokens, one without keeps all."""
    shape = DecoderShape(6, 64, 96, 4, 2, 100, tied=False, window=32, full_every=3)
    one = 2 * 2 * 16 * 2
    assert cache_bytes(shape, 100, CACHES["bf16"]) == one * (2 * 100 + 4 * 32)
    assert cache_bytes(shape, 20, CACHES["bf16"]) == one * 6 * 20


def test_quantised_caches() -> None:
    """Four bits, and a scale and zero of 16 bits for 64; the last 128 tokens in 16 bits."""
    assert CACHES["fp8"].bytes(1000, 64) == 64_000
    assert CACHES["int4"].bytes(1128, 64) == 1000 * 64 // 2 + 1000 * 4 + 128 * 64 * 2
    assert CACHES["int8"].bytes(100, 64) == 100 * 64 * 2
    names = ("fp32", "bf16", "int8", "int4", "int2")
    sizes = [infer("llama-3.2-1b", context=4096, cache=name).cache_bytes for name in names]
    assert sizes == sorted(sizes, reverse=True)


def test_weights_of_fewer_bits() -> None:
    """int8 takes a byte an element and a float32 a row, nf4 what training packs."""
    names = ("bf16", "int8", "nf4")
    full, eight, four = (infer("llama-3.2-1b", weights=name).weight_bytes for name in names)
    assert full > eight > four
    layers = 16 * (2048 * (2048 * 2 + 512 * 2) + 3 * 2048 * 8192)
    rows = 16 * (2048 * 3 + 512 * 2 + 8192 * 2)
    assert full - eight == layers - 4 * rows


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"weights": "int3"}, "unknown weights 'int3'"),
        ({"cache": "int3"}, "unknown cache 'int3'"),
        ({"context": 0}, "at least 1: 0"),
    ],
)
def test_senseless_inference_is_refused(settings: dict[str, Any], message: str) -> None:
    """A name or a size that makes no sense is a ValueError."""
    with pytest.raises(ValueError, match=message):
        infer(SHAPE, **settings)


def test_an_encoder_does_not_generate() -> None:
    """A model without a cache is refused."""
    with pytest.raises(ValueError, match="does not generate"):
        infer("bert-base-uncased")
    assert BertShape.__name__


@pytest.mark.parametrize("name", PRESETS)
def test_a_tools_settings_are_settings(name: str) -> None:
    """Each preset is a plan that can be answered, and says where it was read."""
    preset = preset_named(name.upper())
    small = Training(**{**preset.settings(), "sequence": 16})
    assert estimate(SHAPE, small, dtype=preset.dtype).high_bytes > 0
    assert preset.read_from()
    with pytest.raises(ValueError, match="did you mean 'trainer'"):
        preset_named("trainr")


def test_an_installed_tool_is_read() -> None:
    """Where PEFT and transformers are installed, their own defaults are what a preset has."""
    peft = pytest.importorskip("peft", reason="peft is not installed")
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    assert preset_named("peft-qlora").settings()["lora_rank"] == peft.LoraConfig().r
    assert preset_named("peft-qlora").read_from() == f"peft {peft.__version__}, as installed"
    trainer = preset_named("trainer").settings()
    default = transformers.TrainingArguments.__dataclass_fields__["per_device_train_batch_size"]
    assert trainer["batch"] == default.default
    assert (trainer["optimizer"], trainer["implementation"]) == ("adamw", "fused")


@pytest.mark.parametrize(
    "typed",
    [
        "llama-3.2-1b --seq 64 --accumulate 4 --loss chunked:4 --keep-logits",
        "llama-3.2-1b --seq 64 --autocast bf16 --dtype fp32 --loss fused",
        "llama-3.2-1b --seq 64 --lora 8 --lora-targets q_proj,v_proj --lora-dtype bf16 "
        "--lora-dropout 0.1 --dora --attention eager",
        "llama-3.2-1b --seq 64 --lora 8 --lora-targets all --nf4 --kbit-fp32 --single-quantisation",
        "llama-3.2-1b --seq 64 --like torchtune --offload activations,optimizer --compile",
        "llama-3.2-1b --seq 64 --optimizer paged_adamw_8bit --step-in-backward",
        "infer llama-3.2-1b --context 64 --cache int4 --weights nf4 --gpu 4090",
        "solve gpt2 --seq 64 --gpu 24GiB",
    ],
)
def test_the_command_takes_every_setting(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each option is taken, and answered with one JSON object."""
    assert main([*typed.split(), "--format", "json"]) == 0
    assert "gpu" in json.loads(capsys.readouterr().out)


def test_what_is_typed_holds_against_a_tool(capsys: pytest.CaptureFixture[str]) -> None:
    """An option beside --like replaces the tool's."""
    for options, batch in (("", 2), ("--batch 3", 3)):
        assert main(f"llama-3.2-1b --seq 64 --like torchtune {options}".split()) == 0
        assert f"batch {batch}, sequence 64" in capsys.readouterr().out
    assert main(["solve", "gpt2"]) == 2
    assert "solve needs a card" in capsys.readouterr().err
