"""When the guest ran, in the order of time, as the clock has it.

    machine.run       a vector, or the rest of one       -+
    machine.deliver   a row of events, one vector each   -+-> Entry: begin, end, address, events

While it listens, the machine's two methods that run the guest are replaced by ones that look at the
clock before and after: two looks for each time that the guest is entered, which is once a vector
and once for many short events. So this holds for every guest, and costs compiled code nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jitvm.engine.machine.inspect import Machine

MOST_ENTRIES = 100_000
"""The last so many are kept."""
APART = 1e-3
"""Seconds after which the rest of a vector is shown by itself."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The guest ran.

    Attributes:
        begin, end: seconds.
        address: of the vector; None for the rest of the one before.
        events: how many were begun.
    """

    begin: float
    end: float
    address: int | None
    events: int


class Entries:
    """Entries of one machine between `attach` and `detach`; their times are `perf_counter`'s."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._entries: deque[tuple[float, float, int | None, int]] = deque(maxlen=MOST_ENTRIES)
        self._before: dict[str, Any] = {}
        self._mine: dict[str, Any] = {}

    def attach(self) -> None:
        """Begin to listen."""
        machine, keep = self._machine, self._entries.append
        run, deliver = machine.run, machine.deliver

        def timed_run(pc: int | None = None, **limits: Any) -> Any:
            begin = perf_counter()
            try:
                return run(pc, **limits)
            finally:
                keep((begin, perf_counter(), pc, int(pc is not None)))

        def timed_deliver(data: bytes, **how: Any) -> Any:
            address = self._vector(how.get("vector_port"))
            begin, events = perf_counter(), 0
            try:
                done = deliver(data, **how)
                events = done.begun
                return done
            finally:
                keep((begin, perf_counter(), address, events))

        self._mine = {"run": timed_run, "deliver": timed_deliver}
        own = vars(machine)
        self._before = {name: own.get(name) for name in self._mine}
        own.update(self._mine)

    def detach(self) -> None:
        """Listen no longer; what has been replaced meanwhile by others stays."""
        own = vars(self._machine)
        for name, function in self._mine.items():
            if own.get(name) is function:
                del own[name]
                if (before := self._before[name]) is not None:
                    own[name] = before

    def _vector(self, port: int | None) -> int:
        """The address that the next event runs from."""
        machine = self._machine
        return machine.vector if port is None else machine.guest.address_in(machine.page, port)

    def told(self, began: float) -> Iterator[Entry]:
        """What is kept, with seconds since a moment. The rest of a vector is part of it, if it
        follows at once: a limit has been looked at meanwhile."""
        last: Entry | None = None
        for begin, end, address, events in self._entries.copy():
            entry = Entry(begin - began, end - began, address, events)
            if last is not None and address is None and entry.begin - last.end < APART:
                last = Entry(last.begin, entry.end, last.address, last.events)
                continue
            if last is not None:
                yield last
            last = entry
        if last is not None:
            yield last
