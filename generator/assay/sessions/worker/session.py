"""A session: the snippets of a job run in this very process, in order, in one fresh ``__main__``.

Law: whatever a snippet raises is an answer; only a session that reaches its end says so.
"""

import builtins
import faulthandler
import importlib
import json
import linecache
import os
import sys
import time
import traceback
import types

from .imports import one_thread, seed
from .machine import environment, gpu
from .output import Output, Prints, Report
from .supervisor import end_with_supervisor
from .tracer import Tracer
from .values import probe


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
    one_thread(job["device"])
    seen = {} if job["device"] == "cpu" else gpu()
    tracer = Tracer(warm, job["device"])
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
    report.say(
        traced=tracer.answer(), cut=output.cut, environment=environment(job["device"]) | seen
    )
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
