"""The codes of findings: what each is called, what it means, why it matters, what mends it.

Law: a code keeps its meaning for good; reports, pages and `explain` take their words from here.
"""

from __future__ import annotations

from msgspec import Struct


class Code(Struct, frozen=True):
    """What a code of a finding stands for."""

    name: str
    """A short name in words joined by hyphens, for machines."""
    summary: str
    why: str
    cure: str


CODES = {
    "A001": Code(
        "unreadable-file",
        "A file cannot be read.",
        "What cannot be read cannot be checked.",
        "Mend the file, give it a name in UTF-8, or take it out of the project.",
    ),
    "A002": Code(
        "not-utf-8",
        "A file is not UTF-8.",
        "In another encoding the same bytes are other characters, and other figures.",
        "Save the file as UTF-8.",
    ),
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
    "A206": Code(
        "nearly-a-claim",
        "A link is nearly a claim, a given or an opinion, and binds nothing.",
        "Readers see a figure that looks bound, and no check has seen it.",
        "Write `[figure](claim:name)`, without a space; define what a reference names.",
    ),
    "A301": Code(
        "snippet-raised",
        "A snippet raised an error.",
        "What stands behind the error did not run.",
        "Mend the code, or expect the error with `raises=`.",
    ),
    "A302": Code(
        "snippet-ended-process",
        "A snippet ended its own process.",
        "A session that ends early has not computed what the page claims of it.",
        "Let the snippet end by reaching its last line.",
    ),
    "A303": Code(
        "snippet-too-slow",
        "A snippet ran longer than its limit.",
        "A check has to end.",
        "Make it faster, or give the fence `timeout=`.",
    ),
    "A304": Code(
        "output-differs",
        "A snippet printed something else than the page states.",
        "Readers compare what they see with what they get.",
        "State what it prints, or mend the code.",
    ),
    "A305": Code(
        "not-python",
        "A snippet is not valid Python.",
        "It cannot be run.",
        "Mend the syntax error.",
    ),
    "A306": Code(
        "nothing-raised",
        "An expected error was not raised.",
        "The page says that the code fails, and it does not.",
        "Take `raises=` out, or mend the code.",
    ),
    "A307": Code(
        "output-flood",
        "A snippet printed more than is allowed.",
        "No page shows megabytes of output.",
        "Print less.",
    ),
    "A308": Code(
        "worker-lost",
        "A session's worker was lost.",
        "Something ended the process in which the session ran, so there is no answer.",
        "Let a snippet leave the processes around it alone.",
    ),
    "A309": Code(
        "no-such-snippet-file",
        "A snippet file does not exist.",
        "The snippet would run without a part of its code.",
        "Add the file, or correct the path.",
    ),
    "A310": Code(
        "unknown-option",
        "A fence has an option or a language that is not known.",
        "An option that is ignored does not do what its author thinks.",
        "Write one of the options that the finding lists.",
    ),
    "A311": Code(
        "output-of-nothing",
        "A stated output belongs to no print.",
        "Nothing would ever be compared with it.",
        "Put `#>` behind the print that it belongs to.",
    ),
    "A312": Code(
        "session-note",
        "A session left something behind, or printed more than is kept.",
        "Its values are used; the rest is worth a look.",
        "Close what the snippet opens, end what it starts, print less.",
    ),
    "A313": Code(
        "not-read",
        "A fence is never closed or stands where it does not run, or text is indented too deeply.",
        "Readers see it on the site, and no check has read it.",
        "Close the fence with as many marks, put an empty line before it, or indent less.",
    ),
    "A401": Code(
        "no-front-matter",
        "The front matter is missing or cannot be read.",
        "An entry without it has no name and no place in the glossary.",
        "Begin the file with the keys that the finding lists.",
    ),
    "A402": Code(
        "front-matter-value",
        "A value of the front matter is missing, unknown or of the wrong kind.",
        "Indexes and addresses are made from it.",
        "Correct the value that the finding names.",
    ),
    "A403": Code(
        "unreadable-givens",
        "A file of givens cannot be read.",
        "Every figure cited from it would be without a source.",
        "Mend the TOML; each table holds value, source, quote and read.",
    ),
    "A404": Code(
        "unreadable-papers",
        "The file of papers cannot be read.",
        "Entries that name its papers could not show them.",
        "Mend the TOML; each table holds title, authors, year, venue and url.",
    ),
    "A405": Code(
        "unreadable-record",
        "A record of a GPU cannot be read.",
        "A record that cannot be read answers for nothing.",
        "Remove it, and measure again.",
    ),
    "A501": Code(
        "no-such-prerequisite",
        "A prerequisite is no entry.",
        "Readers would be sent to a page that is not there.",
        "Name the file of an entry, without .md.",
    ),
    "A502": Code(
        "circular-prerequisites",
        "Prerequisites form a circle.",
        "There would be no order in which to read them.",
        "Take one of them out.",
    ),
    "A503": Code(
        "slug-taken",
        "Two pages have the same slug.",
        "Both would have the same address, and claims could not tell them apart.",
        "Rename one of the two files.",
    ),
    "A504": Code(
        "no-address",
        "A file name makes no address.",
        "The address of an entry is its file's name.",
        "Use small letters, digits and single hyphens.",
    ),
    "A505": Code(
        "no-such-paper",
        "A paper is not in papers.toml.",
        "Readers could not find it.",
        "Add a table for it to papers.toml.",
    ),
    "A506": Code(
        "id-taken",
        "Two snippets of a page have the same id.",
        "A claim that names the id could mean either.",
        "Choose another id.",
    ),
    "A507": Code(
        "no-such-file",
        "A link goes to a file that does not exist.",
        "Readers would reach nothing.",
        "Correct the path.",
    ),
    "A508": Code(
        "too-long",
        "An entry is too long.",
        "A term that takes this long to read is several terms.",
        "Shorten it, or split off a term of its own.",
    ),
    "A509": Code(
        "not-latex",
        "A formula is not LaTeX, or too deep.",
        "It would be shown as its source.",
        "Mend the LaTeX; write `\\$` for a dollar sign.",
    ),
    "A511": Code(
        "id-names-session",
        "A snippet's id is the name of a session that it does not name.",
        "The two would share a process, and one could change what the other computes.",
        "Join the session by name, or choose another id.",
    ),
    "A512": Code(
        "two-devices",
        "Snippets of one session ask for different devices.",
        "A session is one process on one device; one of them would run on the wrong one.",
        "Give the snippet a session of its own.",
    ),
}
"""Every code, in order."""
