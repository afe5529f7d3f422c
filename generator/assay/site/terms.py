"""What the search knows of each term: names, summary, headings, and the words of its text.

Law: it holds words alone, as they stand in the page; how they are weighed is the search's affair.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from ..made import TERMS
from ..nouns import Entry
from .pages import Site

_WORD = re.compile(r"[a-z0-9]+(?:\.[0-9]+)?")
_JOINED = re.compile(r"[a-z]+(?:-[a-z]+)+")


FILE = f"{TERMS}/terms.json"


def files(site: Site) -> dict[str, str]:
    """Return the file that the search reads, where there is a term."""
    return {FILE: index(site)} if site.terms else {}


def index(site: Site) -> str:
    """Return the terms as JSON, each with its address from the site's root."""
    found = [_term(site, entry) for entry in site.terms.values()]
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")) + "\n"


def _term(site: Site, entry: Entry) -> dict[str, object]:
    front = entry.front
    assert front is not None
    told = words(_texts(entry))
    return {
        "url": site.url("index.md", site.addresses[entry.path]),
        "name": front.term,
        "names": [*front.aliases, *front.code_names],
        "summary": front.summary,
        "heads": " ".join(words(block.text for block in entry.blocks if block.heading)),
        "often": " ".join(word for word, number in told.items() if number > 2),
        "seldom": " ".join(word for word, number in told.items() if number < 3),
    }


def words(texts: Iterable[str]) -> Counter[str]:
    """Count the words of *texts*, in their order; joined words are counted also as one.

    >>> list(words(["Fine-tuning with beta2=0.95", "exp_avg"]))
    ['fine', 'tuning', 'with', 'beta2', '0.95', 'finetuning', 'exp', 'avg']
    """
    found = Counter[str]()
    for text in texts:
        lower = text.lower()
        found.update(_WORD.findall(lower))
        found.update(joined.replace("-", "") for joined in _JOINED.findall(lower))
    return found


def _texts(entry: Entry) -> Iterator[str]:
    yield from (block.text for block in entry.blocks)
    yield from (claim.text for claim in entry.claims)
    yield from entry.codes
    yield from (snippet.shown for snippet in entry.snippets)
