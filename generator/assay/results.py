"""What a claim asks of no page: a result file, the output of a command, a count of files.

Law: each is read by a snippet that nobody wrote, so that it runs, is kept, is shown and is compared
like any other. Commands stand in the settings alone: a page names one, and never says what runs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from .hints import nearest
from .nouns import Claim, Command, Snippet, Span

COMMAND, COUNT = "command:", "count:"
_IMPORTS = {"json": "json", "toml": "tomllib", "csv": "csv"}
_LOADS = {
    "json": "data = json.loads(text)",
    "toml": "data = tomllib.loads(text)",
    "csv": 'data = {"rows": [{k: number(v) for k, v in row.items()} for row in '
    "csv.DictReader(text.splitlines())]}",
}
_NUMBER = """
def number(text):
    for kind in (int, float):
        try:
            return kind(text.replace(",", ""))
        except (AttributeError, ValueError):
            pass
    return text
"""
"""A cell of a table, and a command's output, are numbers where they can be read as such."""
_STEP = re.compile(
    r"""\.?(?P<name>[^\W\d][\w-]*)|\[(?P<index>-?\d+|\*)\]|\[(?P<key>'[^']*'|"[^"]*")\]"""
)
_OVER = re.compile(r"(?P<function>count|min|max|sum|all|any)\((?P<path>[^()]*)\)")
_FUNCTIONS = {"count": "len"} | {name: name for name in ("min", "max", "sum", "all", "any")}


class Asked(Struct, frozen=True):
    """What a claim asks: the name of a session, the code that reads it, and the probe."""

    name: str
    code: str
    probe: str


class ResultError(Exception):
    """An address that asks nothing; *hint* is what mends it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def asked(address: str, commands: Mapping[str, Command]) -> Asked | None:
    """Return what *address* asks of a file, a command or a count; None if it asks a page.

    >>> asked("bench.json#rows[2].p99", {}).probe
    'data["rows"][2]["p99"]'
    """
    if address.startswith(COUNT):
        pattern = address.removeprefix(COUNT)
        code = f"from pathlib import Path\n\ncount = len(list(Path().glob({pattern!r})))\n"
        return Asked(address, code, "count")
    if address.startswith(COMMAND):
        name, _, path = address.removeprefix(COMMAND).partition("#")
        if name not in commands:
            known = nearest(name, commands) or f"commands: {', '.join(commands) or 'none'}"
            raise ResultError(f"the settings have no command {name!r}", known)
        command = commands[name]
        if path and not command.format:
            raise ResultError(
                f"the output of {name!r} has no parts", 'give the command format = "json"'
            )
        return _of(f"{COMMAND}{name}", _output_of(command), path)
    file, sign, path = address.partition("#")
    return _of(file, _text_of(file), path) if sign else None


def snippet(asked: Asked, claim: Claim) -> Snippet:
    """Return the snippet that reads what *claim* asks; it stands where that does."""
    start = Span(claim.span.start, claim.span.start)
    lines = ((claim.place.path, claim.place.line),) * asked.code.count("\n")
    return Snippet(
        place=claim.place,
        span=start,
        id=asked.name,
        session=asked.name,
        shown=asked.code,
        code=asked.code,
        lines=lines,
        made=True,
    )


def _of(name: str, code: str, path: str) -> Asked:
    """Return what asks *path* of data that *code* reads; a function of it is a session apart."""
    over = _OVER.fullmatch(path)
    if over is not None:
        part = _subscripts(over["path"])
        value = f"{_FUNCTIONS[over['function']]}({part})"
        return Asked(f"{name}#{path}", f"{code}value = {value}\n", "value")
    probe = _subscripts(path)
    if " for " in probe:
        message = f"{path!r} are many values"
        raise ResultError(message, f"ask for one of them: count({path}), min, max or sum")
    return Asked(name, code, probe)


def _subscripts(path: str) -> str:
    """Return *path* as Python writes it: ``data["rows"][2]``, or a list of all that it names."""
    parts, at = [""], 0
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None or (at and step["name"] and path[at] != "."):
            raise ResultError(
                f"{path!r} is no path to a value", "write rows[2].p99, or max(rows[*].p99)"
            )
        if step["index"] == "*":
            parts.append("")
        else:
            parts[-1] += f"[{_key(step)}]"
        at = step.end()
    if len(parts) > 2:
        raise ResultError(f"{path!r} has more than one [*]", "write one")
    if len(parts) == 1:
        return f"data{parts[0]}"
    return f"[row{parts[1]} for row in data{parts[0]}]"


def _key(step: re.Match[str]) -> str:
    if step["index"]:
        return step["index"]
    return f'"{step["name"]}"' if step["name"] else step["key"]


def _text_of(file: str) -> str:
    kind = file.rpartition(".")[2].lower()
    if kind not in _LOADS:
        raise ResultError(f"{file!r} is no file of results", "ask a .json, .csv or .toml file")
    read = f"text = Path({file!r}).read_text(encoding='utf-8')"
    return _code(["from pathlib import Path"], [read], kind)


def _output_of(command: Command) -> str:
    lines = [
        "path = f\"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}\"",
        "world = dict(os.environ, PATH=path)",
        f"run = {list(command.run)!r}",
        "text = subprocess.run(run, env=world, capture_output=True, text=True, check=True).stdout",
    ]
    imports = ["import os", "import subprocess", "import sys", "from pathlib import Path"]
    if command.format:
        return _code(imports, lines, command.format)
    if command.find:
        imports.insert(1, "import re")
        lines.append(f"data = number(re.search({command.find!r}, text)[1])")
    else:
        lines.append("data = number(text.strip())")
    return "\n".join([*imports, _NUMBER, *lines]) + "\n"


def _code(imports: list[str], lines: list[str], kind: str) -> str:
    helper = [_NUMBER] if kind == "csv" else [""]
    return "\n".join([f"import {_IMPORTS[kind]}", *imports, *helper, *lines, _LOADS[kind]]) + "\n"
