"""The rendered pages are read back: what a reader sees there is what the check judged."""

import re
import subprocess
import sys

import pytest

CONFIG = """\
site_name: Read back
theme: {name: material, font: false}
hooks: [hooks.py]
plugins: [assay, markdown-exec]
markdown_extensions:
  - abbr
  - attr_list
  - footnotes
  - md_in_html
  - tables
  - pymdownx.highlight
  - pymdownx.superfences
  - pymdownx.tabbed: {alternate_style: true}
"""
HOOKS = """\
from mkdocs.structure.files import File

def on_files(files, config):
    files.append(File.generated(config, "made.md", content="# Made\\n\\nTakes 77 GB.\\n"))
    return files

def on_page_markdown(markdown, page, **_):
    added = {
        "index.md": "\\n\\n*[GPU]: a card with 99 GB\\n",
        "docstring.md": "\\n\\nAt most 31 times as long.\\n",
        "fence.md": "\\n\\n```python exec=\\"on\\"\\nopen('ran', 'w')\\n```\\n",
        "twice.md": "\\n\\n" + markdown,
        "raw.md": '\\n\\n<a class="assay-claim assay-verified" id="claim-x" href="#">eight</a>\\n',
        "marked.md": '\\n\\n<p data-assay="0123456789abcdef">It weighs 12 kg.</p>\\n',
        "coded.md": "\\n\\n`a` | `b | [x](claim:y)\\n",
        "free/page.md": "\\n\\nTakes 55 GB, which nobody is asked to bind here.\\n",
        "near.md": "\\n\\n[eight](claims:height)\\n",
    }
    return markdown + added.get(page.file.src_uri, "")
"""
CLAIM = """\
```python exec="on" id="{id}"
height = 8849 / 1000
```

It is [8.8](claim:height) high, by the {id}.
"""
FILES = {
    "assay.toml": 'unbound = {"docs/free" = "off"}\n',
    "mkdocs.yml": CONFIG,
    "hooks.py": HOOKS,
    "docs/free/page.md": "# Free\n\nIt takes 44 GB.\n",
    "docs/index.md": "# Home\n\nA GPU has memory.\n",
    "docs/plain.md": f"# Plain\n\n{CLAIM.format(id='plain')}\n\n[A page](index.md), `x = 12`.\n",
    **{
        f"docs/{name}.md": f"# A page\n\n{CLAIM.format(id=name)}"
        for name in ("docstring", "fence", "twice", "raw", "marked", "coded", "near", "lost")
    },
}
FILES["hooks.py"] += """
def on_page_content(html, page, **_):
    if page.file.src_uri == "lost.md":
        return html.replace("8.8", "8.9")
"""
DIFFERENCES = {
    "index": r"docs/index\.md:1:1: error A603: the figure '99 GB' .*a card with 99 GB",
    "made": r"made\.md:1:1: error A603: the figure '77 GB'",
    "docstring": r"docs/docstring\.md:1:1: error A603: the figure '31 times'",
    "fence": r"docs/fence\.md:1:1: error A605: .*open\('ran', 'w'\)",
    "twice": r"docs/twice\.md:7:7: error A601: the claim '8\.8' stands 2 times",
    "raw": r"docs/raw\.md:1:1: error A604: <a> .*'eight'",
    "marked": r"docs/marked\.md:1:1: error A604: <p> .*'It weighs 12 kg\.'",
    "marked, its figure": r"docs/marked\.md:1:1: error A603: the figure '12 kg'",
    "coded": r"docs/coded\.md:1:1: error A602: a link to 'claim:y'",
    "near": r"docs/near\.md:1:1: error A602: a link to 'claims:height'",
    "lost": r"docs/lost\.md:7:7: error A601: the claim '8\.8' reads '8\.9'",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("readback")
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def built(root):
    return subprocess.run(
        [sys.executable, "-m", "assay", "build"], cwd=root, capture_output=True, text=True
    )


@pytest.mark.parametrize("name", DIFFERENCES)
def test_a_difference_is_found(built, name):
    """What stands on a rendered page and was not judged is told with its page."""
    assert re.search(DIFFERENCES[name], built.stdout + built.stderr), built.stderr[-6000:]


def test_nothing_else_differs(built):
    """A page as its author wrote it is as it was checked."""
    said = re.findall(r"^\S+: error .*", built.stdout + built.stderr, re.MULTILINE)
    others = [line for line in said if not any(re.search(d, line) for d in DIFFERENCES.values())]
    assert not others


def test_a_difference_ends_the_build(root, built):
    """No site is published, and no fence ran."""
    assert built.returncode == 1
    assert not (root / "site").exists()
    assert not (root / "ran").exists()


def test_what_a_typesetter_makes_of_a_page_is_no_difference(tmp_path):
    """Fractions, arrows, keys, task lists, footnotes and tabs are what their author wrote."""
    files = {
        "assay.toml": "",
        "mkdocs.yml": TYPESET,
        "docs/index.md": TYPESETTING,
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "assay", "build"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


TYPESET = """\
site_name: Typeset
theme: {name: material, font: false}
plugins: [assay]
markdown_extensions:
  - attr_list
  - md_in_html
  - tables
  - footnotes
  - def_list
  - abbr
  - admonition
  - pymdownx.details
  - pymdownx.highlight
  - pymdownx.superfences
  - pymdownx.smartsymbols
  - pymdownx.keys
  - pymdownx.tasklist
  - pymdownx.tilde
  - pymdownx.caret
  - pymdownx.mark
  - pymdownx.magiclink
  - pymdownx.inlinehilite
  - pymdownx.tabbed: {alternate_style: true}
  - toc: {permalink: true}
"""
TYPESETTING = """\
# Things

```python exec="on" id="a"
n, size = 4, 12_000_000_000
```

Press ++ctrl+1++ and see H~2~O, ==marked [4](claim:n)==, x^2^, (c), 1/2, 3/4, +/-, -->.

- [x] done [4](claim:n "id=task")

Term
:   A definition of [12 GB](claim:size).

Text[^1] with a note. HTML is here.

[^1]: The note says [4](claim:n "id=note") and `x = 3 GB`.

*[HTML]: Hyper Text

!!! note "Title of [4](claim:n "id=title")"
    Inside [4](claim:n "id=inside").

=== "One"

    > "quoted [12 GB](claim:size "false for n, id=quoted")"
    >
    > [Elsewhere](https://example.org/5-gb), read 2026-01-02

| a | b |
|---|---|
| [4](claim:n "id=cell") | `a \\\\| b` |

1. One
2. Two [4](claim:n "id=item")

See [another](https://example.org "9 GB of it") and https://example.org/5-gb, `#!python x = 3`,
$E = mc^2$.

<div markdown>

In HTML [4](claim:n "id=div").

</div>
"""
