"""Figures that a snippet leaves open in matplotlib, as SVG that is the same in each run.

Law: a figure that was taken is closed, so that the next snippet starts with none.
"""

import io
import sys

SAME = {"svg.hashsalt": "assay", "svg.fonttype": "none"}
"""Ids that do not vary, and text as text."""


def take():
    """Return the open figures, in the order of their numbers."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return []
    try:
        with pyplot.rc_context(SAME):
            return [drawn(pyplot.figure(number)) for number in pyplot.get_fignums()]
    finally:
        pyplot.close("all")


def drawn(figure):
    file = io.BytesIO()
    told = {"Date": None, "Creator": None}
    figure.savefig(file, format="svg", bbox_inches="tight", metadata=told)
    return file.getvalue().decode("utf-8")
