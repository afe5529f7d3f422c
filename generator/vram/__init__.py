"""Memory that training takes, computed before any of it is allocated.

`training_bytes(llama("3.1-8B"))` is exact to the byte, on a machine without a GPU.
"""

from .model import llama
from .persistent import (
    TrainingBytes,
    adamw_state_bytes,
    blockwise_8bit_state_bytes,
    gradient_bytes,
    parameter_bytes,
    parameters,
    training_bytes,
)
from .shapes import LLAMA, LlamaShape

__all__ = [
    "LLAMA",
    "LlamaShape",
    "TrainingBytes",
    "adamw_state_bytes",
    "blockwise_8bit_state_bytes",
    "gradient_bytes",
    "llama",
    "parameter_bytes",
    "parameters",
    "training_bytes",
]
