"""What the JIT does, as it happens: typed events, each with a one-line text form.

    machine.listen(print)              every event, as it happens
    machine.listen(None)               no listener: no events are made, at no cost

Events come from the thread that did the work: the guest's or the compile thread's. A listener must
be quick and must not run the machine.

The text form follows LuaJIT's ``-jv``: one line per event, made to be read and grepped.
"""

from __future__ import annotations

import time
from _collections_abc import Callable

from jitvm.engine.tables.struct import Struct

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Any, ClassVar


class Event(Struct, frozen=True):
    """Something the JIT did.

    Attributes:
        seconds: since the JIT of the machine was made.
        address: the guest address it is about.
    """

    kind: ClassVar[str] = "event"

    seconds: float
    address: int

    def about(self) -> str:
        """What the line says after the address."""
        return ""

    def line(self, name: Callable[[int], str] = "{:04x}".format) -> str:
        """The event as one line of text; `name` turns addresses into labels."""
        return f"{self.seconds:9.4f} {self.kind:<10} {name(self.address)} {self.about()}".rstrip()

    def row(self) -> dict[str, Any]:
        """The event as a JSON object: its kind and its fields."""
        return {"kind": self.kind, **super().row()}


class Hot(Event, frozen=True):
    """A counter ran out: a recording begins."""

    kind: ClassVar[str] = "hot"


class Recorded(Event, frozen=True):
    """A recording ended after so many instructions."""

    kind: ClassVar[str] = "recorded"

    instructions: int

    def about(self) -> str:
        return f"{self.instructions} instructions"


class Compiled(Event, frozen=True):
    """A region was compiled: instructions, exits, bytes of code, and seconds by stage."""

    kind: ClassVar[str] = "compiled"

    nodes: int
    exits: int
    size: int
    forming: float
    lowering: float
    compiling: float
    thorough: bool

    @property
    def took(self) -> float:
        """Seconds of all stages together."""
        return self.forming + self.lowering + self.compiling

    def about(self) -> str:
        stages = (self.forming, self.lowering, self.compiling)
        times = " + ".join(f"{1e3 * seconds:.1f}" for seconds in stages)
        how = ", full" if self.thorough else ""
        return f"{self.nodes} instructions, {self.exits} exits, {self.size} bytes, {times} ms{how}"


class Installed(Event, frozen=True):
    """A region can be entered; `kept`: an earlier run made it."""

    kind: ClassVar[str] = "installed"

    number: int
    nodes: int
    size: int
    kept: bool

    def about(self) -> str:
        return f"#{self.number}{', kept from an earlier run' if self.kept else ''}"


class Removed(Event, frozen=True):
    """A region was thrown away."""

    kind: ClassVar[str] = "removed"

    number: int
    instructions: int

    def about(self) -> str:
        return f"#{self.number}"


class Overwritten(Event, frozen=True):
    """The guest wrote to a byte that regions were made from."""

    kind: ClassVar[str] = "overwritten"


class Refused(Event, frozen=True):
    """Nothing was made or installed; `reason` is a row of `jitvm.engine.tables.reasons`."""

    kind: ClassVar[str] = "refused"

    reason: str

    def about(self) -> str:
        return self.reason


class ExitHot(Event, frozen=True):
    """An exit at the region's start or before a store was taken often."""

    kind: ClassVar[str] = "exit"

    reason: str

    def about(self) -> str:
        return self.reason


Listener = Callable[[Event], None]


class Reporter:
    """Tells one listener what a JIT does, by the time since the reporter was made.

    Attributes:
        listener: receives the events; None: nobody.
    """

    def __init__(self) -> None:
        self.listener: Listener | None = None
        self._began = time.monotonic()

    @property
    def now(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self._began

    def __call__(self, kind: type[Event], address: int, *values: object) -> None:
        """Report an event, made of its fields after the time."""
        if self.listener is not None:
            self.listener(kind(self.now, address, *values))
