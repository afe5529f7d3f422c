"""Codes of files, of front matter, and of how entries hang together."""

from __future__ import annotations

from .code import Code

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
    "A003": Code(
        "fault",
        "A page could not be checked, by a fault of assay.",
        "What could not be checked is no pass, and all other pages are still checked.",
        "Report it with the page; to go on, write more simply what is unusual on it.",
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
    "A514": Code(
        "named-twice",
        "Two entries have the same term or alias.",
        "Readers who look the name up would find one of the two, and not know of the other.",
        "Name one of them otherwise, or make one entry of the two.",
    ),
    "A515": Code(
        "no-such-place",
        "A link names a heading or an id that its page does not have.",
        "Readers would reach the top of the page and look for what was meant.",
        "Write the heading in small letters with hyphens, or give it an id.",
    ),
    "A516": Code(
        "too-few-facts",
        "An entry states fewer key facts than the settings ask for.",
        "The first screen of its page would answer nothing.",
        "Add facts to the front matter, each with a label and a claim.",
    ),
    "A517": Code(
        "fact-without-figure",
        "A key fact shows something else than one figure that is bound.",
        "What stands first on a page is what readers trust most.",
        "Write one claim, given or opinion as its figure, and all else into its label or note.",
    ),
    "A513": Code(
        "made-page",
        "A page has the address of one that assay makes.",
        "One of the two would take the other's place, and nobody would be told.",
        "Give the file another name.",
    ),
}
