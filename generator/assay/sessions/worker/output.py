"""What a session prints, and its report to the supervisor.

Law: output passes on at once; only a first part of it is kept, snippet by snippet and line by line.
Standard output is a file like any other, whose bytes a child of the session may write too.
"""

import io
import json
import os
import re
import sys

SURROGATE = re.compile("[\ud800-\udfff]")
CUT_SHORT = re.compile(r"(\\x[89a-f][0-9a-f]){1,3}$")
"""What is left of a character that was cut in two."""
LONGEST_PRINT = 8192
"""The most that is kept of one print, so that a long one leaves room for those behind it."""
NOT_KEPT = "(the rest is not kept)\n"
"""Stands where something is left out: what is kept must not pass for all that was printed."""


class Report:
    """Lines of JSON in a file; what is written survives the sudden end of the session.

    Only the session itself reports: a process that it forked has nothing to say.
    """

    def __init__(self, folder):
        self.file = open(os.path.join(folder, "report"), "w", encoding="utf-8", buffering=1)
        self.pid = os.getpid()

    def say(self, **message):
        if os.getpid() == self.pid:
            text = json.dumps(message, ensure_ascii=False)
            self.file.write(SURROGATE.sub(lambda m: f"\\\\u{ord(m[0]):x}", text) + "\n")


class Output(io.BufferedIOBase):
    """The bytes of standard output: passed on at once, and the first part of them kept."""

    name, mode = "<stdout>", "wb"

    def __init__(self, kept, prints):
        self.room, self.cut, self.count, self.parts = kept, False, 0, []
        self.prints = prints

    @property
    def raw(self):
        return self

    def writable(self):
        return True

    def fileno(self):
        return 1

    def isatty(self):
        return False

    def write(self, data):
        data = bytes(data)
        self.cut = self.cut or len(data) > self.room
        self.parts.append(data[: self.room])
        self.room -= len(self.parts[-1])
        self.count += len(data)
        self.prints.wrote(data)
        write_all(1, data)
        return len(data)

    def take(self):
        data, self.parts = b"".join(self.parts), []
        text = data.decode("utf-8", "backslashreplace")
        return CUT_SHORT.sub("", text) if self.cut else text


def file_of(output):
    """Return the text file over *output*, which keeps nothing back."""
    return io.TextIOWrapper(output, "utf-8", "backslashreplace", newline="\n", write_through=True)


def write_all(fd, data):
    while data:
        data = data[os.write(fd, data) :]


class Prints:
    """Remembers during which lines of the running snippet what came to standard output.

    What is printed in a thread, or by a snippet that has ended, belongs to no line.
    """

    number = 0

    def __init__(self, kept):
        self.room, self.cut, self.found = kept, False, []

    def wrote(self, data):
        """Note *data*, by whatever it was written: the frame above is that of the writer."""
        if self.room > 0:
            self.note(sys._getframe(2), data.decode("utf-8", "backslashreplace"))
        elif not self.cut:
            self.cut = True
            self.note(sys._getframe(2), NOT_KEPT)

    def note(self, frame, text):
        name, lines = f"snippet:{self.number}", []
        direct = frame.f_code.co_filename == name
        while frame is not None:
            if frame.f_code.co_filename == name:
                lines.append(frame.f_lineno)
            frame = frame.f_back
        if lines:
            kept = text if len(text) <= LONGEST_PRINT else text[:LONGEST_PRINT] + NOT_KEPT
            self.found.append((lines if direct else [0, *lines], kept))
            self.room -= max(len(kept), 1)

    def take(self):
        found, self.found = self.found, []
        return found
