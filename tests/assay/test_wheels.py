"""The three wheels, each alone in a new environment that holds what it declares and no more."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import zipfile
from email.parser import HeaderParser
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from .lab import REPOSITORY

pytestmark = pytest.mark.prove

PARTS = {"assay": ".", "adamw": "snippets/adamw", "vram": "snippets/vram"}
EXAMPLES = {
    "assay": """
        import pathlib
        from assay import check_root, holds
        assert holds(64_242_089_984, "64.24 GB") and not holds(64_242_089_984, "64.24 GiB")
        root = pathlib.Path(FOLDER)
        (root / "docs").mkdir(parents=True)
        (root / "assay.toml").write_text("")
        code = '```python exec="on"\\nx = 6 * 7\\n```\\n\\n'
        (root / "docs" / "a.md").write_text(code + "[42](claim:x), not [43](claim:x)\\n")
        report = check_root(root, keep=False)[1]
        assert [v.status.value for v in report.verdicts] == ["verified", "fails"]
        from assay.site.mkdocs_plugin import AssayPlugin
    """,
    "adamw": """
        import torch
        from adamw import AdamW
        param = torch.nn.Parameter(torch.ones(2))
        param.grad = torch.ones(2)
        AdamW([param]).step()
        assert param.ne(1).all()
    """,
    "vram": """
        from vram import estimate
        assert "GiB" in str(estimate("gpt2", sequence=128))
    """,
}
ABSENT = {
    "assay": {"torch", "numpy", "pint", "adamw", "vram"},
    "adamw": {"assay", "mkdocs", "vram"},
    "vram": {"assay", "mkdocs", "adamw"},
}


def wheel_of(part: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run(
        [*command, "--wheel-dir", str(folder), str(REPOSITORY / PARTS[part])], check=True
    )
    (made,) = folder.glob("*.whl")
    return made


def declared_by(wheel: Path) -> list[str]:
    """Return what a wheel requires."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        about = HeaderParser().parsestr(archive.read(name).decode())
    return about.get_all("Requires-Dist", [])


def brought_by(requirements: list[str]) -> set[str]:
    """Return the distributions that requirements bring, and what those bring."""
    found: set[str] = set()
    waiting = list(requirements)
    while waiting:
        needed = Requirement(waiting.pop())
        if needed.name not in found and (
            not needed.marker or needed.marker.evaluate({"extra": ""})
        ):
            found.add(needed.name)
            waiting += metadata.requires(needed.name) or []
    return found


def environment_of(wheel: Path, folder: Path) -> Path:
    """Make a new environment of a wheel and what it declares; return its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    site = next(folder.glob("lib*/python*/site-packages"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    for name in brought_by(declared_by(wheel)):
        distribution = metadata.distribution(name)
        tops = {f.parts[0] for f in distribution.files or () if f.parts[0] != ".."}
        for top in tops - {"__pycache__"}:
            if not (site / top).exists():
                (site / top).symlink_to(distribution.locate_file(top))
    return folder / "bin" / "python"


@pytest.mark.parametrize("part", PARTS)
def test_a_part_runs_its_example_with_what_it_declares(part: str, tmp_path: Path) -> None:
    """In a new environment the part imports and works, and what belongs to others is not there."""
    python = environment_of(wheel_of(part, tmp_path / "wheels"), tmp_path / "new")
    program = textwrap.dedent(EXAMPLES[part]).replace("FOLDER", repr(str(tmp_path / "project")))
    program += "\nimport importlib.util\n"
    program += f"print(*sorted(n for n in {ABSENT[part]} if importlib.util.find_spec(n)))\n"
    file = tmp_path / "example.py"
    file.write_text(program)
    done = subprocess.run([str(python), str(file)], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
