"""Training steps whose memory vram predicts, and the same steps measured on a GPU.

`predict(c)` needs no GPU. `measure(c)` trains for three steps in a fresh process, which inherits no
segment of another's, with the allocator set as c asks. c is one of CONFIGURATIONS.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.checkpoint import checkpoint

from .adapters import lora
from .answer import Answer
from .engine import estimate
from .gpus import Gpu
from .losses import next_token_loss
from .model import build
from .names import shape_of
from .optimizers import hidden_matrices
from .settings import Training

STEPS = 3
SECONDS = 150  # that one measurement may take; on an H200 each takes about ten
BF16, FP32 = torch.bfloat16, torch.float32
# The card of the records, which is assumed where there is none: cuBLAS' workspaces depend on it.
H200 = Gpu("NVIDIA H200", 143_771 * 2**20, 9, "nvidia-smi on the machine of the records")
EIGHT_BIT = {"adamw8bit": "AdamW8bit", "adamw32bit": "AdamW32bit", "lion8bit": "Lion8bit"}
# Each would change what is measured, and vram answers for torch as it comes.
SETTINGS_OF_OTHERS = (
    "PYTORCH_CUDA_ALLOC_CONF",
    "PYTORCH_NO_CUDA_MEMORY_CACHING",
    "CUBLAS_WORKSPACE_CONFIG",
    "CUBLASLT_WORKSPACE_SIZE",
    "TORCH_CUBLASLT_UNIFIED_WORKSPACE",
)


class MeasurementError(RuntimeError):
    """The process that measures gave no answer: it says why."""


@dataclass(frozen=True)
class Configuration:
    """One run: a published model, its dtype, and how it is trained."""

    name: str
    model: str
    training: Training
    dtype: torch.dtype = BF16

    @property
    def needs(self) -> str | None:
        """The package beside torch that the optimizer comes from."""
        return "bitsandbytes" if self.training.optimizer in EIGHT_BIT else None


@dataclass(frozen=True)
class Bytes:
    """What stays between steps, the most allocated and the most reserved, in bytes."""

    persistent: int
    allocated: int
    reserved: int

    @classmethod
    def of(cls, answer: Answer) -> Bytes:
        """Return the three figures of an answer."""
        return cls(answer.persistent_bytes, answer.peak_allocated_bytes, answer.reserved_bytes)

    def errors(self, measured: Bytes) -> dict[str, float]:
        """Return how far each lies from what was measured, relative to that."""
        return {name: value / getattr(measured, name) - 1 for name, value in asdict(self).items()}


def _table(*rows: tuple[str, str, torch.dtype, dict[str, Any]]) -> dict[str, Configuration]:
    return {
        name: Configuration(name, model, Training(**settings), dtype)
        for name, model, dtype, settings in rows
    }


CONFIGURATIONS: Mapping[str, Configuration] = _table(
    ("gpt2-fp32", "gpt2", FP32, {"batch": 4, "sequence": 1024}),
    ("gpt2-bf16", "gpt2", BF16, {"batch": 8, "sequence": 1024}),
    ("gpt2-checkpoint", "gpt2", BF16, {"batch": 8, "sequence": 1024, "checkpoint": True}),
    ("gpt2-sgd", "gpt2", BF16, {"optimizer": "sgd-momentum", "batch": 2, "sequence": 512}),
    ("1b-fp32", "llama-3.2-1b", FP32, {"sequence": 512}),
    ("1b-foreach", "llama-3.2-1b", BF16, {}),
    ("1b-single", "llama-3.2-1b", BF16, {"implementation": "single"}),
    ("1b-fused", "llama-3.2-1b", BF16, {"implementation": "fused"}),
    ("1b-long", "llama-3.2-1b", BF16, {"sequence": 8192, "checkpoint": True}),
    ("1b-batch", "llama-3.2-1b", BF16, {"batch": 8, "sequence": 1024}),
    ("1b-sgd", "llama-3.2-1b", BF16, {"optimizer": "sgd", "batch": 4, "sequence": 1024}),
    ("1b-adafactor", "llama-3.2-1b", BF16, {"optimizer": "adafactor"}),
    ("1b-muon", "llama-3.2-1b", BF16, {"optimizer": "muon"}),
    ("1b-lora", "llama-3.2-1b", BF16, {"lora_rank": 16}),
    ("1b-expandable", "llama-3.2-1b", BF16, {"expandable_segments": True}),
    ("phi3-fused", "phi-3-mini", BF16, {"implementation": "fused"}),
    ("3b-fused", "llama-3.2-3b", BF16, {"implementation": "fused", "batch": 2}),
    ("8b-fused", "llama-3.1-8b", BF16, {"implementation": "fused"}),
    ("8b-checkpoint", "llama-3.1-8b", BF16, {"sequence": 4096, "checkpoint": True}),
)

# Of packages beside torch: measured where they are installed, so no page can state them.
EXTRAS: Mapping[str, Configuration] = _table(
    ("1b-8bit", "llama-3.2-1b", BF16, {"optimizer": "adamw8bit"}),
    (
        "8b-8bit",
        "llama-3.1-8b",
        BF16,
        {"optimizer": "adamw8bit", "sequence": 4096, "checkpoint": True},
    ),
)


def this_gpu() -> Gpu | None:
    """Return the first CUDA device as vram describes cards, or None."""
    if not torch.cuda.is_available():
        return None
    card = torch.cuda.get_device_properties(0)
    return Gpu(card.name, card.total_memory, card.major, "torch.cuda.get_device_properties")


def answer(configuration: Configuration, card: Gpu | None = None) -> Answer:
    """Return vram's whole answer, for the card given, else this machine's, else an H200."""
    card = card or this_gpu() or H200
    plan = configuration.training
    return estimate(configuration.model, plan, dtype=configuration.dtype, gpu=card)


def predict(configuration: Configuration, card: Gpu | None = None) -> Bytes:
    """Return what vram says of a configuration; arguments as answer's."""
    return Bytes.of(answer(configuration, card))


def measure(configuration: Configuration, seconds: float = SECONDS) -> Bytes:
    """Return what torch measures of a configuration on this machine's GPU, in a fresh process.

    Raises MeasurementError, with the reason, where that process fails or takes longer.
    """
    if configuration.needs and importlib.util.find_spec(configuration.needs) is None:
        raise MeasurementError(f"{configuration.needs} is not installed")
    expandable = configuration.training.expandable_segments
    command = [sys.executable, "-m", __spec__.name, configuration.name]
    return told_by(command, _environment(expandable=expandable), seconds)


def told_by(command: list[str], environment: dict[str, str], seconds: float) -> Bytes:
    """Return the figures that a command prints last. Raises MeasurementError where it does not."""
    try:
        found = subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise MeasurementError(f"no answer within {seconds:g} s") from None
    if found.returncode:
        raise MeasurementError(_reason(found.returncode, found.stderr))
    try:
        return Bytes(**json.loads(found.stdout.splitlines()[-1]))
    except (IndexError, ValueError, TypeError):
        raise MeasurementError(f"no figures in its output: {found.stdout[-200:]!r}") from None


def _environment(*, expandable: bool) -> dict[str, str]:
    paths = [str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")]
    kept = {name: text for name, text in os.environ.items() if name not in SETTINGS_OF_OTHERS}
    return kept | {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTORCH_ALLOC_CONF": f"expandable_segments:{expandable}",
    }


def _reason(status: int, errors: str) -> str:
    """Say how a process ended: by which signal, or by which error."""
    if status < 0:
        return f"ended by {signal.Signals(-status).name}"
    lines = [line for line in errors.splitlines() if line.strip()]
    return lines[-1].strip() if lines else f"exit status {status}"


def train(configuration: Configuration, device: str = "cuda") -> Bytes:
    """Train for STEPS steps in this process, and return what torch says of the GPU's memory."""
    plan, dtype = configuration.training, configuration.dtype
    model = build(configuration.model, device=device, dtype=dtype)
    if plan.lora_rank is not None:
        lora(model, plan.lora_rank)
    if plan.checkpoint:
        for block in (b for m in model.modules() if isinstance(m, nn.ModuleList) for b in m):
            block.forward = partial(checkpoint, block.forward, use_reentrant=False)
    optimizers = make_optimizers(model, plan)
    vocabulary = shape_of(configuration.model).vocabulary
    size = (plan.batch, plan.sequence)
    ids, labels = (torch.randint(vocabulary, size, device=device) for _ in range(2))
    # The paths that vram answers for: torch might take cuDNN's, which keeps other tensors. Flash
    # comes first; it takes neither float32 nor a mask, as of a window.
    backends = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION]
    persistent = 0
    with sdpa_kernel(backends):
        for _ in range(STEPS):
            next_token_loss(model(ids), labels).backward()  # type: ignore[no-untyped-call]
            for optimizer in optimizers:
                optimizer.step()
            persistent = persistent_bytes(model, optimizers, device)
            for optimizer in optimizers:
                optimizer.zero_grad(set_to_none=True)
    return Bytes(persistent, torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved())


def make_optimizers(model: nn.Module, plan: Training) -> list[torch.optim.Optimizer]:
    """Return the real optimizers of a plan, on the parameters that it trains."""
    trained = [p for p in model.parameters() if p.requires_grad]
    way: dict[str, Any] = {"foreach": plan.implementation == "foreach"}
    if plan.implementation == "fused":
        way = {"fused": True}
    if plan.optimizer in EIGHT_BIT:
        from bitsandbytes import optim  # type: ignore[import-not-found]

        return [getattr(optim, EIGHT_BIT[plan.optimizer])(trained)]
    if plan.optimizer == "muon":
        chosen = hidden_matrices(model)
        matrices = [p for p in trained if id(p) in chosen]
        others = [p for p in trained if id(p) not in chosen]
        return [torch.optim.Muon(matrices), torch.optim.AdamW(others, **way)]
    if plan.optimizer == "adamw":
        return [torch.optim.AdamW(trained, **way)]
    if plan.optimizer == "adafactor":
        return [torch.optim.Adafactor(trained, **way)]
    if plan.optimizer.startswith("sgd"):
        momentum = 0.9 if plan.optimizer == "sgd-momentum" else 0.0
        return [torch.optim.SGD(trained, momentum=momentum, **way)]
    raise ValueError(f"{plan.optimizer!r} has no class here: add it to make_optimizers")


def persistent_bytes(model: nn.Module, optimizers: list[torch.optim.Optimizer], device: str) -> int:
    """Return numel * element_size of parameters, gradients and states on the device, each once."""
    states = (t for o in optimizers for state in o.state.values() for t in state.values())
    gradients = (p.grad for p in model.parameters())
    tensors = [t for t in (*model.parameters(), *gradients, *states) if isinstance(t, Tensor)]
    held = {t.data_ptr(): t.numel() * t.element_size() for t in tensors if t.device.type == device}
    return sum(held.values())


if __name__ == "__main__":
    every = {**CONFIGURATIONS, **EXTRAS}
    sys.stdout.write(json.dumps(asdict(train(every[sys.argv[1]]))) + "\n")
