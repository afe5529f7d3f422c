"""What gives another answer each time: the system's random bits, the clock, this very machine.

Law: it is noted where the project's own code asks for it, not where an import or a library does for
purposes of its own; the answer itself is left as it is.
"""

import ctypes
import functools
import gc
import os
import random
import sys
import time

from .seen import HERE

OWN, LIBRARY, IMPORT, STANDARD, OURS = "own", "library", "import", "standard", "ours"
HARMLESS = {"tempfile", "process", "util", "connection", "synchronize", "queues", "timeit"}
"""Modules of the standard library that draw random bits for names and keys alone."""
SEEN_THROUGH = ("<string>", "<timeit-src>", "timeit.py")

CLOCK = "read the clock"
BITS = "drew random bits from the system"
MACHINE = "asked for the machine that it runs on"
WITHOUT_TIME = {"localtime": 0, "gmtime": 0, "ctime": 0, "strftime": 1, "asctime": 0}
"""Functions of `time` that read the clock where they are given no time; at which position."""
CLOCKS = (
    *("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"),
    *("process_time", "process_time_ns", "thread_time", "thread_time_ns", "clock_gettime"),
)
MACHINES = {
    "os": ("getpid", "getppid", "cpu_count", "uname", "getloadavg", "sched_getaffinity"),
    "socket": ("gethostname", "getfqdn"),
    "platform": ("node", "uname", "release", "version", "platform", "processor"),
}


class Askers:
    """Tells whose code stands behind a call, by the frames above it."""

    def __init__(self, seen):
        self.seen, self.kinds = seen, {}
        folder = os.path.dirname(os.__file__)
        self.standard = tuple({os.path.join(f, "") for f in (folder, os.path.realpath(folder))})

    def kind(self, file):
        if file not in self.kinds:
            self.kinds[file] = self.kind_of(file)
        return self.kinds[file]

    def kind_of(self, file):
        if file.startswith("snippet:"):
            return OWN
        if file.startswith("<frozen importlib"):
            return IMPORT
        if file.startswith(HERE):
            return OURS
        if file.startswith("<") or (file.startswith(self.standard) and "-packages" not in file):
            return STANDARD
        return LIBRARY if self.seen.is_library(file) else OWN

    def behind(self):
        """Return whose code asked, and the modules of the standard library in between."""
        frame, between = sys._getframe(1), set()
        while frame is not None:
            file = frame.f_code.co_filename
            kind = self.kind(file)
            if kind in (OWN, LIBRARY, IMPORT):
                return kind, between
            if kind == STANDARD:
                between.add(os.path.splitext(os.path.basename(file))[0])
            frame = frame.f_back
        return None, between

    def is_direct(self):
        """Whether the project's own code made the call itself, or by `timeit` or generated code."""
        frame = sys._getframe(1)
        while frame is not None:
            file = frame.f_code.co_filename
            if self.kind(file) != OURS and not file.endswith(SEEN_THROUGH):
                return self.kind(file) == OWN
            frame = frame.f_back
        return False


class Luck:
    """Puts itself before the functions that give another answer each time."""

    def __init__(self, seen):
        self.seen, self.askers = seen, Askers(seen)
        for module in (os, random):
            name = "urandom" if module is os else "_urandom"
            self.wrap(module, name, self.draws)
        if hasattr(os, "getrandom"):
            self.wrap(os, "getrandom", self.draws)
        self.wrap(random.Random, "seed", self.seeds, place=1)
        self.wrap(random, "seed", self.seeds, place=0)
        for name in CLOCKS:
            if hasattr(time, name):
                self.wrap(time, name, self.reads)
        for name, place in WITHOUT_TIME.items():
            self.wrap(time, name, self.reads_unless_given, place=place)
        self.dates()
        self.wrap(os, "getcwd", self.places)
        for name in self.awaited():
            if name in sys.modules:
                self.arrived(name)

    def awaited(self):
        """Return the modules that :meth:`arrived` wants to hear of."""
        return (*MACHINES, "uuid", "torch")

    def arrived(self, name):
        """Put ourselves before the functions of a module that has just been imported."""
        module = sys.modules[name]
        for function in MACHINES.get(name, ()):
            if hasattr(module, function):
                self.wrap(module, function, self.tells)
        if name == "uuid":
            self.wrap(module, "uuid1", self.reads)
        if name == "torch":
            self.wrap(module, "seed", self.draws)

    def wrap(self, owner, name, notes, **settings):
        original = getattr(owner, name)
        if hasattr(original, "_assay"):
            return

        @functools.wraps(original)
        def asked(*args, **kwargs):
            notes(f"{owner.__name__}.{name.lstrip('_')}", args, kwargs, **settings)
            return original(*args, **kwargs)

        asked._assay = True
        setattr(owner, name, asked)

    def dates(self):
        """Put ourselves before the constructors of dates, which read the clock below Python."""
        import datetime

        methods = gc.get_referents(datetime.datetime.__dict__)[0]
        if not isinstance(methods, dict):
            return
        for name in ("now", "utcnow"):
            original = methods[name]

            def asked(cls, *args, _name=name, _original=original, **kwargs):
                self.reads(f"datetime.{_name}", args, kwargs)
                return _original.__get__(None, cls)(*args, **kwargs)

            methods[name] = classmethod(asked)
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(datetime.datetime))

    def draws(self, name, args, kwargs):
        asker, between = self.askers.behind()
        if asker == OWN and not between & HARMLESS:
            self.seen.says(f"{BITS} ({name})")

    def seeds(self, name, args, kwargs, place):
        if (args[place] if len(args) > place else kwargs.get("a")) is None:
            self.draws(name, args, kwargs)

    def reads(self, name, args, kwargs):
        if self.askers.is_direct():
            self.seen.says(f"{CLOCK} ({name})")

    def reads_unless_given(self, name, args, kwargs, place):
        if len(args) <= place or args[place] is None:
            self.reads(name, args, kwargs)

    def tells(self, name, args, kwargs):
        if self.askers.is_direct():
            self.seen.says(f"{MACHINE} ({name})")

    def places(self, name, args, kwargs):
        if self.askers.is_direct():
            self.seen.placed = True
