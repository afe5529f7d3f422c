"""Codes of claims, of figures bound to nothing, and of givens and opinions."""

from __future__ import annotations

from .code import Code

CODES = {
    "A101": Code(
        "no-single-figure",
        "A claim has no single figure to compare.",
        "A claim binds one figure to one value.",
        "Put one figure into the brackets, or bind a word by a title such as `= 4` or `is true`.",
    ),
    "A102": Code(
        "unreadable-condition",
        "The condition in a claim's title cannot be read.",
        "A condition that is ignored would let a wrong figure pass.",
        "Write one of the conditions that the finding lists.",
    ),
    "A103": Code(
        "unknown-unit",
        "A unit is not known.",
        "A figure in an unknown unit cannot be compared with a value.",
        "Write the unit as its standard does, or add it to the settings.",
    ),
    "A104": Code(
        "figure-differs",
        "A stated figure differs from the computed value.",
        "This is what a check is for: the page says something that its code does not.",
        "State what the code computes, or mend the code.",
    ),
    "A105": Code(
        "no-such-value",
        "A claim asks for a value that does not exist.",
        "A claim on nothing would look checked.",
        "Bind the name in the code, or correct the address of the claim.",
    ),
    "A106": Code(
        "several-values",
        "Several sessions of the page know the name that a claim asks for.",
        "Which of them is meant would be a guess.",
        "Name the session in the address: `claim:session:name`.",
    ),
    "A107": Code(
        "unchecked-claim",
        "A claim could not be checked, because its session gave no answer.",
        "A check that could not run is never a pass.",
        "Mend the session; a finding of its own says where it stopped.",
    ),
    "A108": Code(
        "not-refuted",
        "A statement marked refuted is not shown to be false.",
        "To refute is to show: false here, and true in the case that the page names.",
        "Correct the quote or the code, or take the refutation back.",
    ),
    "A109": Code(
        "incomparable-value",
        "A computed value cannot be compared: NaN, infinity, or not a figure.",
        "Nothing equals NaN, and a list is no figure.",
        "Mend the computation, or claim a part of the value.",
    ),
    "A110": Code(
        "unmeasured-claim",
        "A claim is not measured yet on the device that it needs.",
        "It is shown as not measured, and never as verified.",
        "Measure it with `assay record` on a machine that has the device.",
    ),
    "A111": Code(
        "stale-record",
        "A claim's record is stale: what was measured has changed since.",
        "What was measured before a change says nothing of what is there now.",
        "Measure it again with `assay record`.",
    ),
    "A112": Code(
        "orphaned-record",
        "A record belongs to no session.",
        "It answers for nothing, and readers of the repository may believe it.",
        "Remove the file, or measure the session under its new name.",
    ),
    "A113": Code(
        "claim-id-taken",
        "Another claim of the page is known by the same id.",
        "A link to a claim has to lead to one, also after a sentence is inserted before it.",
        "Give the later claim an id of its own in its title: `id=second`.",
    ),
    "A114": Code(
        "differs-between-runs",
        "Another run of the same code gives something else.",
        "What holds in one run alone is luck, and its result is not kept.",
        "Seed what is drawn, sort what comes out of a set, or state fewer digits.",
    ),
    "A201": Code(
        "unbound-figure",
        "A figure in the prose is bound to nothing.",
        "Nobody checks a figure that is only typed.",
        "Compute it, cite it, or say whose opinion it is.",
    ),
    "A202": Code(
        "unit-outside",
        "A unit stands outside of the brackets of its figure.",
        "Nothing compares what stands outside of the brackets.",
        "Move the unit inside.",
    ),
    "A203": Code(
        "unknown-given",
        "A given is not among the citations.",
        "A cited figure has a source that readers can open.",
        "Add it to `givens/*.toml` with source, quote and day.",
    ),
    "A204": Code(
        "given-differs",
        "A given states another figure than its source.",
        "A quote that differs from its source is wrong, whatever is true.",
        "Write the figure of the source.",
    ),
    "A205": Code(
        "nobodys-opinion",
        "An opinion does not say whose it is.",
        "A figure that no program can settle counts as much as who holds it.",
        'Name the owner: `[figure](opinion: "who")`.',
    ),
    "A207": Code(
        "unfair-quote",
        "A statement from elsewhere is quoted without its address or its day.",
        "A reader cannot look up what was said, nor whether it is still said.",
        "Put it into a block quote, with a last paragraph `[its source](https://...), read DAY`.",
    ),
    "A208": Code(
        "long-quote",
        "A quote has more than twenty-five words.",
        "What is quoted belongs to others; as much as shows the statement is fair.",
        "Quote less, but not so little that it says something else.",
    ),
    "A209": Code(
        "one-sided-quote",
        "A statement is confirmed, and nothing says when it would be false.",
        "What nothing could refute, nothing confirms.",
        "Name a value for which it would be false: `false for PROBE`.",
    ),
    "A206": Code(
        "nearly-a-claim",
        "A link is nearly a claim, a given or an opinion, and binds nothing.",
        "Readers see a figure that looks bound, and no check has seen it.",
        "Write `[figure](claim:name)`, without a space; define what a reference names.",
    ),
}
