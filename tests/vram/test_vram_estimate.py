"""The answer adds up, is exact where it says so, and the command refuses what makes no sense."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
import vram
from torch import nn
from vram import (
    GPUS,
    MODELS,
    OPTIMIZERS,
    Answer,
    Gpu,
    LlamaShape,
    Sharding,
    Training,
    build,
    constant_bytes,
    estimate,
    gpu_named,
    llama,
    lora,
    nf4,
    nf4_bytes,
    parameter_bytes,
    parameters,
    persistent_bytes,
    training_bytes,
    workspace_bytes,
)
from vram.cli import main

MIB = 2**20
SMALL = LlamaShape(2, 64, 96, 4, 2, 100, tied=False)
KEYS = [
    "parameters",
    "parts",
    "persistent_bytes",
    "peak_allocated_bytes",
    "reserved_bytes",
    "low_bytes",
    "high_bytes",
    "not_counted",
    "gpu",
    "verdict",
]


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("llama-3.1-8b", 8_030_261_248),
        ("llama-3.1-70b", 70_553_706_496),
        ("llama-3.1-405b", 405_853_388_800),
        ("llama-3.2-1b", 1_235_814_400),
        ("llama-3.2-3b", 3_212_749_824),
        ("mistral-7b", 7_241_732_096),
        ("qwen2.5-7b", 7_615_616_512),
        ("gemma-2-9b", 9_241_705_984),
        ("gpt2", 124_439_808),
        ("phi-3-mini", 3_821_079_552),
    ],
)
def test_published_models_have_their_published_count(name: str, count: int) -> None:
    """Each named model has the count of the published one (transformers 5.23.0 on meta agrees)."""
    assert parameters(build(name)) == count
    assert name in MODELS


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_parts_add_up(name: str) -> None:
    """Parts sum to the high total, and low, persistent, peak and reserved are in order."""
    found = estimate(llama(SMALL), optimizer=name, batch=2, sequence=32)
    assert sum(part.bytes for part in found.parts) == found.high_bytes
    assert found.persistent_bytes < found.peak_allocated_bytes <= found.reserved_bytes
    assert found.low_bytes < found.high_bytes
    assert all(part.name and part.formula for part in found.parts)
    assert found.peak_allocated_bytes == max(found.phases.values())


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, 64_242_089_984),
        ({"optimizer": "adamw8bit"}, 48_432_515_200),
        ({"master_dtype": torch.float32}, 128_484_179_968),
        ({"optimizer": "sgd"}, 32_121_044_992),
    ],
)
def test_persistent_bytes_of_llama_3_1_8b(settings: dict[str, Any], expected: int) -> None:
    """Between steps 8B in bf16 holds 8 bytes a parameter with AdamW, exact for each setting."""
    assert persistent_bytes(llama("3.1-8B"), Training(**settings)) == expected


def test_persistent_bytes_are_training_bytes() -> None:
    """The answer's persistent bytes are those of training_bytes, tied and frozen tensors too."""
    model = llama(LlamaShape(2, 64, 96, 4, 2, 100, tied=True))
    model.model.norm.requires_grad_(requires_grad=False)
    found = estimate(model, sequence=16)
    assert found.persistent_bytes == training_bytes(model).total


def test_lora_trains_only_its_adapters() -> None:
    """LoRA of rank 4 adds 4 (inputs + outputs) to each linear layer but the output's."""
    model = lora(llama(SMALL), 4, dtype=torch.bfloat16)
    layer = 4 * (2 * (64 + 64) + 2 * (64 + 32) + 3 * (64 + 96))
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert trained == 2 * layer
    assert parameters(model) == parameters(llama(SMALL)) + trained
    with pytest.raises(ValueError, match="no linear layer is named"):
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


def test_a_qlora_step_needs_less_than_a_full_one() -> None:
    """Four-bit weights with adapters peak below the same model trained in full."""
    full = estimate(llama(SMALL), sequence=32)
    assert estimate(llama(SMALL), sequence=32, lora_rank=4, nf4=True).persistent_bytes < (
        full.persistent_bytes
    )


@pytest.mark.parametrize(
    ("capacity", "verdict"), [(0, "does not fit"), ("low", "tight"), ("high", "fits")]
)
def test_the_verdict_follows_the_interval(capacity: int | str, verdict: str) -> None:
    """High below the capacity fits, low below it is tight, else it does not fit."""
    found = estimate(llama(SMALL), sequence=16)
    room = capacity if isinstance(capacity, int) else getattr(found, f"{capacity}_bytes")
    card = Gpu("card", room, 8, "a test")
    again = estimate(llama(SMALL), sequence=16, gpu=card)
    assert again.verdict == verdict
    assert verdict in again.sentence
    assert estimate(llama(SMALL), sequence=16).verdict == "no GPU named"


def test_an_rtx_4090_has_24564_mib() -> None:
    """Capacities are the driver's, upper or lower case, each with its source."""
    assert gpu_named("rtx 4090").capacity_bytes == 24_564 * MIB
    assert all(gpu.source.startswith("https://") for gpu in GPUS.values())
    assert (workspace_bytes(8), workspace_bytes(9), workspace_bytes(None)) == (
        8_519_680,
        33_554_432,
        8_519_680,
    )
    with pytest.raises(ValueError, match="did you mean 'RTX 4090'"):
        gpu_named("RTX 4090 Ti")


@pytest.mark.parametrize(
    ("sharding", "expected"),
    [
        (Sharding(1, 3), (100, 100, 100)),
        (Sharding(4, 0), (100, 100, 100)),
        (Sharding(4, 1), (100, 100, 30)),
        (Sharding(4, 2), (100, 30, 30)),
        (Sharding(4, 3), (30, 30, 30)),
        (Sharding(4, 3, "zero"), (25, 25, 25)),
    ],
)
def test_a_rank_holds_its_share(sharding: Sharding, expected: tuple[int, ...]) -> None:
    """Of ten rows of ten, one of four ranks holds three rows, or twenty-five elements."""
    shape = torch.Size([10, 10])
    names = ("parameters", "gradients", "states")
    assert tuple(sharding.local(shape, name).numel() for name in names) == expected


@contextmanager
def fake_ranks(count: int) -> Iterator[None]:
    """A process group of `count` ranks in this process, whose messages go nowhere."""
    from torch import distributed
    from torch.testing._internal.distributed.fake_pg import FakeStore

    distributed.init_process_group("fake", store=FakeStore(), rank=0, world_size=count)
    try:
        yield
    finally:
        distributed.destroy_process_group()


@pytest.mark.filterwarnings("ignore")
def test_shards_are_fully_shards_own() -> None:
    """Rank 0 of torch's fully_shard holds the predicted bytes, gradients and states included."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    shape = LlamaShape(1, 60, 90, 3, 3, 101, tied=False)
    with fake_ranks(4):
        model = llama(shape, device="cpu", dtype=torch.float32)
        fully_shard(model, mesh=init_device_mesh("cpu", (4,)))
        optimizer = torch.optim.AdamW(model.parameters())
        local = [p.to_local() for p in model.parameters()]
        for p in model.parameters():
            p.grad = torch.zeros_like(p)
        optimizer.step()
        grads = [p.grad.to_local() for p in model.parameters() if p.grad is not None]
        states = [
            s[k].to_local() for s in optimizer.state.values() for k in ("exp_avg", "exp_avg_sq")
        ]
        held = sum(t.numel() * t.element_size() for t in (*local, *grads, *states))
    plan = Training(sharding=Sharding(4, 3))
    assert persistent_bytes(llama(shape, dtype=torch.float32), plan) == held


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_sharded_answers_add_up(stage: int) -> None:
    """Shards of any stage give parts that add up, and say what is not counted."""
    plan = Training(sequence=16, sharding=Sharding(4, stage))
    found = estimate(llama(SMALL), plan)
    assert sum(part.bytes for part in found.parts) == found.high_bytes
    assert found.persistent_bytes < estimate(llama(SMALL), sequence=16).persistent_bytes
    assert any("gathered" in line for line in found.not_counted)


def test_expandable_segments_reserve_no_less_than_is_allocated() -> None:
    """With expandable segments reserved covers allocated, too, and parts still add up."""
    found = estimate(llama(SMALL), sequence=16, expandable_segments=True)
    assert found.reserved_bytes >= found.peak_allocated_bytes
    assert sum(part.bytes for part in found.parts) == found.high_bytes


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer": "adamv"}, "did you mean 'adamw'"),
        ({"batch": -1}, "batch must be at least 1: -1"),
        ({"attention": "flush"}, "unknown setting 'flush'"),
        ({"implementation": "fast"}, "unknown setting 'fast'"),
        ({"nf4": True}, "give a LoRA rank"),
        ({"lora_rank": 0}, "rank must be at least 1"),
    ],
)
def test_senseless_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    """A setting that makes no sense is a ValueError that says why."""
    with pytest.raises(ValueError, match=message):
        estimate(llama(SMALL), **settings)
    with pytest.raises(ValueError, match="no trainable parameter"):
        estimate(nn.BatchNorm1d(4, affine=False))


@pytest.mark.parametrize("arguments", [{"ranks": 0}, {"stage": 4}, {"layout": "rows"}])
def test_senseless_shards_are_refused(arguments: dict[str, Any]) -> None:
    """No ranks, a fourth stage or an unknown layout is a ValueError."""
    with pytest.raises(ValueError, match=next(iter(arguments))):
        Sharding(**arguments)


def test_the_command_prints_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    """--format json prints exactly the keys of the issue, and exits 0 though it does not fit."""
    arguments = "llama-3.2-1b --optimizer adamw8bit --seq 64 --gpu t4 --format json --batch 1"
    assert main(arguments.split()) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == KEYS
    assert found["gpu"] == {"name": "T4", "capacity_bytes": 15_360 * MIB}
    assert found["parameters"] == 1_235_814_400
    assert all(set(part) == {"name", "bytes", "formula"} for part in found["parts"])
    assert found["verdict"] == "fits"


def test_the_command_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    """The table has a line for each part, both totals and the verdict with its margin."""
    assert main(["gpt2", "--seq", "64", "--gpu", "L4"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in ("parameters", "optimizer states", "low", "high"))
    assert "Verdict: fits, with" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("lama-3.1-8b", "did you mean 'llama-3.1-8b'"),
        ("gpt2 --seq 2048", "longer than 1024 positions"),
        ("gpt2 --batch -3", "batch must be at least 1: -3"),
        ("gpt2 --seq 8 --gpu 4090", "did you mean 'RTX 4090'"),
        ("gpt2 --seq 8 --ranks 0", "ranks must be at least 1: 0"),
        ("gpt2 --seq 8 --lora 8", "no linear layer is named"),
    ],
)
def test_senseless_requests_exit_2(
    arguments: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A request that makes no sense is one line on stderr and exit 2, without a traceback."""
    assert main(arguments.split()) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_the_module_runs_as_a_command() -> None:
    """`python -m vram` is the command; an argument it does not know exits 2."""
    command = [sys.executable, "-m", "vram", "gpt2", "--sequence-length", "8"]
    env = {"PYTHONPATH": str(Path(vram.__file__).parent.parent)}
    found = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert found.returncode == 2
    assert "Traceback" not in found.stderr


# A fresh process, for its own peak of memory; twice the 5 s, as CI's cores are shared.
PROBE = """
import resource, time
from vram import estimate
estimate("llama-3.1-405b")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time())
"""


def test_405b_is_answered_in_seconds_and_without_memory() -> None:
    """An answer for 405B takes under 1 GiB of memory, and seconds of one processor."""
    env = {"PYTHONPATH": str(Path(vram.__file__).parent.parent)}
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROBE],
        capture_output=True,
        text=True,
        env=env,
        check=True,
    )
    kibibytes, seconds = found.stdout.split()
    assert int(kibibytes) < 2**20
    assert float(seconds) < 10


def test_an_answer_is_a_value() -> None:
    """The same request gives an equal answer."""
    first, second = (estimate(llama(SMALL), sequence=16) for _ in range(2))
    assert first == second
    assert isinstance(first, Answer)
