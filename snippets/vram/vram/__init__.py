"""Memory that training takes, computed before any of it is allocated.

`estimate("llama-3.1-8b", optimizer="adamw8bit", gpu="RTX 4090")` answers whether it fits;
`training_bytes(llama("3.1-8B"))` is exact to the byte. No GPU is needed, and no weight allocated.
What is not listed here is imported from the module that owns it, such as `vram.adapters`.
"""

from .answer import Answer
from .engine import estimate
from .gpus import GPUS, Gpu
from .inference import infer
from .model import build, llama
from .names import MODELS
from .optimizers import OPTIMIZERS
from .persistent import parameters, training_bytes
from .settings import Training
from .sharding import Sharding
from .solver import solve
from .step import activation_bytes

__all__ = [
    "GPUS",
    "MODELS",
    "OPTIMIZERS",
    "Answer",
    "Gpu",
    "Sharding",
    "Training",
    "activation_bytes",
    "build",
    "estimate",
    "infer",
    "llama",
    "parameters",
    "solve",
    "training_bytes",
]
