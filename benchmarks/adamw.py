"""AdamW's step measured: correct first, then timed against torch, bitsandbytes and torchao.

    python benchmarks/adamw.py                 all workloads, a table, a record in results/
    python benchmarks/adamw.py --quick         small sizes and few repeats, no record

Method: contenders take turns, step by step, so that whatever else the machine does falls on all
of them; a figure is a median, a ratio the median of ratios of neighbouring steps. Bytes are those
that one pass over each operand must move (parameter, gradient, both moments); their rate is given
as a fraction of a device copy timed in the same run, reads and writes counted. On a machine
without a GPU the contenders are those that run on its CPU, and the record says so.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "generator"))

from adamw import AdamW, reference  # noqa: E402

Optimizer = torch.optim.Optimizer
CUDA = torch.cuda.is_available()
DEVICE = torch.device("cuda" if CUDA else "cpu")


def llama_shapes(budget: int) -> list[tuple[int, ...]]:
    """Llama-3.1-8B's tensors: embeddings, then as many of its 32 layers as budget elements hold."""
    d, ff, kv, vocabulary = 4096, 14336, 1024, 128256
    layer = [(d, d), (kv, d), (kv, d), (d, d), (ff, d), (ff, d), (d, ff), (d,), (d,)]
    size = sum(torch.Size(shape).numel() for shape in layer)
    ends = [(vocabulary, d)] * 2 if budget > 2 * vocabulary * d + size else []
    layers = min(32, (budget - len(ends) * vocabulary * d) // size)
    return [*ends, *layer * layers]


def small_shapes(budget: int) -> list[tuple[int, ...]]:
    """300 tensors of 1 to 20,000 elements, as in a convolutional network's norms and biases."""
    return [(1 + 67 * i % 20_000,) for i in range(300)]


def huge_shapes(budget: int) -> list[tuple[int, ...]]:
    """One tensor."""
    return [(min(budget, 2**30),)]


WORKLOADS = {"llama-3.1-8b": llama_shapes, "300 small": small_shapes, "one huge": huge_shapes}


@dataclass
class Contender:
    """An optimizer as it is constructed, and what one of its steps must move for a parameter."""

    name: str
    make: Callable[[list[torch.nn.Parameter]], Optimizer]
    moment_bytes: float | None = None  # of both moments; None for the parameter's own dtype
    times: list[float] = field(default_factory=list)
    cpu_times: list[float] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


def contenders() -> Iterator[Contender]:
    """Ours and torch's everywhere; bitsandbytes and torchao where they are installed."""
    fast = "triton" if CUDA else "foreach"
    yield Contender(f"ours {fast}", lambda p: AdamW(p, backend=fast))
    yield Contender("torch foreach", lambda p: torch.optim.AdamW(p, foreach=True))
    yield Contender("torch fused", lambda p: torch.optim.AdamW(p, fused=True))
    eight = 2 + 8 / 256
    yield Contender(f"ours {fast} 8-bit", lambda p: AdamW(p, state_dtype="8bit"), eight)
    if CUDA:
        import contextlib

        with contextlib.suppress(ImportError):
            import bitsandbytes

            yield Contender("bitsandbytes 8-bit", bitsandbytes.optim.AdamW8bit, eight)
        with contextlib.suppress(ImportError):
            from torchao.optim import AdamW8bit

            yield Contender("torchao 8-bit", AdamW8bit, eight)


def check_correct() -> None:
    """Stop unless each of our contenders takes the equations' step, in float64, on this device."""
    for dtype, tolerance in ((torch.float64, 1e-12), (torch.float32, 1e-6)):
        for contender in contenders():
            if not contender.name.startswith("ours"):
                continue
            random = torch.Generator().manual_seed(0)
            shapes = [(1,), (1023,), (4097,), (65, 130)]
            drawn = [torch.randn(s, generator=random, dtype=torch.float64) for s in shapes * 2]
            params = [torch.nn.Parameter(x.to(DEVICE, dtype)) for x in drawn[:4]]
            for param, grad in zip(params, drawn[4:], strict=True):
                param.grad = grad.to(DEVICE, dtype)
            wanted = [
                reference.adamw_step(
                    p.detach().double().cpu(), p.grad.double().cpu(), 0 * g, 0 * g, 1
                ).theta
                for p, g in zip(params, drawn[4:], strict=True)
            ]
            contender.make(params).step()
            for param, want in zip(params, wanted, strict=True):
                assert want.isfinite().all()
                torch.testing.assert_close(
                    param.detach().double().cpu(), want, rtol=tolerance, atol=tolerance
                )


def check_no_wait_and_graph() -> None:
    """Stop unless the fused step waits for nothing, and a graph of it repeats what it does."""
    results = []
    for graphed in (False, True):
        torch.manual_seed(0)
        params = [torch.nn.Parameter(torch.randn(5000, device=DEVICE)) for _ in range(20)]
        for param in params:
            param.grad = torch.randn_like(param)
        optimizer = AdamW(params, backend="triton", capturable=True)
        for _ in range(3):
            optimizer.step()
        torch.cuda.synchronize()
        torch.cuda.set_sync_debug_mode("error")
        optimizer.step()
        torch.cuda.set_sync_debug_mode("default")
        graph = torch.cuda.CUDAGraph()
        if graphed:
            with torch.cuda.graph(graph):
                optimizer.step()
        for _ in range(5):
            graph.replay() if graphed else optimizer.step()
        results.append([param.detach().clone() for param in params])
    for a, b in zip(*results, strict=True):
        assert torch.equal(a, b), "a captured step differs from an eager one"


def timed(step: Callable[[], Any]) -> tuple[float, float]:
    """Return the seconds one call takes, on the device and on the host before it returns."""
    if not CUDA:
        start = time.perf_counter()
        step()
        return (elapsed := time.perf_counter() - start), elapsed
    torch.cuda.synchronize()
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    start = time.perf_counter()
    step()
    host = time.perf_counter() - start
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) / 1e3, host


def copy_rate(elements: int) -> float:
    """Return the bytes a second of a device copy, read and written, the median of 20."""
    source = torch.randn(elements, device=DEVICE)
    target = torch.empty_like(source)
    times = [timed(lambda: target.copy_(source))[0] for _ in range(23)][3:]
    return 2 * source.nbytes / statistics.median(times)


def launches(step: Callable[[], Any]) -> int | None:
    """Return how many kernels and copies a step puts on the device."""
    if not CUDA:
        return None
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        step()
        torch.cuda.synchronize()
    kinds = (torch.autograd.DeviceType.CUDA,)
    return sum(event.device_type in kinds for event in profile.events())


def moved(params: list[torch.nn.Parameter], contender: Contender) -> float:
    """Return the bytes that one pass over every operand moves: p and moments twice, g once."""
    total = 0.0
    for param in params:
        own = param.element_size()
        held = contender.moment_bytes if param.numel() >= 4096 else None
        total += param.numel() * (3 * own + 2 * (2 * own if held is None else held))
    return total


def measure(shapes: list[tuple[int, ...]], dtype: torch.dtype, repeats: int) -> list[Contender]:
    """Return the contenders with the times of interleaved steps on parameters of shapes."""
    params = [torch.nn.Parameter(torch.randn(s, device=DEVICE, dtype=dtype)) for s in shapes]
    for param in params:
        param.grad = torch.randn_like(param)
    field_ = []
    for contender in contenders():
        if CUDA:
            torch.cuda.reset_peak_memory_stats()
        optimizer = contender.make(params)
        for _ in range(3):
            optimizer.step()
        held = torch.cuda.memory_allocated() if CUDA else 0
        if CUDA:
            torch.cuda.reset_peak_memory_stats()
        optimizer.step()
        peak = torch.cuda.max_memory_allocated() - held if CUDA else None
        contender.facts = {"temporary_bytes": peak, "launches": launches(optimizer.step)}
        contender.facts["bytes_moved"] = moved(params, contender)
        field_.append((contender, optimizer))
    for _ in range(repeats):
        for contender, optimizer in field_:
            seconds, host = timed(optimizer.step)
            contender.times.append(seconds)
            contender.cpu_times.append(host)
    return [contender for contender, _ in field_]


def rows(workload: str, dtype: torch.dtype, found: list[Contender], rate: float) -> list[Any]:
    """Return one record a contender, figures in SI units."""
    torchs = {c.name: c.times for c in found if c.name.startswith("torch ")}
    made = []
    for contender in found:
        seconds = statistics.median(contender.times)
        ratios = {
            f"of_{name.replace(' ', '_')}": statistics.median(
                ours / theirs for ours, theirs in zip(contender.times, times, strict=True)
            )
            for name, times in torchs.items()
        }
        made.append(
            {
                "workload": workload,
                "dtype": str(dtype).removeprefix("torch."),
                "optimizer": contender.name,
                "seconds": seconds,
                "host_seconds": statistics.median(contender.cpu_times),
                "of_copy": contender.facts["bytes_moved"] / seconds / rate,
                **ratios,
                **contender.facts,
            }
        )
    return made


@dataclass
class Machine:
    """What a record was measured on."""

    device: str
    driver: str | None
    torch: str
    triton: str | None
    python: str
    commit: str
    date: str


def machine() -> Machine:
    """Return this machine, and the commit that is checked out."""
    driver = None
    if CUDA:
        query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        driver = subprocess.run(query, capture_output=True, text=True, check=False).stdout.strip()
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        cwd=HERE,
        check=False,
    ).stdout.strip()
    try:
        triton: str | None = importlib.metadata.version("triton")
    except importlib.metadata.PackageNotFoundError:
        triton = None
    cpu = f"{platform.machine()} CPU, {torch.get_num_threads()} threads"
    return Machine(
        device=torch.cuda.get_device_name() if CUDA else cpu,
        driver=driver,
        torch=torch.__version__,
        triton=triton,
        python=platform.python_version(),
        commit=commit,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def show(record: dict[str, Any]) -> None:
    """Print a row of the table."""
    launched = "-" if record["launches"] is None else record["launches"]
    spare = record["temporary_bytes"]
    print(
        f"{record['workload']:13} {record['dtype']:9} {record['optimizer']:20} "
        f"{record['seconds'] * 1e3:9.3f} ms {record['host_seconds'] * 1e3:9.3f} ms host "
        f"{record['of_copy']:6.1%} of copy  {record['of_torch_fused']:5.2f} of fused "
        f"{record['of_torch_foreach']:5.2f} of foreach  {launched:>4} launches "
        f"{'-' if spare is None else f'{spare / 2**20:.0f} MiB':>9} temporaries"
    )


def main() -> None:
    """Check, measure, print, record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, few repeats, no record")
    parser.add_argument("--repeats", type=int, default=30 if CUDA else 11)
    options = parser.parse_args()
    here = machine()
    print(f"{here.device}, torch {here.torch}, triton {here.triton}, commit {here.commit}")
    if not CUDA:
        print("No GPU here: this compares the bodies that run on a CPU.")
    check_correct()
    if CUDA:
        check_no_wait_and_graph()
    print("Correct: every contender of ours takes the equations' step.")

    # All contenders hold their state at once; 60 bytes a parameter covers it in float32.
    budget = torch.cuda.mem_get_info()[0] // 60 if CUDA else 2**23
    budget = min(budget, 2**22) if options.quick else budget
    rate = copy_rate(min(2**28, budget))
    print(f"A device copy moves {rate / 1e9:.0f} GB/s, read and written.")
    records = []
    for dtype in (torch.float32, torch.bfloat16):
        for workload, shapes in WORKLOADS.items():
            found = measure(
                shapes(budget) or [(budget,)], dtype, 3 if options.quick else options.repeats
            )
            for record in rows(workload, dtype, found, rate):
                show(record)
                records.append(record)
            if CUDA:
                torch.cuda.empty_cache()
    if not options.quick:
        name = "".join(c if c.isalnum() else "-" for c in here.device.lower()).strip("-")
        path = HERE / "results" / f"adamw-{name}-{here.date[:10]}.json"
        record = {"machine": asdict(here), "copy_bytes_per_second": rate, "results": records}
        path.write_text(json.dumps(record, indent=1) + "\n")
        print(f"Recorded in {path.relative_to(HERE.parent)}")


if __name__ == "__main__":
    main()
