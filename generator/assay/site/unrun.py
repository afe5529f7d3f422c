"""Fences that markdown-exec would run while a page is rendered: they are shown, and do not run.

Law: rendering never executes. The plugin may stay among the others; what it would run is told.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

_DRAWN = {"tree", "pyodide"}
"""Fences of markdown-exec that run nothing in the build."""


def stop(configs: dict[str, Any], tell: Callable[[str], None]) -> None:
    """Replace what runs fences in the extensions' configuration, and *tell* the code of each."""

    def shown(source: str, *_: Any, **__: Any) -> str:
        tell(source)
        return f"<pre><code>{html.escape(source)}</code></pre>"

    fences = configs.get("pymdownx.superfences", {}).get("custom_fences", [])
    for fence in fences:
        runs = getattr(fence.get("format"), "__module__", "").partition(".")[0] == "markdown_exec"
        if runs and fence.get("name") not in _DRAWN:
            fence["format"] = shown
