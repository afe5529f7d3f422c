"""The house: which room may see which, what is pure, how long things are. Read off the sources."""

from __future__ import annotations

import ast
import graphlib
import re
import sys
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

import assay
import pytest
from assay.findings.codes import CODES

from .lab import REPOSITORY

HOUSE = Path(assay.__file__).parent
PAGE = REPOSITORY / "docs" / "contribute" / "architecture.md"
FILES = {
    ".".join(["assay", *file.relative_to(HOUSE).with_suffix("").parts]): file
    for file in sorted(HOUSE.rglob("*.py"))
}
TREES = {name: ast.parse(file.read_text(encoding="utf-8")) for name, file in FILES.items()}
WORKER = "assay.sessions.worker."
MODULES = sorted(n for n in FILES if not n.startswith(WORKER) and n != "assay.__main__")

PURE_ROOMS = ("nouns", "hints", "entries", "figures", "plan", "findings", "reports")
PURE = sorted(m for m in MODULES if m.split(".")[1] in PURE_ROOMS)
WORDS_OF_IO = frozenset(
    {
        *("open", "input", "print", "read_text", "read_bytes", "write_text", "write_bytes"),
        *("iterdir", "glob", "rglob", "mkdir", "unlink", "subprocess", "socket", "pathlib", "os"),
        *("shutil", "tempfile", "urllib", "requests", "sys", "random", "environ"),
        *("now", "utcnow", "today", "monotonic", "perf_counter", "time"),
    }
)
LONGEST_FILE, LONGEST_FUNCTION, LONGEST_CHECK = 320, 30, 20


def rungs() -> dict[str, int]:
    """Read the ladder from the page that documents it: each room with its rung."""
    table = PAGE.read_text(encoding="utf-8").partition("## The ladder")[2].partition("\n## ")[0]
    return {room: int(rung) for rung, room in re.findall(r"\| (\d+) \| `(\w+)` \|", table)}


def room_of(module: str) -> str:
    return module.split(".")[1]


def is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs; imports for types alone are left out."""
    for node in ast.iter_child_nodes(tree):
        if not is_for_types(node):
            yield node
            yield from statements(node)


def imports_of(name: str, *, for_types: bool = True) -> Iterator[str]:
    """Yield the modules of assay that a module imports."""
    package = name.split(".") if FILES[name].stem == "__init__" else name.split(".")[:-1]
    package = package[:-1] if package[-1] == "__init__" else package
    for node in ast.walk(TREES[name]) if for_types else statements(TREES[name]):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [*package[: len(package) - node.level + 1], *(node.module or "").split(".")]
            whole = ".".join(filter(None, base))
            for alias in node.names:
                inner = f"{whole}.{alias.name}"
                yield inner if inner in FILES else whole if whole in FILES else f"{whole}.__init__"


def foreign_imports_of(name: str) -> Iterator[str]:
    """Yield the top-level names of all else that a module imports."""
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]
        elif isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)


def words_of(name: str) -> set[str]:
    """Return the names that a module uses."""
    names = {node.id for node in ast.walk(TREES[name]) if isinstance(node, ast.Name)}
    return names | {n.attr for n in ast.walk(TREES[name]) if isinstance(n, ast.Attribute)}


@cache
def reached_from(name: str) -> frozenset[str]:
    """Return a module with all that it can call: what it imports, and what that imports."""
    seen, new = set[str](), {name}
    while new:
        seen |= new
        new = {i for m in new for i in imports_of(m, for_types=False)} - seen
    return frozenset(seen)


def functions() -> Iterator[tuple[str, int]]:
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                yield f"{name}.{node.name}", length


def test_every_room_has_a_rung() -> None:
    """The ladder names each folder and module of the house once, and nothing else."""
    assert sorted(rungs()) == sorted({room_of(m) for m in MODULES} - {"__init__"})


@pytest.mark.parametrize("name", MODULES)
def test_imports_go_down_the_ladder(name: str) -> None:
    """A module imports from lower rungs, from its own folder and from the package's own face."""
    rung = rungs()
    above = [
        other
        for other in imports_of(name)
        if (room_of(name), room_of(other)) != ("__init__", "__init__")
        and room_of(other) not in {room_of(name), "__init__"}
        and (room_of(name) != "__init__" and rung[room_of(other)] >= rung[room_of(name)])
    ]
    assert above == []


@pytest.mark.parametrize("name", MODULES)
def test_no_module_reaches_itself(name: str) -> None:
    """There is no import cycle, within a folder either."""
    assert [o for o in set(imports_of(name)) - {name} if name in reached_from(o)] == []


OUTSIDE = ("snippets", "benchmarks")


def modules_of(folder: str) -> dict[str, ast.Module]:
    """Return the modules of a folder of the repository by the names that they import each other."""
    found = {}
    for file in sorted((REPOSITORY / folder).rglob("*.py")):
        package = next((p for p in reversed(file.parents) if (p / "__init__.py").is_file()), None)
        parts = file.relative_to(package.parent if package else file.parent).with_suffix("").parts
        found[".".join(parts).removesuffix(".__init__")] = ast.parse(file.read_text("utf-8"))
    return found


def imported_by(tree: ast.AST, name: str, modules: Collection[str]) -> Iterator[str]:
    """Yield those of *modules* that a module imports when it is loaded."""
    package = name if any(other.startswith(f"{name}.") for other in modules) else ""
    package = package or name.rpartition(".")[0]
    for node in (n for n in statements(tree) if isinstance(n, ast.ImportFrom | ast.Import)):
        names = [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            up = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join(filter(None, [*(up if node.level else ()), node.module or ""]))
            names = [base, *(f"{base}.{alias}" for alias in names)]
        yield from (n for n in names if n in modules and n != name and n != package)


@pytest.mark.parametrize("folder", OUTSIDE)
def test_no_module_outside_of_the_house_reaches_itself(folder: str) -> None:
    """What pages run against, and the benchmarks, have no import cycle either."""
    modules = modules_of(folder)
    graph = {name: set(imported_by(tree, name, modules)) for name, tree in modules.items()}
    assert sum(map(len, graph.values())) > 0
    assert list(graphlib.TopologicalSorter(graph).static_order())


def test_no_benchmark_bears_the_name_of_what_it_imports() -> None:
    """A benchmark can import what it measures without tricks with the path."""
    others = {name.partition(".")[0] for folder in ("snippets",) for name in modules_of(folder)}
    assert not {file.stem for file in (REPOSITORY / "benchmarks").glob("*.py")} & others


def test_the_worker_is_a_stranger() -> None:
    """The worker imports itself and the standard library alone; one module compares its looks."""
    for name in FILES.keys() - {*MODULES, "assay.__main__"}:
        assert all(other.startswith(WORKER) for other in imports_of(name)), name
        assert set(foreign_imports_of(name)) <= sys.stdlib_module_names, name
    seen = {(m, o) for m in MODULES for o in imports_of(m) if o.startswith(WORKER)}
    assert seen == {("assay.sessions.sources", f"{WORKER}looks")}
    assert list(imports_of(f"{WORKER}looks")) == []


def test_assay_knows_nothing_of_torch() -> None:
    """No module of assay imports torch, or a package that it checks."""
    for name in MODULES:
        assert not {"torch", "numpy", "adamw", "vram"} & set(foreign_imports_of(name)), name


@pytest.mark.parametrize("name", PURE)
def test_the_core_does_no_io(name: str) -> None:
    """What parses, plans, compares and reports does no I/O, nor does anything that it calls."""
    for module in sorted(reached_from(name)):
        used = words_of(module) | set(foreign_imports_of(module))
        assert sorted(used & WORDS_OF_IO) == [], module


def test_functions_and_files_are_short() -> None:
    """A reader holds one function and one file in mind."""
    lengths = sorted(length for _, length in functions())
    assert lengths[len(lengths) * 95 // 100] <= LONGEST_FUNCTION
    assert dict(functions())["assay.check.check"] <= LONGEST_CHECK
    long = {n: len(f.read_text("utf-8").splitlines()) for n, f in FILES.items()}
    assert {n: lines for n, lines in long.items() if lines > LONGEST_FILE} == {}


def test_every_code_is_explained_and_used() -> None:
    """The codes in the sources are those of codes.py: none without a meaning, none unused."""
    texts = (f.read_text(encoding="utf-8") for n, f in FILES.items() if not n.endswith(".codes"))
    used = {code for text in texts for code in re.findall(r'"(A\d{3})"', text)}
    assert used == CODES.keys()
    assert all(text.endswith(".") for c in CODES.values() for text in (c.summary, c.why, c.cure))
    assert len({code.name for code in CODES.values()}) == len(CODES)


def test_no_module_has_a_name_that_says_nothing() -> None:
    """No module or folder is called utils, common, core, helpers or base."""
    assert not {"utils", "common", "core", "helpers", "base"} & {
        p for m in FILES for p in m.split(".")
    }
