"""Codes of fences, of sessions and of what they print."""

from __future__ import annotations

from .code import Code

CODES = {
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
        "A fence never ends or does not run, text is too deep, or a row is wider than its table.",
        "Readers see it on the site, and no check has read it.",
        "Close the fence with as many marks, put an empty line before it, indent less, or write "
        "the pipe of code as `<code>a&#124;b</code>`.",
    ),
    "A315": Code(
        "included",
        "A page includes a file that is not found, or that binds figures or runs code.",
        "A claim is woven where its page states it; in an included file it is a link to nowhere.",
        "Write the claim and its fence into the page, and let the file hold plain text.",
    ),
    "A316": Code(
        "no-figure",
        "A snippet that is to show a figure leaves none, several, or one that cannot be shown.",
        "Readers would see a text where a picture is promised.",
        "Leave one figure of matplotlib open at the end of the snippet.",
    ),
    "A314": Code(
        "nearly-run",
        "A fence looks as if it ran, or a comment as if it were compared, and is not.",
        "A slip of a letter would leave a figure unchecked, and nobody would be told.",
        'Write `exec="on"`, or `#>`, as it is read.',
    ),
}
