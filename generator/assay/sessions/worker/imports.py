"""What a session finds when it starts: the import system, what is preloaded, threads and seeds.

Law: a project's module is compiled from the source that stands there now, never from a cache; what
the preload brought in is told apart from what a session asks for.
"""

import gc
import importlib
import importlib.machinery
import importlib.metadata
import os
import random
import sys
import types

from .seen import Seen
from .tracer import Tracer

SEED = 0
END = f"{__name__}.end"
SEEDED = {"numpy.random": "seed", "torch": "manual_seed"}


class Finder(importlib.machinery.FileFinder):
    """Finds modules outside of installed packages, and notes where it looked and what it found."""

    tracer = None

    def find_spec(self, fullname, target=None):
        spec = super().find_spec(fullname, target)
        if self.tracer.active:
            self.note(fullname.rpartition(".")[2], spec)
        return spec

    def note(self, name, spec):
        seen, place = self.tracer.seen, None
        if spec is not None and spec.origin:
            place = os.path.relpath(spec.origin, self.path)
            seen.look(spec.origin, "file")
        elif spec is not None:
            place = os.path.join(name, "")
        seen.finds(self.path, name, place)


class Warm:
    """What a session finds when it starts: the setup, and what the preloaded modules brought in."""

    def __init__(self, setup):
        self.setup = setup
        self.base = Seen(setup["root"])
        self.tracer = Tracer(self.base)
        with self.base.quiet():
            self.distributions_of = importlib.metadata.packages_distributions()
        for folder in self.base.sites:
            self.base.look(os.path.join(folder, "startup.pth"), "pth")
        compile_from_source(self.base)
        sys.path[:0] = [p for p in setup["path"] if p not in sys.path]
        sys.path_hooks.insert(0, self.finder)
        sys.path_importer_cache.clear()
        before = set(sys.modules)
        for name in setup["preload"]:
            importlib.import_module(name)
        one_thread()
        brought = set(sys.modules) - before
        self.tops = {name.partition(".")[0] for name in brought} - sys.stdlib_module_names
        self.brought = self.told(brought)
        seed()
        gc.freeze()  # what a session collects is its own
        sys.modules[END] = types.ModuleType(END)  # what comes behind it is a session's
        self.tracer.active = False

    def told(self, brought):
        """Return what the preload saw: what all sessions depend on, and what those that use it do.

        A project's module that is preloaded may change anything, as may the absence of one; what
        is installed matters to those that import it.
        """
        always, used = self.base.told(), self.base.told()
        is_mine = any(self.is_source(*seen) for seen in always["files"].items())
        always["files"] = {p: w for p, w in always["files"].items() if self.is_for_all(p, is_mine)}
        imports = always["imports"]
        always["imports"] = {f: m for f, m in imports.items() if self.is_for_all(f, is_mine)}
        always |= {"distributions": {}, "times": {}}
        asked = self.tracer.used
        self.tracer.start(self.base.anew())
        self.depend(brought | asked)
        for part in ("files", "imports", "distributions"):
            used[part] |= getattr(self.tracer.seen, part)
        return {"always": always, "used": used | {"times": {}}}

    def is_source(self, path, word):
        """Whether what was seen is a module of the project."""
        is_inside = not os.path.isabs(path) and path[0] != "{"
        return is_inside and path.endswith(".py") and word.startswith("file:")

    def is_for_all(self, path, is_mine):
        """Whether what the preload saw at *path* may change sessions that do not use it."""
        inside = not os.path.isabs(path) and path[0] != "{"
        return inside or path.endswith(".pth") or is_mine

    def depend(self, names):
        """Note the distributions of modules, and the files of what belongs to none."""
        seen, tops = self.tracer.seen, {name.partition(".")[0] for name in names}
        for top in sorted(tops - sys.stdlib_module_names - {"__main__", ""}):
            distributions = () if self.is_own(top) else self.distributions_of.get(top, ())
            for distribution in distributions:
                seen.uses(distribution)
            if sys.modules.get(top) is None:
                seen.misses(top)
        for name in names:
            file = getattr(sys.modules.get(name), "__file__", None)
            if isinstance(file, str) and os.path.isabs(file) and self.is_unversioned(name, file):
                seen.look(file, "file")

    def is_own(self, top):
        file = getattr(sys.modules.get(top), "__file__", None)
        return isinstance(file, str) and not self.base.is_library(file)

    def is_unversioned(self, name, file):
        """Whether no version stands for what a module holds."""
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names:
            return False
        if not self.base.is_library(file):
            return True
        return not any(map(self.base.vouches, self.distributions_of.get(top, ())))

    def answer(self):
        """Return what a session depended on, once it is over."""
        self.tracer.active = False
        self.depend(self.new() | (self.tracer.used - self.tops))
        return self.tracer.seen.told() | {"preloaded": bool(self.tracer.used & self.tops)}

    def new(self):
        """Return the names of the modules that a session imported."""
        names = set()
        for name in reversed(sys.modules):
            if name == END:
                break
            names.add(name)
        return names - {"__main__"}

    def look_again(self):
        """Forget what folders of sources held: a session finds what is there when it starts."""
        for path, finder in list(sys.path_importer_cache.items()):
            if isinstance(finder, Finder):
                finder.invalidate_caches()
            elif finder is None:
                del sys.path_importer_cache[path]

    def finder(self, path):
        folder = os.path.join(os.path.realpath(path), "")
        if not os.path.isdir(folder) or self.base.is_library(folder):
            raise ImportError("not a folder of sources")
        loaders = [
            (importlib.machinery.ExtensionFileLoader, importlib.machinery.EXTENSION_SUFFIXES),
            (importlib.machinery.SourceFileLoader, importlib.machinery.SOURCE_SUFFIXES),
        ]
        self.tracer.seen.passes(path)
        found = Finder(path, *loaders)
        found.tracer = self.tracer
        return found


def compile_from_source(seen):
    """Let modules of the project be compiled from source, never taken from a .pyc."""
    loader = importlib.machinery.SourceFileLoader
    cached = loader.get_code

    def get_code(self, fullname):
        path = self.get_filename(fullname)
        if seen.is_library(path) or not seen.is_project(os.path.realpath(path)):
            return cached(self, fullname)
        return self.source_to_code(self.get_data(path), path)

    loader.get_code = get_code


def one_thread(device="cpu"):
    """Pin torch's threads, and on a CPU its algorithms.

    On a GPU the deterministic algorithms take other memory than those that a reader's run takes.
    """
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(mode=device == "cpu", warn_only=True)


def seed():
    """The documented rule: every session starts from seed 0, for each generator that is loaded."""
    random.seed(SEED)
    for name, function in SEEDED.items():
        module = sys.modules.get(name)
        if module is not None:
            getattr(module, function)(SEED)
