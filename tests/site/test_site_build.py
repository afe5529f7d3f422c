"""Building and serving: a failing claim never reaches a site."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from . import conftest


def break_a_claim(project):
    entry = project / "glossary" / "adamw.md"
    text = entry.read_text(encoding="utf-8")
    broken = text.replace("[64.24 GB](claim:total)", "[64.25 GB](claim:total)")
    assert broken != text
    entry.write_text(broken, encoding="utf-8")
    return entry, text


def stamps(site):
    return {path: path.stat().st_mtime_ns for path in site.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "command",
    [
        ("assay", "build"),
        ("mkdocs", "build"),
        ("mkdocs", "build", "-q"),
        ("mkdocs", "build", "-q", "--strict"),
        ("mkdocs", "build", "--no-strict", "--dirty"),
    ],
    ids=" ".join,
)
def test_no_command_or_flag_lets_a_failing_claim_through(site, project, command):
    """The build ends with status 1 and the last good site stays as it was."""
    before = stamps(site)
    entry, text = break_a_claim(project)
    try:
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=project, capture_output=True, text=True
        )
    finally:
        entry.write_text(text, encoding="utf-8")
    assert done.returncode == 1
    assert "glossary/adamw.md" in done.stdout + done.stderr
    assert "A104" in done.stdout + done.stderr
    assert stamps(site) == before


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def read(address, wanted, seconds=60):
    """Return the page once *wanted* stands in it."""
    text = ""
    for _ in range(seconds * 5):
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                text = answer.read().decode()
            if re.search(wanted, text):
                return text
        except OSError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"{wanted!r} did not appear; the page ends {text[-500:]!r}")


def test_serving_follows_an_edit_and_shows_what_fails(tmp_path):
    """An edit that breaks a claim shows on the live page as failing, and mending it as holding."""
    project = conftest.copy_project(tmp_path)
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "assay", "serve", "--dev-addr", f"127.0.0.1:{port}"],
        cwd=project,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background job has none
    )
    try:
        address = f"http://127.0.0.1:{port}/glossary/adamw/"
        read(address, r'class="assay-claim assay-verified"[^>]*>64\.24&nbsp;GB')
        entry, text = break_a_claim(project)
        read(address, r'class="assay-claim assay-fails"[^>]*>64\.25&nbsp;GB')
        entry.write_text(text, encoding="utf-8")
        page = read(address, r'id="claim-total"[^>]*>64\.24&nbsp;GB')
        assert "assay-fails" not in page
    finally:
        os.killpg(server.pid, signal.SIGINT)
        assert server.wait(60) in {0, 130}
