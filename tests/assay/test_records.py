"""Records: what a GPU measured answers for a session, until something it depended on changes.

The GPU is a program named nvidia-smi on the PATH, as assay asks the driver; the sessions are real.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from assay.nouns import Device
from assay.sessions.runner import Setup, WorkerError, gpu_here

from .conftest import Make
from .lab import Project, lines_of, page, pages_of

MEASURE = "import kit.measure\npeak = kit.measure.peak()\nprint(kit.measure.word)  #> done"
FILES = {
    "docs/gpu.md": page(
        MEASURE, '[64.2 GB](claim:peak), [64 GB](claim:peak "id=whole").', device="cuda", id="peak"
    ),
    "docs/cpu.md": page("x = 1", "[1](claim:x)"),
    "snippets/kit/__init__.py": "",
    "snippets/kit/measure.py": "word = 'done'\ndef peak():\n    return 64_242_089_984\n",
    "snippets/kit/unused.py": "",
}
RECORD = "evidence/gpu/peak.nvidia-l4.json"
OTHER = "evidence/gpu/peak.nvidia-h200.json"
CLAIMS = ["docs/gpu.md:7:1", "docs/gpu.md:7:24"]


class Gpu:
    """A stand-in for the driver: what nvidia-smi prints, while it is there."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "nvidia-smi"
        folder.mkdir()

    def insert(self, name: str = "NVIDIA L4") -> None:
        self.file.write_text(f'#!/bin/sh\necho "{name}, 23034, 550.54.15"\n')
        self.file.chmod(0o755)

    def remove(self) -> None:
        self.file.unlink()


def put_in(folder: Path, patch: pytest.MonkeyPatch) -> Gpu:
    """Prepare a place in *folder* that is on the PATH, into which a GPU can be put."""
    if shutil.which("nvidia-smi"):
        pytest.skip("a GPU is here; what these tests put in its place would hide it")
    made = Gpu(folder / "driver")
    patch.setenv("PATH", f"{made.file.parent}{os.pathsep}{os.environ['PATH']}")
    return made


@pytest.fixture
def gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gpu:
    """A machine without a GPU, into which one can be put."""
    return put_in(tmp_path, monkeypatch)


@pytest.fixture(scope="session")
def recorded_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a project whose GPU session was recorded, and the store with its results.

    A record of another GPU lies beside it.
    """
    folder = tmp_path_factory.mktemp("recorded")
    project = Project(folder / "project", folder / "store").write(FILES)
    project.check()
    with pytest.MonkeyPatch.context() as patch:
        gpu = put_in(folder, patch)
        record(project, gpu, "NVIDIA H200")
        (project.root / OTHER).rename(folder / "other.json")
        record(project, gpu)
    return folder


@pytest.fixture
def recorded(recorded_once: Path, gpu: Gpu, tmp_path: Path) -> Project:
    """A project of one's own whose GPU session was recorded; the GPU is gone."""
    shutil.copytree(recorded_once, tmp_path / "recorded")
    return Project(tmp_path / "recorded/project", tmp_path / "recorded/store")


def record_of_another(project: Project) -> Path:
    """Put the record of another GPU beside the one that is there; return its file."""
    return Path(shutil.copy(project.root.parent / "other.json", project.root / OTHER))


def record(project: Project, gpu: Gpu, name: str = "NVIDIA L4", status: int = 0) -> str:
    """Record on a GPU that is there for as long as it takes; return what was said."""
    gpu.insert(name)
    done = project.assay("record", "--device", "cuda")
    gpu.remove()
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def statuses(project: Project) -> set[str]:
    """Check; return the verdicts on the claims of the GPU's page."""
    return {v.status.value for v in project.check().verdicts if v.entry == "gpu"}


def read(project: Project) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project.root / RECORD).read_text(encoding="utf-8"))
    return found


def test_a_record_names_all_that_it_depended_on_and_where_it_ran(recorded: Project) -> None:
    """A record holds values, code, files, GPU, driver and day, and no machine's path."""
    found = read(recorded)
    assert found["outcome"]["values"] == {"peak": {"kind": "int", "text": "64242089984"}}
    assert set(found["files"]) == {"snippets/kit/__init__.py", "snippets/kit/measure.py"}
    environment = found["outcome"]["environment"]
    assert environment["gpu"] == "NVIDIA L4"
    assert environment["gpu_memory"] == "23034 MiB"
    assert environment["driver"] == "550.54.15"
    assert {"python", "device", "machine"} <= environment.keys()
    assert len(found["outcome"]["when"]) == len("2026-11-22")
    text = (recorded.root / RECORD).read_text(encoding="utf-8")
    assert str(recorded.root) not in text
    assert str(Path.home()) not in text


def test_recording_runs_the_sessions_of_the_device_alone(make: Make, gpu: Gpu) -> None:
    """`assay record` runs no session of the CPU, and says which file it wrote."""
    said = record(make(FILES), gpu)
    assert RECORD in said
    assert "2 claims: 2 verified; 1 session ran" in said


def test_a_record_answers_where_no_gpu_is(recorded: Project) -> None:
    """With a good record, claims hold without a GPU, and the session does not run."""
    found = recorded.report()
    assert found["ok"]
    assert found["findings"] == []
    assert {c["verdict"] for c in found["claims"]} == {"verified"}
    assert {c["device"] for c in found["claims"] if c["entry"] == "gpu"} == {"cuda"}
    summary = found["summary"]
    assert (summary["ran"], summary["reused"], summary["recorded"]) == (0, 1, 1)
    assert summary["gpus"] == {"NVIDIA L4": 2}


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("[64.2 GB]", "[64.3 GB]", ["docs/gpu.md:7:1 A104"]),
        ("#> done", "#> gone", ["docs/gpu.md:4:1 A304"]),
        ("[64.2 GB](claim:peak)", "[64.2 GB](claim:peek)", ["docs/gpu.md:7:1 A105"]),
    ],
)
def test_what_contradicts_its_record_fails(
    recorded: Project, old: str, new: str, found: list[str]
) -> None:
    """A figure, an output or a name that the record knows otherwise is an error at its place."""
    recorded.edit("docs/gpu.md", old, new)
    report = recorded.check()
    assert lines_of(report) == found
    assert not report.ok


def test_a_contradiction_names_the_gpu(recorded: Project) -> None:
    """The finding says on which GPU, and when, the other value was measured."""
    recorded.edit("docs/gpu.md", "[64.2 GB]", "[64.3 GB]")
    done = recorded.assay("check")
    assert done.returncode == 1
    assert "(measured on NVIDIA L4, 20" in done.stdout


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("docs/gpu.md", "peak = kit.measure.peak()", "peak = kit.measure.peak() + 0"),
        ("snippets/kit/measure.py", "word = 'done'", "word = 'done' + ''"),
    ],
)
def test_a_record_is_stale_when_its_code_or_packages_changed(
    recorded: Project, path: str, old: str, new: str
) -> None:
    """Stale claims are warnings that name what changed, and never count as verified."""
    recorded.edit(path, old, new)
    report = recorded.check()
    assert lines_of(report) == [f"{place} A111" for place in CLAIMS]
    assert report.ok
    assert statuses(recorded) == {"stale"}
    assert ("its code" if path == "docs/gpu.md" else path) in report.findings[0].message


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("docs/gpu.md", "[64.2 GB]", "More words: [64.2 GB]"),
        ("docs/gpu.md", "```python", "First a paragraph.\n\n```python"),
        ("docs/gpu.md", 'id="peak"', 'id="peak" timeout="60" title="Peak"'),
        ("docs/cpu.md", "x = 1", "x = 1 + 0"),
        (RECORD, '"distributions": {', '"distributions": {"torch": "1.0"'),
    ],
)
def test_a_record_stays_good_when_nothing_that_it_depended_on_changed(
    recorded: Project, path: str, old: str, new: str
) -> None:
    """Prose, places, limits, other pages and versions of packages do not make a record stale."""
    recorded.edit(path, old, new)
    assert statuses(recorded) == {"verified"}


def test_a_claim_that_is_newer_than_the_record_is_not_measured_yet(recorded: Project) -> None:
    """A claim that asks for what the record does not hold awaits a new one; others still hold."""
    recorded.edit(
        "docs/gpu.md", '[64 GB](claim:peak "id=whole")', '["done"](claim:kit.measure.word)'
    )
    report = recorded.check()
    assert lines_of(report) == ["docs/gpu.md:7:24 A110"]
    assert "NVIDIA L4 was made without it" in report.findings[0].message
    assert statuses(recorded) == {"verified", "unmeasured"}


def test_require_records_makes_waiting_an_error(recorded: Project, make: Make) -> None:
    """With --require-records, stale and unmeasured claims end with 1, in full; else with 0."""
    assert recorded.assay("check", "--require-records").returncode == 0
    recorded.edit("snippets/kit/measure.py", "'done'", '"done"')
    assert recorded.assay("check").returncode == 0
    assert recorded.assay("check", "--require-records").returncode == 1
    (recorded.root / RECORD).unlink()
    assert recorded.assay("check").returncode == 0
    done = recorded.assay("check", "--require-records")
    assert done.returncode == 1
    assert "docs/gpu.md:7:1: error A110" in done.stdout


def test_what_awaits_a_gpu_is_listed_apart_with_the_command(make: Make) -> None:
    """The text names each waiting claim on a line, then the one command that measures them."""
    done = make(FILES).assay("check")
    assert done.returncode == 0
    listed = done.stdout.split("\n\n")[0].split("\n")
    assert [line.split(" ", 1)[0] for line in listed[:-1]] == [f"{place}:" for place in CLAIMS]
    assert listed[-1] == "  hint: assay record --device cuda docs/gpu.md"
    assert "3 claims: 1 verified, 2 not measured yet" in done.stdout


def test_records_of_several_gpus_stand_side_by_side(recorded: Project, gpu: Gpu) -> None:
    """Each GPU has its file; all good ones answer, and a stale one beside a good one does not."""
    recorded.edit("snippets/kit/measure.py", "'done'", '"done"')
    record(recorded, gpu, "NVIDIA H200")
    files = sorted(p.name for p in (recorded.root / "evidence").rglob("*.json"))
    assert files == ["peak.nvidia-h200.json", "peak.nvidia-l4.json"]
    assert recorded.report()["summary"]["gpus"] == {"NVIDIA H200": 2}
    record(recorded, gpu)
    assert recorded.report()["summary"]["gpus"] == {"NVIDIA H200": 2, "NVIDIA L4": 2}


def test_one_gpu_that_says_otherwise_fails_the_claim(recorded: Project) -> None:
    """A claim holds only if every good record agrees; the finding names the GPU that does not."""
    other = record_of_another(recorded)
    other.write_text(other.read_text().replace("64242089984", "65000000000"))
    report = recorded.check()
    assert lines_of(report) == [f"{place} A104" for place in CLAIMS]
    assert all("NVIDIA H200" in finding.message for finding in report.findings)


@pytest.mark.parametrize("when", ["2020-01-01", "2999-01-01"], ids=["older", "newer"])
def test_one_gpu_that_was_not_asked_leaves_the_claim_unmeasured(
    recorded: Project, when: str
) -> None:
    """A claim holds only if every good record has its value, be the one without older or newer."""
    other = record_of_another(recorded)
    found = json.loads(other.read_text())
    found["outcome"] |= {"values": {}, "when": when}
    other.write_text(json.dumps(found))
    report = recorded.check()
    assert lines_of(report) == [f"{place} A110" for place in CLAIMS]
    assert all("NVIDIA H200 was made without it" in f.message for f in report.findings)
    assert statuses(recorded) == {"unmeasured"}


def test_a_newer_record_without_the_value_hides_no_contradiction(recorded: Project) -> None:
    """The worst of the records counts, whichever is the newest."""
    file = recorded.root / RECORD
    newer = json.loads(file.read_text())
    newer["outcome"] |= {"values": {}, "when": "2999-01-01"}
    newer["outcome"]["environment"]["gpu"] = "NVIDIA H200"
    file.with_name("peak.nvidia-h200.json").write_text(json.dumps(newer))
    assert statuses(recorded) == {"unmeasured"}
    file.write_text(file.read_text().replace("64242089984", "65000000000"))
    assert statuses(recorded) == {"fails"}


REFUTATION = """
```python exec="on" id="other"
small = 1
```

> [64.2 GB](claim:other:small "refuted, true for peak:peak").
>
> [Elsewhere](https://example.org/said), read 2026-11-22
"""


def test_a_refutation_is_as_good_as_both_of_its_records(recorded: Project) -> None:
    """A statement is refuted only where the value for which it would be true still counts."""
    file = recorded.root / "docs/gpu.md"
    file.write_text(file.read_text() + REFUTATION)
    assert statuses(recorded) == {"verified", "refuted"}
    recorded.edit("snippets/kit/measure.py", "'done'", '"done"')
    assert statuses(recorded) == {"stale"}
    (recorded.root / RECORD).unlink()
    report = recorded.check()
    assert {verdict.status.value for verdict in report.verdicts if verdict.entry == "gpu"} == {
        "unmeasured"
    }
    assert {finding.code for finding in report.findings} == {"A110"}


def test_a_check_on_a_gpu_asks_it_and_leaves_records_alone(recorded: Project, gpu: Gpu) -> None:
    """`assay check --device cuda` compares with a run here, each time, and writes no record."""
    file = recorded.root / RECORD
    before = file.read_text().replace("64242089984", "65000000000")
    file.write_text(before)
    gpu.insert("NVIDIA H200")
    for _ in range(2):
        found = recorded.report("--device", "cuda", "docs/gpu.md")
        assert found["ok"], found["findings"]
        assert found["summary"]["ran"] == 1
        assert found["summary"]["gpus"] == {"NVIDIA H200": 2}
    assert file.read_text() == before
    assert [p.name for p in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("command", ["record", "check"])
def test_without_a_gpu_the_device_is_refused(make: Make, gpu: Gpu, command: str) -> None:
    """Asking for a GPU where there is none is one line and exit status 2; nothing runs."""
    done = make(FILES).assay(command, "--device", "cuda")
    assert done.returncode == 2
    assert done.stderr.startswith("assay: error: no GPU for cuda is here")
    assert done.stderr.count("\n") == 1


def test_a_driver_that_does_not_answer_is_no_gpu(gpu: Gpu) -> None:
    """An nvidia-smi that fails names no GPU."""
    gpu.file.write_text("#!/bin/sh\necho 'No devices were found'\nexit 6\n")
    gpu.file.chmod(0o755)
    with pytest.raises(WorkerError, match="nvidia-smi names none"):
        gpu_here(Setup(root=str(gpu.file.parent), path=()), Device.CUDA)


@pytest.mark.parametrize("broken", ["1 / 0", "import os\nos._exit(0)", "while True: pass"])
def test_a_session_without_an_answer_leaves_its_record(
    recorded: Project, gpu: Gpu, broken: str
) -> None:
    """What raises, ends itself or runs too long is an error, and the old record stays as it was."""
    before = (recorded.root / RECORD).read_text()
    recorded.edit("docs/gpu.md", MEASURE, broken)
    recorded.edit("docs/gpu.md", 'id="peak"', 'id="peak" timeout="1"')
    said = record(recorded, gpu, status=1)
    assert "error A30" in said
    assert (recorded.root / RECORD).read_text() == before


def test_a_session_that_is_no_python_is_told_and_not_run(recorded: Project, gpu: Gpu) -> None:
    """A syntax error is found at its place before anything runs on the GPU."""
    recorded.edit("docs/gpu.md", "peak = kit", "peak == = kit")
    said = record(recorded, gpu, status=1)
    assert "docs/gpu.md:3:9: error A305" in said
    assert "0 sessions ran" in said


def test_what_the_page_states_does_not_keep_a_record_from_being_written(
    make: Make, gpu: Gpu
) -> None:
    """A record is what was measured: a wrong figure is reported, and the record is there."""
    project = make(FILES)
    project.edit("docs/gpu.md", "[64.2 GB]", "[64.3 GB]")
    assert "error A104" in record(project, gpu, status=1)
    project.edit("docs/gpu.md", "[64.3 GB]", "[64.2 GB]")
    assert statuses(project) == {"verified"}


def test_a_session_that_starts_programs_depends_on_its_whole_packages(make: Make, gpu: Gpu) -> None:
    """What a started program reads cannot be seen, so all of the packages imported count."""
    project = make(FILES)
    project.edit("docs/gpu.md", "import kit", "import subprocess, kit")
    project.edit("docs/gpu.md", "peak = ", 'subprocess.run(["true"])\npeak = ')
    record(project, gpu)
    assert "snippets/kit/unused.py" in read(project)["files"]


def test_a_session_that_hides_the_driver_is_recorded_all_the_same(make: Make, gpu: Gpu) -> None:
    """The driver is asked before the session's code can get in the way."""
    project = make(FILES)
    project.edit("docs/gpu.md", "import kit", "import os, kit")
    project.edit("docs/gpu.md", "peak = ", 'os.environ["PATH"] = ""\npeak = ')
    record(project, gpu)
    assert read(project)["outcome"]["environment"]["gpu"] == "NVIDIA L4"


def test_recording_pages_without_gpu_sessions_says_so(make: Make, gpu: Gpu) -> None:
    """With nothing to measure, `assay record` says that and ends with 0."""
    gpu.insert()
    done = make(FILES).assay("record", "--device", "cuda", "docs/cpu.md")
    assert done.returncode == 0
    assert "no session of these pages" in done.stderr


def woven(project: Project) -> dict[str, str]:
    """Check; return the pages by path."""
    return pages_of(project.check(), project)


def test_the_page_says_on_which_gpu_a_claim_was_measured(recorded: Project) -> None:
    """A claim of a good record is verified, and its proof names GPU, driver and day."""
    pages = woven(recorded)
    assert pages["docs/gpu.md"].count('class="assay-claim assay-verified"') == 2
    assert "This code ran on NVIDIA L4, 20" in pages["docs/gpu.md"]
    assert "gpu&#95;memory 23034 MiB · driver 550.54.15" in pages["docs/gpu.md"]
    assert "from a record" in pages["docs/gpu.md"]
    assert "verified on NVIDIA L4" in pages["claims.md"]
    assert "Awaiting a GPU" not in pages["claims.md"]


def test_the_page_never_shows_a_stale_claim_as_verified(recorded: Project) -> None:
    """A stale claim is marked, its proof says what changed, and the ledger lists it apart."""
    recorded.edit("snippets/kit/measure.py", "'done'", '"done"')
    pages = woven(recorded)
    assert pages["docs/gpu.md"].count('class="assay-claim assay-stale"') == 2
    assert "assay-verified" not in pages["docs/gpu.md"]
    assert "stale, since this has changed: snippets/kit/measure.py" in pages["docs/gpu.md"]
    held, apart, listed = pages["claims.md"].partition("## Awaiting a GPU")
    assert apart
    assert "assay-verdict assay-stale" not in held
    assert listed.count(">stale on NVIDIA L4") == 2
    assert "3 claims: 1 verified, 2 stale." in pages["claims.md"]


def test_the_page_never_shows_an_unmeasured_claim_as_verified(make: Make) -> None:
    """An unmeasured claim is marked, and its proof names the command that measures it."""
    pages = woven(make(FILES))
    assert pages["docs/gpu.md"].count('class="assay-claim assay-unmeasured"') == 2
    assert "assay-verified" not in pages["docs/gpu.md"]
    assert "This code needs cuda and is not measured yet" in pages["docs/gpu.md"]
    assert "<code>assay record --device cuda docs/gpu.md</code>" in pages["docs/gpu.md"]
    _, apart, listed = pages["claims.md"].partition("## Awaiting a GPU")
    assert apart
    assert listed.count(">not measured yet") == 2
