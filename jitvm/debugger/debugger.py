"""The debugger without a user: breakpoints, steps, changes, forwards and backwards.

    debugger = Debugger(platform, program, Options(...))
    debugger.breakpoint(Kind.CODE, {0x0120}, "main")
    stopped = debugger.go_on()            Stopped(reason, breakpoints, notes)
    debugger.reverse()                    to the last hit before

What stops a run is decided here: the engine comes to a place (`_judge`), or tells of a store or a
port (`_told_write`, `_told_port`). The first is decided on the spot, before the instruction; the
others once their instruction is over, when the state is what it has left (`_settle`).

Backwards, hits are counted from the moment before, then the run is repeated up to the last of
them; if there is none, from the moment before that. So conditions mean the same in both
directions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any

from jitvm.debugger.acts import Source
from jitvm.debugger.breakpoints import Breakpoint, Kind, Table
from jitvm.debugger.expressions import Expression, ExpressionError, Number, Place, cells_of
from jitvm.debugger.history import MEMORY, End, History, Sink
from jitvm.debugger.stopped import Goal, Paused, Stopped, Told
from jitvm.engine.machine.machine import Tier
from jitvm.platform.callstacks import Frame, Walker
from jitvm.platform.probe import Effects, OpcodeKinds, probe

if TYPE_CHECKING:
    from jitvm.debugger.moments import Moment
    from jitvm.engine.interpreter.filters import Filter
    from jitvm.engine.tables.params import Parameters
    from jitvm.guest import Guest, State
    from jitvm.platform import Platform, Program

MOST_STEPS = 200_000
"""Instructions that a step by lines takes at most, calls that are stepped over not counted."""
WINDOW = 4_000
LONGEST_WINDOW = 500_000
"""Instructions that a step back by lines looks through at first, and at most."""
_BRACES = re.compile(r"\{([^{}]*)\}")


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
        table: breakpoints.
    """

    def __init__(self, platform: Platform, program: Program, options: Options) -> None:
        self.platform = platform
        self.program = program
        out = Sink(lambda data: options.write(data, False))
        err = Sink(lambda data: options.write(data, True))
        self.computer = platform.computer(
            program, args=options.args, tier=options.tier, params=options.params,
            stdout=out, stderr=err, **options.running,
        )  # fmt: skip
        self.machine = self.computer.machine
        self.guest: Guest = self.machine.guest
        self.history = History(self.computer, options.source, (out, err), options.memory)
        self.table = Table()
        self.kinds = OpcodeKinds(self.guest)
        self._walker: Walker | None = None
        self._log = options.log
        self._value = self._old = 0
        self._goal: Goal | None = None
        self._is_there = False
        self._found: list[Breakpoint] = []
        self._notes: list[str] = []
        self._pending: list[Told] = []
        self._shadow: dict[int, int] = {}
        self._count: int | None = None
        self._last_hit = self._hit_goal = 0
        self._by_address: dict[int, list[Breakpoint]] = {}
        self._by_opcode: dict[int, list[Breakpoint]] = {}
        self._readers: list[Breakpoint] = []
        self._armed: tuple[object, ...] = ()
        self.history.run(0)

    # -- what expressions are about ----------------------------------------------------------

    @property
    def state(self) -> State:
        """Of the machine."""
        return self.machine.state

    @property
    def names(self) -> Mapping[str, Number]:
        """What expressions may name besides what every guest has."""
        return {
            "time": lambda: self.history.time,
            "value": lambda: self._value,
            "old": lambda: self._old,
        }

    def address_of(self, label: str) -> int | None:
        """The address of a label."""
        return self.program.address_of(label)

    def expression(self, text: str) -> Expression:
        """An expression about this program.

        Raises:
            ExpressionError: it makes no sense.
        """
        return Expression(text, self)

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
        for part in _BRACES.findall(log or ""):
            self.expression(part)
        row = self.table.add(kind, where, what)
        row.condition, row.ignore, row.log = expression, ignore, log
        row.is_temporary = is_temporary
        return row

    def take_over(self, before: Debugger) -> None:
        """Have the breakpoints of another run of the program, as if none had been hit."""
        self.table = before.table
        for row in self.table.rows.values():
            row.ignore, row.hits = max(row.ignore - row.hits, 0), 0
            if row.condition is not None:
                row.condition = self.expression(row.condition.text)

    def _limit(self, kind: Kind) -> int:
        if kind in (Kind.PORT_READ, Kind.PORT_WRITE):
            return self.guest.ports
        return 256 if kind is Kind.OPCODE else self.guest.code_space.size

    def _arm(self) -> None:
        """Have the machine stop where it may have to."""
        table, goal = self.table, self._goal
        self._by_address = self._sorted(Kind.CODE)
        self._by_opcode = self._sorted(Kind.OPCODE)
        self._readers = list(table.active(Kind.READ))
        addresses = frozenset(self._by_address)
        if goal is not None:
            addresses |= goal.addresses
        opcodes = frozenset(self._by_opcode)
        if self._readers:
            opcodes |= self.kinds.loads
        watched = table.spans(Kind.WRITE, Kind.CHANGE)
        reads, writes = table.spans(Kind.PORT_READ), table.spans(Kind.PORT_WRITE)
        filters = self._filters()
        armed = (addresses, opcodes, watched, reads, writes, filters)
        if armed == self._armed:
            return
        self._armed = armed
        self.machine.break_at(addresses, opcodes, self._judge, filters=filters)
        self.machine.watch_writes(watched, self._told_write)
        self.machine.watch_ports(reads, writes, self._told_port)
        self._remember()

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

    def _sorted(self, kind: Kind) -> dict[int, list[Breakpoint]]:
        found: dict[int, list[Breakpoint]] = {}
        for row in self.table.active(kind):
            for at in row.spans:
                found.setdefault(at, []).append(row)
        return found

    def _remember(self) -> None:
        """Know the watched bytes as they are now."""
        memory = self.machine.memory
        self._shadow = {at: memory[at] for at in self.table.spans(Kind.WRITE, Kind.CHANGE)}

    # -- what stops a run --------------------------------------------------------------------

    def _judge(self, pc: int) -> bool:
        """Whether to stop before the instruction at an address."""
        if self.history.is_quiet:
            return False
        stops = False
        for row in self._by_address.get(pc, ()):
            stops |= self._hits(row)
        if self._by_opcode:
            for row in self._by_opcode.get(self.machine.memory[pc], ()):
                stops |= self._hits(row)
        if self._readers:
            stops |= self._judge_reads()
        goal = self._goal
        if goal is not None and pc in goal.addresses and goal.is_there():
            self._is_there = True
            stops |= self._counts()
        return stops

    def _judge_reads(self) -> bool:
        code, stops = self.guest.code_index, False
        loads = {at for space, at in self.effects().loads if space == code}
        for row in self._readers:
            if found := row.spans & loads:
                at = min(found)
                self._value = self._old = self.machine.memory[at]
                if self._hits(row):
                    stops = True
                    self._notes.append(f"reads {self.name(at)}: {self._value:02x}")
        return stops

    def _counts(self) -> bool:
        """Count a hit, when they are counted; whether the run stops there."""
        if self._count is None:
            return True
        self._count += 1
        return self._count == self._hit_goal

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
            self._log(self._filled(row.log))
            return False
        self._found.append(row)
        return True

    def _filled(self, text: str) -> str:
        def value(found: re.Match[str]) -> str:
            try:
                number = self.expression(found[1]).value()
            except ExpressionError as error:
                return f"{{{error}}}"
            return f"{number} ({number:#x})" if number >= 10 else str(number)

        return _BRACES.sub(value, text)

    def _told_write(self, start: int, size: int) -> None:
        memory, end = self.machine.memory, len(self.machine.memory)
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
        if not self.history.is_quiet:
            self._pending.append(told)
            self.machine.break_here()

    def _settle(self) -> bool:
        """The instruction is over that somebody told of: whether that stops the run."""
        told, self._pending = self._pending, []
        stops, seen = False, set[int]()
        for each in told:
            row = each.breakpoint
            if row.number in seen:
                continue
            self._value, self._old = each.new, each.new if each.old is None else each.old
            if self._hits(row):
                seen.add(row.number)
                stops = True
                self._notes.append(self._said(each))
        return stops

    def _said(self, told: Told) -> str:
        if told.old is not None:
            return f"{self.name(told.at)}: {told.old:02x} -> {told.new:02x}"
        word = "written" if told.breakpoint.kind is Kind.PORT_WRITE else "read"
        return f"port {told.at:02x} {word}: {told.new:02x}"

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
        return self._run(until, one_act=one_act, passing=passing, deadline=deadline)

    def _run(
        self,
        until: int | None = None,
        *,
        passing: bool = True,
        live: bool = True,
        one_act: bool = False,
        last: int | None = None,
        deadline: float = inf,
    ) -> Stopped:
        """Run on; a hit of a watch after `last` does not count."""
        self._arm()
        self._found, self._notes, self._is_there = [], [], False
        while True:
            self._pending = []
            end = self.history.run(
                until, passing=passing, live=live, one_act=one_act, deadline=deadline
            )
            passing = False
            if last is not None and self.history.time > last:
                self._pending = []
            if self._settle() or self._found or self._is_counted:
                return self._stopped_by_hit()
            if end is End.BREAK and self._is_there and self._count is None:
                return Stopped("step")
            if end is not End.BREAK:
                return self._stopped(end)

    @property
    def _is_counted(self) -> bool:
        return bool(self._count) and self._count == self._hit_goal

    def _stopped_by_hit(self) -> Stopped:
        numbers = tuple(row.number for row in self._found)
        for row in self._found:
            if row.is_temporary:
                self.table.rows.pop(row.number, None)
        return Stopped("breakpoint" if numbers else "step", numbers, tuple(self._notes))

    def _stopped(self, end: End) -> Stopped:
        reasons = {End.TIME: "step", End.ENDED: "ended", End.WAITS: "input", End.PAUSED: "pause"}
        code = self.computer.exit_code
        notes = (f"exit code {code}",) if end is End.ENDED else ()
        return Stopped(reasons[end], (), notes)

    def step(self, count: int = 1) -> Stopped:
        """Execute some instructions."""
        return self.go_on(self.history.time + count)

    def run_to(self, addresses: Iterable[int], is_there: Callable[[], bool] = lambda: True,
               *, one_act: bool = True) -> Stopped:  # fmt: skip
        """Run to one of some addresses, or to the end of what is being run."""
        self._goal = Goal(frozenset(addresses), is_there)
        try:
            return self._run(one_act=one_act)
        finally:
            self._goal = None

    def step_over(self) -> Stopped:
        """Execute one instruction, and all of what it calls."""
        effects = self.effects()
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

    # -- backwards ---------------------------------------------------------------------------

    def go_to(self, time: int) -> Stopped:
        """Be at a time; later than any known, run on to it."""
        if time > self.history.horizon:
            self.history.go_to(self.history.horizon)
            return self.go_on(time)
        self.history.go_to(time)
        self._remember()
        return Stopped("start" if self.history.time == 0 else "step")

    def back(self, count: int = 1) -> Stopped:
        """Take some instructions back."""
        return self.go_to(max(self.history.time - count, 0))

    def reverse(self, *, here: bool = False) -> Stopped:
        """Go back to the last hit of a breakpoint or watch; `here`: a watch that was hit by the
        instruction before counts, too."""
        self._arm()
        now = self.history.time
        bound, last, moment = now, now - 1 + here, self.history.moments.before(now)
        try:
            while moment is not None:
                if count := self._hits_from(moment, bound, last):
                    self._hits_from(moment, bound, last, count)
                    return self._named_hit()
                bound = last = moment.time
                moment = self.history.moments.before(bound)
        except Paused:
            self.go_to(now)
            return Stopped("pause")
        except KeyboardInterrupt:
            self.go_to(now)
            raise
        return self.go_to(0)

    def _hits_from(self, moment: Moment, bound: int, last: int, goal: int = 0) -> int:
        """How many hits there are from a moment to a time; or be at the one of a number."""
        self.history.restore(moment)
        self._remember()
        self._count, self._hit_goal = 0, goal
        try:
            if self._run(bound, passing=False, live=False, last=last).reason == "pause":
                raise Paused
            return self._count
        finally:
            self._count = None

    def _named_hit(self) -> Stopped:
        """Which breakpoints were hit, where the run was stopped by one."""
        numbers = tuple(row.number for row in self._found)
        return Stopped("breakpoint", numbers, tuple(self._notes))

    def reverse_to(
        self, addresses: Iterable[int], is_there: Callable[[], bool] = lambda: True
    ) -> Stopped:
        """Go back to the last time at one of some addresses, or to a breakpoint before that."""
        self._goal = Goal(frozenset(addresses), is_there)
        try:
            stopped = self.reverse()
        finally:
            self._goal = None
        return stopped if stopped.breakpoints or stopped.reason == "start" else Stopped("step")

    def back_line(self, *, over: bool = False) -> Stopped:
        """Go back to the beginning of the line at hand, or of the one before."""
        now, start = self.history.time, self.line()
        if start is None or now == 0:
            return self.back()
        window = WINDOW
        while True:
            begin = max(now - window, 0)
            found = self._line_before(self._trace(begin, now), over=over)
            if found is not None and (found > begin or begin == 0):
                return self.go_to(found)
            if begin == 0 or window >= LONGEST_WINDOW:
                return self.go_to(begin)
            window *= 8

    def _trace(self, begin: int, end: int) -> list[tuple[int, int, tuple[int, ...]]]:
        """Program counters from one time to another, both included: time, address, stack
        pointers."""
        rows: list[tuple[int, int, tuple[int, ...]]] = []
        self.history.go_to(begin)
        time, state = self.history.time, self.state

        def note(pc: int) -> bool:
            rows.append((time + len(rows), pc, tuple(state.pointers)))
            return False

        self._armed = ()
        self.machine.break_at(range(self.guest.code_space.size), (), note)
        self.machine.watch_writes((), None)
        self.machine.watch_ports((), (), None)
        try:
            with self.history.quietly():
                self.history.run(end, live=False)
        finally:
            self._arm()
        note(state.pc)
        return rows

    def _line_before(
        self, rows: list[tuple[int, int, tuple[int, ...]]], *, over: bool
    ) -> int | None:
        """The time at which the line before the last row began; of calls that have returned none
        counts, with `over`."""
        if over:
            rows = self._without_calls(rows)
        found, line = None, None
        for time, pc, _ in reversed(rows[:-1]):
            here = self.line(pc)
            if here is None:
                continue
            if line is not None and here != line:
                break
            found, line = time, here
        return found

    def _without_calls(
        self, rows: list[tuple[int, int, tuple[int, ...]]]
    ) -> list[tuple[int, int, tuple[int, ...]]]:
        """Rows without those of calls that have returned."""
        kept: list[tuple[int, int, tuple[int, ...]]] = []
        open_: list[tuple[int, tuple[int, ...], int]] = []
        memory, opcodes = self.machine.memory, self.guest.opcodes
        stacks = [i for i, stack in enumerate(self.guest.stacks) if stack.return_addresses]
        for row in rows:
            _, pc, pointers = row
            held = tuple(pointers[i] for i in stacks)
            while open_ and open_[-1][1] == held and open_[-1][0] == pc:
                del kept[open_.pop()[2] :]
            kept.append(row)
            if memory[pc] in self.kinds.calls:
                open_.append((pc + opcodes[memory[pc]].length, held, len(kept)))
        return kept

    def back_out(self) -> Stopped:
        """Go back to the call of the routine at hand."""
        outer = self.frames()[1:]
        if not outer:
            return self.reverse_to([])
        frame = outer[0]
        return self.reverse_to(
            [frame.pc], lambda: self.state.pointers[frame.stack] <= frame.pointer
        )

    def last_write(self, address: int, size: int = 1) -> tuple[int, int | None, str] | None:
        """The last write to some bytes: the time before it, the instruction's address (None: the
        user's), and the change; None if nobody has written them. The run stays where it is.
        """
        now, table = self.history.time, self.table
        limit = self.guest.code_space.size
        spans = frozenset((address + i) % limit for i in range(size))
        edited = self.history.last_edit(spans)
        if edited == now:
            return edited, None, ""
        self.table = Table()
        self.table.add(Kind.WRITE, spans, self.name(address))
        try:
            stopped = self.reverse(here=True)
            if edited is not None and edited >= self.history.time:
                return edited, None, ""
            if stopped.reason == "start":
                return None
            changed = [self.machine.memory[at] for at in sorted(spans)]
            self.history.go_to(self.history.time - 1)
            before = [self.machine.memory[at] for at in sorted(spans)]
            time, pc = self.history.time, self.state.pc
        finally:
            self.table = table
            self.history.go_to(now)
            self._arm()
            self._remember()
        return time, pc, f"{bytes(before).hex(' ')} -> {bytes(changed).hex(' ')}"

    # -- looking -----------------------------------------------------------------------------

    def effects(self) -> Effects:
        """What the next instruction would do."""
        return probe(self.guest, self.state)

    def frames(self) -> list[Frame]:
        """Who has called whom, the innermost first."""
        if self._walker is None:
            self._walker = Walker(self.guest, self.kinds)
        return self._walker.frames(self.state, self.state.pc)

    def line(self, address: int | None = None) -> tuple[str, int] | None:
        """File and line of an address (default: the program counter); None if nobody knows."""
        place = self.program.place(self.state.pc if address is None else address)
        return (place.file, place.line) if place.line else None

    def name(self, address: int) -> str:
        """An address as people read it."""
        text = str(self.program.place(address))
        number = f"0x{address:04x}"
        return number if text == number else f"{number} {text}"

    def spell(self, address: int) -> tuple[str, int]:
        """The instruction at an address as text, and its bytes."""
        return self.platform.spell(self.machine.memory, address, self.program)

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
        self._remember()
