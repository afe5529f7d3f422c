"""A session: the snippets of a job run in this very process, in order, in one fresh ``__main__``.

Law: whatever a snippet raises is an answer; only a session that reaches its end says so.
"""

import builtins
import faulthandler
import os
import random
import sys
import time
import traceback
import types
from contextlib import suppress

from .figures import take
from .imports import SEED, SEEDED, one_thread, seed
from .machine import environment, gpu
from .ordinary import PROGRAM, Sources, teach_inspecting, teach_spawning
from .output import Output, Prints, Report, file_of
from .supervisor import end_with_supervisor
from .values import probe


def session(warm, job, folder, brought=None):
    """Run *job* in this process and report into *folder*. Does not return.

    *brought* is what the preload saw, where whoever asks was not told before.
    """
    end_with_supervisor()
    report = Report(folder)
    trace = open(os.path.join(folder, "trace"), "w", encoding="utf-8")
    faulthandler.enable(trace)
    faulthandler.dump_traceback_later(job["timeout"], file=trace)
    prints = Prints(warm.setup["kept"])
    output = Output(warm.setup["kept"], prints)
    sys.stdout = sys.__stdout__ = file_of(output)
    warm.look_again()
    random.seed(SEED)  # which a fork undoes; other generators keep the seed of the worker
    one_thread(job["device"])
    seen = {} if job["device"] == "cpu" else gpu()
    sources = Sources(folder)
    sys.argv = [PROGRAM]
    watch(warm, job["device"], sources)
    run_all(job, sources, report, output, prints)
    traced = warm.answer()
    end_tracker()
    report.say(
        traced=traced,
        cut=output.cut,
        wrote=output.count,
        brought=brought,
        environment=environment(job["device"]) | seen,
    )
    report.say(end=True)
    report.file.close()
    os._exit(0)


def watch(warm, device, sources):
    """Begin to note what the session sees; what is imported in it starts from the same state."""

    def settle(_):
        seed()
        one_thread(device)

    tracer = warm.tracer
    tracer.arrivals += [(name, settle) for name in SEEDED if name not in sys.modules]
    tracer.arrivals += [
        ("inspect", lambda _: teach_inspecting(sources)),
        ("multiprocessing.spawn", lambda _: teach_spawning(sources)),
    ]
    tracer.start(warm.base.anew())
    tracer.active = True
    tracer.settle()


def run_all(job, sources, report, output, prints):
    """Run the snippets until one raises that may not; then nothing is left to ask."""
    namespace = fresh_main()
    for number, source in enumerate(job["sources"]):
        report.say(at=number)
        prints.number = number
        started = time.perf_counter()
        raised = run(number, source["code"], namespace, sources)
        figures = []
        if number in job["figures"] and not raised:
            figures, raised = draw()
        report.say(
            ran={
                "seconds": time.perf_counter() - started,
                "raised": raised,
                "prints": prints.take(),
                "prints_cut": prints.cut,
                "output": output.take(),
                "figures": figures,
            }
        )
        if raised and not source["may_raise"]:
            return
    report.say(values={path: probe(namespace, path) for path in job["probes"]})


def end_tracker():
    """End the process that `multiprocessing` starts for its own book-keeping: it is no leftover."""
    module = sys.modules.get("multiprocessing.resource_tracker")
    with suppress(Exception):
        module._resource_tracker._stop()


def fresh_main():
    main = types.ModuleType("__main__")
    main.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = main
    return main.__dict__


def run(number, code, namespace, sources):
    """Run one snippet; return what it raised, or None."""
    try:
        exec(sources.compile(number, code), namespace)
    except BaseException as error:
        return raised(error)
    return None


def draw():
    """Return the open figures; or what drawing them raised."""
    try:
        return take(), None
    except BaseException as error:
        return [], raised(error)


def raised(error):
    """Describe an exception; no source is read for it, so that it depends on none."""
    frames = [
        (int(frame.f_code.co_filename.partition(":")[2]), line or 1, frame.f_code.co_name)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_code.co_filename.startswith("snippet:")
    ]
    if isinstance(error, SyntaxError) and str(error.filename).startswith("snippet:"):
        frames.append((int(error.filename.partition(":")[2]), error.lineno or 1, "<module>"))
    try:
        message = str(error)
    except BaseException:
        message = "(its message cannot be shown)"
    kinds = [k.__name__ for k in type(error).__mro__ if k is not object]
    return {"kinds": kinds, "message": message[:2000], "frames": frames[-20:]}
