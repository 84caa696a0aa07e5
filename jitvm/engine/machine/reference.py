"""The tier `reference`: a machine on the reference interpreter, with the interface of all tiers.

There is no JIT to listen to or to wake, and every instruction is counted.
"""

from __future__ import annotations

from jitvm.engine.host.process import THREADED
from jitvm.engine.host.unpatched import get_ident
from jitvm.guest import Stop
from jitvm.guest.reference import ReferenceInterpreter

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jitvm.engine.interpreter.filters import Filter
    from jitvm.engine.memory.block import Block
    from jitvm.engine.tables.events import Listener
    from jitvm.engine.tables.params import Parameters
    from jitvm.guest import State
    from jitvm.guest.marks import Marks


class ReferenceTier:
    """Executes one machine's block in Python; see `jitvm.engine.machine.executor`."""

    jit = None
    listener = None

    def __init__(self, block: Block, state: State) -> None:
        layout = block.layout
        self.state = state
        self.interpreter = ReferenceInterpreter(layout.guest, state)
        self.on_ring_full: Callable[[], None] | None = None
        self.on_stop: Callable[[int], None] | None = None
        self.begun, self._has_last_event = 0, False
        self.is_running, self._thread = False, 0
        self._vector = block.words(layout.fields["vector"], 1)
        self._histogram = block.words(layout.histogram, 256)
        THREADED.add(self)

    # -- running -----------------------------------------------------------------------------

    def run(self, budget: int | None = None) -> Stop:
        """Run from ``state.pc``; at most `budget` instructions, exactly."""
        return self._run(budget)

    def _run(self, budget: int | None) -> Stop:
        self.is_running, self._thread = True, get_ident()
        try:
            return self.interpreter.run(budget)
        finally:
            self.is_running = False

    def forget_threads(self) -> None:
        """In a child made by `fork`: what ran on another thread has stopped."""
        if self._thread != get_ident():
            self.is_running = False

    def step(self) -> Stop:
        """Execute one instruction."""
        return self._run(1)

    def deliver(
        self,
        data: bytes,
        port: int,
        stop_port: int,
        mark: tuple[int, int],
        budget: int | None,
        vector_port: int | None = None,
    ) -> tuple[int, Stop]:
        """Run one event a byte; returns events begun and why it came back."""
        state, page = self.state, self.state.ports.page
        last = None if budget is None else self.executed + budget
        mark_port, marked = mark
        guest = self.interpreter.guest
        self.begun, self._has_last_event = 0, False
        for byte in data:
            self.begun += 1
            page[mark_port] = marked
            page[port] = byte
            vector = self._vector[0]
            if vector_port is not None:
                vector = guest.address_in(page, vector_port)
            if vector:
                state.pc = vector
                stop = self.run(None if last is None else last - self.executed)
                if stop is not Stop.HALT or page[stop_port] or self._has_last_event:
                    return self.begun, stop
        return self.begun, Stop.HALT

    def end_events(self) -> None:
        """See `Machine.end_events`."""
        self._has_last_event = True

    def mark(self, marks: Marks) -> None:
        """See `Machine.mark`."""
        self.interpreter.marks = marks

    # -- stopping at places ------------------------------------------------------------------

    def break_at(
        self,
        addresses: frozenset[int],
        opcodes: frozenset[int],
        judge: Callable[[int], bool] | None,
        filters: Mapping[int, Filter],
    ) -> None:
        """See `Machine.break_at`; the judge is always asked."""
        del filters
        interpreter = self.interpreter
        interpreter.breaks, interpreter.break_opcodes = addresses, opcodes
        interpreter.judge = judge

    def pass_break(self) -> None:
        """See `Machine.pass_break`."""
        self.interpreter.passes = self.state.pc

    def break_here(self) -> None:
        """See `Machine.break_here`."""
        self.interpreter.broke = True

    def watch_writes(
        self, addresses: frozenset[int], told: Callable[[int, int], object] | None
    ) -> None:
        """See `Machine.watch_writes`."""
        self.interpreter.watched, self.interpreter.told = addresses, told

    def watch_ports(self) -> None:
        """The ports tell of themselves."""

    def interrupt(self) -> None:
        """Make the run return at its next instruction; from any thread."""
        self.interpreter.interrupted = True

    def wake(self) -> None:
        """Nobody waits for it to come back."""

    # -- devices: found in ``state.ports`` each time -----------------------------------------

    def connect_reader(self, port: int, address: int | None = None) -> None:
        """Reads of a port are answered by the function in ``state.ports``."""

    def connect_writer(self, port: int, address: int | None = None, *, alike: bool = False) -> None:
        """Writes to a port call the function in ``state.ports``."""

    def connect_collector(self, port: int) -> None:
        """Writes to a port call the function in ``state.ports``, which appends to the ring."""

    def code_written(self, address: int, size: int) -> None:
        """The host wrote to the code space, from which nothing was made."""

    # -- counting ----------------------------------------------------------------------------

    @property
    def executed(self) -> int:
        """Instructions executed so far."""
        return self.interpreter.executed

    executed_now = executed

    @property
    def counting(self) -> bool:
        """Everything is counted, always."""
        return True

    @counting.setter
    def counting(self, on: bool) -> None: ...

    @property
    def counts_interpreted(self) -> bool:
        """Everything is interpreted, and counted."""
        return True

    @counts_interpreted.setter
    def counts_interpreted(self, on: bool) -> None: ...

    @property
    def profiling(self) -> bool:
        """Whether instructions are counted by opcode."""
        return self.interpreter.histogram is not None

    @profiling.setter
    def profiling(self, on: bool) -> None:
        self.interpreter.histogram = self._histogram if on else None

    # -- the JIT there is none of ------------------------------------------------------------

    def listen(self, listener: Listener | None) -> None:
        """There is nothing to tell."""

    def change_params(self, params: Parameters) -> None:
        """There is nothing they limit."""
