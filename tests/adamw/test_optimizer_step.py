"""`benchmarks/optimizer_step.py` writes a record whatever fails; its GPU half has a fake GPU."""

from __future__ import annotations

import contextlib
import json
import runpy
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

pytestmark = pytest.mark.skipif(
    torch.cuda.is_available(), reason="where there is a GPU the benchmark checks itself on it"
)

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark_(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The benchmark's names, with contenders and workloads that take no time."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(BENCHMARKS)
    names = runpy.run_path(str(BENCHMARKS / "optimizer_step.py"))
    small = {"tiny": [(5,), (4096,)]}
    globals_ = names["main"].__globals__
    monkeypatch.setitem(globals_, "workloads", lambda device, budget: small)
    yield globals_
    for name in set(sys.modules) - before:
        if name in ("timing", "optimizer_contenders"):
            del sys.modules[name]


def record_of(folder: Path) -> dict[str, Any]:
    (path,) = folder.glob("adamw-*.json")
    made: dict[str, Any] = json.loads(path.read_text())
    return made


def test_a_run_records_each_contender_and_nothing_of_the_machine(
    benchmark_: dict[str, Any], tmp_path: Path
) -> None:
    """The record has a row a contender and dtype, versions and commit, no path and no host name."""
    code = benchmark_["main"](["--repeats", "2", "--results", str(tmp_path / "new")])
    made = record_of(tmp_path / "new")
    ours = [r for r in made["results"] if r["optimizer"] == "ours foreach"]
    assert (code, made["failures"]) == (0, [])
    assert [(r["workload"], r["dtype"]) for r in ours] == [
        ("tiny", "float32"),
        ("tiny", "bfloat16"),
    ]
    assert all(r["of_torch_foreach"] > 0 and len(r["seconds_quartiles"]) == 2 for r in ours)
    assert made["distances"]["ours foreach"]["float64"] < 1e-11
    assert made["machine"]["torch"] == torch.__version__
    assert str(Path.home()) not in json.dumps(made)
    assert str(BENCHMARKS.parent) not in json.dumps(made)


def test_what_fails_is_recorded_and_the_rest_goes_on(
    benchmark_: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A contender that raises and one that is wrong are named in the record; others are timed."""
    contender = benchmark_["Contender"]
    limits = {torch.float32: 1e-3}

    def fails(params: Any) -> torch.optim.Optimizer:
        raise RuntimeError(f"no such kernel in {BENCHMARKS}")

    def contenders(device: torch.device) -> Iterator[Any]:
        yield contender("ours broken", fails, dtypes=(torch.float32,), limits=limits)
        yield contender("ours wrong", torch.optim.SGD, dtypes=(torch.float32,), limits=limits)
        yield contender("torch foreach", torch.optim.AdamW, dtypes=(torch.float32,))

    monkeypatch.setitem(benchmark_, "contenders", contenders)
    assert benchmark_["main"](["--repeats", "2", "--results", str(tmp_path)]) == 1
    made = record_of(tmp_path)
    failures = "\n".join(made["failures"])
    assert "correctness of ours broken in float32: RuntimeError: no such kernel in ./" in failures
    assert "correctness of ours wrong in float32: AssertionError" in failures
    assert "tiny, bfloat16, ours broken: RuntimeError" in failures
    assert {r["optimizer"] for r in made["results"]} == {"ours wrong", "torch foreach"}


class Event:
    """Stands for torch.cuda.Event."""

    def __init__(self, **options: Any) -> None:
        assert options == {"enable_timing": True}

    def record(self) -> None: ...

    def synchronize(self) -> None: ...

    def elapsed_time(self, end: Event) -> float:
        return 2.0


class Graph:
    """Stands for torch.cuda.CUDAGraph: a captured step is not taken, a replayed one is."""

    step: Any = None

    def replay(self) -> None:
        self.step()


def test_the_gpu_half_runs_with_a_fake_gpu(
    benchmark_: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With torch.cuda's functions replaced, what only a GPU runs is run, and its facts recorded."""
    pytest.importorskip("triton", reason="the contender on a GPU is the triton body")
    modes: list[str] = []
    fakes: dict[str, Any] = {
        "synchronize": lambda: None,
        "Event": Event,
        "CUDAGraph": Graph,
        "get_device_name": lambda: "NVIDIA Fake",
        "mem_get_info": lambda: (2**20, 2**20),
        "memory_allocated": lambda: 10,
        "max_memory_allocated": lambda: 15,
        "reset_peak_memory_stats": lambda: None,
        "empty_cache": lambda: None,
        "set_sync_debug_mode": modes.append,
    }
    for name, fake in fakes.items():
        monkeypatch.setattr(torch.cuda, name, fake)

    @contextlib.contextmanager
    def capture(graph: Graph) -> Iterator[None]:
        step = benchmark_["AdamW"].step
        taken: list[Any] = []
        monkeypatch.setattr(benchmark_["AdamW"], "step", lambda self: taken.append(self))
        yield
        monkeypatch.setattr(benchmark_["AdamW"], "step", step)
        graph.step = lambda: step(taken[0])

    monkeypatch.setattr(torch.cuda, "graph", capture)
    # capturable=True is for devices torch names; here the CPU passes for one.
    from adamw import torch_internals

    monkeypatch.setattr(torch_internals, "capturable_devices", lambda: ["cpu"])
    kernel = types.SimpleNamespace(
        device_type=torch.autograd.DeviceType.CUDA, is_user_annotation=False
    )
    label = types.SimpleNamespace(
        device_type=torch.autograd.DeviceType.CUDA, is_user_annotation=True
    )
    profile = contextlib.nullcontext(types.SimpleNamespace(events=lambda: [kernel, kernel, label]))
    monkeypatch.setattr(torch.profiler, "profile", lambda activities: profile)

    # Tensors stay on the CPU, so DEVICE does; the functions that ask what it is are told "cuda".
    cuda = types.SimpleNamespace(type="cuda")
    original = {name: benchmark_[name] for name in ("contenders", "timed", "launches")}
    measured = benchmark_["temporary_bytes"]
    told: dict[str, Any] = {
        "GPU": True,
        "GRAPH_SHAPES": [(5,), (3,)],
        "check_correct": lambda contender, dtype: 0.0,  # the interpreter is slow, and tested
        "told": lambda *command: "1.0",
        "copy_rate": lambda elements, device: 1e9,
        "contenders": lambda device: [
            c for c in original["contenders"](cuda) if c.name.startswith(("ours", "torch f"))
        ],
        "timed": lambda step, device, steps: original["timed"](step, cuda, steps),
        "launches": lambda step, device: original["launches"](step, cuda),
        "temporary_bytes": lambda step, device: measured(step, cuda),
    }
    for name, value in told.items():
        monkeypatch.setitem(benchmark_, name, value)
    assert benchmark_["main"](["--repeats", "2", "--results", str(tmp_path)]) == 0
    made = record_of(tmp_path)
    assert made["machine"]["device"] == "NVIDIA Fake"
    assert made["machine"]["driver"] == "1.0"
    ours = next(r for r in made["results"] if r["optimizer"] == "ours triton")
    assert (ours["launches"], ours["temporary_bytes"], ours["seconds"]) == (2, 5, 0.002)
    assert modes == ["error", "default"] * 2 * len(benchmark_["GRAPHED"])
