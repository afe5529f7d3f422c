"""The supervisor of one session: holds the clock, drains its output, ends what it leaves behind.

Law: it always writes an outcome, however the session ends.
"""

import ctypes
import json
import os
import re
import select
import signal
import sys
import tempfile
import threading
import time

MARK = "ASSAY_MARK"
GRACE = 0.3  # seconds between the limit, when the session says where it is, and the kill
STARTING = 300.0  # seconds that a new Python and the preload may take, before the limit counts


class Pump(threading.Thread):
    """Drains a pipe, keeps its first bytes, and counts the rest."""

    def __init__(self, fd, kept):
        super().__init__(daemon=True)
        self.fd, self.room, self.count, self.data = fd, kept, 0, b""

    def run(self):
        while chunk := os.read(self.fd, 65536):
            self.count += len(chunk)
            self.data += chunk[: max(0, self.room - len(self.data))]


def supervise(setup, job, start, parent, announce):
    """Start a session with *start*(folder, out, err) -> pid; return its outcome.

    *announce* is told where that is done. When the process *parent* ends, the session ends too:
    another may be asked for it.
    """
    prefix = f"assay-{os.environ[MARK]}-"  # by which what is left behind is found
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as folder:
        announce(folder)
        began = time.monotonic()
        (out, out_end), (err, err_end) = os.pipe(), os.pipe()
        pid = start(folder, out_end, err_end)
        os.close(out_end)
        os.close(err_end)
        pumps = [Pump(out, setup["kept"]), Pump(err, setup["kept"])]
        for pump in pumps:
            pump.start()
        limit = Limit(folder, job["timeout"] + GRACE)
        reason, status = wait(pid, limit, pumps, setup["drained"], parent)
        leftovers = end_leftovers(pid)
        for pump in pumps:
            pump.join(1)
        answer = collect(folder)
        if sum(pump.count for pump in pumps) > setup["drained"]:
            reason = reason or "flood"  # also where it ended before that was seen
            answer["notes"].clear()  # that it was cut says no more
        if not answer.pop("end", False) or reason:
            answer["failure"] = failure(folder, answer, reason, status, job, setup)
        if leftovers:
            answer["notes"].append(f"it left {leftovers} process(es) running; they were ended")
        answer["stderr"] = pumps[1].data.decode("utf-8", "backslashreplace")
        answer["seconds"] = time.monotonic() - began
        remark(answer, folder, pumps[0].count)
        return answer


def remark(answer, folder, printed):
    """Remark on what the values alone do not tell."""
    if printed > answer.pop("wrote", printed) and not answer["failure"]:
        answer["notes"].append("what the programs that it started printed is not shown")
    traced = answer.get("traced", {"unkept": []})
    if folder in json.dumps([answer["snippets"], answer["values"]], ensure_ascii=False):
        traced["unkept"].append("shows the name of its temporary folder")
    del answer["at"]


class Limit:
    """The time that a session has, from when it begins to report; before that, time to start."""

    def __init__(self, folder, seconds):
        self.report, self.seconds = os.path.join(folder, "report"), seconds
        self.deadline, self.running = time.monotonic() + STARTING, False

    def is_over(self):
        now = time.monotonic()
        if not self.running and os.path.exists(self.report):
            self.deadline, self.running = now + self.seconds, True
        return now > self.deadline


def wait(pid, limit, pumps, drained, parent):
    """Wait for *pid*; return why it was killed ("" if it was not) and its wait status."""
    reason, ended = "", Ending(pid)
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return reason, status
        if not reason and limit.is_over():
            reason = "timeout" if limit.running else "slow"
        if not reason and sum(pump.count for pump in pumps) > drained:
            reason = "flood"
        if not reason and os.getppid() != parent:
            reason = "lost"
        if reason:
            os.kill(pid, signal.SIGKILL)
        ended.wait()


class Ending:
    """Waits a moment, or until a process has ended where the system can tell."""

    def __init__(self, pid):
        self.pause, self.poll = 0.001, None
        if hasattr(os, "pidfd_open"):
            try:
                self.fd = os.pidfd_open(pid)
            except OSError:
                return
            self.poll = select.poll()
            self.poll.register(self.fd, select.POLLIN)

    def wait(self):
        self.pause = min(0.02, self.pause * 1.5)
        if self.poll is None:
            time.sleep(self.pause)
        else:
            self.poll.poll(20)


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
        text = f"ran longer than its limit of {job['timeout']:g} s{spawning(folder)}"
    elif reason == "slow":
        reason, text = "timeout", f"did not start within {STARTING:g} s"
    elif reason == "lost":
        text = "its worker was lost before it gave an answer"
    elif reason == "flood":
        text = f"printed more than {setup['drained'] / 2**20:g} MiB"
    elif exit_code < 0:
        reason, text = "signal", f"was killed by {signal.Signals(-exit_code).name}"
    else:
        reason, text = "exit", f"ended its process by itself (exit status {exit_code})"
    where = re.search(r'File "snippet:(\d+)", line (\d+)', read_text(folder, "trace"))
    snippet, line = (int(where[1]), int(where[2])) if where else (answer["at"], 0)
    return {"kind": reason, "text": text, "snippet": snippet, "line": line}


def spawning(folder):
    """Say what is wrong where processes are spawned again and again, since each fails at once."""
    if not os.path.exists(os.path.join(folder, "main.py")):
        return ""
    return (
        "; the processes that it spawned start with an empty main module: put what starts them "
        'under if __name__ == "__main__", or what they run into a module'
    )


def read_text(folder, name):
    try:
        with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
