"""What was found out of each claim, and of a whole project."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from .devices import Device
from .figures import Condition, Figure
from .pages import Claim, Entry
from .places import Finding
from .runs import Checked, Key

Computed = bool | int | float | str | None


class Status(Enum):
    """What a check says of a claim, from the best to the worst."""

    VERIFIED = "verified"
    REFUTED = "refuted"
    SETTING = "setting"
    UNMEASURED = "unmeasured"
    STALE = "stale"
    UNCHECKED = "unchecked"
    FAILS = "fails"

    def __lt__(self, other: Status) -> bool:
        order = list(Status)
        return order.index(self) < order.index(other)

    @property
    def is_good(self) -> bool:
        """Whether the claim is as it should be."""
        return self < Status.UNMEASURED

    @property
    def words(self) -> str:
        """What is said of a claim, and behind the number of several."""
        return _WORDS[self]


_WORDS = {
    Status.VERIFIED: "verified",
    Status.REFUTED: "refuted by a run",
    Status.SETTING: "only assigned",
    Status.UNMEASURED: "not measured yet",
    Status.STALE: "stale",
    Status.UNCHECKED: "not checked",
    Status.FAILS: "failing",
}


class Verdict(Struct, frozen=True, kw_only=True):
    """A claim, and what its session says of it."""

    id: str
    """What the claim is known by on its page: anchors, reports and citations use it."""
    entry: str
    claim: Claim
    condition: Condition = Condition()
    status: Status
    session: Key
    """The session that was asked, perhaps one of another page."""
    probe: str
    figure: Figure | None = None
    computed: Computed = None
    computed_text: str = ""
    """The computed value at full precision in the stated unit."""
    unit: str = ""
    reason: str = ""
    answer: Checked | None = None
    """What the session gave; None if it was never asked."""
    finding: Finding | None = None
    """What is wrong; None where nothing is."""

    @property
    def device(self) -> Device:
        """What the session runs on."""
        return self.answer.session.job.device if self.answer else Device.CPU

    @property
    def gpus(self) -> tuple[str, ...]:
        """The GPUs that the value was measured on."""
        return self.answer.gpus if self.answer else ()


class Exemption(Struct, frozen=True):
    """A pattern of the settings that keeps figures out of the unbound check, and what it kept."""

    pattern: str
    reason: str
    kept: int


class Report(Struct, frozen=True, kw_only=True):
    """Everything one check found out."""

    entries: tuple[Entry, ...]
    verdicts: tuple[Verdict, ...]
    checked: tuple[Checked, ...]
    findings: tuple[Finding, ...]
    exemptions: tuple[Exemption, ...] = ()
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return not any(finding.severity == "error" for finding in self.findings)
