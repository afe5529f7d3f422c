"""The file of figures that were bound to nothing when a project began to be checked.

Law: what it holds may go and never comes back by itself: only ``--write-baseline`` writes it.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from .settings import SettingsError

FILE = "assay-baseline.json"


class Baseline(Struct, frozen=True, forbid_unknown_fields=True):
    """By page: each figure as it is written, and how often it stands there."""

    schema: int
    unbound: dict[str, dict[str, int]]


def read(file: Path) -> dict[str, dict[str, int]]:
    """Return the figures that are known; none where there is no file."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Baseline).unbound
    except FileNotFoundError:
        return {}
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = f"{file.name}: {error}; write it again with assay check --write-baseline"
        raise SettingsError(message) from error


def write(file: Path, unbound: dict[str, dict[str, int]]) -> int:
    """Write the figures that are known from now on; return how many."""
    text = msgspec.json.format(msgspec.json.encode(Baseline(1, unbound)), indent=1)
    file.write_bytes(text + b"\n")
    return sum(count for texts in unbound.values() for count in texts.values())
