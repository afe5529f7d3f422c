"""What holds for all tests: their options, and how many run at a time."""

from __future__ import annotations

import os

import pytest

MOST_WORKERS = 4  # each imports torch, which is half a gigabyte


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --update."""
    parser.addoption(
        "--update",
        action="store_true",
        help="write what was found into the case files that expect otherwise",
    )


def pytest_xdist_auto_num_workers() -> int:
    """Return what `-n auto` means here: the cores that this process may use, up to a few."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return min(cores, MOST_WORKERS)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file in one process, and all that read the built site in another."""
    for item in items:
        reads_site = "site" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("site" if reads_site else str(item.path)))
