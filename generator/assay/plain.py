"""Text that a terminal, a log or a page shows, and does not obey.

Law: a character that changes how others are read, and is not seen itself, is named or written out.
"""

from __future__ import annotations

import re
import unicodedata

HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufff9-\ufffb]"
)
"""Control characters, but for tab and line feed; marks that reorder text; other line ends."""
_COMMAND = re.compile(r"^(\s*):(?=:)|#(?=#(?:\[|vso\[|teamcity\[))", re.MULTILINE)
"""What a CI service takes out of a log for a command: at a line's start, and anywhere."""


def visible(text: str) -> str:
    """Replace what a terminal would obey rather than show.

    >>> visible("a" + chr(27) + "[31mb")
    'a�[31mb'
    """
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def uncommanding(text: str) -> str:
    r"""Part the signs by which a line of a log would be a command to a CI service.

    >>> uncommanding("stated a\n  ::error::forged, ##[error]forged")
    'stated a\n  : :error::forged, # #[error]forged'
    """
    return _COMMAND.sub(lambda match: f"{match[0]} ", text)


def message(text: str) -> str:
    """Return *text* as a log shows it line by line, whatever it quotes."""
    return uncommanding("\n".join(visible(line) for line in text.split("\n")))


def escaped(text: str) -> str:
    r"""Write out what is hidden, as Python does.

    >>> escaped("a" + chr(0x202e) + "b" + chr(27))
    'a\\u202eb\\x1b'
    """
    return HIDDEN.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def named(character: str) -> str:
    """Say which character it is.

    >>> named(chr(0x202e)), named(chr(27))
    ('U+202E RIGHT-TO-LEFT OVERRIDE', 'U+001B (control character)')
    """
    return f"U+{ord(character):04X} {unicodedata.name(character, '(control character)')}"


def in_json(text: str) -> str:
    r"""Write what a log would obey as JSON writes a character: by its number.

    >>> in_json('"##[error]' + chr(0x9b) + '"')
    '"\\u0023#[error]\\u009b"'
    """
    shown = HIDDEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    return shown.replace("##", "\\u0023#")


def in_xml(text: str) -> str:
    r"""Write what a log would obey as XML writes a character: by its number.

    >>> in_xml("::error::a ##[error]")
    '&#58;:error::a &#35;#[error]'
    """

    def written(match: re.Match[str]) -> str:
        return f"{match[0][:-1]}&#{ord(match[0][-1])};"

    return _COMMAND.sub(written, text)
