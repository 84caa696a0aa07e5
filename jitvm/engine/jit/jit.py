"""The JIT of one machine: when to record, what to compile, what to install and throw away.

    counter runs out at an address      Status.HOT        a recording starts (table `record`)
    the recording's window is full      Status.RECORDED   a job goes to the compile thread
    the job is done                     an interrupt      the region is installed
    the guest overwrites its code       `written`         the region is thrown away

Everything that touches the machine happens on the guest's thread, between two entries to native
code, so nothing is installed or freed while code runs; the compile thread sees copies only.

Invariants
 1. ``code[pc]`` is a region's address only while every byte in `Assumptions.code` of it holds the
    value it was compiled with, has CODE set in the code map, and no installed region writes any
    of them unguarded.
 2. Bytes in `Assumptions.cells` of an installed region have CELL set in the code map.
 3. A region that is thrown away is freed only when the guest is not inside native code.
"""

from __future__ import annotations

import ctypes
import threading
import time
from array import array
from collections import Counter
from collections.abc import Callable
from functools import partial

from jitvm.engine.host.process import THREADED
from jitvm.engine.jit.codemap import CodeMap
from jitvm.engine.jit.compiler import Job, compile_thread
from jitvm.engine.jit.keeper import Keeper
from jitvm.engine.jit.maker import Refused, RegionMaker
from jitvm.engine.jit.planner import Planner
from jitvm.engine.jit.regions import Compiled, Installed, Statistics
from jitvm.engine.jit.thorough import Polisher
from jitvm.engine.memory.arena import ArenaFull, Span, shared_arena
from jitvm.engine.memory.layout import EXITS, NEVER, REGIONS
from jitvm.engine.region.core import World
from jitvm.engine.region.window import Window, changed_bytes
from jitvm.engine.tables import events
from jitvm.engine.tables.params import Parameters
from jitvm.engine.tables.reasons import Reason

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.engine.interpreter.installed import Handlers
    from jitvm.engine.jit.kept import Shelf
    from jitvm.engine.memory.block import Block
    from jitvm.guest import State


class Jit:
    """Regions of one machine.

    Args:
        block, state: the machine's memory.
        handlers: its interpreter, whose `counted` stub fills the code table.
        params: limits.
        wake: called from the compile thread to have the guest come back for an installation.
        shelf: where regions are kept between runs; None keeps none.

    Attributes:
        regions: what can be entered, by address.
        planner: what is known of the program.
        maker: what compiles.
        polisher: what compiles again, thoroughly.
        keeper: what keeps regions between runs.
        code_map: what the bytes of the code space are to regions.
        exit_counts: how often each exit was taken, 32 bits each; a region's begin at its
            `first_exit`.
        executed_counts: instructions each region has executed, 64 bits each, by its `slot`; they
            stay zero unless charging.
        executed_before: instructions executed by regions that are gone, by where they began.
        statistics: what was done since the machine was made.
        entered: where the host last began to run the guest.
        epoch: rises when all that was compiled no longer holds.
    """

    maker_type: type[RegionMaker] = RegionMaker

    def __init__(
        self,
        block: Block,
        state: State,
        handlers: Handlers,
        params: Parameters,
        wake: Callable[[], None],
        shelf: Shelf | None = None,
    ) -> None:
        self.block = block
        self.guest = block.layout.guest
        self.state = state
        self.params = params
        self.wake = wake
        self.epoch = 0
        self._graveyard: list[Span] = []
        self.regions: dict[int, Installed] = {}
        self.statistics = Statistics()
        self.planner = Planner(self.guest, params, self.regions)
        self.maker = self.maker_type(block.layout, self.planner, params, lambda: self.now)
        self.polisher = Polisher(self)
        self.keeper = Keeper(self, shelf)
        layout = block.layout
        self.code_map = CodeMap(
            block.view(layout.code_map, layout.size), block.words(layout.fields["watermark"], 1)
        )
        self.exit_counts = block.view(layout.exits, 4 * EXITS).cast("I")
        self.executed_counts = block.words(layout.executed, REGIONS)
        self.executed_before: Counter[int] = Counter()
        self._counted = handlers.address("counted")
        self._code = block.words(layout.code, layout.size)
        self._code[:] = memoryview(array("Q", [self._counted]) * layout.size)
        self._counters = block.view(layout.counters, 2 * layout.size).cast("H")
        self._counters[:] = memoryview(array("H", [params.hot]) * layout.size)
        self._busy = block.words(layout.fields["busy"], 1)
        self._patience = block.words(layout.fields["patience"], 1)
        block.words(layout.fields["hot"], 1)[0] = params.hot
        self._vector = block.words(layout.fields["vector"], 1)
        self.entered = 0
        self._hits: Counter[int] = Counter()
        self._done: list[tuple[int, Compiled | None, Reason | None]] = []
        self._done_lock = threading.Lock()
        self._pending = 0
        self._set_busy(False)
        self._form_anew: dict[int, Reason] = {}
        self._charging = False
        self._buffer = (ctypes.c_uint64 * max(params.window, params.longest))()
        self._before = bytearray()
        self._hot = 0
        self._began = time.monotonic()
        THREADED.add(self)

    def __del__(self) -> None:
        """With its machine, which nothing runs any more, all its code goes."""
        for installed in self.regions.values():
            installed.span.free()
        self._bury()

    def forget_threads(self) -> None:
        """In a child made by `fork`: what was being compiled will not come, what was ready will."""
        self._done_lock = threading.Lock()
        self._pending = len(self._done)
        self._set_busy(self._pending > 0)
        self.polisher.forget_threads()

    # -- what listeners and profiles see -----------------------------------------------------

    @property
    def listener(self) -> events.Listener | None:
        """Who is told what happens; None: nobody."""
        return self.maker.listener

    @listener.setter
    def listener(self, listener: events.Listener | None) -> None:
        self.maker.listener = listener

    @property
    def now(self) -> float:
        """Seconds since this JIT was made."""
        return time.monotonic() - self._began

    def _tell(self, kind: type[events.Event], address: int, *values: object) -> None:
        if self.listener is not None:
            self.listener(kind(self.now, address, *values))

    @property
    def is_charging(self) -> bool:
        """Whether regions count the instructions they execute."""
        return self._charging

    def executed_in(self, installed: Installed) -> int:
        """Instructions a region has executed since it was installed; zero unless charging."""
        return self.executed_counts[installed.compiled.slot]

    @property
    def executed(self) -> int:
        """Instructions all regions have executed, also those that are gone; needs charging.

        Readable from any thread, while regions come and go.
        """
        gone = sum(list(self.executed_before.values()))
        return gone + sum(self.executed_in(each) for each in list(self.regions.values()))

    def times_left(self, installed: Installed) -> list[int]:
        """How often each exit of a region was taken, in the order of its `compiled.exits`."""
        first = installed.compiled.first_exit
        return self.exit_counts[first : first + len(installed.compiled.exits)].tolist()

    @property
    def recorded_edges(self) -> dict[int, Counter[int]]:
        """How often control was recorded to go from one address to another."""
        return self.planner.learned.edges

    def travel(self, pc: int) -> int:
        """How often an instruction was seen while recording; readable from any thread."""
        return sum(list(self.recorded_edges.get(pc, {}).values()))

    @property
    def variables(self) -> frozenset[int]:
        """Bytes of code that are known to change while the program runs."""
        return frozenset(self.planner.learned.written)

    # -- parameters of a running machine -----------------------------------------------------

    def change_params(self, params: Parameters) -> None:
        """Go on with other limits; between runs, on the thread that runs the machine.

        What is compiled stays as it is. A recording at hand keeps its length.
        """
        layout = self.block.layout
        longest = max(params.window, params.longest)
        if longest > len(self._buffer):
            buffer = (ctypes.c_uint64 * longest)()
            ctypes.memmove(buffer, self._buffer, ctypes.sizeof(self._buffer))
            self._buffer = buffer
            self.block.words(layout.fields["trace"], 1)[0] = self.trace_address
        self.block.words(layout.fields["hot"], 1)[0] = params.hot
        self.params = self.planner.params = self.maker.params = params
        self._set_busy(self._pending > 0)

    # -- recording ---------------------------------------------------------------------------

    @property
    def trace_address(self) -> int:
        """Where the recording table writes."""
        return ctypes.addressof(self._buffer)

    @property
    def window(self) -> int:
        """Instructions the next recording takes: each twice as many as the one before."""
        longer = self.params.window << min(self.statistics.recordings, 16)
        return max(self.params.window, min(longer, self.params.longest))

    def wants_recording(self, pc: int) -> bool:
        """A counter ran out: whether to record now. Rearms the counter."""
        if self._pending:
            self._counters[pc] = self.params.hot
            return False
        self._counters[pc] = min(65535, self.params.hot * self.params.cooldown)
        self._tell(events.Hot, pc)
        self._hot = pc
        self._before = bytearray(self.state.spaces[self.guest.code_index])
        self.statistics.recordings += 1
        return True

    def recorded(self, count: int) -> None:
        """The window is full: choose and compile, here or on the compile thread."""
        self._tell(events.Recorded, self._hot, count)
        memory = bytes(self.state.spaces[self.guest.code_index])
        raw = bytes(memoryview(self._buffer).cast("B")[: 8 * count])
        sizes = tuple(stack.size for stack in self.guest.stacks)
        begins = frozenset((self._vector[0], self.entered))
        changed = changed_bytes(bytes(self._before), memory)
        window = Window(self._hot, raw, memory, changed, sizes, begins)
        world = self.world(window.changed)
        self._submit(lambda: self._job(window, world))

    def form_anew(self) -> None:
        """Compile regions again that turned out to assume too much; the old ones stay till then."""
        if self._pending or not self._form_anew:
            return
        world = self.world()
        todo, self._form_anew = self._form_anew, {}
        for start in sorted(todo, key=self._need):
            self._submit(partial(self._job_again, start, world))

    def _need(self, start: int) -> tuple[int, int]:
        """A key for sorting by how much there is to gain: how often the old region was left."""
        installed = self.regions.get(start)
        return -sum(self.times_left(installed)) if installed else 0, start

    def _submit(self, job: Job) -> None:
        with self._done_lock:
            self._pending += 1
        self._set_busy(True)
        if self.params.background:
            compile_thread().submit(job)
        else:
            job()
            self.install_done()

    def _set_busy(self, is_busy: bool) -> None:
        """Whether regions are being made: nothing else is begun then, so native code need not come
        back for it. Each time it would wait for the interpreter lock."""
        self._busy[0] = is_busy
        self._patience[0] = NEVER if is_busy else self.params.exit_hot

    def world(self, changed: frozenset[int] = frozenset()) -> World:
        """The machine as it is now; `changed` are bytes that just proved to be variables.

        What was learned before is added where a region is formed, as it is then.
        """
        ports = self.state.ports
        return World(
            memory=bytes(self.state.spaces[self.guest.code_index]),
            written=changed,
            watched=self.code_map.watched,
            readers=frozenset(ports.readers),
            writers=frozenset(ports.writers),
            collected=frozenset(ports.collected),
            epoch=self.epoch,
            charging=self._charging,
        )

    # -- compiling: on the compile thread ----------------------------------------------------

    def _job(self, window: Window, world: World) -> None:
        def work() -> Compiled:
            self.planner.learn(window)
            start = self.planner.choose(window)
            if start is None:
                raise Refused(Reason.NO_LOOP)
            self.planner.expect_pointers(start, window)
            return self._quickly(start, world)

        first = self._do(window.hot, work)
        if first is None:
            return
        # What a region is left for is known already: nobody needs to find it hot first.
        made = {first.region.start}
        new = [first]
        todo = self.planner.beyond(first.region)
        while todo and len(made) <= self.params.followers:
            start = todo.pop(0)
            if start in made or self.planner.region_at(start) is not None:
                continue
            made.add(start)
            links = self.planner.large() | {
                each.region.start for each in new if self.planner.is_large(each.region)
            }
            with self._done_lock:
                self._pending += 1
            self.planner.expect_pointers(start, window)
            cut = any(start in each.region.cuts for each in new)
            nodes = self.params.quick if cut else self.params.follower_nodes
            work = partial(self.maker.compile, start, world, links=links, nodes=nodes)
            compiled = self._do(start, work)
            if compiled is not None:
                new.append(compiled)
                todo += self.planner.beyond(compiled.region)

    def _quickly(self, start: int, world: World) -> Compiled:
        """A region as it is first made, where nothing led to it but that it is hot."""
        links, nodes = self.planner.large(), self.params.quick
        return self.maker.compile(start, world, links=links, nodes=nodes)

    def _job_again(self, start: int, world: World) -> None:
        self._do(start, partial(self._quickly, start, world))

    def _do(self, pc: int, work: Callable[[], Compiled]) -> Compiled | None:
        """Do the work for an address; whatever goes wrong, the guest goes on interpreting."""
        compiled = None
        try:
            compiled = work()
            self._finish(pc, compiled, None)
        except Refused as refused:
            self._finish(pc, None, refused.reason)
        except Exception as error:
            self.statistics.failed(error)
            self._finish(pc, None, Reason.COMPILER)
        return compiled

    def _finish(self, pc: int, compiled: Compiled | None, reason: Reason | None) -> None:
        """Hand a result over to the guest's thread."""
        with self._done_lock:
            self._done.append((pc, compiled, reason))
        if self.params.background:
            self.wake()

    # -- installing: on the guest's thread ---------------------------------------------------

    def install_done(self) -> None:
        """Install what the compile thread has finished."""
        self._bury()
        with self._done_lock:
            done, self._done = self._done, []
        if done:
            self.polisher.last_change = time.monotonic()
        for pc, compiled, reason in done:
            with self._done_lock:
                self._pending -= 1
            if compiled is not None:
                reason = self.install(compiled)
            if reason is not None:
                self.statistics.refused[reason.name] += 1
                self._tell(events.Refused, pc, reason.name)
            self._rearm(pc, reason)
        self._set_busy(self._pending > 0)
        self.polisher.install_done()
        self.form_anew()
        if not self._pending:
            self.polisher.next()

    def _rearm(self, pc: int, reason: Reason | None) -> None:
        """Set the counter of an address again, the higher the oftener it led to nothing."""
        about = self.planner.about(pc)
        about.failures = 0 if reason is None else about.failures + 1
        factor = self.params.cooldown ** min(about.failures, 8)
        self._counters[pc] = min(65535, self.params.hot * factor)

    def install(self, compiled: Compiled) -> Reason | None:
        """Have a region entered from now on, in the place of one that begins where it does.

        Returns why not, where what it was made from is no longer so.
        """
        region = compiled.region
        assumptions = region.assumptions
        if compiled.epoch != self.epoch:
            return Reason.CONNECTED
        self.statistics.compiled += 1
        self.statistics.compile_seconds += sum(compiled.seconds)
        about = self.planner.about(region.start)
        memory = self.state.spaces[self.guest.code_index]
        conflicts = self.code_map.conflicts(assumptions, memory)
        aliased = not assumptions.cells.isdisjoint(self.planner.learned.aliased)
        if conflicts or aliased:
            self.planner.learned.written |= {
                at for at in conflicts if not self._is_loaded(at, assumptions.code.get(at))
            }
            self.statistics.rejected += 1
            about.invalidated += 1
            if about.invalidated < self.params.invalidations:
                self._form_anew[region.start] = Reason.OVERWRITTEN
            return Reason.OVERWRITTEN
        try:
            span = shared_arena().install(compiled.text)
        except ArenaFull:
            return Reason.ARENA
        old = self.regions.get(region.start)
        if old is not None:
            self._remove(old)
        self.statistics.installed += 1
        installed = Installed(self.statistics.installed, compiled, span)
        for i in range(len(compiled.exits)):
            self.exit_counts[compiled.first_exit + i] = 0
        self.executed_counts[compiled.slot] = 0
        self.regions[region.start] = installed
        self.code_map.claim(region.start, assumptions)
        about.formed += 1
        if self._form_anew.get(region.start, Reason.ENTRY) is not Reason.ENTRY:
            del self._form_anew[region.start]  # this one was formed with what was found out
        self._code[region.start] = span.address
        self.planner.inner.pop(region.start, None)
        for at, offset in compiled.entries.items():
            self._enter_at(at, offset, installed)
        size, kept = len(compiled.text), compiled.is_kept
        self._tell(events.Installed, region.start, installed.number, region.size, size, kept)
        return None

    def _enter_at(self, at: int, offset: int, installed: Installed) -> None:
        """Have a region entered at a place inside of it, unless a better one begins there: one
        that was made thoroughly, or has something this one has not."""
        other = self.regions.get(at)
        if other is not None:
            own, others = installed.compiled.region.nodes, other.compiled.region.nodes
            if other.polished or not others.keys() <= own.keys():
                return
            self._remove(other)
        self.planner.inner[at] = installed.start
        self._code[at] = installed.span.address + offset

    # -- throwing away -----------------------------------------------------------------------

    def _remove(self, installed: Installed) -> None:
        start = installed.start
        executed = self.executed_in(installed)
        self._tell(events.Removed, start, installed.number, executed)
        self._close(start, *self.planner.entries_of(installed))
        # In this order, so that who adds both up from another thread may miss it, not see it twice.
        del self.regions[start]
        self.executed_before[start] += executed
        self.code_map.release(start, installed.compiled.region.assumptions)
        self._graveyard.append(installed.span)

    def _bury(self) -> None:
        for span in self._graveyard:
            span.free()
        self._graveyard.clear()

    def overwritten(self, start: int, size: int, *, by_guest: bool) -> bool:
        """Bytes were written, not beyond the end of memory; whether code made from them had to be
        thrown away.

        What the guest writes to is learned; what the host loads into memory is not.
        """
        if not by_guest and self._before:
            memory = self.state.spaces[self.guest.code_index]
            self._before[start : start + size] = memory[start : start + size]
        hits = self.code_map.watched_in(start, size)
        for at in hits:
            self._tell(events.Overwritten, at)
            if by_guest:
                self._learn_write(at)
            self._throw_away(at)
        return bool(hits)

    def _is_loaded(self, at: int, byte: int | None) -> bool:
        """Whether a byte that code was made from has been replaced by the host since."""
        now = self.state.spaces[self.guest.code_index][at]
        return byte not in (None, now) and self._before[at : at + 1] == bytes([now])

    def _learn_write(self, at: int) -> None:
        """Operands are variables from the first write on, opcodes only when it goes on."""
        self._hits[at] += 1
        if not self._is_opcode(at) or self._hits[at] >= self.params.invalidations:
            self.planner.learned.written.add(at)

    def _throw_away(self, at: int) -> None:
        for start in self.code_map.owners(at):
            about = self.planner.starts[start]
            about.invalidated += 1
            self.statistics.invalidated += 1
            self._remove(self.regions[start])

    def _is_opcode(self, at: int) -> bool:
        """Whether some region executes the instruction at an address."""
        return any(
            at in self.regions[start].compiled.region.nodes for start in self.code_map.owners(at)
        )

    def _cells_hit(self) -> None:
        """Stores through computed addresses hit cells: those are none any more.

        Regions leave before such a store and mark its bytes HIT. The interpreter is faster than a
        region that is left all the time, so the regions that have the cells go at once.
        """
        hits = self.code_map.take_marked()
        self.planner.learned.aliased |= hits
        for installed in list(self.regions.values()):
            if not hits.isdisjoint(installed.compiled.region.assumptions.cells):
                self._form_anew[installed.start] = Reason.STORE
                self._remove(installed)

    def charge(self, on: bool) -> None:
        """Have regions count what they execute, or not; regions of the other kind go."""
        if on is not self._charging:
            self._charging = on
            self.forget_all()

    def forget_all(self) -> None:
        """Throw all regions away, also those being compiled: a device was connected."""
        self.epoch += 1
        for installed in list(self.regions.values()):
            self._remove(installed)

    # -- exits -------------------------------------------------------------------------------

    def exit_is_hot(self, exit_: int) -> None:
        """An exit was taken often whose region assumes too much: form it anew."""
        installed = self._owner_of_exit(exit_)
        if installed is not None:
            compiled = installed.compiled
            reason, at = compiled.exits[exit_ - compiled.first_exit]
            self._tell(events.ExitHot, installed.start, reason)
            if reason == Reason.STORE.name:
                self._cells_hit()
            elif at is not None:
                self._entry_failed(installed, at)
        self.form_anew()

    def _owner_of_exit(self, exit_: int) -> Installed | None:
        for installed in self.regions.values():
            first = installed.compiled.first_exit
            if first <= exit_ < first + len(installed.compiled.exits):
                return installed
        return None

    def _entry_failed(self, installed: Installed, at: int) -> None:
        """It is entered with stack pointers it cannot take: form it for any.

        Programs whose pointers move (recursion, or a stack that slowly fills) would fail with
        other pointers next. The old region stays until the new one is there.
        """
        planner = self.planner
        about = planner.starts[installed.start]
        since = planner.roomless_from
        if at != installed.start:
            if about.failures or (since is not None and installed.number > since):
                self._close(at)
                return
        elif about.room == planner.no_room:
            return
        else:
            about.room = planner.no_room
        if since is None:
            planner.roomless_from = self.statistics.installed
        self._form_anew[installed.start] = Reason.ENTRY

    def _close(self, *entries: int) -> None:
        """Have nothing entered at addresses; they may become hot again."""
        for at in entries:
            self._code[at] = self._counted
            self._counters[at] = self.params.hot
            self.planner.inner.pop(at, None)
