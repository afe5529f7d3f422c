"""The package alone: a wheel of it, built offline, and its README's examples."""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
import sys
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import adamw
import pytest

PROJECT = Path(adamw.__file__).parents[1]
EXAMPLES = re.findall(r"```python\n(.*?)```", (PROJECT / "README.md").read_text(), flags=re.DOTALL)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of the folder, made with what is installed."""
    pytest.importorskip("hatchling", reason="the package's build backend")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run([*command, *offline, str(PROJECT)], check=True)
    (made,) = folder.glob("*.whl")
    return made


def test_a_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    """Every module, the marker of types, and what pip writes: no test, no page, no neighbour."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        (metadata,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        about = HeaderParser().parsestr(archive.read(metadata).decode())
    own = {f"adamw/{path.name}" for path in PROJECT.glob("adamw/*.py")} | {"adamw/py.typed"}
    assert names == own
    assert about.get_all("Requires-Dist") == ["torch>=2.9"]
    assert "Typing :: Typed" in about.get_all("Classifier", [])
    assert about["Description-Content-Type"] == "text/markdown"
    assert "drop-in for `torch.optim.AdamW`" in str(about.get_payload())


def test_the_wheel_steps_without_assay(wheel: Path, tmp_path: Path) -> None:
    """Imported from the wheel alone it trains, and neither assay nor MkDocs is loaded."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    program = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import torch, adamw
param = torch.nn.Parameter(torch.ones(2))
param.grad = torch.ones(2)
adamw.AdamW([param]).step()
print(adamw.__file__.startswith({str(tmp_path)!r}), param.ne(1).all().item())
print(*{{"assay", "vram", "mkdocs", "pint"}} & set(sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == ["True True", ""]


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_of_the_readme_prints_what_it_says(number: int) -> None:
    """Each example runs, and prints what stands behind `#>`."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(EXAMPLES[number], "README.md", "exec"), {})
    assert out.getvalue().splitlines() == re.findall(r"#> (.*)", EXAMPLES[number])


def test_the_public_names_are_few_and_documented() -> None:
    """At most 15 names, each with a docstring."""
    assert len(adamw.__all__) <= 15
    assert all(getattr(adamw, name).__doc__ for name in adamw.__all__)
