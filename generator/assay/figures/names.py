"""Names that hold a number: bf16, H100, version 2.1, arXiv:1711.05101, and a project's own.

Law: what counts as a name is listed with its reason, and each use is counted for the report. A name
before a unit is no name: in "CUDA 1.5 GB" the 1.5 is a figure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

from ..nouns import HOLE
from . import tails
from .units import PROSE, Lexicon

_PARTS = (
    r"section|sect\.|sec\.|equation|eq\.|figure|fig\.|table|tab\.|algorithm|chapter|appendix|example|"
    r"lines?|pages?|pp\.|p\.|issue|commit|pull request|PR|port|seed|RFC|ISO|PEP"
)
_SOFTWARE = (
    "[Vv]ersions?|[Rr]eleases?|Python|P[Yy][Tt]orch|pytorch|python|torch|torchvision|CUDA|cuda|cuDNN|NCCL|"
    "TensorFlow|JAX|Triton|ROCm|[Tt]ransformers|Ubuntu|Debian|macOS|Windows|GCC|gcc|CMake|cmake|"
    "NumPy|numpy|NVLink|PCIe|NGC|vLLM|Node|Java|Docker|OpenMPI|DeepSpeed|Apache|GPL|LGPL|MPL"
)
_MODELS = (
    "(?:Code|Tiny|Open)?L[Ll]a[Mm][Aa]|Qwen|Gemma|Mistral|Mixtral|Falcon|Pythia|OPT|GPT|BERT|BLOOM|Phi|phi|OLMo|Yi|"
    "DeepSeek|StableLM|NeMo|Claude|Gemini|GLM|Nemotron|Granite|Command R"
)
_VERSION = r"v?\d+(?:\.\d+)*(?:\.x)?\+?"
BUILT_IN = (
    (r"\b(?:https?://|www\.)\S+", "an address"),
    (r"(?<![\w./-])[\w.-]+(?:/[\w.-]+)+\.[A-Za-z]{1,5}\b", "a path"),
    (r"\bv?\d+\.\d+\.\d+\S*", "a version"),
    (
        rf"\b(?:{_SOFTWARE}) ?\(?[≥>=<~^]* ?{_VERSION}(?: ?[-–] ?{_VERSION})?(?!\w|\.\d)",
        "a version",
    ),
    (rf"(?<=\S)[>=<~!]=\s?{_VERSION}", "a version"),
    (rf"(?i)(?:\b(?:{_PARTS})|§|#) ?\(?\d+(?:\.\d+)*\)?(?:[a-z]\b)?", "a part of a text"),
    (r"\barXiv:? ?\d{4}\.\d{4,5}(?:v\d+)?", "a paper's number"),
    (r"\b\d{4}-\d{2}(?:-\d{2})?\b", "a date"),
    (r"\bCC BY(?:-[A-Z]+)* \d\.\d\b", "a licence"),
    (r"\b(?:RTX|GTX|RX|Xeon|EPYC|Ryzen|Quadro) (?:\w+ )?\d{3,4}\b", "a machine"),
    (r"(?<![\w.,])[2-5]0[6-9]0(?: ?Ti)?\b(?![ -][a-z]+s\b|[.,]\d)", "a machine"),
    (
        rf"\b(?:{_MODELS})(?:[ -]?v?\d+(?:\.\d+)?)?(?:[ -]\d+(?:\.\d+)?(?:x\d+)?[BM]\b)?",
        "a well-known model",
    ),
)
"""Patterns of names that any text may hold, with the reason for each."""

MIXED = re.compile(
    r"""(?<![\w.]) (?: [A-Za-z]+_?\d[\w.]*(?:[-‑][\w.]*\w)*   # bf16, H100-80GB
      | [A-Za-z]+[-‑]\d[\w.]*(?:[-‑]\w+)*                      # GPT-3.5, top-5
      | \d+(?:\.\d+)?[BM]-(?:A\d|[Ii]nstruct|[Cc]hat|[Bb]ase)\w*    # 30B-A3B
      | \d+[-‑]bits?\b | \d+(?:[-–]\d+)?\ ?(?<!\b1\ )bit\b | \d[dD]\b
      | \d+\.\d+a\b | (?:1[5-9]|20)\d0s\b )
      | [(\[{]\d\d?(?:,\d\d?)+[)\]}]                              # axes (0,1)
    """,
    re.VERBOSE,
)
"""Words that mix letters and digits: bf16, H100, GPT-3.5, 8-bit, 2D, 1990s; and tuples."""
_NUMBER_BEFORE = re.compile(r"\d\s?(?:[A-Za-z]+/)?\Z")


class Names(Struct, frozen=True):
    """What a project's prose may hold: patterns of names, each with its reason, and own units."""

    patterns: tuple[tuple[str, str], ...] = BUILT_IN
    lexicon: Lexicon = PROSE

    def mask(self, text: str, kept: dict[str, int] | None = None) -> str:
        """Blank out the names in *text*, counting into *kept* those that hold a figure."""
        for pattern, _ in self.patterns:

            def blank(match: re.Match[str], pattern: str = pattern) -> str:
                behind = tails.read(match.string, match.end(), self.lexicon)
                if match[0][-1:].isdigit() and behind.unit:
                    return match[0]
                if kept is not None and re.search(r"\d", match[0]):
                    kept[pattern] += 1
                return HOLE * len(match[0])

            text = re.sub(pattern, blank, text)
        return MIXED.sub(_mixed, text)


def _mixed(match: re.Match[str]) -> str:
    """Blank out a mixed word, but for a range: in "2 GB-3 GB" the GB-3 is no name."""
    before = match.string[max(0, match.start() - 12) : match.start()]
    return match[0] if _NUMBER_BEFORE.search(before) else HOLE * len(match[0])


def of_project(patterns: Iterable[tuple[str, str]], own: Iterable[str]) -> Names:
    """Return the names of a project: what its settings say, then those of any text."""
    return Names((*patterns, *BUILT_IN), Lexicon(own=frozenset(own)))
