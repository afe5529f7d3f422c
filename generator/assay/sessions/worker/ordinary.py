"""What makes a session an ordinary Python program: its arguments, its sources, its main module.

Law: code that runs when it is copied out runs here, and what would be a syntax error there is one
here. Nothing is put into the namespace of the snippets.
"""

import __future__

import linecache
import os
import re
import sys

PROGRAM, SPAWNED = "snippet", "main.py"
FUTURE = 0
for _name in __future__.all_feature_names:
    FUTURE |= getattr(__future__, _name).compiler_flag


class Sources:
    """The snippets of a session so far, as one program."""

    def __init__(self, folder):
        self.folder, self.flags, self.codes, self.ran = folder, 0, [], []

    def compile(self, number, code):
        """Compile a snippet as the next part of the program."""
        name = f"snippet:{number}"
        linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
        self.codes.append(code)
        found = compile(code, name, "exec", flags=self.flags, dont_inherit=True)
        late = found.co_flags & FUTURE and future_line(code)
        if late and any(map(has_statements, self.codes[:-1])):
            message = "from __future__ imports must occur at the beginning of the program"
            raise SyntaxError(message, (name, late, 1, code.splitlines()[late - 1]))
        self.flags |= found.co_flags & FUTURE
        return found

    def class_file(self, cls):
        """Return the snippet that defined a class of the main module, or None."""
        pattern = re.compile(rf"^\s*class\s+{re.escape(cls.__name__)}\b", re.MULTILINE)
        found = [n for n, code in enumerate(self.codes) if pattern.search(code)]
        return f"snippet:{found[-1]}" if found else None

    def main_file(self):
        """Write what has run as a file, for the processes that `multiprocessing` spawns.

        They run it as their own main module: only a program that tells this from its start can.
        """
        text = "\n".join(self.codes)
        path = os.path.join(self.folder, SPAWNED)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path if "__name__" in text else None


def future_line(code):
    """Return the line of the first `from __future__` of a snippet, or 0."""
    import ast

    for node in ast.parse(code).body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            return node.lineno
    return 0


def has_statements(code):
    """Whether a snippet holds more than a docstring and `from __future__`."""
    import ast

    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError):
        return True
    return any(
        not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        and not (isinstance(node, ast.ImportFrom) and node.module == "__future__")
        for node in body
    )


def teach_inspecting(sources):
    """Let `inspect` find the source of a class that a snippet defines."""
    inspect = sys.modules["inspect"]
    file_of = inspect.getfile

    def getfile(found):
        is_ours = inspect.isclass(found) and found.__module__ == "__main__"
        name = sources.class_file(found) if is_ours else None
        return name or file_of(found)

    inspect.getfile = getfile


def teach_spawning(sources):
    """Let spawned processes find what the snippets define, as they do where a file is the main."""
    spawn = sys.modules["multiprocessing.spawn"]
    prepared = spawn.get_preparation_data

    def preparation_data(name):
        data = prepared(name)
        path = sources.main_file()
        return data | ({"init_main_from_path": path} if path else {})

    spawn.get_preparation_data = preparation_data
