"""Breakpoints armed on a machine, and what of them stops a run.

    the machine comes to a place       _judge      on the spot, before the instruction
    it tells of a store or a port      _told_...   kept, and the run breaks behind the instruction
      ... which is over                _settle     now the state is what it has left

Either way a place that was come to is a hit if the breakpoint's condition holds (`_hits`): it is
counted, passed over while the breakpoint ignores hits, printed, or stops the run. In a *replay*,
where the run has been before, hits are only counted, and change nothing.
"""

from __future__ import annotations

from contextlib import contextmanager
from math import inf
from typing import TYPE_CHECKING

from jitvm.debugger.breakpoints import BRACES, Kind, Table
from jitvm.debugger.expressions import ExpressionError
from jitvm.debugger.history import End
from jitvm.debugger.stopped import Stopped, Told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from re import Match

    from jitvm.debugger.breakpoints import Breakpoint
    from jitvm.debugger.debuggee import Debuggee
    from jitvm.debugger.stopped import Goal
    from jitvm.engine.interpreter.filters import Filter

_REASONS = {End.TIME: "step", End.ENDED: "ended", End.WAITS: "input", End.PAUSED: "pause"}


class Armed:
    """See the head of this file.

    Args:
        log: called with the lines of breakpoints that print in place of stopping.

    Attributes:
        table: the breakpoints, armed whenever a run begins.
    """

    def __init__(self, debuggee: Debuggee, log: Callable[[str], object]) -> None:
        self.table = Table()
        self.log = log
        self._debuggee = debuggee
        self._machine = debuggee.machine
        self._history = debuggee.history
        self._history.on_far_way = self.resting
        self._armed: tuple[object, ...] = ()
        self._by_address: dict[int, list[Breakpoint]] = {}
        self._by_opcode: dict[int, list[Breakpoint]] = {}
        self._readers: list[Breakpoint] = []
        self._shadow: dict[int, int] = {}
        self._goal: Goal | None = None
        self._is_there = False
        self._found: list[Breakpoint] = []
        self._notes: list[str] = []
        self._pending: list[Told] = []
        self._count: int | None = None
        self._wanted = 0

    # -- running -----------------------------------------------------------------------------

    def run(
        self,
        until: int | None = None,
        *,
        goal: Goal | None = None,
        passing: bool = True,
        live: bool = True,
        one_act: bool = False,
        last: int | None = None,
        deadline: float = inf,
    ) -> Stopped:
        """Run on until something stops it; as `History.run`.

        Args:
            goal: where it stops besides at breakpoints.
            last: the time after which hits of watches do not count.
        """
        self.arm(goal)
        self._found, self._notes, self._is_there = [], [], False
        while True:
            self._pending = []
            end = self._history.run(
                until, passing=passing, live=live, one_act=one_act, deadline=deadline
            )
            passing = False
            if last is not None and self._history.time > last:
                self._pending = []
            if self._settle() or self._found or self._is_wanted:
                return self._stopped_by_hit()
            if end is End.BREAK and self._is_there and self._count is None:
                return Stopped("step")
            if end is not End.BREAK:
                return self._stopped(end)

    def replay(
        self, until: int, *, goal: Goal | None, last: int, wanted: int = 0
    ) -> tuple[int, Stopped]:
        """Run to a time where the run has been, and count hits, those of the goal among them; the
        one of a number, from 1 on, stops it."""
        self._count, self._wanted = 0, wanted
        try:
            stopped = self.run(until, goal=goal, passing=False, live=False, last=last)
            return self._count, stopped
        finally:
            self._count = None

    def _stopped_by_hit(self) -> Stopped:
        numbers = tuple(row.number for row in self._found)
        for row in self._found:
            if row.is_temporary:
                self.table.rows.pop(row.number, None)
        return Stopped("breakpoint", numbers, tuple(self._notes))

    def _stopped(self, end: End) -> Stopped:
        code = self._debuggee.computer.exit_code
        notes = (f"exit code {code}",) if end is End.ENDED else ()
        return Stopped(_REASONS[end], (), notes)

    # -- arming ------------------------------------------------------------------------------

    def arm(self, goal: Goal | None = None) -> None:
        """Have the machine stop where it may have to."""
        table, self._goal = self.table, goal
        self._by_address = self._sorted(Kind.CODE)
        self._by_opcode = self._sorted(Kind.OPCODE)
        self._readers = list(table.active(Kind.READ))
        addresses = frozenset(self._by_address)
        if goal is not None:
            addresses |= goal.addresses
        opcodes = frozenset(self._by_opcode)
        if self._readers:
            opcodes |= self._debuggee.kinds.loads
        watched = table.spans(Kind.WRITE, Kind.CHANGE)
        reads, writes = table.spans(Kind.PORT_READ), table.spans(Kind.PORT_WRITE)
        filters = self._filters()
        armed = (addresses, opcodes, watched, reads, writes, filters)
        if armed == self._armed:
            return
        self._armed = armed
        self._machine.break_at(addresses, opcodes, self._judge, filters=filters)
        self._machine.watch_writes(watched, self._told_write)
        self._machine.watch_ports(reads, writes, self._told_port)
        self.remember()

    def _sorted(self, kind: Kind) -> dict[int, list[Breakpoint]]:
        found: dict[int, list[Breakpoint]] = {}
        for row in self.table.active(kind):
            for at in row.spans:
                found.setdefault(at, []).append(row)
        return found

    def _filters(self) -> dict[int, Filter]:
        """Conditions that native code decides: of addresses where nothing else may stop."""
        goal = frozenset[int]() if self._goal is None else self._goal.addresses
        found: dict[int, Filter] = {}
        for at, rows in self._by_address.items():
            conditions = [row.condition for row in rows]
            trees = [None if each is None else each.filter for each in conditions]
            if at not in goal and None not in trees:
                either, *others = [tree for tree in trees if tree is not None]
                for tree in others:
                    either = ("||", either, tree)
                found[at] = either
        return found

    def remember(self) -> None:
        """Know the watched bytes as they are now: after whatever else than a run changed them."""
        memory = self._machine.memory
        self._shadow = {at: memory[at] for at in self.table.spans(Kind.WRITE, Kind.CHANGE)}

    @contextmanager
    def tracing(self, note: Callable[[int], bool]) -> Iterator[None]:
        """In this block a quiet run stops nowhere, and tells of the address of each instruction."""
        self._disarm()
        self._machine.break_at(range(self._debuggee.guest.code_space.size), (), note)
        try:
            with self._history.quietly():
                yield
        finally:
            self.arm()

    @contextmanager
    def resting(self) -> Iterator[None]:
        """In this block the machine stops nowhere: a quiet run through a breakpoint in a hot loop
        would ask about each of its hits."""
        if not any(self._armed):
            yield
            return
        goal = self._goal
        self._disarm()
        try:
            yield
        finally:
            self.arm(goal)

    def _disarm(self) -> None:
        self._armed = ()
        self._machine.break_at((), (), None)
        self._machine.watch_writes((), None)
        self._machine.watch_ports((), (), None)

    # -- what stops a run --------------------------------------------------------------------

    def _judge(self, pc: int) -> bool:
        """Whether to stop before the instruction at an address."""
        if self._history.is_quiet:
            return False
        stops = False
        for row in self._by_address.get(pc, ()):
            stops |= self._hits(row)
        if self._by_opcode:
            for row in self._by_opcode.get(self._machine.memory[pc], ()):
                stops |= self._hits(row)
        if self._readers:
            stops |= self._judge_reads()
        goal = self._goal
        if goal is not None and pc in goal.addresses and goal.is_there():
            self._is_there = True
            stops |= self._counts()
        return stops

    def _judge_reads(self) -> bool:
        debuggee, stops = self._debuggee, False
        code = debuggee.guest.code_index
        loads = {at for space, at in debuggee.effects().loads if space == code}
        for row in self._readers:
            if found := row.spans & loads:
                at = min(found)
                debuggee.value = debuggee.old = self._machine.memory[at]
                if self._hits(row):
                    stops = True
                    self._notes.append(f"reads {debuggee.name(at)}: {debuggee.value:02x}")
        return stops

    def _hits(self, row: Breakpoint) -> bool:
        """A breakpoint's place was come to: whether that stops the run."""
        condition = row.condition
        try:
            if condition is not None and not condition.value():
                return False
        except ExpressionError as error:
            self._notes.append(f"its condition makes no sense here: {error}")
        if self._count is not None:
            stops = row.log is None and self._counts()
            if stops:
                self._found.append(row)
            return stops
        row.hits += 1
        if row.hits <= row.ignore:
            return False
        if row.log is not None:
            self.log(self._filled(row.log))
            return False
        self._found.append(row)
        return True

    def _counts(self) -> bool:
        """Count a hit, in a replay; whether the run stops there."""
        if self._count is None:
            return True
        self._count += 1
        return self._is_wanted

    @property
    def _is_wanted(self) -> bool:
        """Whether a replay is where it is to stop."""
        return bool(self._count) and self._count == self._wanted

    def _filled(self, text: str) -> str:
        def value(found: Match[str]) -> str:
            try:
                number = self._debuggee.expression(found[1]).value()
            except ExpressionError as error:
                return f"{{{error}}}"
            return f"{number} ({number:#x})" if number >= 10 else str(number)

        return BRACES.sub(value, text)

    # -- what is told while an instruction goes on -------------------------------------------

    def _told_write(self, start: int, size: int) -> None:
        memory, end = self._machine.memory, len(self._machine.memory)
        for at in ((start + i) % end for i in range(size)):
            if (old := self._shadow.get(at)) is None:
                continue
            new = self._shadow[at] = memory[at]
            for row in self.table.active(Kind.WRITE, Kind.CHANGE):
                if at in row.spans and (row.kind is Kind.WRITE or old != new):
                    self._tell(Told(row, at, old, new))

    def _told_port(self, port: int, byte: int, is_write: bool) -> None:
        kind = Kind.PORT_WRITE if is_write else Kind.PORT_READ
        for row in self.table.active(kind):
            if port in row.spans:
                self._tell(Told(row, port, None, byte))

    def _tell(self, told: Told) -> None:
        if not self._history.is_quiet:
            self._pending.append(told)
            self._machine.break_here()

    def _settle(self) -> bool:
        """The instruction is over that somebody told of: whether that stops the run."""
        told, self._pending = self._pending, []
        stops, seen = False, set[int]()
        for each in told:
            row = each.breakpoint
            if row.number in seen:
                continue
            self._debuggee.value = each.new
            self._debuggee.old = each.new if each.old is None else each.old
            if self._hits(row):
                seen.add(row.number)
                stops = True
                self._notes.append(self._said(each))
        return stops

    def _said(self, told: Told) -> str:
        if told.old is not None:
            return f"{self._debuggee.name(told.at)}: {told.old:02x} -> {told.new:02x}"
        word = "written" if told.breakpoint.kind is Kind.PORT_WRITE else "read"
        return f"port {told.at:02x} {word}: {told.new:02x}"
