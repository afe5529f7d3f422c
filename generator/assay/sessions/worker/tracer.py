"""What a session opens, asks for and imports, seen while it runs.

Law: whatever could change a session's result is noted; where a part cannot be seen, or would be
another in the next run, that is said with its reason.
"""

import builtins
import importlib
import importlib.metadata
import importlib.util
import os
import sys
import threading
from contextlib import suppress

from . import looks
from .luck import IMPORT, LIBRARY, OWN, Luck

FOR_FONTS = {"fc-list", "system_profiler"}
"""Programs that matplotlib asks for fonts; what it then reads of them is seen."""
ASKING = {"stat": True, "lstat": False, "access": True, "readlink": False}
"""Functions that ask about a path, without an audit event; whether each follows a link."""
CODE = (".py", ".pyc", ".so")


class Tracer:
    """Watches this process from before the preload on; a session starts with nothing seen."""

    def __init__(self, seen):
        self.seen, self.active, self.used = seen, True, set()
        self.at = threading.local()  # the folder that a path is taken from
        self.luck = Luck(seen)
        self.askers = self.luck.askers
        self.arrivals = [(name, self.luck.arrived) for name in self.luck.awaited()]
        self.events = self.table()
        for name, follow in ASKING.items():
            self.watch(name, follow)
        self.watch_opening()
        self.watch_imports()
        self.watch_spawning()
        sys.addaudithook(self.audit)

    def table(self):
        """Return what is done about each audit event."""
        starts = ("os.system", "os.exec", "os.posix_spawn", "os.spawn")
        asks = ("getaddrinfo", "gethostbyname", "gethostbyaddr", "getnameinfo")
        speaks = (f"socket.{name}" for name in ("connect", "sendto", "sendmsg", *asks))
        changes = ("remove", "rename", "rmdir", "mkdir", "link", "symlink", "truncate")
        return {
            "open": self.opened,
            "os.listdir": self.listed,
            "os.scandir": self.listed,
            "sqlite3.connect": self.database,
            "ctypes.dlopen": self.loaded,
            "subprocess.Popen": self.starts,
            **dict.fromkeys(starts, self.starts),
            **dict.fromkeys(("os.fork", "os.forkpty"), self.forks),
            **dict.fromkeys(speaks, self.speaks),
            **{f"os.{name}": self.changes for name in changes},
        }

    def start(self, seen):
        """Begin a session, with its own *seen*."""
        self.seen = self.luck.seen = self.askers.seen = seen
        self.used = set()

    def audit(self, event, args):
        noted = self.events.get(event)
        if noted is None or not self.active or self.seen.is_busy():
            return
        try:
            noted(*args)
        except Exception:
            self.seen.says(f"did what could not be followed ({event})")

    def opened(self, path, mode, flags):
        if not isinstance(path, (str, bytes, os.PathLike)):
            return
        path = os.path.join(getattr(self.at, "folder", ""), os.fsdecode(path))
        if "__pycache__" in path:
            path = source_of(path)
        if self.seen.is_library(path) and not self.counts(path):
            return
        if flags & os.O_EXCL and "tempfile" in self.askers.behind()[1]:
            self.seen.writes(path)  # a name that nothing bears
        elif flags & os.O_TRUNC and not flags & os.O_EXCL:
            self.seen.writes(path)
        elif flags & os.O_WRONLY and not flags & os.O_EXCL:
            self.seen.extends(path)
        else:
            self.outside(path)
            self.seen.look(path, "file")

    def counts(self, path):
        """Whether a file of Python or of a package was opened as data, and not to be imported."""
        asker, between = self.askers.behind()
        if asker == IMPORT or ("__init__" in between and ".dist-info" in path):
            return False
        return asker == OWN or not path.endswith(CODE)

    def outside(self, path):
        """Note reads of what tells of the machine, where the project's own code asks for it."""
        if path.startswith(("/dev/random", "/dev/urandom", "/proc/", "/sys/")):
            if self.askers.is_direct():
                self.seen.says(f"read {path}")

    def listed(self, path=None):
        if self.askers.kind(sys._getframe(2).f_code.co_filename) == IMPORT:
            return
        path = place_of(path) if isinstance(path, int) else os.fsdecode(path or ".")
        if path not in self.seen.sites and self.is_of_library(path):
            return
        self.seen.look(path, "entries" if self.askers.is_direct() else "names")

    def database(self, name, *_):
        path = os.fsdecode(name).removeprefix("file:").partition("?")[0]
        if path and path != ":memory:":
            for ending in ("", "-wal", "-journal"):
                self.seen.look(path + ending, "file")

    def loaded(self, name, *_):
        if name and os.sep in os.fsdecode(name) and not self.seen.is_library(os.fsdecode(name)):
            self.seen.look(name, "file")

    def changes(self, *args):
        """Note what stands where something is removed, renamed or made, before it is done."""
        for path in args:
            if isinstance(path, (str, bytes, os.PathLike)) and not self.is_of_library(path):
                self.seen.look(path, "file", follow=False)

    def is_of_library(self, path):
        """Whether a library asks, for itself, about a place that is not the project's.

        It has a version; where it looks for what it can do without is its own affair.
        """
        path = os.path.join(looks.getcwd(), os.fsdecode(path))
        is_elsewhere = self.seen.is_library(path) or self.seen.is_outside(path)
        return is_elsewhere and self.askers.behind()[0] in (LIBRARY, IMPORT)

    def starts(self, program, arguments=(), *_):
        if isinstance(arguments, (list, tuple)) and arguments:
            program = arguments[0]
        name = os.path.basename(os.fsdecode(program))
        if name in FOR_FONTS and self.askers.behind()[0] == LIBRARY:
            return
        self.begins(f"a program ({name.split()[0] if name.split() else name})")

    def forks(self, *_):
        self.begins("a process (os.fork)")

    def begins(self, what):
        self.seen.whole = False  # what another process reads cannot be seen from here
        self.seen.says(f"started {what}")

    def speaks(self, *_):
        self.seen.whole = False
        self.seen.says("spoke to another program or machine")

    def watch(self, name, follow):
        """Note the paths that are asked about by `os.stat` and its like."""
        original = getattr(os, name)

        def noting(path, *args, **options):
            is_path = isinstance(path, (str, bytes, os.PathLike))
            if is_path and self.active and not self.seen.is_busy():
                with suppress(Exception):
                    full = os.path.join(place_of(options.get("dir_fd")), os.fsdecode(path))
                    if not (self.seen.is_library(full) or self.is_of_library(full)):
                        self.seen.look(full, "size", options.get("follow_symlinks", follow))
            return original(path, *args, **options)

        replace(name, original, noting)

    def watch_opening(self):
        """Note the folder that a path is taken from, which the audit event does not tell."""
        original = os.open

        def opening(path, flags, mode=0o777, *, dir_fd=None):
            self.at.folder = place_of(dir_fd)
            try:
                return original(path, flags, mode, dir_fd=dir_fd)
            finally:
                self.at.folder = ""

        replace("open", original, opening)

    def watch_imports(self):
        self.import_, self.import_module_ = builtins.__import__, importlib.import_module
        self.find_spec_ = importlib.util.find_spec
        finder = importlib.metadata.MetadataPathFinder
        self.distributions_ = finder.find_distributions
        builtins.__import__ = self.imported
        importlib.import_module = self.import_module
        importlib.util.find_spec = self.find_spec
        finder.find_distributions = self.find_distributions
        sys.meta_path.insert(0, Looker(self))

    def watch_spawning(self):
        """Note the processes that `multiprocessing` spawns: no audit event tells of them."""
        with suppress(ImportError):
            import _posixsubprocess

            original = _posixsubprocess.fork_exec

            def fork_exec(*args):
                if self.active and "multiprocessing" in sys.modules:
                    self.begins("a process (multiprocessing)")
                return original(*args)

            _posixsubprocess.fork_exec = fork_exec

    def names(self, module):
        if self.active:
            self.used.add(module.partition(".")[0])

    def imported(self, name, globals=None, locals=None, fromlist=(), level=0):
        if level == 0:
            self.names(name)
        module = self.import_(name, globals, locals, fromlist, level)
        self.settle()
        return module

    def import_module(self, name, package=None):
        self.names(name)
        module = self.import_module_(name, package)
        self.settle()
        return module

    def find_spec(self, name, package=None):
        self.names(name)
        return self.find_spec_(name, package)

    def settle(self):
        """Tell those who wait for a module that it has been imported."""
        for waiting in list(self.arrivals):
            name, tell = waiting
            module = sys.modules.get(name)
            spec = getattr(module, "__spec__", None)
            if module is not None and not getattr(spec, "_initializing", False):
                self.arrivals.remove(waiting)
                tell(name)

    def find_distributions(self, *args, **options):
        """Note what is asked of the installed packages: one by its name, or which there are."""
        name = getattr(args[0] if args else options.get("context"), "name", None)
        if self.active and name is not None:
            self.seen.uses(name)
        elif self.active:
            for folder in self.seen.sites:
                self.seen.look(folder, "names")
        return self.distributions_(*args, **options)


class Looker:
    """Stands first among the finders, to see which modules are looked for; it finds none."""

    def __init__(self, tracer):
        self.tracer = tracer

    def find_spec(self, name, path=None, target=None):
        if path is None:
            self.tracer.names(name)
        return

    def find_distributions(self, *args, **options):
        return ()


def replace(name, original, ours):
    """Put *ours* in the place of a function of `os`, and in what it says that it supports."""
    setattr(os, name, ours)
    for sorts in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
        if original in sorts:
            sorts.add(ours)


def place_of(descriptor):
    """Return the path of an open folder, or "" without one."""
    return "" if descriptor is None else os.readlink(f"/proc/self/fd/{descriptor}")


def source_of(cached):
    """Return the source of a cached .pyc."""
    folder, name = os.path.split(cached)
    return os.path.join(os.path.dirname(folder), name.partition(".")[0] + ".py")
