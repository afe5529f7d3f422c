"""What a session finds when it starts: the import system, what is preloaded, threads and seeds.

Law: a project's module is compiled from the source that stands there now, never from a cache.
"""

import importlib
import importlib.machinery
import importlib.metadata
import os
import random
import sys

SEED = 0
LOOKED_FOR = set()  # where modules of the project were looked for
HERE = os.path.join(os.path.dirname(os.path.realpath(__file__)), "")


class SourceLoader(importlib.machinery.SourceFileLoader):
    """Compiles a project's module from its source, never from a cached .pyc that may be stale."""

    def get_code(self, fullname):
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


class Finder(importlib.machinery.FileFinder):
    """Finds a project's modules, and remembers where it looked.

    A file that appears in such a place later changes what is imported.
    """

    def find_spec(self, fullname, target=None):
        spec = super().find_spec(fullname, target)
        tail = fullname.rpartition(".")[2]
        for name in (os.path.join(tail, "__init__.py"), f"{tail}.py", tail):
            place = os.path.join(self.path, name)
            LOOKED_FOR.add(place)
            if spec is not None and spec.origin == place:
                break
        return spec


class Warm:
    """What a session finds when it starts: the setup, and what the preloaded modules brought in."""

    def __init__(self, setup):
        self.setup = setup
        self.root = os.path.join(os.path.realpath(setup["root"]), "")
        self.foreign = tuple(
            os.path.join(os.path.realpath(p), "") for p in {sys.prefix, sys.base_prefix}
        )
        sys.path[:0] = [p for p in setup["path"] if p not in sys.path]
        sys.path_hooks.insert(0, self.finder)
        sys.path_importer_cache.clear()
        before = set(sys.modules)
        self.distributions_of = importlib.metadata.packages_distributions()
        for name in setup["preload"]:
            importlib.import_module(name)
        self.loaded = set(sys.modules) | {"__main__"}
        self.tops = {name.partition(".")[0] for name in self.loaded - before}
        self.preloaded = self.provenance(self.loaded - before)
        one_thread()

    def provenance(self, names):
        """Return the project files of modules, the places of their tops, their distributions."""
        files, modules, distributions = set(), {}, {}
        for name in names:
            path = self.file_of(name)
            if path:
                files.add(path)
            top = name.partition(".")[0]
            if top in sys.stdlib_module_names or top in modules:
                continue
            modules[top] = self.file_of(top)
            for distribution in () if modules[top] else self.distributions_of.get(top, ()):
                distributions[distribution] = importlib.metadata.version(distribution)
        return files, modules, distributions

    def file_of(self, name):
        """Return the file of a project's module, or None if the module is not the project's."""
        path = getattr(sys.modules.get(name), "__file__", None)
        if not isinstance(path, str) or not os.path.isabs(path) or path.startswith(HERE):
            return None
        path = os.path.realpath(path)
        return path if self.is_project(path) else None

    def is_project(self, path):
        return path.startswith(self.root) and not path.startswith(self.foreign)

    def finder(self, path):
        if not self.is_project(os.path.join(os.path.realpath(path), "")):
            raise ImportError("not of the project")
        loaders = [
            (importlib.machinery.ExtensionFileLoader, importlib.machinery.EXTENSION_SUFFIXES),
            (SourceLoader, importlib.machinery.SOURCE_SUFFIXES),
        ]
        return Finder(path, *loaders)


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
    for name, function in (("numpy.random", "seed"), ("torch", "manual_seed")):
        module = sys.modules.get(name)
        if module is not None:
            getattr(module, function)(SEED)
