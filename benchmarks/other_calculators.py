"""Ask other calculators about published runs, and record their answers with their versions.

Needs the packages of PACKAGES beside this project's own; they are in none of its requirements.
Usage: python benchmarks/other_calculators.py, which writes benchmarks/results/calculators.json.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import math
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint
from vram import build, parameters
from vram.adapters import lora
from vram.shapes import DecoderShape

sys.path.insert(0, str(Path(__file__).parent.parent / "snippets"))

from calculators import QKVO, RECORD, Run, full_runs, t4_runs

GIB = 2**30
PACKAGES = (
    *("accelerate", "deepspeed", "fitcheck-llm", "mlsysim", "torch", "torch-kitsune"),
    *("vram-check", "vramcalc"),
)


def count(run: Run) -> int:
    """Return the model's number of parameters."""
    return parameters(build(run.shape))


def accelerate_estimate(run: Run) -> int | None:
    """Ask accelerate estimate-memory: the column "Training using Adam" of the run's dtype."""
    from accelerate.commands.estimate import estimate_training_usage

    if run.four_bits:
        return None
    return int(max(estimate_training_usage(4 * count(run), "float16").values()))


def deepspeed_zero(stage: int, run: Run) -> int | None:
    """Ask DeepSpeed's estimator of ZeRO 2 or 3 for one GPU, without offloading."""
    if stage == 2:
        from deepspeed.runtime.zero.stage_1_and_2 import estimate_zero2_model_states_mem_needs

        _, needs = estimate_zero2_model_states_mem_needs(count(run), 1, cpu_offload=False)
        return int(needs)
    from deepspeed.runtime.zero.stage3 import estimate_zero3_model_states_mem_needs

    largest = max(
        sum(p.numel() for p in m.parameters(recurse=False)) for m in build(run.shape).modules()
    )
    _, needs, _ = estimate_zero3_model_states_mem_needs(
        count(run), largest, 1, cpu_offload=False, cpu_offload_params=False
    )
    return int(needs)


def fitcheck(run: Run) -> int | None:
    """Ask fitcheck-llm for the card of the run."""
    from fitcheck.config_parser import ModelConfig
    from fitcheck.estimator import TrainingConfig, estimate
    from fitcheck.gpu_db import GPU_DB

    shape = run.shape
    assert isinstance(shape, DecoderShape)
    sizes = (shape.hidden, shape.layers, shape.heads, shape.kv_heads, shape.intermediate)
    model = ModelConfig(run.model, count(run), *sizes, shape.vocabulary, shape.head_dim, shape.tied)
    training = TrainingConfig(
        precision="fp16" if run.dtype == "float16" else "bf16",
        quantization="nf4" if run.four_bits else "none",
        optimizer={"adamw8bit": "adam8bit"}.get(run.optimizer, run.optimizer),
        batch_size=run.batch,
        seq_len=run.sequence,
        optimizer_dtype="fp32" if run.lora else "bf16",
        lora_rank=run.lora,
        lora_targets=list(QKVO) if run.of == "process" else ["q_proj", "v_proj"],
        grad_checkpoint=run.checkpoint,
        flash_attn=run.kernel != "eager",
    )
    card = GPU_DB["t4" if run.of == "process" else "a100-80"]
    return int(estimate(model, training, card).total_mib * 2**20)


def mlsysim(run: Run) -> int | None:
    """Ask mlsysim's TransformerWorkload.training_memory."""
    from mlsysim.core.units import ureg
    from mlsysim.models.types import TransformerWorkload

    shape = run.shape
    assert isinstance(shape, DecoderShape)
    if run.optimizer == "adamw8bit":
        return None
    model = TransformerWorkload(
        name=run.model,
        architecture="Transformer",
        parameters=count(run) * ureg.count,
        layers=shape.layers,
        hidden_dim=shape.hidden,
        heads=shape.heads,
        kv_heads=shape.kv_heads,
    )
    needs = model.training_memory(
        run.batch,
        run.sequence,
        precision="int4" if run.four_bits else "fp16",
        optimizer="sgd" if run.optimizer == "sgd" else "adam",
        strategy="full" if run.checkpoint else "selective",
        is_lora=run.lora is not None,
        lora_rank=run.lora or 16,
    )
    return int(needs.to("GiB").magnitude * GIB)


def kitsune(run: Run) -> int | None:
    """Ask torch-kitsune, with the module itself."""
    from kitsune.predict import LoRAConfig, estimate_lora_memory, predict_memory

    if run.optimizer == "adamw8bit":
        return None
    dtype = getattr(torch, run.dtype)
    if run.lora:
        model = build(run.shape, dtype=torch.float32 if run.four_bits else dtype)
        targets = QKVO if run.of == "process" else ("q_proj", "v_proj")
        config = LoRAConfig(rank=run.lora, target_modules=targets, use_qlora=run.four_bits)
        found = estimate_lora_memory(model, (run.sequence,), run.batch, torch.float32, config)
        return int(found.total_bytes)
    model = build(run.shape, dtype=dtype)
    found = predict_memory(model, (run.sequence,), run.batch, dtype, optimizer=run.optimizer)
    return int(found.total_bytes)


def vramcalc(run: Run) -> int | None:
    """Ask vramcalc, with the model's config.json."""
    from vramcalc import estimate

    shape = run.shape
    assert isinstance(shape, DecoderShape)
    if run.four_bits or run.optimizer == "adamw8bit":
        return None
    config = {
        "model_type": "qwen2" if shape.qkv_bias else "llama",
        "hidden_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "intermediate_size": shape.intermediate,
        "vocab_size": shape.vocabulary,
        "tie_word_embeddings": shape.tied,
    }
    found = estimate(
        config,
        mode="train",
        dtype="fp16" if run.dtype == "float16" else "bf16",
        batch=run.batch,
        seq_len=run.sequence,
        lora_rank=run.lora,
        grad_checkpoint=run.checkpoint,
        optimizer=run.optimizer,
        precision="pure",
        attn_impl=run.kernel,
    )
    return int(found.total + found.overhead)


def vram_check(run: Run) -> int | None:
    """Ask vram-check's analyze, with the module itself."""
    from vram_check import analyze

    if run.four_bits or run.optimizer == "adamw8bit":
        return None
    model = prepared(run, "meta")
    dtype = "fp16" if run.dtype == "float16" else "bf16"
    optimizer = "sgd" if run.optimizer == "sgd" else "adamw"
    found = analyze(model, run.batch, dtype=dtype, optimizer=optimizer, seq_len=run.sequence)
    frozen = found["frozen"]["frozen_bytes"] if found["frozen"] else 0
    return int(found["estimate"].total_bytes + frozen)


def prepared(run: Run, device: str) -> nn.Module:
    """Return the module of a run with its adapters."""
    model = build(run.shape, device=device, dtype=getattr(torch, run.dtype))
    if run.lora is None:
        return model
    targets = QKVO if run.of == "process" else ("q_proj", "v_proj")
    return lora(
        model, run.lora, targets, dtype=torch.float32 if run.of == "process" else torch.bfloat16
    )


def mem_tracker(run: Run) -> int | None:
    """Trace two steps with torch's own MemTracker on fake tensors, all weights trained."""
    from torch._subclasses import FakeTensorMode
    from torch.distributed._tools.mem_tracker import MemTracker

    if run.lora or run.optimizer == "adamw8bit":
        return None  # it registers hooks that a frozen parameter refuses
    with FakeTensorMode():
        model = prepared(run, "cpu")
        if run.checkpoint:
            for layer in model.model.layers:  # type: ignore[union-attr]
                layer.forward = partial(checkpoint, layer.forward, use_reentrant=False)
        trained = [p for p in model.parameters() if p.requires_grad]
        kind = torch.optim.SGD if run.optimizer == "sgd" else torch.optim.AdamW
        optimizer = kind(trained, lr=1e-3, foreach=False)
        ids = torch.zeros(run.batch, run.sequence, dtype=torch.int64)
        tracker = MemTracker()
        tracker.track_external(model, optimizer, ids)
        with tracker:
            for _ in range(2):
                step(model, optimizer, ids)
                tracker.reset_mod_stats()
        peak = tracker.get_tracker_snapshot("peak")
    return max(int(kinds["Total"]) for kinds in peak.values())


def step(model: nn.Module, optimizer: torch.optim.Optimizer, ids: torch.Tensor) -> None:
    """Take one step of the usual loop."""
    logits = model(ids)
    F.cross_entropy(logits.float().flatten(0, 1), ids.flatten()).backward()
    optimizer.step()
    optimizer.zero_grad()


CALCULATORS: dict[str, Callable[[Run], int | None]] = {
    "accelerate": accelerate_estimate,
    "deepspeed-zero2": partial(deepspeed_zero, 2),
    "deepspeed-zero3": partial(deepspeed_zero, 3),
    "fitcheck-llm": fitcheck,
    "mlsysim": mlsysim,
    "torch-memtracker": mem_tracker,
    "torch-kitsune": kitsune,
    "vram-check": vram_check,
    "vramcalc": vramcalc,
}


def ask(name: str, run: Run) -> int | None:
    """Return a calculator's answer in bytes, None where it has none."""
    found = CALCULATORS[name](run)
    print(f"{name:18}{run.name:48}{found or math.nan:>18,}", flush=True)
    return found


def main() -> None:
    """Ask all about all, and write the record."""
    runs = (*t4_runs(), *full_runs())
    answers: dict[str, dict[str, int]] = {}
    for name in CALCULATORS:
        found: dict[str, Any] = {run.name: ask(name, run) for run in runs}
        answers[name] = {run: size for run, size in found.items() if size is not None}
    record = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "answers": answers,
    }
    RECORD.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
