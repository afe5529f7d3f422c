"""Pages of others, in our words and with their package: what they state falsely is found there."""

from __future__ import annotations

import subprocess
import sys

import pytest

from .lab import Project

pytestmark = pytest.mark.prove

# A textbook on ML systems computes its figures with a package of its own. Two pages of that
# package's documentation state what the package does not say (harvard-edge/cs249r_book:
# mlsysim/docs/blog/how-much-memory-llama3.md at 335995f, mlsysim/docs/understanding-efficiency.md
# at 281a58c).
PACKAGE = "mlsysim==0.3.0"
CACHE = """\
# How many requests fit?

```python exec="on" source="above" id="cache"
from mlsysim.physics.memory import calc_kv_cache_size

request = calc_kv_cache_size(n_layers=80, n_heads=8, head_dim=128, seq_len=4096, batch_size=1)
size = request.to("byte").magnitude
print(f"{size / 1e6:.0f} MB")  #> 160 MB
longest = 8 * size
```

A request of this length takes [160 MB](claim:size), so 280 requests are served at a time.
At eight times the length it takes [1.28 GB](claim:longest), which leaves room for 35 requests.
"""
EFFICIENCY = """\
# How busy is the card?

```python exec="on" source="above" id="efficiency"
throughput = 1200  # tokens a second, as measured
per_token = 1.4e12  # operations
peak = 989e12  # operations a second
eta = throughput / (peak / per_token)
print(f"{eta:.3f}")  #> 0.423
```

The share of the peak is [0.423](claim:eta), and it is always [below 1](claim:eta "id=below").
"""
FALSE = {
    "the output that the package does not print": "docs/cache.md:8:1: error A304",
    "the size of a request": "docs/cache.md:12:32: error A104",
    "requests, which the settings make a unit": "docs/cache.md:12:57: error A201",
    "the size of a longer one": "docs/cache.md:13:36: error A104",
    "fewer requests": "docs/cache.md:13:84: error A201",
    "the output of the printed arithmetic": "docs/efficiency.md:8:1: error A304",
    "the share of the peak": "docs/efficiency.md:11:26: error A104",
    "that a share is below one": "docs/efficiency.md:11:63: error A104",
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("foreign")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(root / "lib")]
    subprocess.run([*command, PACKAGE], check=True)
    lab = Project(root, root / "store")
    lab.write(
        {
            "assay.toml": 'path = ["lib"]\nunits = ["request"]\n',
            "docs/cache.md": CACHE,
            "docs/efficiency.md": EFFICIENCY,
        }
    )
    return lab.assay("check", "--no-store").stdout


@pytest.mark.parametrize("place", FALSE.values(), ids=FALSE)
def test_a_false_figure_of_a_textbook_is_found(report: str, place: str) -> None:
    """The check fails at the line of each figure that the package does not compute."""
    assert place in report
