"""The debugger without a user: breakpoints, steps, changes, forwards and backwards.

    debugger = Debugger(platform, program, Options(...))
    debugger.breakpoint(Kind.CODE, {0x0120}, "main")
    stopped = debugger.go_on()            Stopped(reason, breakpoints, notes)
    debugger.past.reverse()               to the last hit before

What is set here and where it is gone on to is here. The rest has a part for each concern:

    debuggee    what the program is, and what it is like where it stands     debuggee
    armed       what stops a run: breakpoints, armed on the machine          armed
    past        where it is gone back to                                     past
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any

from jitvm.debugger.acts import Source
from jitvm.debugger.armed import Armed
from jitvm.debugger.breakpoints import BRACES, Breakpoint, Kind, Table
from jitvm.debugger.debuggee import Debuggee
from jitvm.debugger.expressions import Expression, ExpressionError, Place, cells_of
from jitvm.debugger.history import MEMORY, History, Sink
from jitvm.debugger.past import Past
from jitvm.debugger.stopped import Goal, Stopped
from jitvm.engine.machine.machine import Tier

if TYPE_CHECKING:
    from jitvm.engine.tables.params import Parameters
    from jitvm.guest import State
    from jitvm.platform import Platform, Program
    from jitvm.platform.callstacks import Frame

MOST_STEPS = 200_000
"""Instructions that a step by lines takes at most, calls that are stepped over not counted."""


@dataclass(slots=True)
class Options:
    """How a program is debugged.

    Attributes:
        args, tier, params, running: as `Platform.computer` takes them.
        source: its input.
        memory: bytes of snapshots.
        write: called with the program's output, and whether it is an error's.
        log: called with the lines of breakpoints that print in place of stopping.
    """

    args: Iterable[str] = ()
    tier: Tier = Tier.JIT
    params: Parameters | None = None
    running: Mapping[str, Any] = field(default_factory=dict)
    source: Source = field(default_factory=Source)
    memory: int = MEMORY
    write: Callable[[bytes, bool], object] = lambda *_: None
    log: Callable[[str], object] = lambda *_: None


class Debugger:
    """One program, being debugged; see the head of this file.

    Attributes:
        program: with its labels and lines.
        computer: what it runs on.
        history: its run.
    """

    def __init__(self, platform: Platform, program: Program, options: Options) -> None:
        out = Sink(lambda data: options.write(data, False))
        err = Sink(lambda data: options.write(data, True))
        computer = platform.computer(
            program, args=options.args, tier=options.tier, params=options.params,
            stdout=out, stderr=err, **options.running,
        )  # fmt: skip
        self.program = program
        self.computer = computer
        self.machine = computer.machine
        self.guest = computer.machine.guest
        self.history = History(computer, options.source, (out, err), options.memory)
        self.debuggee = Debuggee(platform, program, self.history)
        self.armed = Armed(self.debuggee, options.log)
        self.past = Past(self.debuggee, self.armed)
        self.history.run(0)

    # -- looking -----------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """Of the machine."""
        return self.machine.state

    @property
    def table(self) -> Table:
        """The breakpoints."""
        return self.armed.table

    def address_of(self, label: str) -> int | None:
        """The address of a label."""
        return self.debuggee.address_of(label)

    def expression(self, text: str) -> Expression:
        """As `Debuggee.expression`."""
        return self.debuggee.expression(text)

    def frames(self) -> list[Frame]:
        """Who has called whom, the innermost first."""
        return self.debuggee.frames()

    def line(self, address: int | None = None) -> tuple[str, int] | None:
        """File and line of an address (default: the program counter); None if nobody knows."""
        return self.debuggee.line(address)

    def name(self, address: int) -> str:
        """An address as people read it."""
        return self.debuggee.name(address)

    def spell(self, address: int) -> tuple[str, int]:
        """The instruction at an address as text, and its bytes."""
        return self.debuggee.spell(address)

    # -- breakpoints -------------------------------------------------------------------------

    def breakpoint(
        self,
        kind: Kind,
        spans: Iterable[int],
        what: str,
        *,
        condition: str = "",
        ignore: int = 0,
        log: str | None = None,
        is_temporary: bool = False,
    ) -> Breakpoint:
        """Set one; see `Breakpoint`.

        Raises:
            ExpressionError: the condition, or something in braces in `log`, makes no sense; or
                there is nothing at the place.
        """
        limit = self._limit(kind)
        where = frozenset(spans)
        if not where or any(not 0 <= each < limit for each in where):
            raise ExpressionError(f"{what}: there is nothing; places are 0 to {limit - 1:#x}")
        expression = self.expression(condition) if condition.strip() else None
        for part in BRACES.findall(log or ""):
            self.expression(part)
        row = self.table.add(kind, where, what)
        row.condition, row.ignore, row.log = expression, ignore, log
        row.is_temporary = is_temporary
        return row

    def take_over(self, before: Debugger) -> None:
        """Have the breakpoints of another run of the program, as if none had been hit."""
        self.armed.table = before.table
        for row in self.table.rows.values():
            row.ignore, row.hits = max(row.ignore - row.hits, 0), 0
            if row.condition is not None:
                row.condition = self.expression(row.condition.text)

    def _limit(self, kind: Kind) -> int:
        if kind in (Kind.PORT_READ, Kind.PORT_WRITE):
            return self.guest.ports
        return 256 if kind is Kind.OPCODE else self.guest.code_space.size

    # -- forwards ----------------------------------------------------------------------------

    def go_on(
        self,
        until: int | None = None,
        *,
        one_act: bool = False,
        passing: bool = True,
        deadline: float = inf,
    ) -> Stopped:
        """Run on until something stops it; `passing` a breakpoint at the next instruction.

        After a deadline, by the monotonic clock, it comes back as if it had been paused.
        """
        return self.armed.run(until, one_act=one_act, passing=passing, deadline=deadline)

    def go_to(self, time: int) -> Stopped:
        """Be at a time; later than any known, run on to it."""
        if time > self.history.horizon:
            self.history.go_to(self.history.horizon)
            return self.go_on(time)
        return self.past.go_to(time)

    def step(self, count: int = 1) -> Stopped:
        """Execute some instructions."""
        return self.go_on(self.history.time + count)

    def run_to(self, addresses: Iterable[int], is_there: Callable[[], bool] = lambda: True,
               *, one_act: bool = True) -> Stopped:  # fmt: skip
        """Run to one of some addresses, or to the end of what is being run."""
        return self.armed.run(goal=Goal(frozenset(addresses), is_there), one_act=one_act)

    def step_over(self) -> Stopped:
        """Execute one instruction, and all of what it calls."""
        effects = self.debuggee.effects()
        if not effects.is_call:
            return self.step()
        pointers, back = list(self.state.pointers), effects.link
        assert back is not None
        kept = [i for i, stack in enumerate(self.guest.stacks) if stack.return_addresses]

        def is_back() -> bool:
            return all(self.state.pointers[i] == pointers[i] for i in kept)

        return self.run_to([back], is_back)

    def step_line(self, *, over: bool = False) -> Stopped:
        """Go on to another line of the source; where there is none, by one instruction."""
        start, move = self.line(), self.step_over if over else self.step
        for _ in range(MOST_STEPS):
            stopped = move()
            if stopped.reason != "step" or start is None:
                return stopped
            if (line := self.line()) is not None and line != start:
                return stopped
        return Stopped("step", (), (f"{MOST_STEPS} instructions did not leave the line",))

    def step_out(self) -> Stopped:
        """Go on until the routine at hand has returned, or the vector ended."""
        outer = self.frames()[1:]
        if not outer:
            return self.go_on(one_act=True)
        frame = outer[0]
        assert frame.link is not None
        return self.run_to([frame.link], lambda: self.state.pointers[frame.stack] <= frame.pointer)

    def next_vector(self) -> Stopped:
        """Go on to where the next event, frame or vector begins."""
        vector = self.machine.vector
        return self.run_to([vector] if vector else [])

    # -- changing ----------------------------------------------------------------------------

    def write(self, place: Place, value: int) -> None:
        """Write a number to memory, a stack or a port."""
        raw = (value % (1 << 8 * place.size)).to_bytes(place.size, self.guest.byte_order)
        cells, indices = cells_of(place, self.state)
        if cells.readonly:
            raise ExpressionError("it can only be read")
        is_code = place.kind == "space" and place.index == self.guest.code_index

        def change() -> None:
            for at, byte in zip(indices, raw, strict=True):
                cells[at] = byte
                if is_code:
                    self.machine.code_written(at, 1)

        self._change(change, frozenset(indices) if is_code else frozenset())

    def write_bytes(self, start: int, data: bytes) -> None:
        """Write bytes to the code space, which has all of them."""

        def change() -> None:
            self.machine.memory[start : start + len(data)] = data
            self.machine.code_written(start, len(data))

        self._change(change, frozenset(range(start, start + len(data))))

    def set_register(self, name: str, value: int) -> None:
        """Set the program counter, or a stack's pointer.

        Raises:
            ExpressionError: there is no such register.
        """
        state, name = self.state, name.lower()
        if name == "pc":
            if not self.history.is_running:
                raise ExpressionError("nothing is being run, so there is no program counter")
            pc = value % self.guest.code_space.size
            self._change(lambda: setattr(state, "pc", pc))
            return
        names = [stack.name.lower() for stack in self.guest.stacks]
        if name not in names:
            raise ExpressionError(f"there is no register {name}")
        index = names.index(name)
        pointer = value % self.guest.stacks[index].size
        self._change(lambda: state.pointers.__setitem__(index, pointer))

    def _change(self, change: Callable[[], None], spans: frozenset[int] = frozenset()) -> None:
        with self.history.quietly():
            self.history.edit(change, spans)
        self.armed.remember()
