"""Compare vram's predictions with a GPU: three training steps of each configuration.

    python benchmarks/vram_on_a_gpu.py [--only NAME ...] [--out FOLDER] [--commit ID]

The configurations and what measures them are in vram.accuracy, of the package in snippets/vram.
Without a GPU the predictions are printed, and nothing is written. With one, a JSON record grows in
benchmarks/results with each configuration measured; one that fails is a row with its reason.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from vram import Gpu, Training, accuracy

ROOT = Path(__file__).resolve().parent.parent
Row = dict[str, Any]
HEAD = f"{'':<16} {'predicted, GiB':^29}  {'error: predicted / measured - 1':^31}\n" + " ".join(
    [f"{'configuration':<16}", *[f"{part:>9}" for part in ("persist", "allocated", "reserved")] * 2]
)


def run(
    names: Sequence[str],
    card: Gpu | None,
    budget: float,
    keep: Callable[[list[Row]], None],
    measure: Callable[[accuracy.Configuration], accuracy.Bytes] = accuracy.measure,
) -> list[Row]:
    """Return a row for each configuration; keep(rows so far) after each.

    card=None predicts only. No measurement begins after `budget` seconds.
    """
    every = {**accuracy.CONFIGURATIONS, **accuracy.EXTRAS}
    started, rows = time.monotonic(), list[Row]()
    for name in names:
        late = time.monotonic() - started > budget
        rows.append(row_of(every[name], card, None if late else measure))
        print(shown(rows[-1]), flush=True)
        keep(rows)
    return rows


def row_of(
    configuration: accuracy.Configuration,
    card: Gpu | None,
    measure: Callable[[accuracy.Configuration], accuracy.Bytes] | None,
) -> Row:
    """Return predicted bytes, and measured ones with the errors, or why there are none."""
    answer = accuracy.answer(configuration, card)
    predicted = accuracy.Bytes.of(answer)
    row = {
        "name": configuration.name,
        "model": configuration.model,
        "setting": setting(configuration),
        "predicted": asdict(predicted),
    }
    if card is None:
        return row
    if measure is None:
        return {**row, "skipped": "no time was left"}
    if answer.low_bytes > card.capacity_bytes:
        return {**row, "skipped": f"needs {answer.low_bytes:,} bytes at least"}
    started = time.monotonic()
    try:
        measured = measure(configuration)
    except accuracy.MeasurementError as error:
        return {**row, "failed": str(error)}
    seconds = round(time.monotonic() - started, 1)
    errors = predicted.errors(measured)
    return {**row, "measured": asdict(measured), "errors": errors, "seconds": seconds}


def setting(configuration: accuracy.Configuration) -> Row:
    """Return what a configuration sets other than vram's defaults, as JSON holds it."""
    plan, defaults = vars(configuration.training), vars(Training())
    given = {name: value for name, value in plan.items() if value != defaults[name]}
    return {"dtype": configuration.dtype, **given}


def shown(row: Row) -> str:
    """Return one line of the table: predicted GiB, and errors or the reason that there are none."""
    start = " ".join(
        [f"{row['name']:<16}", *(f"{v / 2**30:9.3f}" for v in row["predicted"].values())]
    )
    errors = " ".join(f"{error:+9.2%}" for error in row.get("errors", {}).values())
    return f"{start} {errors or row.get('failed') or row.get('skipped') or ''}".rstrip()


def worst(rows: Sequence[Row]) -> str:
    """Return the largest error of each kind, and how many rows were measured."""
    measured = [row["errors"] for row in rows if "errors" in row]
    if not measured:
        return "nothing was measured"
    largest = (f"{name} {max(abs(e[name]) for e in measured):.2%}" for name in measured[0])
    return f"{len(measured)} of {len(rows)} measured; largest error: {', '.join(largest)}"


def circumstances(card: Gpu, commit: str | None) -> Row:
    """Return what the figures depended on; the commit is asked of git unless it is given."""
    return {
        "gpu": card.name,
        "capacity_bytes": card.capacity_bytes,
        "capability": list(torch.cuda.get_device_capability(0)),
        "driver": said("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "triton": version("triton"),
        "bitsandbytes": version("bitsandbytes"),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "commit": commit or said("git", "-C", str(ROOT), "rev-parse", "HEAD"),
    }


def said(*command: str) -> str | None:
    """Return the first line that a command prints, or None where it cannot be run."""
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.splitlines()[0].strip() if found.stdout.strip() else None


def version(name: str) -> str | None:
    """Return an installed package's version, or None."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def write(path: Path, document: Row) -> None:
    """Put a document in place at once, so that no half-written record is ever seen."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    # What JSON has no form for are dtypes: "torch.bfloat16" is what torch calls one.
    partial.write_text(json.dumps(document, indent=2, default=str) + "\n", encoding="utf-8")
    partial.replace(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; return 0, or 1 where a measurement failed."""
    every = {**accuracy.CONFIGURATIONS, **accuracy.EXTRAS}
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=every, metavar="NAME", help="configurations")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--budget", type=float, default=420, help="seconds; then none is begun")
    parser.add_argument("--commit", help="of this code, where it lies without its git repository")
    given = parser.parse_args(arguments)
    card = accuracy.this_gpu()
    print(HEAD)
    if card is None:
        run(given.only or list(every), card, given.budget, lambda rows: None)
        print("no GPU here: predictions only, nothing measured and nothing written")
        return 0
    about = circumstances(card, given.commit)
    path = given.out / f"vram-{card.name.replace(' ', '-').lower()}-{about['date']}.json"
    rows = run(
        given.only or list(every),
        card,
        given.budget,
        lambda rows: write(path, {**about, "rows": rows}),
    )
    print(f"{worst(rows)}\nwritten to {path}")
    return int(any("failed" in row for row in rows))


if __name__ == "__main__":
    sys.exit(main())
