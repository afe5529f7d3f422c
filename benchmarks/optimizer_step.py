"""AdamW's step measured: correct first, then timed against torch, bitsandbytes and torchao.

    python benchmarks/optimizer_step.py             all workloads, a table, a record in results/
    python benchmarks/optimizer_step.py --quick     small sizes and few repeats, no record
    python benchmarks/optimizer_step.py --commit ID from a copy of the files, without git

Method: contenders take turns, step by step, so that whatever else the machine does falls on all
of them; a figure is a median, a ratio the median of ratios of neighbouring steps, and quartiles
say how far to trust it. Bytes are those that one pass over each operand must move (parameter,
gradient, both moments); their rate is given as a fraction of a device copy timed in the same run,
reads and writes counted. What fails is reported and recorded, and the rest goes on. On a machine
without a GPU the contenders are those that run on its CPU, and the record says so.
adamw is the installed one: `make` installs it, and so does `pip install snippets/adamw`.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import subprocess
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import torch
from adamw import AdamW, reference
from optimizer_contenders import Contender, Shapes, Timed, contenders, workloads
from timing import copy_rate, launches, spread, temporary_bytes, timed

HERE = Path(__file__).resolve().parent
GPU = torch.cuda.is_available()
DEVICE = torch.device("cuda" if GPU else "cpu")
PACKAGES = ("torch", "triton", "bitsandbytes", "torchao")
T = TypeVar("T")


class Failures(list[str]):
    """What went wrong, in the order it did."""

    def attempt(self, what: str, do: Callable[[], T]) -> T | None:
        """Return what do returns; if it raises, report that and return None."""
        try:
            return do()
        except Exception as error:  # noqa: BLE001  whatever it is, the rest is still worth knowing
            said = " ".join(str(error).replace(str(HERE.parent), ".").split())
            self.append(f"{what}: {type(error).__name__}: {said[:300]}")
            print(f"FAILED {self[-1]}", flush=True)
            return None


def distance(contender: Contender, dtype: torch.dtype, steps: int = 20) -> float:
    """Return how far a contender ends from the equations in float64, relative to the way gone."""
    random = torch.Generator().manual_seed(0)

    def draw(shape: tuple[int, ...]) -> torch.Tensor:
        return torch.randn(shape, generator=random, dtype=torch.float64).to(dtype).double()

    start = [draw(shape) for shape in ((1,), (1023,), (4097,), (65, 130))]
    params = [torch.nn.Parameter(theta.to(DEVICE, dtype, copy=True)) for theta in start]
    states = [(theta, torch.zeros_like(theta), torch.zeros_like(theta)) for theta in start]
    optimizer = contender.make(params)
    for t in range(1, steps + 1):
        gradients = [draw(tuple(theta.shape)) for theta in start]
        states = [
            reference.adamw_step(theta, g, m, v, t)
            for (theta, m, v), g in zip(states, gradients, strict=True)
        ]
        for param, g in zip(params, gradients, strict=True):
            param.grad = g.to(DEVICE, dtype)
        optimizer.step()

    def flat(tensors: Iterable[torch.Tensor]) -> torch.Tensor:
        return torch.cat([t.detach().cpu().double().flatten() for t in tensors])

    wanted = flat(theta for theta, _, _ in states)
    return ((flat(params) - wanted).norm() / (wanted - flat(start)).norm()).item()


def check_correct(contender: Contender, dtype: torch.dtype) -> float:
    """Return a contender's distance, or raise if it is not within its limit (NaN is not)."""
    found, limit = distance(contender, dtype), contender.limits.get(dtype, float("inf"))
    if not found <= limit:
        raise AssertionError(f"{found:.1e} from the equations, at most {limit:.0e} allowed")
    return found


GRAPH_SHAPES: Shapes = [(5000,)] * 20
GRAPHED: dict[str, tuple[torch.dtype, dict[str, Any]]] = {
    "float32": (torch.float32, {}),
    "8-bit": (torch.float32, {"state_dtype": "8bit"}),
    "bf16, master": (torch.bfloat16, {"rounding": "master", "state_dtype": torch.float32}),
    "bf16, stochastic": (torch.bfloat16, {"rounding": "stochastic", "state_dtype": torch.float32}),
}


def check_no_wait_and_graph(dtype: torch.dtype, options: dict[str, Any]) -> None:
    """Raise if the fused step waits for the device, or a graph of it differs from eager steps."""
    results = []
    for graphed in (False, True):
        torch.manual_seed(0)
        drawn = (torch.randn(shape, device=DEVICE) for shape in GRAPH_SHAPES)
        params = [torch.nn.Parameter(tensor.to(dtype)) for tensor in drawn]
        for param in params:
            param.grad = torch.randn_like(param)
        optimizer = AdamW(params, backend="triton", capturable=True, **options)
        for _ in range(3):
            optimizer.step()
        torch.cuda.synchronize()
        torch.cuda.set_sync_debug_mode("error")
        try:
            optimizer.step()
        finally:
            torch.cuda.set_sync_debug_mode("default")
        step = optimizer.step
        if graphed:
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                optimizer.step()
            step = graph.replay
        for _ in range(5):
            step()
        torch.cuda.synchronize()
        results.append([param.detach().clone() for param in params])
    for a, b in zip(*results, strict=True):
        if not (a.isfinite().all() and torch.equal(a, b)):
            raise AssertionError("five replays of a captured step differ from five eager steps")


def bytes_moved(params: list[torch.nn.Parameter], contender: Contender) -> float:
    """Return the bytes that one pass over every operand moves: p and moments twice, g once."""
    total = 0.0
    for param in params:
        own = param.element_size()
        held = contender.moment_bytes if param.numel() >= 4096 else None
        total += param.numel() * (3 * own + 2 * (2 * own if held is None else held))
    return total


def measure(
    shapes: Shapes, dtype: torch.dtype, repeats: int, failures: Failures, where: str
) -> list[Timed]:
    """Return the contenders with the times of interleaved steps on parameters of shapes."""
    params = [torch.nn.Parameter(torch.randn(s, device=DEVICE, dtype=dtype)) for s in shapes]
    for param in params:
        param.grad = torch.randn_like(param)

    def prepare(contender: Contender) -> tuple[Timed, torch.optim.Optimizer]:
        optimizer, ready = contender.make(params), Timed(contender)
        for _ in range(3):
            optimizer.step()
        ready.facts = {
            "bytes_moved": bytes_moved(params, contender),
            "temporary_bytes": temporary_bytes(optimizer.step, DEVICE),
            "launches": failures.attempt(
                f"{where}, {contender.name}, launches", lambda: launches(optimizer.step, DEVICE)
            ),
        }
        return ready, optimizer

    running = []
    for contender in contenders(DEVICE):
        if where.startswith(contender.leaves_out):
            continue
        made = failures.attempt(f"{where}, {contender.name}", lambda c=contender: prepare(c))
        running += [made] if made else []
    # A turn on a CPU is long enough for its clock, and for what the neighbour left in the cache.
    elements = sum(param.numel() for param in params)
    steps = 1 if GPU else max(1, 2**18 // elements)
    for turn in range(repeats):
        # Every other turn backwards: nobody always follows the same neighbour's cache.
        for ready, optimizer in running[:: 1 if turn % 2 else -1]:
            seconds, host = timed(optimizer.step, DEVICE, steps)
            ready.seconds.append(seconds)
            ready.host_seconds.append(host)
    return [ready for ready, _ in running]


def row(found: Timed, rivals: list[Timed], rate: float | None) -> dict[str, Any]:
    """Return the record of a contender on a workload, figures in SI units, with quartiles."""
    low, seconds, high = spread(found.seconds)
    made = {
        "optimizer": found.contender.name,
        "seconds": seconds,
        "seconds_quartiles": [low, high],
        "host_seconds": spread(found.host_seconds)[1],
        "of_copy": found.facts["bytes_moved"] / seconds / rate if rate else None,
        **found.facts,
    }
    for rival in rivals:
        pairs = zip(found.seconds, rival.seconds, strict=True)
        low, ratio, high = spread([ours / theirs for ours, theirs in pairs])
        name = f"of_{rival.contender.name.replace(' ', '_').replace('-', '_')}"
        made |= {name: ratio, f"{name}_quartiles": [low, high]}
    return made


def show(made: dict[str, Any]) -> None:
    """Print a row of the table."""

    def ratio(rival: str) -> str:
        if f"of_torch_{rival}" not in made:
            return " " * 21
        low, high = made[f"of_torch_{rival}_quartiles"]
        return f"{made[f'of_torch_{rival}']:6.2f} ({low:5.2f} to {high:5.2f})"

    def known(value: Any, form: str, width: int) -> str:
        return f"{'-' if value is None else form.format(value):>{width}}"

    spare = made["temporary_bytes"]
    print(
        f"{made['workload']:15} {made['dtype']:8} {made['optimizer']:18}"
        f"{made['seconds'] * 1e3:10.3f} ms{made['host_seconds'] * 1e3:9.3f} ms host"
        f"{known(made['of_copy'], '{:.1%}', 8)} of copy {ratio('fused')} {ratio('foreach')}"
        f"{known(made['launches'], '{}', 6)} launches"
        f"{known(None if spare is None else spare / 2**20, '{:.0f} MiB', 11)} temporary",
        flush=True,
    )


def told(*command: str) -> str | None:
    """Return what a program prints in one line, or None where it is missing or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=HERE, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip().partition("\n")[0]


def version(package: str) -> str | None:
    """Return the installed version of a package."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def machine(commit: str | None) -> dict[str, str | None]:
    """Return what a record was measured on; the commit is asked of git unless it is given."""
    cpu = f"{platform.machine()} CPU, {torch.get_num_threads()} threads"
    query = ("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")
    return {
        "device": torch.cuda.get_device_name() if GPU else cpu,
        "driver": told(*query) if GPU else None,
        **{package: version(package) for package in PACKAGES},
        "python": platform.python_version(),
        "commit": commit or told("git", "describe", "--always", "--dirty"),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def check(failures: Failures) -> dict[str, dict[str, float]]:
    """Return each contender's distance from the equations, by dtype; whatever fails is reported."""
    found: dict[str, dict[str, float]] = {}
    for contender in contenders(DEVICE):
        for dtype in contender.dtypes:
            name = str(dtype).removeprefix("torch.")
            what = f"correctness of {contender.name} in {name}"
            far = failures.attempt(what, lambda c=contender, d=dtype: check_correct(c, d))
            if far is not None:
                found.setdefault(contender.name, {})[name] = far
                print(f"{contender.name:18} {name:8} {far:.1e} from the equations after 20 steps")
    for what, case in GRAPHED.items() if GPU else ():
        failures.attempt(
            f"no wait, and a graph, {what}", lambda c=case: check_no_wait_and_graph(*c)
        )
    return found


def main(arguments: list[str] | None = None) -> int:
    """Check, measure, print, record; return 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, few repeats, no record")
    parser.add_argument("--repeats", type=int, help="steps of each contender on each workload")
    parser.add_argument("--results", type=Path, default=HERE / "results", help="folder of records")
    parser.add_argument("--commit", help="of this code, where it lies without its git repository")
    options = parser.parse_args(arguments)
    here, failures = machine(options.commit), Failures()
    repeats = options.repeats or (3 if options.quick else 30 if GPU else 41)
    print(", ".join(f"{key} {value}" for key, value in here.items() if value))
    if not GPU:
        print("No GPU here: this compares the bodies that run on a CPU.")

    record: dict[str, Any] = {"machine": here, "distances": check(failures), "results": []}
    # All contenders hold their state at once; 60 bytes a parameter covers it in float32.
    budget = torch.cuda.mem_get_info()[0] // 60 if GPU else 2**23
    budget = min(budget, 2**22) if options.quick else budget
    rate = failures.attempt("copy", lambda: copy_rate(min(2**28, budget), DEVICE))
    record["copy_bytes_per_second"] = rate
    print(f"A device copy moves {(rate or 0) / 1e9:.0f} GB/s, read and written.")
    name = "".join(c if c.isalnum() else "-" for c in str(here["device"]).lower()).strip("-")
    path = options.results / f"adamw-{name.replace('--', '-')}-{str(here['date'])[:10]}.json"

    for dtype in (torch.float32, torch.bfloat16):
        for workload, shapes in workloads(DEVICE, budget).items():
            where = f"{workload}, {str(dtype).removeprefix('torch.')}"
            found = failures.attempt(
                where, lambda s=shapes, d=dtype, w=where: measure(s, d, repeats, failures, w)
            )
            rivals = [f for f in found or [] if not f.contender.name.startswith("ours")]
            for each in found or []:
                titles = {"workload": workload, "dtype": where.rpartition(", ")[2]}
                record["results"].append(titles | row(each, rivals, rate))
                show(record["results"][-1])
            if GPU:
                failures.attempt("empty_cache", torch.cuda.empty_cache)
            if not options.quick:  # after each, so that a run that is cut short leaves what it has
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps({**record, "failures": failures}, indent=1) + "\n")
    if not options.quick:
        print(f"Recorded in {path.parent.name}/{path.name}")
    print(f"{len(failures)} failures" + "".join(f"\n  {failure}" for failure in failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
