"""Run the command: python -m vram."""

import sys

from .cli import main

sys.exit(main())
