"""The ways to be asked for a session: by a socket, warm, or once, in a new Python.

Law: a job is answered on the descriptor that came with it, by the supervisor forked for it.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile

from .imports import Warm
from .seen import HERE
from .session import session
from .supervisor import MARK, become_subreaper, supervise


def serve(fd):
    listener = socket.socket(fileno=fd)
    setup, _ = receive(listener)
    try:
        warm = Warm(setup)
    except BaseException as error:
        send(listener, {"error": f"{type(error).__name__}: {error}"})
        return
    threads = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 1
    if threads > 1:
        send(listener, {"error": f"{threads} threads run after preload; fork is unsafe"})
        return
    send(listener, {"brought": warm.brought})
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # supervisors are not waited for
    worker = os.getpid()
    become_subreaper()  # what a killed supervisor leaves stays below us, to be found
    while True:
        job, fds = receive(listener)
        if job is None:
            return
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listener.close()
            answer_one(warm, job, fds[0], worker)
        os.close(fds[0])


def answer_one(warm, job, fd, worker):
    """Supervise one job in this process, a fork of the worker. Does not return."""
    with os.fdopen(fd, "w", encoding="utf-8") as answer:

        def announce(folder):
            json.dump({"pid": os.getpid(), "folder": folder}, answer)
            answer.write("\n")
            answer.flush()

        json.dump(supervise(warm.setup, job, forked(warm, job, fd), worker, announce), answer)
        answer.flush()
    os._exit(0)


def forked(warm, job, answer):
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
        del os.environ[MARK]
        session(warm, job, folder)

    return start


def once():
    parent = os.getppid()
    request = json.load(sys.stdin)
    become_subreaper()

    def start(folder, out, err):
        with open(os.path.join(folder, "request.json"), "w", encoding="utf-8") as file:
            json.dump(request, file)
        command = [sys.executable, "-P", "-s", HERE, "session", folder]
        environ = os.environ | {"HOME": folder, "TMPDIR": folder}
        del environ[MARK]
        started = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environ,
            start_new_session=True,
        )  # fmt: skip
        return started.pid

    def announce(folder):
        sys.stdout.write(json.dumps({"pid": os.getpid(), "folder": folder}) + "\n")
        sys.stdout.flush()

    json.dump(supervise(request["setup"], request["job"], start, parent, announce), sys.stdout)


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
