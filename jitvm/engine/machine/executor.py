"""The interface that all tiers share. It is only a type and does not exist at run time.

    ReferenceTier   `jitvm.engine.machine.reference`   in Python, instruction by instruction
    NativeTier      `jitvm.engine.machine.native`      in native code, with or without a JIT
    IrTier          `jitvm.engine.machine.ir`          like the JIT, with regions interpreted

`Machine` passes on what it does not do itself; a tier ignores whatever does not concern it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from jitvm.engine.interpreter.filters import Filter
    from jitvm.engine.jit.jit import Jit
    from jitvm.engine.tables.events import Listener
    from jitvm.engine.tables.params import Parameters
    from jitvm.guest import Stop
    from jitvm.guest.marks import Marks


class Executor(Protocol):
    """What executes a machine's block.

    Attributes:
        on_ring_full: called when the output ring has to be emptied; None: the oldest byte goes.
        on_stop: called with the program counter whenever it was made to come back (`wake`).
        counting: whether every instruction is counted.
        counts_interpreted: whether those outside of regions are, without `counting`.
        profiling: whether instructions are counted by opcode.
        begun: events that the last `deliver` has begun.
        is_running: whether it is executing, on whichever thread.
    """

    on_ring_full: Callable[[], None] | None
    on_stop: Callable[[int], None] | None
    counting: bool
    counts_interpreted: bool
    profiling: bool
    begun: int
    is_running: bool

    @property
    def jit(self) -> Jit | None:
        """The JIT, once it has begun."""

    @property
    def listener(self) -> Listener | None:
        """What receives the events of the JIT."""

    @property
    def executed(self) -> int:
        """Instructions of runs that have ended, as far as they are counted."""

    @property
    def executed_now(self) -> int:
        """`executed`, with what the run at hand has done so far; from any thread."""

    def run(self, budget: int | None = None) -> Stop:
        """Run from ``state.pc``; at most `budget` instructions, exactly."""

    def step(self) -> Stop:
        """Execute one instruction."""

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

    def end_events(self) -> None:
        """Begin no further event of the `deliver` at hand."""

    def mark(self, marks: Marks) -> None:
        """Mark what is executed from now on; see `Machine.mark`."""

    def break_at(
        self,
        addresses: frozenset[int],
        opcodes: frozenset[int],
        judge: Callable[[int], bool] | None,
        filters: Mapping[int, Filter],
    ) -> None:
        """Stop before some instructions; see `Machine.break_at`."""

    def pass_break(self) -> None:
        """Execute the instruction at ``state.pc`` in the next run, whatever it is."""

    def break_here(self) -> None:
        """Stop after the instruction at hand; for functions that it calls."""

    def watch_writes(
        self, addresses: frozenset[int], told: Callable[[int, int], object] | None
    ) -> None:
        """Tell of each byte that the guest writes to some addresses of the code space."""

    def watch_ports(self) -> None:
        """Other ports of ``state.ports`` are watched from now on."""

    def interrupt(self) -> None:
        """Make the run return soon; from any thread."""

    def wake(self) -> None:
        """Have native code come back and go on at once; from any thread."""

    def connect_reader(self, port: int, address: int | None = None) -> None:
        """A reader was put into ``state.ports``, or a native one is at an address."""

    def connect_writer(self, port: int, address: int | None = None, *, alike: bool = False) -> None:
        """A writer was put into ``state.ports``, or a native one is at an address; `alike` says
        that it took the place of one that compiled code treats as it does this one."""

    def connect_collector(self, port: int) -> None:
        """Writes to a port only gather in the output ring."""

    def code_written(self, address: int, size: int) -> None:
        """The host wrote to the code space."""

    def listen(self, listener: Listener | None) -> None:
        """Tell somebody what the JIT does from now on."""

    def change_params(self, params: Parameters) -> None:
        """Go on with other limits of the JIT."""
