"""The worker runs sessions, each in a process of its own.

Law: it is a stranger. It uses the standard library alone, imports nothing of assay, and is told
neither what a page states nor where it stands. Everything it is told and answers is JSON:

    worker.py serve FD     the first message on the Unix socket FD is a setup, each further one a
                           job with the descriptor that its outcome is to be written to
    worker.py once         reads {"setup": ..., "job": ...} from standard input, writes the outcome
    worker.py session DIR  runs DIR/job.json in this very process, reporting into DIR

    setup    {"root": str, "path": [str], "preload": [str], "kept": bytes, "drained": bytes}
    job      {"sources": [{"code": str, "may_raise": bool}], "probes": [str], "timeout": seconds}
    outcome  {"snippets": [...], "values": {...}, "failure": {...} or null, "traced": {...}, ...}

serve: the worker imports what `preload` names, then forks a supervisor a job; the supervisor forks
the session, holds the clock, drains its output, and ends every process that the session leaves.
"""

import builtins
import ctypes
import faulthandler
import importlib
import importlib.machinery
import importlib.metadata
import io
import json
import linecache
import numbers
import os
import platform
import random
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import types

GRACE = 0.3  # seconds between the limit, when the session says where it is, and the kill
STEP = re.compile(r"""\.?([^\W\d]\w*)|\[(-?\d+)\]|\[(?:'([^']*)'|"([^"]*)")\]""")
SURROGATE = re.compile("[\ud800-\udfff]")
SEED = 0
WORKER = os.path.abspath(__file__)


# --- before any session: the import system, and what is imported once for all --------------------


class SourceLoader(importlib.machinery.SourceFileLoader):
    """Compiles a project's module from its source, never from a cached .pyc that may be stale."""

    def get_code(self, fullname):
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


class Finder(importlib.machinery.FileFinder):
    """Finds a project's modules, and remembers where it looked.

    A file that appears in such a place later changes what is imported.
    """

    looked = set()

    def find_spec(self, fullname, target=None):
        spec = super().find_spec(fullname, target)
        tail = fullname.rpartition(".")[2]
        for name in (os.path.join(tail, "__init__.py"), f"{tail}.py", tail):
            place = os.path.join(self.path, name)
            self.looked.add(place)
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
        if not isinstance(path, str) or not os.path.isabs(path) or path == WORKER:
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


def one_thread():
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(mode=True, warn_only=True)


def seed():
    """The documented rule: every session starts from seed 0, for each generator that is loaded."""
    random.seed(SEED)
    for name, function in (("numpy.random", "seed"), ("torch", "manual_seed")):
        module = sys.modules.get(name)
        if module is not None:
            getattr(module, function)(SEED)


# --- inside a session ----------------------------------------------------------------------------


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


class Tracer:
    """Watches what the session opens and imports."""

    def __init__(self, warm):
        self.warm = warm
        self.files, self.used, self.whole, self.active = set(), set(), True, True
        self.adding, self.stat = set(), os.stat
        Finder.looked.clear()
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
            one_thread()
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
                f for f in self.files | files | Finder.looked if not f.startswith(foreign)
            ),
            "modules": modules,
            "distributions": dict(sorted(distributions.items())),
            "whole": self.whole,
        }


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


def session(warm, folder):
    """Run the job of *folder* in this process and report into it. Does not return."""
    end_with_supervisor()
    with open(os.path.join(folder, "job.json"), encoding="utf-8") as file:
        job = json.load(file)
    report = Report(folder)
    trace = open(os.path.join(folder, "trace"), "w", encoding="utf-8")
    faulthandler.enable(trace)
    faulthandler.dump_traceback_later(job["timeout"], file=trace)
    kept = warm.setup["kept"]
    sys.stdout = output = Output(kept)
    prints = Prints(kept)
    importlib.invalidate_caches()
    seed()
    tracer = Tracer(warm)
    namespace = fresh_main()
    for number, source in enumerate(job["sources"]):
        report.say(at=number)
        started = time.perf_counter()
        raised = run(number, source["code"], namespace)
        report.say(
            ran={
                "seconds": time.perf_counter() - started,
                "raised": raised,
                "prints": prints.take(),
                "output": output.take(),
            }
        )
        if raised and not source["may_raise"]:
            break
    else:
        report.say(values={path: probe(namespace, path) for path in job["probes"]})
    report.say(traced=tracer.answer(), cut=output.cut, environment=environment())
    report.say(end=True)
    report.file.close()
    os._exit(0)


def fresh_main():
    main = types.ModuleType("__main__")
    main.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = main
    return main.__dict__


def run(number, code, namespace):
    """Run one snippet; return what it raised, or None."""
    name = f"snippet:{number}"
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    try:
        exec(compile(code, name, "exec"), namespace)
    except BaseException as error:
        return raised(error)
    return None


def raised(error):
    frames = [
        (int(f.filename.partition(":")[2]), f.lineno or 1, f.name)
        for f in traceback.extract_tb(error.__traceback__)
        if f.filename.startswith("snippet:")
    ]
    try:
        message = str(error)
    except BaseException:
        message = "(its message cannot be shown)"
    kinds = [k.__name__ for k in type(error).__mro__ if k is not object]
    return {"kinds": kinds, "message": message[:2000], "frames": frames[-20:]}


def probe(namespace, path):
    """Follow a dotted or indexed path (`sizes.total`, `steps[0]`) and return what is there."""
    try:
        found, first = None, True
        for name, index, single, double in STEP.findall(path):
            near = list(namespace) if first else near_names(found)
            try:
                if first:
                    found = namespace[name]
                elif name:
                    found = getattr(found, name)
                else:
                    found = found[int(index) if index else single or double]
            except (KeyError, AttributeError, IndexError, TypeError):
                shown = [str(n) for n in near if not str(n).startswith("__")]
                return {"kind": "missing", "near": shown[:200]}
            first = False
        return value(found)
    except BaseException as error:
        return {"kind": "other", "text": f"raised {type(error).__name__} when read"}


def near_names(found):
    if isinstance(found, dict):
        return list(found)
    if isinstance(found, (list, tuple)):
        return [f"[{i}]" for i in range(len(found))]
    return dir(found)


def value(found):
    if isinstance(found, bool):
        return {"kind": "bool", "text": str(found)}
    if isinstance(found, numbers.Integral):
        return {"kind": "int", "text": str(int(found))}
    if isinstance(found, numbers.Real) and not isinstance(found, float):
        found = float(found)
    if isinstance(found, float):
        return {"kind": "float", "text": float.__repr__(found)}
    if isinstance(found, str):
        return {"kind": "str", "text": found[:10_000]}
    if type(found).__module__ == "decimal":
        return {"kind": "float", "text": str(found) if found.is_finite() else repr(float(found))}
    if callable(getattr(found, "item", None)) and getattr(found, "ndim", 1) == 0:
        return value(found.item())  # a 0-dim tensor or a numpy scalar
    return {"kind": "other", "text": f"{type(found).__name__}: {found!r}"[:200]}


def environment():
    found = {"python": platform.python_version(), "device": "cpu", "machine": platform.machine()}
    torch = sys.modules.get("torch")
    return found | ({"torch": str(torch.__version__)} if torch else {})


# --- around a session ----------------------------------------------------------------------------


class Pump(threading.Thread):
    """Drains a pipe, keeps its first bytes, and counts the rest."""

    def __init__(self, fd, kept):
        super().__init__(daemon=True)
        self.fd, self.room, self.count, self.data = fd, kept, 0, b""

    def run(self):
        while chunk := os.read(self.fd, 65536):
            self.count += len(chunk)
            self.data += chunk[: max(0, self.room - len(self.data))]


def supervise(setup, job, start, parent):
    """Start a session with *start*(folder, out, err) -> pid; return its outcome.

    When the process *parent* ends, nobody waits for the outcome any more, and the session ends too.
    """
    with tempfile.TemporaryDirectory(prefix="assay-", ignore_cleanup_errors=True) as folder:
        with open(os.path.join(folder, "job.json"), "w", encoding="utf-8") as file:
            json.dump(job, file)
        began = time.monotonic()
        (out, out_end), (err, err_end) = os.pipe(), os.pipe()
        pid = start(folder, out_end, err_end)
        os.close(out_end)
        os.close(err_end)
        pumps = [Pump(out, setup["kept"]), Pump(err, setup["kept"])]
        for pump in pumps:
            pump.start()
        deadline = began + job["timeout"] + GRACE
        reason, status = wait(pid, deadline, pumps, setup["drained"], parent)
        leftovers = end_leftovers(pid)
        for pump in pumps:
            pump.join(1)
        answer = collect(folder)
        if sum(pump.count for pump in pumps) > setup["drained"]:
            reason = reason or "flood"  # also where it ended before that was seen
            answer["notes"].clear()  # that it was cut says no more
        ended = answer.pop("end", False) and not reason
        if not ended:
            answer["failure"] = failure(folder, answer, reason, status, job, setup)
        if leftovers:
            answer["notes"].append(f"it left {leftovers} process(es) running; they were ended")
        answer["stderr"] = pumps[1].data.decode("utf-8", "backslashreplace")
        answer["seconds"] = time.monotonic() - began
        del answer["at"]
        return answer


def wait(pid, deadline, pumps, drained, parent):
    """Wait for *pid*; return why it was killed ("" if it was not) and its wait status."""
    reason, pause = "", 0.001
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return reason, status
        if not reason and time.monotonic() > deadline:
            reason = "timeout"
        if not reason and sum(pump.count for pump in pumps) > drained:
            reason = "flood"
        if not reason and os.getppid() != parent:
            reason = "unwanted"
        if reason:
            os.kill(pid, signal.SIGKILL)
        time.sleep(pause)
        pause = min(0.02, pause * 1.5)


def become_subreaper():
    """Let orphans of the session become children of this process, so that they can be found."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def end_with_supervisor():
    """Let the kernel kill this process when its supervisor dies, so that nothing runs unwatched."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG


def end_leftovers(pid):
    """Kill the session's process group and every descendant; return how many there were."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    ended = 0
    for _ in range(1000):
        for child in children():
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            if os.waitpid(-1, os.WNOHANG)[0]:
                ended += 1
            else:
                time.sleep(0.002)
        except ChildProcessError:
            return ended
    return ended


def children():
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def collect(folder):
    """Read the report as far as it got."""
    answer = {"snippets": [], "values": {}, "failure": None, "notes": [], "at": 0}
    try:
        with open(os.path.join(folder, "report"), encoding="utf-8") as file:
            lines = file.read().split("\n")[:-1]
    except OSError:
        lines = []
    for line in lines:
        try:
            message = json.loads(line)
        except ValueError:
            break
        if "ran" in message:
            answer["snippets"].append(message["ran"])
        else:
            answer |= message
    if answer.pop("cut", False):
        answer["notes"].append("its output was longer than is kept; the rest was dropped")
    return answer


def failure(folder, answer, reason, status, job, setup):
    """Say why there is no answer, and where it struck as far as that is known."""
    exit_code = os.waitstatus_to_exitcode(status)
    if reason == "timeout":
        text = f"ran longer than its limit of {job['timeout']:g} s"
    elif reason == "flood":
        text = f"printed more than {setup['drained'] / 2**20:g} MiB"
    elif exit_code < 0:
        reason, text = "signal", f"was killed by {signal.Signals(-exit_code).name}"
    else:
        reason, text = "exit", f"ended its process by itself (exit status {exit_code})"
    where = re.search(r'File "snippet:(\d+)", line (\d+)', read_text(folder, "trace"))
    snippet, line = (int(where[1]), int(where[2])) if where else (answer["at"], 0)
    return {"kind": reason, "text": text, "snippet": snippet, "line": line}


def read_text(folder, name):
    try:
        with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


# --- the three ways to be started ----------------------------------------------------------------


def serve(fd):
    listener = socket.socket(fileno=fd)
    setup, _ = receive(listener)
    try:
        warm = Warm(setup)
    except BaseException as error:
        send(listener, {"ready": False, "error": f"{type(error).__name__}: {error}"})
        return
    threads = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 1
    if threads > 1:
        send(
            listener,
            {"ready": False, "error": f"{threads} threads run after preload; fork is unsafe"},
        )
        return
    send(listener, {"ready": True})
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # supervisors are not waited for
    worker = os.getpid()
    while True:
        job, fds = receive(listener)
        if job is None:
            return
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listener.close()
            with os.fdopen(fds[0], "w", encoding="utf-8") as answer:
                json.dump(supervise(setup, job, forked(warm, fds[0]), worker), answer)
                answer.flush()
            os._exit(0)
        os.close(fds[0])


def forked(warm, answer):
    become_subreaper()

    def start(folder, out, err):
        pid = os.fork()
        if pid == 0:
            begin(folder, out, err)
        return pid

    def begin(folder, out, err):
        os.close(answer)
        os.setsid()
        for fd, target in ((os.open(os.devnull, os.O_RDONLY), 0), (out, 1), (err, 2)):
            os.dup2(fd, target)
        os.closerange(3, 256)
        os.environ["HOME"] = os.environ["TMPDIR"] = tempfile.tempdir = folder
        session(warm, folder)

    return start


def once():
    parent = os.getppid()
    request = json.load(sys.stdin)
    become_subreaper()

    def start(folder, out, err):
        with open(os.path.join(folder, "setup.json"), "w", encoding="utf-8") as file:
            json.dump(request["setup"], file)
        command = [sys.executable, "-P", "-s", WORKER, "session", folder]
        environ = os.environ | {"HOME": folder, "TMPDIR": folder}
        started = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environ,
            start_new_session=True,
        )  # fmt: skip
        return started.pid

    json.dump(supervise(request["setup"], request["job"], start, parent), sys.stdout)


def receive(listener):
    """Read one length-prefixed message and the descriptors that came with it."""
    data, fds, _, _ = socket.recv_fds(listener, 8, 1)
    while data and len(data) < 8:
        data += listener.recv(8 - len(data))
    if not data:
        return None, []
    size, body = int.from_bytes(data, "big"), b""
    while len(body) < size:
        body += listener.recv(min(65536, size - len(body)))
    return json.loads(body), fds


def send(listener, message):
    body = json.dumps(message).encode()
    listener.sendall(len(body).to_bytes(8, "big") + body)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [p for p in sys.path if os.path.abspath(p or ".") != here]
    mode, *rest = sys.argv[1:]
    if mode == "serve":
        serve(int(rest[0]))
    elif mode == "once":
        once()
    else:
        with open(os.path.join(rest[0], "setup.json"), encoding="utf-8") as file:
            setup = json.load(file)
        session(Warm(setup), rest[0])


if __name__ == "__main__":
    main()
