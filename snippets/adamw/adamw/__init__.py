"""AdamW, written to be read: the algorithm in `reference`, the optimizer in `AdamW`.

Importing this package imports torch and nothing heavier.
"""

from . import reference
from .layout import state_bytes
from .optimizer import AdamW

__all__ = ["AdamW", "reference", "state_bytes"]
