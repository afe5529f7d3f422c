"""What a session opens and imports, seen while it runs.

Law: whatever could change a session's result is named; where a part cannot be seen, that is said.
"""

import builtins
import importlib
import os
import stat
import sys
import tempfile
import threading

from .imports import LOOKED_FOR, one_thread, seed


class Tracer:
    """Watches what the session opens and imports."""

    def __init__(self, warm, device):
        self.warm, self.device = warm, device
        self.files, self.used, self.whole, self.active = set(), set(), True, True
        self.adding, self.stat = set(), os.stat
        LOOKED_FOR.clear()
        for name in ("stat", "lstat", "access"):
            self.watch(name)
        self.import_ = builtins.__import__
        self.import_module_ = importlib.import_module
        builtins.__import__ = self.imported
        importlib.import_module = self.import_module
        sys.addaudithook(self.audit)

    def imported(self, name, globals=None, locals=None, fromlist=(), level=0):
        if level == 0:
            self.note(name)
        seeded = {m for m in ("torch", "numpy.random") if m in sys.modules}
        module = self.import_(name, globals, locals, fromlist, level)
        if seeded != {m for m in ("torch", "numpy.random") if m in sys.modules}:
            seed()
            one_thread(self.device)
        return module

    def import_module(self, name, package=None):
        self.note(name)
        return self.import_module_(name, package)

    def note(self, name):
        if self.active:
            self.used.add(name.partition(".")[0])

    def audit(self, event, args):
        if not self.active:
            return
        if event == "open":
            self.opened(*args)
        elif event in {"os.listdir", "os.scandir"}:
            if not str(sys._getframe(1).f_code.co_filename).startswith("<frozen importlib"):
                self.add(args[0] or ".")
        elif event in {
            "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork",
            "os.forkpty", "socket.connect", "socket.sendto",
        }:  # fmt: skip
            self.whole = False  # what another program or machine reads cannot be seen from here

    def opened(self, path, mode, flags):
        writes = (flags or 0) & (os.O_WRONLY | os.O_TRUNC) or (mode and set(mode) & set("wxa"))
        if not writes and isinstance(path, (str, bytes, os.PathLike)):
            self.add(path)

    def watch(self, name):
        """Note the files that are asked about by `os.stat` and its like: no audit event tells."""
        original, stat_ = getattr(os, name), self.stat

        def is_folder(path):
            try:
                return stat.S_ISDIR(stat_(path).st_mode)
            except (OSError, TypeError, ValueError):
                return False

        def noting(path, *args, **options):
            if self.active and threading.get_ident() not in self.adding and not is_folder(path):
                self.add(path)
            return original(path, *args, **options)

        setattr(os, name, noting)
        for sorts in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
            if original in sorts:
                sorts.add(noting)

    def add(self, path):
        thread = threading.get_ident()
        if thread in self.adding or not isinstance(path, (str, bytes, os.PathLike)):
            return
        self.adding.add(thread)  # what follows asks about files too
        full = os.path.realpath(os.fsdecode(path))
        self.adding.discard(thread)
        if "__pycache__" not in full and not full.startswith(("/proc/", "/dev/", "/sys/")):
            self.files.add(full)

    def answer(self):
        """What the session depended on: project files, the places of modules, distributions."""
        self.active = False
        new = set(sys.modules) - self.warm.loaded
        found = self.warm.provenance(new | self.used - self.warm.loaded)
        if self.warm.tops & self.used:
            found = [mine | theirs for mine, theirs in zip(found, self.warm.preloaded, strict=True)]
        files, modules, distributions = found
        foreign = (*self.warm.foreign, os.path.join(os.path.realpath(tempfile.gettempdir()), ""))
        return {
            "files": sorted(
                f for f in self.files | files | LOOKED_FOR if not f.startswith(foreign)
            ),
            "modules": modules,
            "distributions": dict(sorted(distributions.items())),
            "whole": self.whole,
        }
