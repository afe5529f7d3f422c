"""Compare vram's predictions with a GPU: three training steps of each configuration.

    PYTHONPATH=generator python benchmarks/vram_accuracy.py [--only NAME] [--out FOLDER]

Each configuration runs in a process of its own, so that none inherits another's segments. Without
a GPU the predictions are printed, and nothing is written. With one, a JSON record goes to
benchmarks/results: predicted and measured persistent bytes, peak allocated and peak reserved.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import json
import subprocess
import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.checkpoint import checkpoint
from vram import Answer, Gpu, Sharding, Training, build, estimate, lora
from vram.step import next_token_loss

STEPS = 3
BF16, FP32 = torch.bfloat16, torch.float32
METRICS = ("persistent_bytes", "peak_allocated_bytes", "reserved_bytes")


@dataclass(frozen=True)
class Configuration:
    """One run: a published model, its dtype, and how it is trained."""

    name: str
    model: str
    training: Training
    dtype: torch.dtype = BF16
    needs: str | None = field(default=None)  # a package beside torch


def _row(name: str, model: str, dtype: torch.dtype = BF16, **settings: Any) -> Configuration:
    optimizer = str(settings.get("optimizer", "adamw"))
    needs = "bitsandbytes" if optimizer in ("adamw8bit", "adamw32bit", "lion8bit") else None
    return Configuration(name, model, Training(**settings), dtype, needs)


CONFIGURATIONS = (
    _row("gpt2-fp32", "gpt2", FP32, batch=4, sequence=1024),
    _row("gpt2-bf16", "gpt2", batch=8, sequence=1024),
    _row("gpt2-checkpoint", "gpt2", batch=8, sequence=1024, checkpoint=True),
    _row("gpt2-sgd", "gpt2", optimizer="sgd-momentum", batch=2, sequence=512),
    _row("1b-fp32", "llama-3.2-1b", FP32, batch=1, sequence=512),
    _row("1b-foreach", "llama-3.2-1b", batch=1, sequence=2048),
    _row("1b-single", "llama-3.2-1b", implementation="single", batch=1, sequence=2048),
    _row("1b-fused", "llama-3.2-1b", implementation="fused", batch=1, sequence=2048),
    _row("1b-long", "llama-3.2-1b", batch=1, sequence=8192, checkpoint=True),
    _row("1b-batch", "llama-3.2-1b", batch=8, sequence=1024),
    _row("1b-8bit", "llama-3.2-1b", optimizer="adamw8bit", batch=1, sequence=2048),
    _row("1b-adafactor", "llama-3.2-1b", optimizer="adafactor", batch=1, sequence=2048),
    _row("1b-lora", "llama-3.2-1b", lora_rank=16, batch=1, sequence=2048),
    _row("1b-expandable", "llama-3.2-1b", batch=1, sequence=2048, expandable_segments=True),
    _row("phi3-fused", "phi-3-mini", implementation="fused", batch=1, sequence=2048),
    _row("3b-fused", "llama-3.2-3b", implementation="fused", batch=2, sequence=2048),
    _row("8b-fused", "llama-3.1-8b", implementation="fused", batch=1, sequence=2048),
    _row("8b-checkpoint", "llama-3.1-8b", batch=1, sequence=4096, checkpoint=True),
    _row("8b-8bit", "llama-3.1-8b", optimizer="adamw8bit", batch=1, sequence=4096, checkpoint=True),
)


def this_gpu() -> Gpu | None:
    """Return the first CUDA device as vram describes cards, or None."""
    if not torch.cuda.is_available():
        return None
    card = torch.cuda.get_device_properties(0)
    return Gpu(card.name, card.total_memory, card.major, "torch.cuda.get_device_properties")


def predict(row: Configuration, card: Gpu | None) -> Answer:
    """Return vram's answer for a configuration."""
    return estimate(row.model, row.training, dtype=row.dtype, gpu=card)


def measure(row: Configuration) -> dict[str, int]:
    """Train for STEPS steps on the GPU, and return what torch says of memory, in bytes."""
    plan = row.training
    model = build(row.model, device="cuda", dtype=row.dtype)
    if plan.lora_rank is not None:
        lora(model, plan.lora_rank)
    if plan.checkpoint:
        for block in (b for m in model.modules() if isinstance(m, nn.ModuleList) for b in m):
            block.forward = partial(checkpoint, block.forward, use_reentrant=False)
    optimizer = make_optimizer(model, plan)
    ids, labels = (
        torch.randint(50_000, (plan.batch, plan.sequence), device="cuda") for _ in range(2)
    )
    torch.cuda.reset_peak_memory_stats()
    backend = SDPBackend.FLASH_ATTENTION if row.dtype == BF16 else SDPBackend.EFFICIENT_ATTENTION
    persistent = 0
    with sdpa_kernel(backend):
        for _ in range(STEPS):
            next_token_loss(model(ids), labels).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            persistent = persistent_of(model, optimizer)
            optimizer.zero_grad(set_to_none=True)
    return {
        "persistent_bytes": persistent,
        "peak_allocated_bytes": torch.cuda.max_memory_allocated(),
        "reserved_bytes": torch.cuda.max_memory_reserved(),
    }


def make_optimizer(model: nn.Module, plan: Training) -> torch.optim.Optimizer:
    """Return the real optimizer of a plan, on the parameters that it trains."""
    trained = [p for p in model.parameters() if p.requires_grad]
    if plan.optimizer in ("adamw8bit", "adamw32bit", "lion8bit"):
        from bitsandbytes import optim  # type: ignore[import-not-found]

        names = {"adamw8bit": "AdamW8bit", "adamw32bit": "AdamW32bit", "lion8bit": "Lion8bit"}
        made: torch.optim.Optimizer = getattr(optim, names[plan.optimizer])(trained)
        return made
    loop: dict[str, Any] = {"foreach": plan.implementation == "foreach"}
    if plan.optimizer == "adamw":
        fused: dict[str, Any] = {"fused": True}
        return torch.optim.AdamW(trained, **(fused if plan.implementation == "fused" else loop))
    if plan.optimizer == "adafactor":
        return torch.optim.Adafactor(trained, **loop)
    return torch.optim.SGD(trained, momentum=0.9 * (plan.optimizer == "sgd-momentum"), **loop)


def persistent_of(model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """Return numel * element_size of parameters, gradients and states on the GPU, each once."""
    states = (t for state in optimizer.state.values() for t in state.values())
    grads = (p.grad for p in model.parameters())
    tensors = [t for t in (*model.parameters(), *grads, *states) if isinstance(t, torch.Tensor)]
    on_gpu = {t.data_ptr(): t.numel() * t.element_size() for t in tensors if t.is_cuda}
    return sum(on_gpu.values())


def run_apart(row: Configuration) -> dict[str, Any]:
    """Measure a configuration in a process of its own, its allocator set as the row says."""
    import os

    expandable = str(row.training.expandable_segments)
    env = {**os.environ, "PYTORCH_ALLOC_CONF": f"expandable_segments:{expandable}"}
    command = [sys.executable, __file__, "--measure", row.name]
    found = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    if found.returncode:
        return {"failed": found.stderr.strip().splitlines()[-1:]}
    measured: dict[str, Any] = json.loads(found.stdout.splitlines()[-1])
    return measured


def compare(row: Configuration, card: Gpu) -> dict[str, Any]:
    """Return one row of the record: predicted, measured, and the relative errors."""
    answer = predict(row, card)
    predicted = {name: getattr(answer, name) for name in METRICS}
    line: dict[str, Any] = {"name": row.name, "model": row.model, "predicted": predicted}
    line["setting"] = describe(row)
    if row.needs and importlib.util.find_spec(row.needs) is None:
        return {**line, "skipped": f"{row.needs} is not installed"}
    if answer.low_bytes > card.capacity_bytes:
        return {**line, "skipped": f"needs {answer.low_bytes:,} bytes at least"}
    measured = run_apart(row)
    if "failed" in measured:
        return {**line, **measured}
    errors = {name: predicted[name] / measured[name] - 1 for name in METRICS}
    return {**line, "measured": measured, "errors": errors}


def describe(row: Configuration) -> dict[str, Any]:
    """Return a configuration's settings as JSON holds them."""
    settings = {k: v for k, v in vars(row.training).items() if not isinstance(v, Sharding)}
    return {"dtype": str(row.dtype).removeprefix("torch."), **settings, "master_dtype": None}


def record(card: Gpu, rows: list[dict[str, Any]], folder: Path) -> Path:
    """Write the record with what it depended on, and return its path."""
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    document = {
        "gpu": card.name,
        "capacity_bytes": card.capacity_bytes,
        "capability": torch.cuda.get_device_capability(0),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "date": today,
        "commit": commit.stdout.strip(),
        "rows": rows,
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"vram-{card.name.replace(' ', '-').lower()}-{today}.json"
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return path


def show(line: dict[str, Any]) -> str:
    """Return one line of the table that is printed: predicted GiB, and errors where measured."""
    predicted = " ".join(f"{line['predicted'][name] / 2**30:9.3f}" for name in METRICS)
    if "errors" in line:
        errors = " ".join(f"{line['errors'][name]:+9.2%}" for name in METRICS)
        return f"{line['name']:<18} {predicted}  {errors}"
    return f"{line['name']:<18} {predicted}  {line.get('skipped') or line.get('failed') or ''}"


def main() -> int:
    """Run what is asked for, and return 0; a failed configuration is a row of the record."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", help="one configuration's name")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    given = parser.parse_args()
    rows = {row.name: row for row in CONFIGURATIONS}
    if given.measure:
        print(json.dumps(measure(rows[given.measure])))
        return 0
    chosen = [rows[given.only]] if given.only else list(rows.values())
    print(f"{'GiB predicted':<18} {'between':>9} {'peak':>9} {'reserved':>9}")
    card = this_gpu()
    lines = []
    for row in chosen:
        answer = predict(row, card) if card is None else None
        line = (
            {"name": row.name, "predicted": {name: getattr(answer, name) for name in METRICS}}
            if card is None
            else compare(row, card)
        )
        lines.append(line)
        print(show(line), flush=True)
    if card is None:
        print("no GPU here: predictions only, nothing measured and nothing written")
    else:
        print(f"written to {record(card, lines, given.out)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
