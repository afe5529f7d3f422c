"""Start of the worker: ``python -P -s .../worker serve|once|session``; see ``__init__.py``.

The package is loaded under a name of its own: a session's ``import session`` never finds ours.
"""

import importlib.util
import json
import os
import signal
import sys

NAME = "_assay_worker"


def load():
    """Load the folder of this file as the package NAME, and take it off the path."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [p for p in sys.path if os.path.abspath(p or ".") != here]
    spec = importlib.util.spec_from_file_location(
        NAME, os.path.join(here, "__init__.py"), submodule_search_locations=[here]
    )
    sys.modules[NAME] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[NAME])


def main(mode, *rest):
    """Start in one of the three modes."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    server = importlib.import_module(f"{NAME}.server")
    if mode == "serve":
        server.serve(int(rest[0]))
    elif mode == "once":
        server.once()
    else:
        with open(os.path.join(rest[0], "request.json"), encoding="utf-8") as file:
            request = json.load(file)
        warm = server.Warm(request["setup"])
        server.session(warm, request["job"], rest[0], warm.brought)


if __name__ == "__main__":
    load()
    main(*sys.argv[1:])
