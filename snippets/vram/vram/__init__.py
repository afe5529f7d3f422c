"""Memory that training takes, computed before any of it is allocated.

`estimate("llama-3.1-8b", optimizer="adamw8bit", gpu="RTX 4090")` answers whether it fits;
`training_bytes(llama("3.1-8B"))` is exact to the byte. No GPU is needed, and no weight allocated.
"""

from .adapters import constant_bytes, lora, nf4, nf4_bytes
from .allocator import AllocatorHeaderError, CachingAllocator, OutOfMemoryError, constants, replay
from .answer import Answer, Part
from .estimate import Training, estimate, persistent_bytes
from .gpus import GPUS, Gpu, gpu_named
from .model import build, llama
from .names import LLAMA, MODELS, model_named, shape_of
from .optimizers import OPTIMIZERS, optimizer_state_bytes
from .outside import CUDA_CONTEXT, workspace_bytes
from .persistent import (
    TrainingBytes,
    adamw_state_bytes,
    blockwise_8bit_state_bytes,
    gradient_bytes,
    parameter_bytes,
    parameters,
    training_bytes,
)
from .shapes import BertShape, DecoderShape, Experts, GPT2Shape, LlamaShape, NeoXShape, PhiShape
from .sharding import Sharding
from .step import StepTrace, activation_bytes, token_ids, trace_step
from .timeline import Peak, Update, high_point, training_phases
from .updates import optimizer_events

__all__ = [
    "CUDA_CONTEXT",
    "GPUS",
    "LLAMA",
    "MODELS",
    "OPTIMIZERS",
    "AllocatorHeaderError",
    "Answer",
    "BertShape",
    "CachingAllocator",
    "DecoderShape",
    "Experts",
    "GPT2Shape",
    "Gpu",
    "LlamaShape",
    "NeoXShape",
    "OutOfMemoryError",
    "Part",
    "Peak",
    "PhiShape",
    "Sharding",
    "StepTrace",
    "Training",
    "TrainingBytes",
    "Update",
    "activation_bytes",
    "adamw_state_bytes",
    "blockwise_8bit_state_bytes",
    "build",
    "constant_bytes",
    "constants",
    "estimate",
    "gpu_named",
    "gradient_bytes",
    "high_point",
    "llama",
    "lora",
    "model_named",
    "nf4",
    "nf4_bytes",
    "optimizer_events",
    "optimizer_state_bytes",
    "parameter_bytes",
    "parameters",
    "persistent_bytes",
    "replay",
    "shape_of",
    "token_ids",
    "trace_step",
    "training_bytes",
    "training_phases",
    "workspace_bytes",
]
