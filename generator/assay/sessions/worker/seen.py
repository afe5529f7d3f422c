"""What a process has seen of the world: files, folders, links, imports, distributions.

Law: what is seen is noted as it stood at that moment, before the code that asked for it goes on;
the first look counts, since what comes after it may be this process's own doing.
"""

import copy
import importlib.metadata
import os
import tempfile
import threading
from contextlib import contextmanager, suppress

from . import looks

HERE = os.path.join(os.path.dirname(os.path.realpath(__file__)), "")
OUTSIDE = ("/proc/", "/dev/", "/sys/")
FINER = {"link": 0, "size": 1, "file": 2, "names": 2, "entries": 3, "installed": 4}
"""The ways to look at a path; a finer one takes the place of a coarser one."""


class Seen:
    """What was seen, each path written so that another machine can compare."""

    def __init__(self, root):
        self.places = looks.Places(root)
        self.libraries, self.sites = looks.libraries(), looks.sites()
        self.folder = os.path.join(os.path.realpath(os.environ.get("HOME", HERE)), "")
        self.vouched = {}
        self.clear()

    def clear(self):
        self.files, self.times, self.imports, self.distributions = {}, {}, {}, {}
        self.before = {}
        self.unkept, self.written, self.whole, self.placed = {}, set(), True, False
        self.busy = set()  # threads that look for us; what they do is not the session's

    def anew(self):
        """Return one for a session, which has seen nothing yet; its own folder does not count."""
        seen = copy.copy(self)
        seen.clear()
        seen.folder = os.path.join(os.path.realpath(tempfile.gettempdir()), "")
        return seen

    def is_busy(self):
        """Whether this thread looks for us."""
        return threading.get_ident() in self.busy

    @contextmanager
    def quiet(self):
        """Look without being seen; what happens inside is not the session's doing."""
        self.busy.add(threading.get_ident())
        try:
            yield
        finally:
            self.busy.discard(threading.get_ident())

    def is_library(self, path):
        """Whether *path* is Python's or an installed package's; a project may lie inside."""
        return (path + os.sep).startswith(self.libraries) and not self.is_project(path)

    def is_outside(self, path):
        """Whether *path* lies neither in the project nor in this Python."""
        return os.path.isabs(self.places.portable(path))

    def is_project(self, path):
        """Whether *path* lies in the project, and not in a Python that lies in it."""
        return not os.path.isabs(portable := self.places.portable(path)) and portable[0] != "{"

    def is_passed_over(self, path):
        return path.startswith((*OUTSIDE, HERE, self.folder)) or looks.MADE_BY_PYTHON in path

    def is_above(self, path):
        """Whether the project, Python or we lie in *path*: another machine has other folders."""
        folders = [folder for folder, _ in self.places.folders] + [HERE]
        return path == os.sep or any((f + os.sep).startswith(path + os.sep) for f in folders)

    def passes(self, path):
        """Note the links that lead to *path*, and nothing of what stands there."""
        with self.quiet(), suppress(OSError, ValueError):
            self.links(looks.resolve(os.fsdecode(path))[1])

    def links(self, links):
        for link, text in links:
            if not self.is_passed_over(link):
                word = f"link:{self.places.neutral(text)}"
                self.files.setdefault(self.places.portable(link), word)

    def look(self, path, how, follow=True):
        """Note what stands at *path* now, and the links that lead there."""
        if self.is_busy():
            return
        with self.quiet(), suppress(OSError, ValueError):  # the session meets the same error
            real, links = looks.resolve(os.fsdecode(path), follow)
            if not follow and os.path.islink(real):
                links.append((real, os.readlink(real)))
            self.links(links)
            is_link = bool(links) and links[-1][0] == real
            if not (is_link or self.is_passed_over(real) or real in self.written):
                self.note(real, how)

    def note(self, real, how):
        """Note the word for *real*, if this way of looking tells more than was noted."""
        path = self.places.portable(real)
        if how == "size" and self.is_above(real):
            return
        before = self.files.get(path)
        if before is not None:
            way = looks.way(before)
            if way in ("gone", how) or FINER.get(way, 0) >= FINER[how]:
                return
            if looks.look(real, way, self.places) != before:
                return  # it has changed since; the first look tells
        self.files[path] = self.before.get(real) or looks.look(real, how, self.places)
        try:
            found = os.stat(real)
            self.times[path] = (
                found.st_mtime_ns if how in ("names", "entries") else found.st_ctime_ns
            )
        except OSError:
            pass

    def writes(self, path):
        """Note that the session makes *path* anew: what stood there before cannot matter."""
        with self.quiet():
            real, _ = looks.resolve(os.fsdecode(path))
        if self.places.portable(real) not in self.files:
            self.written.add(real)

    def extends(self, path):
        """Note what stands at *path*, to which the session adds; it counts if it reads it later."""
        with self.quiet(), suppress(OSError):
            real, _ = looks.resolve(os.fsdecode(path))
            if real not in self.before and not self.is_passed_over(real):
                self.before[real] = looks.look(real, "file", self.places)

    def finds(self, folder, module, place):
        """Note what an import of *module* found in *folder*."""
        folder = os.path.realpath(folder)
        self.imports.setdefault(self.places.portable(folder), {}).setdefault(module, place)

    def misses(self, module):
        """Note that *module* is nowhere among the installed packages."""
        for folder in self.sites:
            inside = looks.listing(folder)
            if looks.found(folder, inside, module) is None:
                self.finds(folder, module, None)

    def uses(self, distribution):
        """Note the version of a distribution, or that it is not there, and what it installed."""
        name = looks.normal(distribution)
        if name in self.distributions or self.is_busy():
            return
        with self.quiet():
            try:
                found = importlib.metadata.distribution(distribution)
            except (importlib.metadata.PackageNotFoundError, ValueError):
                self.distributions[name] = None
                return
            folder = os.path.realpath(str(getattr(found, "_path", "")))
            if self.is_library(folder):  # else its files are seen one by one
                self.distributions[name] = found.version
                self.note(os.path.join(folder, "RECORD"), "installed")

    def vouches(self, distribution):
        """Whether the RECORD of a distribution tells what its modules hold."""
        if distribution not in self.vouched:
            with self.quiet():
                text = importlib.metadata.distribution(distribution).read_text("RECORD")
            self.vouched[distribution] = bool(text) and ".py,," not in text
        return self.vouched[distribution]

    def says(self, reason):
        """Note why the result cannot be kept."""
        self.unkept.setdefault(reason)

    def told(self):
        """Return all of it, as the nouns have it."""
        return {
            "files": self.files,
            "times": self.times,
            "imports": self.imports,
            "distributions": dict(sorted(self.distributions.items())),
            "whole": self.whole,
            "placed": self.placed,
            "unkept": list(self.unkept),
        }
