"""Run the command: python -m vram."""

import gc
import sys

from .cli import main

gc.disable()  # one answer and out: looking for garbage would take a tenth of the time
try:
    sys.exit(main())
except KeyboardInterrupt:
    sys.exit(130)
