"""How the time to read a page grows with what it holds: ``python benchmarks/growth.py``.

Each kind of page is read at a size and at four times that size. What is linear takes four times as
long; what is quadratic, sixteen times.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from assay.entries.parse import parse
from assay.figures.names import Names
from assay.findings import prose, structure
from assay.hints import nearest
from assay.nouns import Entry, Settings

FRONT = """---
term: T{n}
category: C
summary: S
prerequisites: [{need}]
reviewed: {{by: m, on: 2026-11-22}}
---
"""


def read(text: str) -> Entry:
    """Read a page and look for its unbound figures."""
    entry = parse("a.md", "a", text, {}, term=False, snippets="snippets")
    prose.check(entry, Names())
    structure.check([entry], {}, ["a.md"], Settings())
    return entry


def repeated(piece: str, end: str = "") -> Callable[[int], Callable[[], object]]:
    """Return a page that holds *piece* so many times; ``{n}`` counts."""

    def page(size: int) -> Callable[[], object]:
        text = "".join(piece.replace("{n}", str(n)) for n in range(size)) + end
        return lambda: read(text)

    return page


def misspelt(size: int) -> Callable[[], object]:
    """As many misspelt names as there are names."""
    names = [f"weight_bytes_{n}" for n in range(size)]
    return lambda: [nearest(name.replace("bytes", "byte"), names) for name in names]


def terms(size: int) -> Callable[[], object]:
    """Entries that need each other in a chain."""
    texts = [FRONT.format(n=n, need=f"t{n - 1}" if n else "") for n in range(size)]
    entries = [
        parse(f"t{n}.md", f"t{n}", text, {}, term=True, snippets="snippets")
        for n, text in enumerate(texts)
    ]
    return lambda: structure.check(entries, {}, [entry.path for entry in entries], Settings())


PAGES: dict[str, tuple[Callable[[int], Callable[[], object]], int]] = {
    "links of the project": (repeated("[a](a.md) "), 2000),
    "links to nowhere": (repeated("[a](b{n}.md) "), 500),
    "references": (repeated("[a][r] ", "\n\n[r]: a.md\n"), 2000),
    "definitions": (repeated("[a][r{n}]\n\n[r{n}]: a.md\n\n"), 1000),
    "claims": (repeated("[12 GB](claim:x) "), 2000),
    "quotes in quotes": (repeated("> ", "a\n"), 5000),
    "figures": (repeated("It takes 12 GB of {n}. "), 2000),
    "words": (repeated("word "), 10_000),
    "letters of a unit": (repeated("k", " 5 k"), 20_000),
    "letters behind a number": (lambda size: lambda: read("5 " + "k" * size), 20_000),
    "digits": (repeated("7"), 20_000),
    "ones and commas": (repeated("1,"), 20_000),
    "ranges": (repeated("1–"), 10_000),
    "number words": (repeated("one "), 10_000),
    "articles and no number": (repeated("a and "), 10_000),
    "compound times": (repeated("1 h "), 5_000),
    "prices": (repeated("$1-"), 5_000),
    "folders": (repeated("a1/"), 10_000),
    "dots": (repeated("a1."), 10_000),
    "hyphens": (repeated("a1-"), 10_000),
    "tuples": (repeated("(1,"), 10_000),
    "indices": (repeated("[1]"), 5_000),
    "attribute lists": (repeated("{ a=b "), 10_000),
    "names of models": (repeated("Llama 3 "), 5_000),
    "lines of indented code": (repeated("    a\n\n"), 2_000),
    "blocks of indented code": (repeated("a\n\n    b\n\n"), 1_000),
    "tags without an end": (repeated("<a ", "\n"), 10_000),
    "tags of a block": (lambda size: lambda: read("<div>\n" + "<a " * size), 10_000),
    "comments without an end": (repeated("<!--"), 20_000),
    "comments of a block": (lambda size: lambda: read("<div>\n" + "<!--" * size), 20_000),
    "brackets": (repeated("["), 10_000),
    "snippets": (repeated('```python exec="on"\nx{n} = 1\n```\n\n'), 500),
    "misspelt names": (misspelt, 250),
    "terms in a chain": (terms, 500),
}
"""Each kind of page, and how many of it are no trouble."""


def seconds(work: Callable[[], object]) -> float:
    """Return the least CPU time of three tries."""
    taken = []
    for _ in range(3):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return min(taken)


def growth(name: str, smaller: int = 1) -> tuple[float, float]:
    """Return the time of a page four times as large, and how many times as long it takes."""
    page, size = PAGES[name]
    small, large = seconds(page(size // smaller)), seconds(page(4 * size // smaller))
    return large, large / max(small, 1e-4)


def main() -> None:
    """Print a line for each kind of page."""
    for name, (_, size) in PAGES.items():
        taken, times = growth(name)
        print(f"{4 * size:>7,} {name:<26} {taken:8.3f} s  {times:5.1f} times that of a quarter")


if __name__ == "__main__":
    main()
