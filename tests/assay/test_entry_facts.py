"""Key facts: how many the settings ask for, and where a correction of one lands."""

import pytest

FRONT = """---
term: Thing
category: Memory
summary: A summary.
facts:
  - {label: Weights, figure: '[STATED](claim:weights "id=fact-weights")', note: in bf16}
prerequisites: []
reviewed: {by: maintainers, on: 2026-11-22}
---

What it is.

```python exec="on" source="folded" id="w"
weights = 12 * 10**9
```
"""


@pytest.mark.parametrize(("asked", "codes"), [(1, []), (2, ["A516"])])
def test_an_entry_states_as_many_facts_as_the_settings_ask_for(make, asked, codes):
    """Too few is one finding, at the key."""
    page = FRONT.replace("STATED", "12 GB")
    report = make({"assay.toml": f"facts = {asked}\n", "glossary/thing.md": page}).check()
    assert [(f.code, f.place.line) for f in report.findings] == [(code, 5) for code in codes]


def test_a_wrong_fact_is_an_error_at_its_claim(make):
    """A fact of the front matter is compared as a claim of the text is, and stands in the file."""
    (finding,) = make({"glossary/thing.md": FRONT.replace("STATED", "13 GB")}).check().findings
    assert (finding.code, finding.place.line, finding.place.column) == ("A104", 6, 31)
