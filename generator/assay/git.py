"""What git says of a project: its commit, and what differs from it.

Law: a file is named by its bytes, so that no name in another script is lost.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


class GitError(Exception):
    """Git is not here, or the folder is no repository with a commit."""


def commit(root: Path) -> str:
    """Return the short commit of *root*, with ``+`` for uncommitted changes, or ""."""
    try:
        name = _git(root, "rev-parse", "--short=12", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    except GitError:
        return ""
    return os.fsdecode(name).strip() + ("+" if changed.strip() else "")


def changed(root: Path, base: str = "") -> frozenset[str]:
    """Return the paths from *root* that differ from the last commit, new files included.

    With *base*: from the commit at which this branch left it. Raises :class:`GitError` where that
    is not here.
    """
    since = os.fsdecode(_git(root, "merge-base", "HEAD", base)).strip() if base else "HEAD"
    outputs = (
        _git(root, "diff", "--name-only", "--relative", "-z", since),
        _git(root, "ls-files", "--others", "--exclude-standard", "-z"),
    )
    return frozenset(os.fsdecode(path) for o in outputs for path in o.split(b"\0") if path)


def differing(root: Path, base: str) -> frozenset[str]:
    """Return the paths from *root* that differ from the commit *base*; none if it is not here."""
    try:
        output = _git(root, "diff", "--name-only", "--relative", "-z", base)
    except GitError:
        return frozenset()
    return frozenset(os.fsdecode(path) for path in output.split(b"\0") if path)


def _git(root: Path, *arguments: str) -> bytes:
    try:
        command = ["git", "-C", str(root), *arguments]
        return subprocess.run(command, capture_output=True, check=True).stdout
    except OSError as error:
        raise GitError(f"git cannot be started: {error}") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        raise GitError(f"{root} is no git repository with a commit: {said}") from error
