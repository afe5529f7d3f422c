"""What a session prints, and its report to the supervisor.

Law: output passes on at once; only a first part of it is kept, snippet by snippet and line by line.
"""

import builtins
import io
import json
import os
import re
import sys

SURROGATE = re.compile("[\ud800-\udfff]")


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


class Output(io.TextIOBase):
    """Standard output of a session: passed on, and the first part of it kept snippet by snippet."""

    def __init__(self, kept):
        self.room, self.cut, self.parts = kept, False, []

    def writable(self):
        return True

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self.cut = self.cut or len(text) > self.room
        self.parts.append(text[: self.room])
        self.room -= len(self.parts[-1])
        write_all(1, text.encode("utf-8", "backslashreplace"))
        return len(text)

    def take(self):
        text, self.parts = "".join(self.parts), []
        return text


def write_all(fd, data):
    while data:
        data = data[os.write(fd, data) :]


class Prints:
    """Stands for `print`, and remembers which line of a snippet printed what."""

    def __init__(self, kept):
        self.print_, self.room, self.found = builtins.print, kept, []
        builtins.print = self.print

    def print(self, *args, sep=" ", end="\n", file=None, flush=False):
        if file is not None and file is not sys.stdout:
            self.print_(*args, sep=sep, end=end, file=file, flush=flush)
            return
        text = io.StringIO()
        self.print_(*args, sep=sep, end=end, file=text)
        frame = sys._getframe(1)
        if frame.f_code.co_filename.startswith("snippet:") and self.room > 0:
            self.found.append((frame.f_lineno, text.getvalue()[: self.room]))
            self.room -= len(text.getvalue())
        if sys.stdout is not None:
            sys.stdout.write(text.getvalue())

    def take(self):
        found, self.found = self.found, []
        return found
