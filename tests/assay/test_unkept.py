"""What gives another answer each time is not kept, and it is said why; all else is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from assay.nouns import Job, Outcome, Source
from assay.sessions.runner import Fresh, Setup, Warm

from .conftest import Make
from .lab import page

Run = Callable[[str], Outcome]

UNKEPT = {
    # the system's random bits
    "import os\nx = os.urandom(2)": "drew random bits from the system (os.urandom)",
    "import secrets\nx = secrets.randbelow(2)": "drew random bits",
    "import uuid\nx = uuid.uuid4()": "drew random bits",
    "import random\nx = random.Random().random()": "drew random bits from the system (Random.seed)",
    "import random\nrandom.seed()\nx = 1": "drew random bits",
    "import random\nx = random.SystemRandom().random()": "drew random bits",
    "import helper\nx = helper.draw()": "drew random bits",
    "import drawn\nx = drawn.x": "drew random bits",
    "x = open('/dev/urandom', 'rb').read(2)": "read /dev/urandom",
    # the clock
    "import time\nx = time.time()": "read the clock (time.time)",
    "import time\nx = time.perf_counter()": "read the clock (time.perf_counter)",
    "from time import monotonic\nx = monotonic()": "read the clock (time.monotonic)",
    "import time\nx = time.strftime('%Y')": "read the clock (time.strftime)",
    "import time\nx = time.localtime()": "read the clock (time.localtime)",
    "import datetime\nx = datetime.datetime.now()": "read the clock (datetime.now)",
    "from datetime import datetime, UTC\nx = datetime.now(tz=UTC)": "read the clock (datetime.now)",
    "import datetime\nx = datetime.date.today()": "read the clock (time.time)",
    "import timeit\nx = timeit.timeit('1', number=1)": "read the clock",
    "import uuid\nx = uuid.uuid1()": "read the clock (uuid.uuid1)",
    "import helper\nx = helper.now()": "read the clock (time.time)",
    # the machine
    "import os\nx = os.getpid()": "asked for the machine that it runs on (os.getpid)",
    "import os\nx = os.cpu_count()": "asked for the machine",
    "import platform\nx = platform.node()": "asked for the machine",
    "import socket\nx = socket.gethostname()": "asked for the machine",
    "x = open('/proc/meminfo').read(1)": "read /proc/meminfo",
    "import os\nx = os.environ['TMPDIR']": "shows the name of its temporary folder",
    "import tempfile\nprint(tempfile.mkdtemp())\nx = 1": "shows the name of its temporary folder",
    # other programs
    "import subprocess\nsubprocess.run(['true'])\nx = 1": "started a program (true)",
    "import os\nos.system('true')\nx = 1": "started a program (true)",
    "import os\nif not os.fork(): os._exit(0)\nx = os.wait() and 1": "started a process (os.fork)",
    "import os\nos.waitpid(os.posix_spawn('/bin/true', ['t'], {}), 0)\nx = 1": "started a program",
    "import helper\nimport multiprocessing as m\nwith m.get_context('spawn').Pool(1) as p:\n"
    "    x = p.apply(helper.two)": "started a process (multiprocessing)",
    "import socket\nsocket.socket().connect_ex(('127.0.0.1', 9))\nx = 1": "spoke to another",
}
"""Code, and why its result is not kept."""

KEPT = [
    "import random\nx = random.random()",
    "import random\nx = random.Random(3).random()",
    "import random\nx = random.Random(x=3).random()",
    "import random\nrandom.seed(a=3)\nx = random.random()",
    "import numpy\nx = numpy.random.default_rng(3).random()",
    "import numpy\nx = numpy.random.rand()",
    "import logging, multiprocessing, asyncio, uuid, secrets, tempfile\nx = 1",
    "import logging\nlogging.basicConfig()\nlogging.error('e')\nx = 1",
    "import tempfile\nx = len(tempfile.TemporaryFile().read())",
    "import tempfile, os\nwith tempfile.TemporaryDirectory() as d:\n"
    "    open(d + '/a', 'w').write('b')\n    x = open(d + '/a').read()",
    "import threading\nt = threading.Thread(target=print)\nt.start()\nt.join(9)\nx = 1",
    "import queue\nx = 1\ntry: queue.Queue().get(timeout=0.01)\nexcept queue.Empty: pass",
    "import time\nx = time.strftime('%Y', time.gmtime(0))",
    "import time\ntime.sleep(0.01)\nx = 1",
    "import datetime\nx = datetime.datetime(2026, 1, 2).isoformat()",
    "import datetime\nx = datetime.datetime.fromtimestamp(0)",
    "import datetime\nclass D(datetime.datetime): pass\nx = D(2026, 1, 1).year",
    "import asyncio\nasync def f(): return 3\nx = asyncio.run(f())",
    "from concurrent.futures import ThreadPoolExecutor\n"
    "with ThreadPoolExecutor() as p: x = p.submit(int).result()",
    "import fonts\nx = fonts.found()",
    "open('made.txt', 'w').write('b')\nx = open('made.txt').read()",
    "import os\nos.makedirs('made/there', exist_ok=True)\nx = 1",
    "x = hash('a')",
]

NUMPY = {
    "import numpy\nx = numpy.random.default_rng().random()": "drew random bits",
    "from numpy.random import default_rng\nx = default_rng(None).random()": "drew random bits",
    "import numpy\nx = numpy.random.RandomState().rand()": "drew random bits",
}


@pytest.fixture(scope="module", params=[Warm, Fresh])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Run code as a session; what the project has is `helper`, `drawn` and a look-alike."""
    root = tmp_path_factory.mktemp("project")
    (root / "helper.py").write_text(
        "import os, time\ndef draw(): return os.urandom(1)\ndef now(): return time.time()\n"
        "def two(): return 2\n"
    )
    (root / "drawn.py").write_text("import secrets\nx = secrets.token_hex()\n")
    (root / "made").mkdir()
    (root / "made/there").mkdir()
    setup = Setup(root=str(root), path=(str(root),))
    runner: Warm | Fresh = request.param(setup, 1)

    def one(code: str) -> Outcome:
        job = Job(sources=(Source(code),), probes=("x",), timeout=20.0)
        ((_, outcome),) = runner([(0, job)], lambda _: None)
        assert outcome.failure is None
        assert [ran.raised for ran in outcome.snippets] == [None]
        return outcome

    yield one
    runner.close()


@pytest.mark.parametrize("code", UNKEPT | NUMPY)
def test_what_differs_each_time_says_so(run: Run, code: str) -> None:
    """A session that asks for luck, the clock, the machine or another program says which."""
    (said,) = run(code).traced.unkept
    assert said.startswith((UNKEPT | NUMPY)[code])


@pytest.mark.parametrize("code", [code for code in KEPT if "fonts" not in code])
def test_what_is_the_same_each_time_says_nothing(run: Run, code: str) -> None:
    """Seeded generators, imports, names of temporary files and waiting forbid no reuse."""
    traced = run(code).traced
    assert traced.unkept == ()
    assert traced.whole


def test_a_session_depends_on_what_it_asks_for_alone(tmp_path: Path) -> None:
    """What the preload brought in is no part of a session that does not use it."""
    setup = Setup(root=str(tmp_path), path=(), preload=("numpy",))
    runner = Warm(setup, 1)
    codes = ["x = 1", "import random\nx = 1", "import numpy\nx = 1"]
    jobs = [Job(sources=(Source(code),), probes=(), timeout=20.0) for code in codes]
    try:
        found = dict(runner(enumerate(jobs), lambda _: None))
    finally:
        runner.close()
    asked = [found[n].traced.distributions for n in range(3)]
    assert asked[:2] == [{}, {}]
    assert "numpy" in asked[2]
    assert [f for f in found[0].traced.files if "site-packages" not in f] == []


def test_the_report_says_why_a_session_ran_and_why_it_will_run_again(make: Make) -> None:
    """What has changed since its result was kept; and what keeps a result from being kept."""
    made = make(
        {
            "docs/reads.md": page("x = open('data').read()", '["1"](claim:x)'),
            "docs/clock.md": page("import time\nx = time.time() > 0", "[True](claim:x)"),
            "data": "1",
        }
    )
    first = {row["path"]: row for row in made.report()["snippets"]}
    assert first["docs/reads.md"]["ran_since"] == "no result of this code is kept"
    assert first["docs/reads.md"]["unkept"] == []
    assert first["docs/clock.md"]["unkept"] == ["read the clock (time.time)"]
    made.edit("data", "1", "2")
    second = {row["path"]: row for row in made.report()["snippets"]}
    assert second["docs/reads.md"]["ran_since"] == "data has changed"
    said = made.assay("check").stdout
    assert "will run again, since it read the clock (time.time): clock snippet-1\n" in said
