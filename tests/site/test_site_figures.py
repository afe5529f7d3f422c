"""A plot, a table, a command line: on a page, and kept for the next check."""

import html
import re
import subprocess
import sys

import pytest

PAGE = """\
# Ordinary output

```python exec="on" source="above" id="plot" figure="the squares of small numbers"
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(5, 2.5))
axes.plot([n**2 for n in range(5)])
axes.set_xlabel("n")
highest = axes.lines[0].get_ydata().max()
```

The line ends at [16](claim:highest).

```python exec="on" source="above" id="table" html="1"
import pandas

print(pandas.DataFrame({"n": [1, 2], "square": [1, 4]}).to_html(index=False))
```

```python exec="on" source="above" id="options"
import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=3)
steps = parser.parse_args().steps
```

It makes [3](claim:steps) steps.

```python exec="on" source="above" id="command"
import click

@click.command()
@click.option("--steps", default=4)
def train(steps):
    print(f"{steps} steps")

train(standalone_mode=False)
```
"""
CONFIG = """\
site_name: Ordinary
theme: {name: material, font: false}
plugins: [assay]
markdown_extensions: [attr_list, md_in_html, tables, pymdownx.highlight, pymdownx.superfences]
"""


def assay(root, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "assay", *arguments], cwd=root, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("ordinary")
    for path, text in {"assay.toml": "", "mkdocs.yml": CONFIG, "docs/index.md": PAGE}.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    assay(root, "build")
    return root


def test_the_plot_is_a_file_with_its_text(root):
    """The page shows it as an image."""
    page = (root / "site/index.html").read_text(encoding="utf-8")
    image = re.search(r'<img alt="the squares of small numbers" src="([^"]+)"', page)
    assert image
    assert (root / "site" / image[1]).read_text(encoding="utf-8").startswith("<?xml")


def test_a_table_and_a_command_show_what_they_printed(root):
    """As a table, and as text."""
    page = (root / "site/index.html").read_text(encoding="utf-8")
    assert re.search(r"<td>2</td>\s*<td>4</td>", html.unescape(page))
    assert "4 steps" in page


def test_all_of_them_are_reused(root):
    """The second check runs nothing."""
    assert "0 sessions ran, 4 reused" in assay(root, "check")
