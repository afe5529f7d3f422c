"""Calculators beside published measurements: how far each is off, and how often "fits" did not.

A run is what somebody trained, and the memory that it took. vram is asked here and now; the others'
answers are a record, which benchmarks/other_calculators.py makes with the packages installed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from vram import GPUS, Answer, estimate
from vram.names import shape_of
from vram.shapes import Shape

ROOT = Path(__file__).parent.parent
RECORD = ROOT / "benchmarks" / "results" / "calculators.json"
MIB = 2**20
QKVO = ("q_proj", "k_proj", "v_proj", "o_proj")
# The cards that a run is held against: 6 to 80 GB, as much as torch's messages say of each.
CARDS = tuple(
    GPUS[name].capacity_bytes
    for name in (
        *("rtx 2060 6gb", "rtx 3070", "rtx 3080 10gb", "rtx 2080 ti", "rtx 3060 12gb", "t4"),
        *("rtx 5080", "a10", "rtx 4090", "rtx 5090", "a100 40gb", "l40", "a100 80gb"),
    )
)


@dataclass(frozen=True)
class Run:
    """A training run as published: its settings, and the bytes that it took.

    `of` is what they count: "process" all that the process held, "reserved" or "allocated" what
    PyTorch had. lora is the adapters' rank, None for training all weights.
    """

    name: str
    model: str
    dtype: str
    batch: int
    sequence: int
    lora: int | None
    four_bits: bool
    checkpoint: bool
    kernel: str
    optimizer: str
    of: str
    bytes: int

    @property
    def shape(self) -> Shape:
        """The model's shape, by its name."""
        return shape_of(self.model)


@cache
def t4_runs() -> tuple[Run, ...]:
    """Return one step each on a Tesla T4: LoRA on q, k, v and o, of fp16 or nf4 weights."""
    rows = json.loads((ROOT / "benchmarks" / "t4_runs.json").read_text())["rows"]
    return tuple(map(_t4_run, rows))


def _t4_run(row: dict[str, Any]) -> Run:
    measured = row["measured"]
    process = (measured["peak_reserved_mib"] + measured["cuda_context_mib"]) * MIB
    return Run(
        "{model}-{kernel}-{quantization}-{batch}x{sequence}".format_map(row),
        row["model"],
        "float16",
        row["batch"],
        row["sequence"],
        row["rank"],
        row["quantization"] == "nf4",
        checkpoint=True,
        kernel=row["kernel"],
        optimizer="adamw",
        of="process",
        bytes=int(process),
    )


@cache
def full_runs() -> tuple[Run, ...]:
    """Return runs of litgpt and torchtune in bf16 with the figures that they publish."""
    rows = json.loads((ROOT / "benchmarks" / "full_runs.json").read_text())["rows"]
    return tuple(
        Run(
            row["name"],
            row["model"],
            "bfloat16",
            row["batch"],
            row["sequence"],
            row["lora"],
            four_bits=False,
            checkpoint=row["checkpoint"],
            kernel="sdpa",
            optimizer=row["optimizer"],
            of=row["of"],
            bytes=row["bytes"],
        )
        for row in rows
    )


@cache
def asked(run: Run) -> Answer:
    """Return vram's answer to a run, with the settings that its source names."""
    four_bits, on_t4 = run.four_bits, run.of == "process"
    targets = QKVO if on_t4 else ("q_proj", "v_proj")
    return estimate(
        run.shape,
        dtype=getattr(torch, run.dtype),
        gpu="T4" if on_t4 else "A100 80GB",
        batch=run.batch,
        sequence=run.sequence,
        optimizer=run.optimizer,
        implementation="single" if run.optimizer == "adamw" and not run.lora else "foreach",
        attention="eager" if run.kernel == "eager" else None,
        checkpoint=run.checkpoint,
        lora_rank=run.lora,
        lora_targets=targets,
        lora_dtype=torch.float32 if on_t4 else torch.bfloat16,
        nf4=four_bits,
        double_quantisation=False,
        kbit_fp32=four_bits,
        keep_logits=on_t4,
    )


def bytes_of(run: Run) -> int:
    """Return what vram says a run takes, of the kind that was measured; a process at worst."""
    answer = asked(run)
    return {
        "process": answer.high_bytes,
        "reserved": answer.reserved_bytes,
        "allocated": answer.peak_allocated_bytes,
    }[run.of]


@dataclass(frozen=True)
class Marks:
    """How a calculator did: signed errors as parts of what was measured, and wrong "fits".

    mean, least and most are of the errors; wrong_fits is the share of the cards too small for a run
    on which it says that the run fits; answers is how many runs it can be asked about.
    """

    answers: int
    mean: float
    least: float
    most: float
    wrong_fits: float


def marks(runs: tuple[Run, ...], answers: list[int | None]) -> Marks:
    """Return the marks of a calculator's answers, in bytes and in the order of the runs."""
    pairs = [(r.bytes, a) for r, a in zip(runs, answers, strict=True) if a is not None]
    errors = [said / took - 1 for took, said in pairs]
    small = [said <= card for took, said in pairs for card in CARDS if took > card]
    wrong = sum(small) / len(small)
    return Marks(len(pairs), sum(errors) / len(errors), min(errors), max(errors), wrong)


def vram_marks(runs: tuple[Run, ...]) -> Marks:
    """Return vram's own marks, computed now."""
    return marks(runs, [bytes_of(run) for run in runs])


@cache
def record() -> dict[str, Any]:
    """Return the record: its date, versions, and each calculator's answers by the run's name."""
    found: dict[str, Any] = json.loads(RECORD.read_text())
    return found


def others_marks(runs: tuple[Run, ...]) -> dict[str, Marks]:
    """Return the marks of the recorded answers, for each calculator that can be asked of a run."""
    return {
        name: marks(runs, [answers.get(run.name) for run in runs])
        for name, answers in record()["answers"].items()
        if any(run.name in answers for run in runs)
    }
