"""The tables of a profile: rows are frozen dataclasses of plain numbers and text.

`pandas.DataFrame` accepts lists of them, and `dataclasses.asdict` turns each into JSON. For every
number that is not counted exactly, the `method` next to it says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """What the guest's thread was doing."""

    INTERPRETING = "interpreting"
    NATIVE = "native"
    RECORDING = "recording"
    COMPILING = "compiling"
    """The guest waited for a compilation: only where these are not made in the background."""
    DEVICES = "devices"
    HOST = "host"
    """Python around the guest: loading, drawing, handing over input and output."""
    WAITING = "waiting"
    """For input, for the clock, or for a processor."""


GUEST_STATES = (State.NATIVE, State.INTERPRETING, State.RECORDING)
"""Those in which the guest's own code is at work."""


class Method(StrEnum):
    """How a number was found."""

    EXACT = "exact"
    """Counted, each and every one."""
    MEASURED = "measured"
    """By a clock."""
    SAMPLED = "sampled"
    """From samples taken every few milliseconds: right on average."""
    ESTIMATED = "estimated"
    """An exact sum, divided by what was seen while recording."""


@dataclass(frozen=True, slots=True)
class TierRow:
    """Instructions by what executed them; `instructions` is None where nobody counted."""

    tier: str
    instructions: int | None
    share: float | None
    method: Method


@dataclass(frozen=True, slots=True)
class StateRow:
    """Seconds of the guest's thread; `share` of all the time that was watched."""

    state: State
    seconds: float
    share: float
    method: Method


@dataclass(frozen=True, slots=True)
class RegionRow:
    """One region, also when it is gone.

    Attributes:
        number: as the events have it; rises with every installation.
        start, label, file, line: its entry.
        nodes: guest instructions in it, copies counted.
        code_bytes: size of its machine code.
        instructions: guest instructions it executed, exactly; None where nobody counted.
        seconds: in its code, from samples.
        share: of all instructions where they were counted, else of the time in guest code.
        exits: how often it was left.
        forming, lowering, compiling: seconds that making it took, by stage.
        kept: it came from an earlier run.
        polished: its second, full compilation is done.
        removed: it was thrown away.
        limits: names of the limits that cut it.
    """

    number: int
    start: int
    label: str
    file: str
    line: int
    nodes: int
    code_bytes: int
    instructions: int | None
    seconds: float
    share: float
    exits: int
    forming: float
    lowering: float
    compiling: float
    kept: bool
    polished: bool
    removed: bool
    limits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LabelRow:
    """What was executed between a label and the next; a page of memory if there is no label.

    `native` and `interpreted` are instructions where they were counted, else None; `seconds` and
    `share` are of guest code.
    """

    label: str
    address: int
    file: str
    line: int
    instructions: int | None
    native: int | None
    interpreted: int | None
    seconds: float
    share: float
    method: Method


@dataclass(frozen=True, slots=True)
class LineRow:
    """What was executed of one line of source."""

    file: str
    line: int
    label: str
    instructions: int | None
    seconds: float
    share: float
    method: Method


@dataclass(frozen=True, slots=True)
class RoutineRow:
    """A label with all below it, by call stacks. `seconds` and `share` are its own, `total_...`
    include what it calls; shares are of the time in guest code. Sampled, as all call stacks are.
    """

    routine: str
    seconds: float
    total_seconds: float
    share: float
    total_share: float


@dataclass(frozen=True, slots=True)
class CallRow:
    """One routine calls another; the time of the callee, and of all below it, in such calls."""

    caller: str
    callee: str
    seconds: float
    share: float


@dataclass(frozen=True, slots=True)
class StackRow:
    """Routines that were at work together, the outermost first, and the last one's own time."""

    frames: tuple[str, ...]
    seconds: float
    share: float


@dataclass(frozen=True, slots=True)
class ExitRow:
    """One way out of a region that was taken. `target` is None if it is computed."""

    region: int
    start: int
    label: str
    reason: str
    target: int | None
    target_label: str
    times: int
    what: str
    advice: str


@dataclass(frozen=True, slots=True)
class AbortRow:
    """Something was not compiled, not installed or thrown away."""

    reason: str
    address: int
    label: str
    times: int
    what: str
    advice: str


@dataclass(frozen=True, slots=True)
class OpcodeRow:
    """One opcode's part of what was executed; `executed` is None if it was not counted."""

    code: int
    name: str
    executed: int | None
    share: float
    method: Method


@dataclass(frozen=True, slots=True)
class CompileRow:
    """One compilation: when, of what, and seconds by stage."""

    at: float
    start: int
    label: str
    nodes: int
    exits: int
    code_bytes: int
    forming: float
    lowering: float
    compiling: float
    thorough: bool

    @property
    def seconds(self) -> float:
        """All stages together."""
        return self.forming + self.lowering + self.compiling


@dataclass(frozen=True, slots=True)
class MemoryRow:
    """256 bytes of the code space.

    Attributes:
        executed: share of what was executed, as `method` says.
        code: bytes that compiled code was made from.
        cells: bytes that compiled code keeps in registers.
        reads, writes: places in compiled code that read or write here, at a fixed address.
        modified: bytes of instructions that the guest was seen to overwrite.
        changed: bytes that differ from what they were when the profile began.
    """

    address: int
    label: str
    executed: float
    code: int
    cells: int
    reads: int
    writes: int
    modified: int
    changed: int
    method: Method


@dataclass(frozen=True, slots=True)
class HostRow:
    """Calls of one Python device function. `seconds` comes from one call of 32; `method` is that of
    `calls`."""

    port: int
    kind: str
    calls: int
    seconds: float
    method: Method
