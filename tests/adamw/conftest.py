"""On a machine without a GPU, Triton kernels run in Triton's interpreter.

The variable must be set before anything imports Triton, which decides by it what `jit` makes.
"""

from __future__ import annotations

import os

import hypothesis
import torch

if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")

# Tensors here are small: a second thread would only be waited for, on a busy machine for long.
torch.set_num_threads(1)

# The same examples in every run, however long a busy machine takes for one; as in tests/assay.
hypothesis.settings.register_profile("adamw", deadline=None, derandomize=True, database=None)
hypothesis.settings.register_profile("explore", deadline=None, max_examples=3000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "adamw"))
