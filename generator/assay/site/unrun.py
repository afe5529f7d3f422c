"""Fences that markdown-exec would run while a page is rendered: they are shown, and do not run.

Law: rendering never executes. The plugin may stay among the others; what it would run is told.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from functools import partial
from typing import Any

_DRAWN = {"tree", "pyodide"}
"""Fences of markdown-exec that run nothing in the build."""


def stop(
    configs: dict[str, Any], tell: Callable[[str], None], lets: Callable[[], bool] = lambda: False
) -> None:
    """Replace what runs fences in the extensions' configuration, and *tell* the code of each.

    On a page that *lets* it, which the settings exclude, a fence runs as it would without assay.
    """

    def shown(runs: Callable[..., Any], source: str, *given: Any, **named: Any) -> Any:
        if lets():
            return runs(source, *given, **named)
        tell(source)
        return f"<pre><code>{html.escape(source)}</code></pre>"

    fences = configs.get("pymdownx.superfences", {}).get("custom_fences", [])
    for fence in fences:
        runs = getattr(fence.get("format"), "__module__", "").partition(".")[0] == "markdown_exec"
        if runs and fence.get("name") not in _DRAWN:
            fence["format"] = partial(shown, fence["format"])
