"""Records: outcomes measured on a GPU, kept as files, for machines that have none.

Law: a record answers for a session while the code that ran and every file of the project that it
depended on are unchanged. Any other record is stale: it is shown with its date, never as verified.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable

import msgspec

from ..nouns import Checked, Job, Outcome, Record, Session, Traced

SCHEMA = 1
Digest = Callable[[str], str]
"""Takes a path from the project's root and returns the digest of what stands there now."""


def make(checked: Checked, files: Iterable[str], digest: Digest, commit: str) -> Record:
    """Make the record of a session that has run to its end and depended on *files*.

    What the session read outside of the project stays out of it: paths tell of the machine.
    """
    session, outcome = checked.session, checked.outcome
    return Record(
        schema=SCHEMA,
        page=session.page,
        session=session.name,
        device=session.job.device,
        code=code_of(session.job),
        files={file: _read_as(outcome.traced, file) or digest(file) for file in sorted(files)},
        distributions={n: v for n, v in outcome.traced.distributions.items() if v},
        commit=commit,
        outcome=msgspec.structs.replace(outcome, traced=Traced(), stderr=""),
    )


def _read_as(traced: Traced, file: str) -> str:
    """Return the digest of what a session read of a file, which may have changed since; or ""."""
    how, _, digest = traced.files.get(file, "").partition(":")
    return digest if how == "file" else ""


def code_of(job: Job) -> str:
    """Return the digest of what a job runs; neither probes nor limits are part of it."""
    drawn = [job.figures] if job.figures else []
    return hashlib.sha256(msgspec.json.encode([job.sources, job.device, *drawn])).hexdigest()


def file_of(record: Record) -> str:
    """Return the file name of a record, one a session and GPU: ``vram/peak.nvidia-h200.json``."""
    gpu = re.sub(r"[^a-z0-9]+", "-", record.gpu.lower()).strip("-")
    session = re.sub(r"[^\w-]", lambda odd: f"%{ord(odd[0]):x}", record.session)
    return f"{record.page}/{session}.{gpu}.json"


def encode(record: Record) -> bytes:
    """Return a record as a small file that reads well in a diff."""
    return msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"


def decode(data: bytes) -> Record:
    """Read a record; raise :class:`msgspec.DecodeError` that says what is wrong with it."""
    record = msgspec.json.decode(data, type=Record)
    if record.schema != SCHEMA:
        raise msgspec.ValidationError(
            f"its schema is {record.schema}, and this assay reads {SCHEMA}"
        )
    if "gpu" not in record.outcome.environment or not record.outcome.when:
        raise msgspec.ValidationError("it names no GPU or no day, so it proves nothing")
    return record


def answer(session: Session, records: Iterable[Record], digest: Digest) -> Checked:
    """Answer for *session* from its records: the good ones, else the newest, which is stale."""
    of_session = (session.page, session.name, session.job.device)
    known = [r for r in records if (r.page, r.session, r.device) == of_session]
    known.sort(key=lambda record: record.outcome.when, reverse=True)
    found = [
        Checked(session=session, outcome=r.outcome, record=r, changed=changed(r, session, digest))
        for r in known
    ]
    good = [checked for checked in found if not checked.changed]
    if good:
        return msgspec.structs.replace(good[0], others=tuple(good[1:]))
    return found[0] if found else Checked(session=session, outcome=Outcome())


def changed(record: Record, session: Session, digest: Digest) -> tuple[str, ...]:
    """Name what has changed since *record* was made; nothing, if it is good."""
    code = () if record.code == code_of(session.job) else ("its code",)
    return (*code, *(file for file, was in record.files.items() if digest(file) != was))
