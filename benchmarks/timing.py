"""Clocks and counters of a device, the same calls on a GPU and on a CPU."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch


def timed(step: Callable[[], Any], device: torch.device, steps: int = 1) -> tuple[float, float]:
    """Return the seconds a call takes on the device, and on the host before it returns.

    Each is the mean of so many calls in a row.
    """
    gpu = device.type == "cuda"
    if gpu:
        torch.cuda.synchronize()
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
    start = time.perf_counter()
    for _ in range(steps):
        step()
    host = (time.perf_counter() - start) / steps
    if not gpu:
        return host, host
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) / 1e3 / steps, host


def copy_rate(elements: int, device: torch.device) -> float:
    """Return the bytes a second of a device copy, read and written, the median of 20."""
    source = torch.randn(elements, device=device)
    target = torch.empty_like(source)
    times = [timed(lambda: target.copy_(source), device)[0] for _ in range(23)][3:]
    return 2 * source.nbytes / statistics.median(times)


def launches(step: Callable[[], Any], device: torch.device) -> int | None:
    """Return how many kernels, copies and fills a step puts on the device; None on a CPU."""
    if device.type != "cuda":
        return None
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        step()
        torch.cuda.synchronize()
    on_device = torch.autograd.DeviceType.CUDA
    # The profiler mirrors torch's own label of the step on the device; it launches nothing.
    return sum(
        event.device_type == on_device and not event.is_user_annotation
        for event in profile.events()
    )


def temporary_bytes(step: Callable[[], Any], device: torch.device) -> int | None:
    """Return how much more is allocated at the peak of a step than before it; None on a CPU."""
    if device.type != "cuda":
        return None
    torch.cuda.synchronize()
    held = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    step()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - held


def spread(values: Sequence[float]) -> list[float]:
    """Return the quartiles: the middle one is the figure, the outer two its spread."""
    return (
        statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [*values] * 3
    )
