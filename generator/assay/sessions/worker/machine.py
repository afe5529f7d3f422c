"""The machine that a session runs on, as its outcome names it.

Law: what is not there is not named; asking never fails a session.
"""

import importlib.metadata
import os
import platform
import subprocess
import sys

FIELDS = "name,memory.total,driver_version"


def environment(device):
    """Name the versions of what ran, and for a GPU of what compiles for it."""
    found = {"python": platform.python_version(), "device": device, "machine": platform.machine()}
    torch = sys.modules.get("torch")
    if torch is not None:
        found["torch"] = str(torch.__version__)
    if device != "cpu":
        found |= versions(torch)
    return found


def gpu():
    """Ask the driver for the first GPU that sessions see: name, memory, driver."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES", "0").partition(",")[0]
    command = ["nvidia-smi", f"--id={chosen}", f"--query-gpu={FIELDS}"]
    try:
        answer = subprocess.run(
            [*command, "--format=csv,noheader,nounits"],
            capture_output=True, text=True, timeout=20, check=True,
        )  # fmt: skip
        name, mebibytes, driver = (word.strip() for word in answer.stdout.split(",", 2))
        return {"gpu": name, "gpu_memory": f"{int(mebibytes)} MiB", "driver": driver}
    except (OSError, subprocess.SubprocessError, ValueError):
        return {}


def versions(torch):
    cuda = getattr(getattr(torch, "version", None), "cuda", None)
    found = {"cuda": cuda} if cuda else {}
    try:
        found["triton"] = importlib.metadata.version("triton")
    except importlib.metadata.PackageNotFoundError:
        pass
    return found
