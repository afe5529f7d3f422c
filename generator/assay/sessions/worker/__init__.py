"""The worker runs sessions, each in a process of its own.

Law: it is a stranger. It uses the standard library alone, imports nothing of assay, and is told
neither what a page states nor where it stands. Everything it is told and answers is JSON:

    worker serve FD     the first message on the Unix socket FD is a setup, each further one a
                        job with the descriptor that its outcome is to be written to
    worker once         reads {"setup": ..., "job": ...} from standard input, writes the outcome
    worker session DIR  runs DIR/request.json in this very process, reporting into DIR

    setup    {"root": str, "path": [str], "preload": [str], "kept": bytes, "drained": bytes}
    ready    {"brought": {...}}, what the preload saw, or {"error": str}
    job      {"sources": [{"code": str, "may_raise": bool}], "probes": [str], "timeout": seconds,
              "device": str, "figures": [number of a source]}
    pid      {"pid": int, "folder": str}, a line before the outcome: who supervises, and where
    outcome  {"snippets": [...], "values": {...}, "failure": {...} or null, "traced": {...}, ...}

serve: the worker imports what `preload` names, then forks a supervisor a job; the supervisor forks
the session, holds the clock, drains its output, and ends every process that the session leaves.
"""
