"""Running a machine in native code: modes, host functions, interrupts, budgets.

    run: state -> context,  enter(base),  see why it returned,  context -> state

While native code runs, stack pointers and the program counter live in registers. They are in the
context whenever Python sees the machine: host functions are called with the pointers written there,
and may change them.

Stopping from outside: `interrupt` overwrites the machine's dispatch tables with the `stop` handler,
so the next dispatch leaves, and the interpreter pays nothing for being interruptible. Compiled code
polls the context's flag, which is set first.

Stopping at places (`break_at`) and being told of stores (`watch_writes`) take a counting mode: its
stubs give way to others that look at each instruction (`jitvm.engine.interpreter.breaks`), and its
handlers look at the code map at each store. Regions stay away from the places, and look at stores
to the bytes as they look at those to code. Who is called meanwhile may have the machine stop after
the instruction at hand (`break_here`).

Marking what is executed (`mark`) is the same: a counting mode, with stubs of its own
(`jitvm.engine.interpreter.marking`), and regions that leave before what is yet to be marked.

Budgets: from the first run with one, regions charge what they execute, even in runs without one,
since regions that charge and regions that do not cannot be mixed: each switch would recompile all
of them.
"""

from __future__ import annotations

from time import perf_counter

from jitvm.engine.host.background import BACKGROUND
from jitvm.engine.host.foreign import PortFunction, address_of_callback
from jitvm.engine.host.process import GATE, IMPORTS, THREADED
from jitvm.engine.host.unpatched import get_ident
from jitvm.engine.machine.porttables import PortTables
from jitvm.engine.machine.warmup import WarmUp
from jitvm.engine.memory.layout import RING, TARGETS
from jitvm.engine.tables.status import Status
from jitvm.guest import Stop
from jitvm.guest.light import StrEnum

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from jitvm.engine.interpreter.filters import Filter
    from jitvm.engine.interpreter.installed import Handlers
    from jitvm.engine.jit.jit import Jit
    from jitvm.engine.machine.marking import Marking
    from jitvm.engine.machine.stops import Stops
    from jitvm.engine.memory.block import Block
    from jitvm.engine.memory.cache import CodeCache
    from jitvm.engine.tables.events import Listener
    from jitvm.engine.tables.params import Parameters
    from jitvm.guest import State
    from jitvm.guest.marks import Marks

UNLIMITED = (1 << 64) - 1
"""The budget of a run without one; those that exceed it come to the same."""


class Mode(StrEnum):
    """Which dispatch table a run enters with."""

    PLAIN = "plain"
    JIT = "jit"
    """Taken jumps go through the code table, into regions if there are any."""
    CHARGE = "charge"
    """As JIT, with exact instruction counts and budgets: regions charge what they execute."""
    COUNT = "count"
    """Exact instruction counts and budgets, with all code interpreted."""
    PROFILE = "profile"
    """As COUNT, and a count for each opcode."""


class NativeTier:
    """Executes one machine's block with installed handlers.

    `executed` counts instructions of runs in a counting mode and of those with a budget, `begun`
    the events that the last `deliver` has begun, whatever came of it. `mode`
    may be changed between runs, and `counts_interpreted`, by `on_stop` also: whether modes that do
    not count do so outside of compiled code. `began`: when the run at hand did, in seconds.
    `warm_up`: its way to a JIT.
    """

    def __init__(
        self, block: Block, state: State, handlers: Handlers, cache: CodeCache | None = None
    ) -> None:
        self.block = block
        self.state = state
        self.handlers = handlers
        self.mode = Mode.PLAIN
        self.counts_interpreted = False
        self.executed = self._granted = self.begun = 0
        self.on_ring_full: Callable[[], None] | None = None
        self._is_limited = self._was_limited = False
        self.is_native = self.is_called = self.is_running = self._has_last_event = False
        self.thread = 0
        self._error: BaseException | None = None
        layout = block.layout
        self._fields = {name: block.words(at, 1) for name, at in layout.fields.items()}
        self._told = block.words(layout.told["reason"], 2)
        self._pointers = [block.words(at, 1) for at in layout.pointers]
        self._bases = [block.base + at for at in layout.stacks]
        self._masks = [stack.size - 1 for stack in layout.guest.stacks]
        self._tables = {
            name: block.view(at, layout.table_size) for name, at in layout.tables.items()
        }
        self._callbacks = [PortFunction(f) for f in (self._read, self._write, self._ring_full)]
        reads, writes, full = map(address_of_callback, self._callbacks)
        self._fields["ring_full"][0] = full
        self.ports = PortTables(
            block, state.ports, reads=reads, writes=writes,
            collects=handlers.address("collect"), changed=self.forget_regions,
        )  # fmt: skip
        self.connect_reader = self.ports.connect_reader
        self.connect_writer = self.ports.connect_writer
        self.connect_collector = self.ports.connect_collector
        self.watch_ports = self.ports.watch
        for name in ("halt", "event"):
            self._fields[name][0] = self.handlers.address(name)
        self._fields["halted"][0] = self._fields["halt"][0]
        self._asked = False
        self._table: str = Mode.PLAIN
        self._settled = self._window = 0
        self.jit: Jit | None = None
        self.warm_up = WarmUp(self)
        self._entered = 0
        self.began = 0.0
        self._cache = cache
        self.listener: Listener | None = None
        self.on_stop: Callable[[int], None] | None = None
        self._stops: Stops | None = None
        self._broke = False
        self._marking: Marking | None = None
        self._restore_tables()
        GATE.add(self)
        THREADED.add(self)

    # -- the JIT -----------------------------------------------------------------------------

    def make_jit(self, params: Parameters) -> Jit:
        """Make a JIT of this machine, which has not begun."""
        with IMPORTS:
            from jitvm.engine.jit.jit import Jit

        shelf = self.warm_up.shelf()
        return Jit(self.block, self.state, self.handlers, params, self.wake, shelf)

    def compile_rest(self) -> None:
        """See `Machine.compile_rest`."""
        BACKGROUND.alone(self._compile_rest)

    def _compile_rest(self) -> None:
        if self.jit is not None:
            self.jit.keeper.finish_here()

    def begin_jit(self) -> None:
        """Have the JIT that is due, with whatever is kept for it."""
        counting = self.counting
        self.jit = self.warm_up.take()
        self.warm_up.replace_image(self.jit)
        self.jit.report.listener = self.listener
        if self.mode is not Mode.PROFILE:
            self.mode = self.usual_mode(counting=counting)
        self._connect_written()
        if self._is_stopping:
            self.stops.mark()
            self.jit.regions.tell_of(self.stops.watched)
            self.jit.break_at(self.stops.addresses, self.stops.opcodes)
        if self._marking is not None:
            self.jit.mark(self._marking.marks)
        self._fields["recording"][0] = self.jit.recording_address
        self.jit.install_kept()

    def begin_image(self) -> None:
        """Run what is kept, without a JIT."""
        self._connect_written()
        self.mode = self.usual_mode(counting=self.counting)

    def _connect_written(self) -> None:
        """Have the guest's stores into compiled code tell of themselves."""
        if not self._fields["written"][0]:
            written = PortFunction(self._written)
            self._callbacks.append(written)
            self._fields["written"][0] = address_of_callback(written)

    def listen(self, listener: Listener | None) -> None:
        """Tell somebody what the JIT does from now on; None: nobody."""
        self.listener = listener
        for jit in (self.jit, self.warm_up.made):
            if jit is not None:
                jit.report.listener = listener

    def change_params(self, params: Parameters) -> None:
        """Go on with other limits, if there is a JIT yet."""
        if self.jit is not None and self.jit.params is not params:
            self.jit.change_params(params)

    @property
    def counting(self) -> bool:
        """Whether every instruction is counted."""
        return self.mode in (Mode.COUNT, Mode.CHARGE, Mode.PROFILE)

    @counting.setter
    def counting(self, on: bool) -> None:
        self.mode = self.usual_mode(counting=on)

    @property
    def profiling(self) -> bool:
        """Whether instructions are counted by opcode."""
        return self.mode is Mode.PROFILE

    @profiling.setter
    def profiling(self, on: bool) -> None:
        usual = self.usual_mode(counting=False)
        self.mode = Mode.PROFILE if on else usual

    def usual_mode(self, *, counting: bool) -> Mode:
        """The mode of a run without a profile."""
        if self.jit is None and self.warm_up.image is None:
            return Mode.COUNT if counting else Mode.PLAIN
        mode = Mode.CHARGE if counting else Mode.JIT
        image = self.warm_up.image
        if image is not None and image.charging is not self._charges(mode):
            self.begin_jit()
        if self.jit is not None:
            self.jit.regions.charge(self._charges(mode))
        return mode

    @property
    def is_charging(self) -> bool:
        """Whether regions have to charge what they execute."""
        return self._charges(self.mode)

    def _charges(self, mode: Mode) -> bool:
        return self._was_limited or mode in (Mode.COUNT, Mode.CHARGE)

    def _limit(self) -> None:
        """The first run with a budget: regions charge from now on."""
        self._was_limited = True
        if (image := self.warm_up.image) is not None and not image.charging:
            self.begin_jit()
        if self.jit is not None:
            self.jit.regions.charge(True)

    def forget_regions(self) -> None:
        """A port was connected: regions were made for the ports as they were. One that runs is
        left after this instruction."""
        self.warm_up.have_jit()
        if self.jit is not None:
            self.jit.regions.forget_all()
            self._fields["stop"][0] = 1

    # -- devices -----------------------------------------------------------------------------

    def _read(self, _base: int, port: int, _value: int) -> int:
        return self._call(lambda: self.state.ports.read(port), moves=False)

    def _write(self, _base: int, port: int, byte: int) -> int:
        return self._call(lambda: self._tell_device(port, byte))

    def _tell_device(self, port: int, byte: int) -> int:
        self.state.ports.written(port, byte)
        return 0

    def _ring_full(self, _base: int, _port: int, _byte: int) -> int:
        return self._call(self._drain)

    def _drain(self) -> int:
        """Have the ring emptied; if nobody does, the oldest entry goes."""
        try:
            if self.on_ring_full is not None:
                self.on_ring_full()
        finally:
            head, tail = self._fields["ring_head"], self._fields["ring_tail"]
            tail[0] = max(tail[0], head[0] - RING + 1)
        return 0

    def _call(self, function: Callable[[], int], *, moves: bool = True) -> int:
        """Call a host function with the state as it is now; keep what it raises for `run`.

        `moves` says that it may set the stack pointers.
        """
        self.is_called, self.is_native = True, False
        try:
            self._take_pointers()
            try:
                result = function()
            finally:
                if moves:
                    self._give_pointers()
        except BaseException as error:
            self._error = self._error or error
            self._fields["stop"][0] = 1
            self.wake()
            result = 0
        GATE.back(self)
        self.is_called = False
        return result

    def _written(self, _base: int, address: int, _size: int) -> int:
        self.warm_up.have_jit()
        if self.jit is not None:
            self.jit.overwritten(address, 1, by_guest=True)
        try:
            if self._stops is not None:
                self._stops.written(address)
        except BaseException as error:
            self._error = self._error or error
            self.break_here()
        return 0

    def code_written(self, address: int, size: int) -> None:
        """The host wrote to the code space: code made from it is left after this instruction."""
        if self.jit is None and self.warm_up.image is None:
            return
        end = self.block.layout.size
        address %= end
        before_end = min(size, end - address)
        parts = [(address, before_end), (0, min(size - before_end, address))]
        image = self.warm_up.image
        if image is not None and any(image.was_made_from(*part) for part in parts):
            self.begin_jit()  # which installs what still fits
            self._fields["stop"][0] = 1
        if self.jit is None:
            return
        for start, count in parts:
            if self.jit.overwritten(start, count, by_guest=False):
                self._fields["stop"][0] = 1

    # -- marking what is executed ------------------------------------------------------------

    def mark(self, marks: Marks) -> None:
        """See `Machine.mark`; before the first run."""
        with IMPORTS:
            from jitvm.engine.machine.marking import Marking

        self._marking = Marking(self.block, marks, self._cache, self.handlers.key)
        self.warm_up.keep_nothing()  # others' regions have what is not marked here
        if self.jit is not None:
            self.jit.mark(marks)
        self._restore_tables()

    # -- stopping at places ------------------------------------------------------------------

    @property
    def stops(self) -> Stops:
        """Where the machine stops; made for the first who wants it to."""
        if self._stops is None:
            with IMPORTS:
                from jitvm.engine.machine.stops import Stops

            self._stops = Stops(self.block, self._cache, self.handlers.key)
        return self._stops

    @property
    def is_observed(self) -> bool:
        """Whether somebody hears what a JIT does, or wants the machine to stop somewhere."""
        return self.listener is not None or self._is_stopping

    @property
    def _is_stopping(self) -> bool:
        """Whether somebody wants it to stop somewhere, or to be told of stores."""
        return self._stops is not None and self._stops.is_on

    def break_at(
        self,
        addresses: frozenset[int],
        opcodes: frozenset[int],
        judge: Callable[[int], bool] | None,
        filters: Mapping[int, Filter],
    ) -> None:
        """See `Machine.break_at`."""
        if addresses or opcodes:
            self.warm_up.have_jit()
        self.stops.stop_at(addresses, opcodes, judge, filters)
        self._restore_tables()
        if self._fields["interrupt"][0]:  # somebody has asked meanwhile
            self.wake()
        if self.jit is not None:
            self.jit.break_at(addresses, opcodes)
        self._change_table()

    def _change_table(self) -> None:
        """Have a run that calls the host right now go on with another table."""
        if self.is_called:
            self._fields["stop"][0] = 1
            self.wake()

    def pass_break(self) -> None:
        """See `Machine.pass_break`."""
        self.stops.passes = self.state.pc

    def break_here(self) -> None:
        """See `Machine.break_here`."""
        self._broke = True
        self._fields["stop"][0] = 1
        self.wake()

    def watch_writes(
        self, addresses: frozenset[int], told: Callable[[int, int], object] | None
    ) -> None:
        """See `Machine.watch_writes`."""
        if addresses:
            self.warm_up.have_jit()
        self._connect_written()
        before = self.stops.tell_of(addresses, told)
        if self.jit is not None:
            self.jit.regions.tell_of(addresses)
        else:
            self.stops.unmark(before)
            self.stops.mark()
        self._change_table()

    def _pass_over(self) -> bool:
        """Execute the instruction at hand, before which native code came back; whether it goes
        on then."""
        fields = self._fields
        fields["budget"][0] -= 1
        self._go(self.handlers.step)
        while fields["status"][0] == Status.MISSING:
            self._make_handlers()
            self._go(self.handlers.step)
        status = fields["status"][0]
        if status == Status.INTERRUPT and not fields["interrupt"][0]:
            return True
        return self._goes_on(status)

    def _stops_at(self, pc: int) -> bool:
        """Native code came back before an instruction to stop at: whether the run ends there."""
        if self._table == "record":
            self._enter_with(self._table_at_hand())  # a recording has no gaps

        def look() -> None:
            self._take_pointers()
            self.state.pc = pc

        try:
            return self.stops.ends_at(pc, look)
        except BaseException as error:
            self._error = self._error or error
            return True

    # -- state -------------------------------------------------------------------------------

    def _take_pointers(self) -> None:
        for i, (field, base) in enumerate(zip(self._pointers, self._bases, strict=True)):
            self.state.pointers[i] = field[0] - base

    def _give_pointers(self) -> None:
        for field, base, mask, pointer in zip(
            self._pointers, self._bases, self._masks, self.state.pointers, strict=True
        ):
            field[0] = base + (pointer & mask)

    # -- running -----------------------------------------------------------------------------

    @property
    def executed_now(self) -> int:
        """`executed`, with what the run at hand has done so far; from any thread."""
        return self.executed + self._granted - self._fields["budget"][0]

    def run(self, budget: int | None = None) -> Stop:
        """Run from ``state.pc``; at most `budget` instructions, exactly."""
        try:
            self._begin(budget)
            self._fields["pc"][0] = self.state.pc
            self._entered = self.state.pc
            if self._stops is not None and self._stops.passes != self.state.pc:
                self._stops.passes = -1
            self._go(self.handlers.enter)
            return self._finish()
        finally:
            self.is_running = False

    def _go(self, function: Callable[..., Any], *arguments: object) -> Any:
        """Be in native code until it comes back."""
        GATE.enter(self)
        try:
            return function(self.block.base, *arguments)
        finally:  # also if the handler of a signal raises something as soon as it is back
            self.is_native = False

    def step(self) -> Stop:
        """Execute one instruction: its handler, with a table in which everything stops."""
        if self._fields["interrupt"][0] and not self._goes_on(Status.INTERRUPT):
            return Stop.INTERRUPT
        try:
            self._begin(None)
            self._fields["pc"][0] = self.state.pc
            if self._marking is not None:
                self._marking.steps(self.state.pc)
            self._go(self.handlers.step)
            while self._fields["status"][0] == Status.MISSING:
                self._make_handlers()
                self._go(self.handlers.step)
            halted = self._fields["status"][0] == Status.HALT
            self._fields["status"][0] = Status.HALT
            self.executed += self._mode_at_hand() not in (Mode.PLAIN, Mode.JIT)
            self._finish()
        finally:
            self.is_running = False
        return Stop.HALT if halted else Stop.BUDGET

    def deliver(
        self,
        data: bytes,
        port: int,
        stop_port: int,
        mark: tuple[int, int],
        budget: int | None,
        vector_port: int | None = None,
    ) -> tuple[int, Stop]:
        """Run one event a byte natively; returns events begun and why it came back."""
        self.begun, stop, self._has_last_event = 0, Stop.HALT, False
        page = self.state.ports.page
        self._fields["event_vector"][0] = (
            0 if vector_port is None else self.block.base + self.block.layout.ports + vector_port
        )
        left = budget
        try:
            while self.begun < len(data):
                self._begin(left)
                self._fields["status"][0] = Status.HALT
                rest = data[self.begun :]
                self.begun += self._go(
                    self.handlers.deliver, rest, len(rest), port, stop_port, *mark
                )
                stop = self._finish()
                if left is not None:
                    left = self._fields["budget"][0]
                if stop is not Stop.HALT or page[stop_port] or self._has_last_event:
                    break
        finally:
            self._fields["event_vector"][0] = 0
            self.is_running = False
        return self.begun, stop

    def end_events(self) -> None:
        """See `Machine.end_events`."""
        self._has_last_event = True
        self._fields["event_end"][0] = self._fields["event_data"][0]

    def interrupt(self) -> None:
        """Make the run return at its next dispatch or compiled loop; from any thread."""
        self._asked = True
        self.wake()

    def wake(self) -> None:
        """Have native code come back, to be entered again if nobody asked it to stop."""
        self._fields["interrupt"][0] = 1
        stop = self.handlers.tables["stop"]
        for name, view in self._tables.items():
            if name not in TARGETS:
                view[:] = stop

    def _begin(self, budget: int | None) -> None:
        self.began = perf_counter()
        self.is_running, self.thread = True, get_ident()
        self._is_limited = budget is not None
        if self._is_limited and not self._was_limited:
            self._limit()
        if self.warm_up.is_awaited:
            self.warm_up.before_run()
        self._told[0] = self._told[1] = 0
        self._broke = False
        self._granted = UNLIMITED if budget is None else min(budget, UNLIMITED)
        self._fields["budget"][0] = self._granted
        mode = self._mode_at_hand()
        if self._table == "record" and mode in (Mode.JIT, Mode.CHARGE):
            self._go_on_recording()
        else:
            self._enter_with(self._table_at_hand())
        self._give_pointers()

    def _mode_at_hand(self) -> Mode:
        """The mode of the run at hand: the one asked for, or one that counts and does the same."""
        mode = self.mode
        if (
            self._is_limited
            or self.counts_interpreted
            or self._is_stopping
            or self._marking is not None
        ):
            return {Mode.PLAIN: Mode.COUNT, Mode.JIT: Mode.CHARGE}.get(mode, mode)
        if mode is Mode.JIT and self._was_limited:
            return Mode.CHARGE
        return mode

    def _table_at_hand(self) -> Mode:
        """The table of that mode; while there is nothing to enter and nothing to look for, that of
        a machine without a JIT, which is a fifth faster."""
        mode = self._mode_at_hand()
        if self.jit is not None and self.jit.is_idle:
            return {Mode.JIT: Mode.PLAIN, Mode.CHARGE: Mode.COUNT}.get(mode, mode)
        return mode

    def _enter_with(self, table: str) -> None:
        self._table = table
        self._fields["table"][0] = self.block.base + self.block.layout.tables[table]

    def _finish(self) -> Stop:
        """Deal with what brought native code back, until it is something for the caller."""
        fields = self._fields
        while self._goes_on(fields["status"][0]):
            self._go(self.handlers.enter)
        self._settle()
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return Stop(fields["status"][0])

    def _settle(self) -> None:
        """Take the state from where native code has left it."""
        fields = self._fields
        self.executed, self._granted = self.executed_now, fields["budget"][0]
        self._take_pointers()
        self.state.pc = fields["pc"][0]
        if self._marking is not None:
            self._marking.settle(self.state.pc)
        self.state.reason, self.state.place = self._told
        self.is_running = False
        if self.warm_up.is_awaited:
            self.warm_up.ran += perf_counter() - self.began

    def forget_threads(self) -> None:
        """In a child made by `fork`: what ran on another thread has stopped where it was."""
        self.warm_up.forget_threads()
        if self.is_running and self.thread != get_ident():
            self._settle()

    def _goes_on(self, status: int) -> bool:
        """Whether native code is to be entered again after it came back with a status."""
        fields, jit = self._fields, self.jit
        if status == Status.MISSING:
            self._uncount()
        self._settle_recording()
        if status == Status.MISSING:
            self._make_handlers()
            return True
        if status == Status.RECORDED and fields["recording_head"][0] < self._window:
            # The budget ended first; the recording goes on in the next run.
            status = fields["status"][0] = Status.BUDGET
        if status == Status.BREAK:
            return not self._stops_at(fields["pc"][0]) and self._pass_over()
        if status == Status.HOST and self._broke:
            fields["stop"][0] = 0
            status = fields["status"][0] = Status.INTERRUPT
        if status == Status.INTERRUPT:
            self._restore_tables()
            fields["interrupt"][0] = 0
            if self.on_stop is not None:
                self._take_pointers()
                self.on_stop(fields["pc"][0])
            if jit is not None:
                jit.install_done()
            else:
                self.warm_up.come_back()
            if self._table not in ("record", self._table_at_hand()):
                self._enter_with(self._table_at_hand())
            asked, self._asked = self._asked, False
            broke, self._broke = self._broke, False
            if broke and self._error is None:
                fields["status"][0] = Status.BREAK
                if asked:  # by somebody else: the next run is for them
                    self.interrupt()
            return not (asked or broke) and self._error is None
        if status == Status.HOST:
            fields["stop"][0] = 0
            return self._error is None
        if jit is None and self.warm_up.image and status in (Status.HOT, Status.HOT_EXIT):
            self.warm_up.is_hot()
            return True
        if jit is None or status in (Status.HALT, Status.BUDGET):
            if jit is not None and self._table == "record":
                self._end_recording_early(jit)
            return False
        window = jit.window
        if status == Status.HOT and jit.wants_recording(fields["pc"][0]):
            fields["recording_head"][0] = self._settled = 0
            self._window = window
            self._go_on_recording()
        elif status == Status.RECORDED:
            jit.recorded(fields["recording_head"][0], self._entered)
            self._enter_with(self._table_at_hand())
        elif status == Status.HOT_EXIT:
            jit.exit_is_hot(fields["exit"][0])
        return True

    def _make_handlers(self) -> None:
        """Make handlers of the opcode at hand, which had none."""
        opcode = self.state.spaces[self.block.layout.guest.code_index][self._fields["pc"][0]]
        with IMPORTS:
            from jitvm.engine.interpreter.installed import handlers_for

        handlers_for(self.block.layout.guest, self._cache, (opcode,))
        self._restore_tables()
        if self._fields["interrupt"][0]:  # somebody has asked meanwhile
            self.wake()

    def _uncount(self) -> None:
        """Take back what a stub did for an instruction that was not executed then."""
        if self._marking is not None:
            self._marking.begin_anew()
        if self._table == "record":
            self._fields["recording_head"][0] -= 1
        elif self._table in (Mode.COUNT, Mode.CHARGE, Mode.PROFILE):
            self._fields["budget"][0] += 1
        if self._table == Mode.PROFILE:
            layout = self.block.layout
            opcode = self.state.spaces[layout.guest.code_index][self._fields["pc"][0]]
            self.block.words(layout.histogram, 256)[opcode] -= 1

    def _go_on_recording(self) -> None:
        """Record until the window is full or the budget spent, whichever is first."""
        left = self._fields["budget"][0]
        self._fields["recording_size"][0] = min(self._window, self._settled + left)
        self._enter_with("record")

    def _settle_recording(self) -> None:
        """Take what was recorded since the last time off the budget: the table does not count."""
        if self._table == "record":
            head = self._fields["recording_head"][0]
            if self._mode_at_hand() is not Mode.JIT:
                self._fields["budget"][0] -= head - self._settled
            self._settled = head

    def _end_recording_early(self, jit: Jit) -> None:
        """The guest halted: what is recorded may do. Guests that are called again and again for
        short events go on recording in the next one."""
        count = self._fields["recording_head"][0]
        if count >= jit.params.window:
            jit.recorded(count, self._entered)
            self._table = self.mode

    def _restore_tables(self) -> None:
        tables = self.handlers.tables
        stop = tables["stop"]
        if self._stops is not None:
            tables = self._stops.tables(tables)
        if self._marking is not None:
            tables = tables | self._marking.tables
        for name, view in self._tables.items():
            table = tables[name]
            view[:] = table + stop[len(table) :]  # other stubs are only for state 0, as those
