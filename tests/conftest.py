"""What holds for all tests: their options, and how many run at a time."""

from __future__ import annotations

import os

import pytest

MOST_WORKERS = 4  # each imports torch, which is half a gigabyte
READ_THE_SITE = {f"tests/site/test_site_{name}.py" for name in ("browser", "build", "files")}


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


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Return what hands out tests: a file at a time, and the files that read the site as one."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return "site" if file in READ_THE_SITE else file

    return ByFile(config, log)
