"""Commands that are killed at any moment: nothing is torn, nothing stays, the next run is right."""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from .lab import needs_proc, page, wait_for_none_in

pytestmark = [pytest.mark.prove, needs_proc]

PAGES = {
    f"docs/{name}.md": page(f"import time\ntime.sleep({wait})\nx = {n}", f"It is [{n}](claim:x).")
    for n, (name, wait) in enumerate({"index": 0.0, "b": 0.1, "c": 0.2}.items(), 1)
}
CONFIG = "site_name: Killed\nplugins: [assay]\nmarkdown_extensions: [attr_list, md_in_html]\n"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


COMMANDS = {
    "check": lambda: ["check"],
    "build": lambda: ["build"],
    "serve": lambda: ["serve", "--dev-addr", f"127.0.0.1:{free_port()}"],
}
SIGNALS = [signal.SIGKILL, signal.SIGTERM, signal.SIGINT]
TIMES = 20
"""Kills of each command."""


class Killed:
    """A project whose commands are killed, with a folder of its own for temporary files."""

    def __init__(self, folder: Path) -> None:
        self.root, self.temporary = folder / "project", folder / "temporary"
        self.temporary.mkdir()
        for path, text in ({"assay.toml": "", "mkdocs.yml": CONFIG} | PAGES).items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text, encoding="utf-8")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "assay", *arguments],
            cwd=self.root,
            env=os.environ
            | {"TMPDIR": str(self.temporary), "ASSAY_STORE": str(self.root / "kept")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> str:
        running = self.start(*arguments)
        said = running.communicate(timeout=120)[0]
        assert running.returncode == 0, said
        return said

    def edit(self, number: int) -> None:
        """Change what a session computes and what its page says, so that there is work to do."""
        text = PAGES["docs/index.md"] + f"\nEdit {number} of this page.\n"
        code = f"z = {number}\nx = 1"
        (self.root / "docs/index.md").write_text(text.replace("x = 1", code), encoding="utf-8")

    def edits(self) -> set[str]:
        """Return which edits the page shows, in the text and in the code."""
        shown = (self.root / "site/index.html").read_text(encoding="utf-8")
        return set(re.findall(r"Edit (\d+) of", shown))

    def shown(self) -> dict[str, tuple[bool, int]]:
        """Return of each page of the site whether it is whole, and its verified claims."""
        site = self.root / "site"
        texts = {str(p.relative_to(site)): p.read_text() for p in sorted(site.rglob("*.html"))}
        return {path: ("</html>" in t, t.count("assay-verified")) for path, t in texts.items()}


def fetched(address: str) -> str:
    """Return what is served at *address*, as soon as it is."""
    for _ in range(300):
        with suppress(OSError), urllib.request.urlopen(address) as page:
            return str(page.read().decode())
        time.sleep(0.1)
    raise AssertionError(f"nothing is served at {address}")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_killed_command_leaves_nothing_and_breaks_nothing(command: str, tmp_path: Path) -> None:
    """Whatever the signal and the moment."""
    drawn = random.Random(command)
    project = Killed(tmp_path)
    project.run("build")
    whole = project.shown()
    for number in range(TIMES):
        project.edit(number)
        running = project.start(*COMMANDS[command]())
        time.sleep(drawn.uniform(0.0, 2.5))
        running.send_signal(drawn.choice(SIGNALS))
        running.communicate(timeout=30)
        assert wait_for_none_in(project.root) == []
        assert project.shown() == whole
        assert len(project.edits()) <= 1
    assert "3 verified" in project.run("check")
    assert "3 verified" in project.run("check", "--no-store")
    project.run("build")
    assert project.shown() == whole
    assert project.edits() == {str(TIMES - 1)}
    assert sorted(p.name for p in project.root.iterdir() if p.name.startswith(".")) == []
    assert sorted(p.name for p in project.temporary.iterdir()) == []


def test_two_checks_a_build_and_a_serve_never_meet(tmp_path: Path) -> None:
    """Each says that all holds, and a whole site stands there."""
    project = Killed(tmp_path)
    arguments = COMMANDS["serve"]()
    serving = project.start(*arguments)
    running = [project.start(*COMMANDS[name]()) for name in ("check", "build", "check")]
    for one in running:
        said = one.communicate(timeout=120)[0]
        assert one.returncode == 0, said
        assert "3 verified" in said
    served = fetched(f"http://{arguments[-1]}/b/")
    assert served.count("assay-verified") == project.shown()["b/index.html"][1]
    assert serving.poll() is None
    serving.send_signal(signal.SIGINT)
    serving.communicate(timeout=30)
    assert {"index.html", "b/index.html", "c/index.html"} <= project.shown().keys()
    assert wait_for_none_in(project.root) == []


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="mounting takes root")
def test_a_store_on_a_full_disk_fails_no_check(tmp_path: Path) -> None:
    """What cannot be kept is run again, and what is there is whole or nothing."""
    project = Killed(tmp_path)
    small = project.root / "kept"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(small)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        for _ in range(3):
            assert "3 verified" in project.run("check")
        (small / "filling").write_bytes(b"x" * 4096)
    except OSError:
        pass  # it is full, as it is to be
    finally:
        assert "3 verified" in project.run("check")
        subprocess.run(["umount", str(small)], check=True)
    assert "3 verified" in project.run("check")
