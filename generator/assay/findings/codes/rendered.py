"""Codes of pages as they were rendered."""

from __future__ import annotations

from .code import Code

CODES = {
    "A601": Code(
        "claim-not-rendered",
        "A claim does not stand once on its rendered page, as it was judged.",
        "The site's Markdown reads the page in another way than the check, and readers see that.",
        "Write the sentence more simply: no pipe in a table's code, no claim in a comment.",
    ),
    "A602": Code(
        "address-left",
        "An address such as `claim:` is left on a rendered page.",
        "Readers would take its figure for a checked one, and nothing has checked it.",
        "Write the claim into the page's own Markdown.",
    ),
    "A603": Code(
        "unjudged-figure",
        "A rendered page shows a figure that no check has judged.",
        "Included text, docstrings and pages that plugins make are not read by the check.",
        "Write the figure into the page's own Markdown, and bind it there.",
    ),
    "A604": Code(
        "imitation",
        "A rendered page holds what looks like a part of assay, and is none.",
        "Readers trust what looks like a verdict.",
        "Take the class, the id or the mark out of the page.",
    ),
    "A605": Code(
        "unchecked-fence",
        "A fence would have run while the page was rendered.",
        "What runs there is seen by no check; assay does not let it run.",
        "Write the fence into a page's own Markdown, or take `exec` out of it.",
    ),
}
