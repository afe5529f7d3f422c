"""Codes of what a page would do, or hide, in a reader's browser."""

from __future__ import annotations

from .code import Code

CODES = {
    "A701": Code(
        "html-not-allowed",
        "A page holds HTML that may not stand there.",
        "What a page holds is shown to readers, and runs nothing in their browsers.",
        "Write Markdown, put it between backticks to show it, or follow the finding's hint.",
    ),
    "A702": Code(
        "attribute-not-allowed",
        "HTML or an attribute list has an attribute that may not stand there.",
        "An attribute can run code, fetch what nobody sees, or pass for a claim that was checked.",
        "Take the attribute out.",
    ),
    "A703": Code(
        "address-not-allowed",
        "An address would be run, or is no address of anything on the web.",
        "Who follows a link expects to arrive somewhere, and not to run what it holds.",
        "Link to a page by `https://`, or to a file of the project.",
    ),
    "A704": Code(
        "hidden-characters",
        "A text holds control characters, or marks that reorder what stands around them.",
        "Readers and reviewers would see something else than what stands there.",
        'Take them out; in code write them as `"\\u202e"`, in output print without colours.',
    ),
    "A705": Code(
        "output-cleaned",
        "HTML that a snippet printed is shown without some of its parts.",
        "What a program prints runs nothing in a reader's browser.",
        'Print less HTML, or show the output as text: leave `html="1"` out.',
    ),
    "A706": Code(
        "live-on-page",
        "A rendered page holds what a browser would run.",
        "The site's Markdown, or an included file, made HTML of what the check reads as text.",
        "Take it out, or put it between backticks to show it.",
    ),
    "A707": Code(
        "live-drawing",
        "A drawing (SVG) holds what a browser would run.",
        "It is a page of its own to whoever opens it by itself, at the site's address.",
        "Save the drawing without scripts, handlers and addresses that run.",
    ),
}
