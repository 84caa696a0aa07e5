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

import atexit
import ctypes
import re
import threading
import time
from _thread import start_new_thread
from array import array
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from jitvm.engine import events
from jitvm.engine.arena import ArenaFull, Span, shared_arena
from jitvm.engine.compiler import Job, compile_thread
from jitvm.engine.installed import Compiled, Installed, Start, Statistics
from jitvm.engine.kept import Kept, Shelf, ports_of
from jitvm.engine.layout import CELL, CODE, EXITS, HIT, REGIONS
from jitvm.engine.maker import Refused, RegionMaker
from jitvm.engine.params import Parameters
from jitvm.engine.planner import Planner
from jitvm.engine.reasons import Reason
from jitvm.engine.recorder import Window, changed_bytes
from jitvm.engine.regioncore import World

if TYPE_CHECKING:
    from jitvm.engine.block import Block
    from jitvm.engine.tailcall import Handlers
    from jitvm.guest import State


_MARKED = re.compile(b"[%c-%c]" % (HIT, 2 * HIT - 1))
"""Bytes of the code map that have HIT, its highest bit."""
_WATCHED = re.compile(b"[" + bytes(range(CODE, 2 * HIT, 2 * CODE)) + b"]")
"""Bytes of the code map that have CODE, its lowest bit."""
QUIET = 0.25
"""Seconds without a new region before regions are made again, thoroughly."""


_living: WeakSet[Jit] = WeakSet()


@atexit.register
def put_all_on_shelves() -> None:
    """When the process ends: most programs end before things become quiet."""
    for jit in list(_living):
        jit.put_on_shelf()


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
        statistics: what was done since the machine was made.
    """

    maker_type: type[RegionMaker] = RegionMaker

    def __init__(
        self,
        block: Block,
        state: State,
        handlers: Handlers,
        params: Parameters,
        wake: Any,
        shelf: Shelf | None = None,
    ) -> None:
        self.block = block
        self.guest = block.layout.guest
        self.state = state
        self.params = params
        self.regions: dict[int, Installed] = {}
        self.planner = Planner(self.guest, params, self.regions)
        self.maker = self.maker_type(block.layout, self.planner, params, lambda: self.now)
        self.statistics = Statistics()
        self._wake = wake
        layout = block.layout
        self._counted = handlers.address("counted")
        self._code = block.words(layout.code, layout.size)
        self._code[:] = memoryview(array("Q", [self._counted]) * layout.size)
        self._counters = block.view(layout.counters, 2 * layout.size).cast("H")
        self._counters[:] = memoryview(array("H", [params.hot]) * layout.size)
        self._map = block.view(layout.code_map, layout.size)
        self._busy = block.words(layout.fields["busy"], 1)
        block.words(layout.fields["hot"], 1)[0] = params.hot
        self._exits = block.view(layout.exits, 4 * EXITS).cast("I")
        self._free_exits = EXITS
        self._owners: dict[int, set[int]] = {}
        self._stores: Counter[int] = Counter()
        self._cells: Counter[int] = Counter()
        self._hits: Counter[int] = Counter()
        self._graveyard: list[Span] = []
        self._done: list[tuple[int, Compiled | None, Reason | None]] = []
        self._done_lock = threading.Lock()
        self._pending = 0
        self._form_anew: set[int] = set()
        self._epoch = 0
        self._charging = False
        self._polishing = False
        self._polished: list[tuple[Installed, Compiled | None]] = []
        self._last_change = 0.0
        self._buffer = (ctypes.c_uint64 * max(params.window, params.longest))()
        self._before = b""
        self._hot = 0
        self._numbers = 0
        self._shelf = shelf if self._may_keep() else None
        self._began = time.monotonic()
        self._executed = block.words(layout.executed, REGIONS)
        self.executed_before: Counter[int] = Counter()
        self._kept: Kept | None = None
        self._put_away = 0
        if self._shelf is not None:
            _living.add(self)

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

    def executed_in(self, installed: Installed) -> int:
        """Instructions a region has executed since it was installed; zero unless charging."""
        return self._executed[installed.compiled.slot]

    @property
    def executed(self) -> int:
        """Instructions all regions have executed, also those that are gone; needs charging."""
        gone = sum(self.executed_before.values())
        return gone + sum(self.executed_in(each) for each in list(self.regions.values()))

    @property
    def exit_counts(self) -> memoryview:
        """How often each exit was taken, 32 bits each; a region's begin at its `first_exit`."""
        return self._exits

    @property
    def executed_counts(self) -> memoryview:
        """Instructions each region has executed, 64 bits each, by its `slot`; needs charging."""
        return self._executed

    @property
    def code_map(self) -> memoryview:
        """What compiled code was made from each byte: see `jitvm.engine.layout`."""
        return self._map

    @property
    def recorded_edges(self) -> dict[int, Counter[int]]:
        """How often control was recorded to go from one address to another."""
        return self.planner.learned.edges

    @property
    def variables(self) -> set[int]:
        """Bytes of code that are known to change while the program runs."""
        return self.planner.learned.written

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

    @property
    def is_charging(self) -> bool:
        """Whether regions count the instructions they execute."""
        return self._charging

    def times_left(self, installed: Installed) -> list[int]:
        """How often each exit of a region was taken, in the order of its `compiled.exits`."""
        first = installed.compiled.first_exit
        return self._exits[first : first + len(installed.compiled.exits)].tolist()

    def travel(self, pc: int) -> int:
        """How often an instruction was seen while recording."""
        return sum(self.planner.learned.edges.get(pc, {}).values())

    @property
    def self_modified(self) -> frozenset[int]:
        """Addresses inside instructions that the guest was seen to overwrite."""
        return frozenset(self.planner.learned.written)

    # -- keeping regions between runs --------------------------------------------------------

    def _may_keep(self) -> bool:
        """Whether regions kept by another run are as good as those made here."""
        params = self.params
        return bool(params.keep and params.background and not self.maker.is_dumping) and not (
            params.keep_text or params.verify
        )

    def fetch(self) -> bool:
        """Look for what an earlier run of the program has kept; from any thread."""
        if self._shelf is not None:
            self._kept = self._shelf.load(self.params)
        return self._kept is not None

    def take_from_shelf(self) -> None:
        """Install what `fetch` has found, where it still fits."""
        kept, self._kept = self._kept, None
        if kept is None or kept.charging != self._charging or kept.ports != self._ports():
            return
        self.planner.learned = kept.learned
        self.maker.next_exit, self.maker.next_slot = kept.next_exit, kept.next_slot
        nothing = self.planner.no_room
        for start in kept.roomless:
            self.planner.starts[start] = Start(room=nothing)
        for compiled, polished in kept.regions:
            compiled.epoch = self._epoch
            self.planner.about(compiled.region.start)
            if self._install(compiled) is None:
                self.regions[compiled.region.start].polished = polished
                self.statistics.kept += 1
        self._put_away = self._numbers
        self._last_change = time.monotonic()

    def put_on_shelf(self) -> None:
        """Keep the regions for later runs, where there are new ones."""
        installed = list(self.regions.values())
        if self._shelf is None or self._put_away == self._numbers or not installed:
            return
        self._put_away = self._numbers
        nothing = self.planner.no_room
        roomless = [at for at, about in self.planner.starts.items() if about.room == nothing]
        regions = [(each.compiled, each.polished) for each in installed]
        self._shelf.store(
            self.params,
            Kept(
                regions,
                self.planner.learned,
                self._ports(),
                self._charging,
                self.maker.next_exit,
                self.maker.next_slot,
                roomless,
            ),
        )

    def _ports(self) -> list[list[int]]:
        ports = self.state.ports
        return ports_of(ports.readers, ports.writers, ports.collected)

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
        if self.listener is not None:
            self.listener(events.Hot(self.now, pc))
        self._hot = pc
        self._before = bytes(self.state.spaces[self.guest.code_index])
        self.statistics.recordings += 1
        return True

    def recorded(self, count: int) -> None:
        """The window is full: choose and compile, here or on the compile thread."""
        if self.listener is not None:
            self.listener(events.Recorded(self.now, self._hot, count))
        memory = bytes(self.state.spaces[self.guest.code_index])
        raw = bytes(memoryview(self._buffer).cast("B")[: 8 * count])
        sizes = tuple(stack.size for stack in self.guest.stacks)
        window = Window(self._hot, raw, memory, changed_bytes(self._before, memory), sizes)
        world = self._world(memory, window.changed)
        self._submit(lambda: self._job(window, world))

    def form_anew(self) -> None:
        """Compile regions again that turned out to assume too much; the old ones stay till then."""
        if self._pending or not self._form_anew:
            return
        memory = bytes(self.state.spaces[self.guest.code_index])
        world = self._world(memory, frozenset())
        todo, self._form_anew = self._form_anew, set()
        for start in sorted(todo):
            self._submit(partial(self._job_again, start, world))

    def _submit(self, job: Job) -> None:
        with self._done_lock:
            self._pending += 1
        self._busy[0] = 1
        if self.params.background:
            compile_thread().submit(job)
        else:
            job()
            self.install_done()

    def _world(self, memory: bytes, changed: frozenset[int]) -> World:
        ports = self.state.ports
        return World(
            memory=memory,
            written=frozenset(self.planner.learned.written | changed),
            watched=frozenset(self._owners),
            aliased=frozenset(self.planner.learned.aliased),
            readers=frozenset(ports.readers),
            writers=frozenset(ports.writers),
            collected=frozenset(ports.collected),
            epoch=self._epoch,
            charging=self._charging,
        )

    # -- compiling: on the compile thread ----------------------------------------------------

    def _job(self, window: Window, world: World) -> None:
        def work() -> Compiled:
            nonlocal world
            self.planner.learn(window)
            world = world.but(written=world.written | self.planner.learned.written)
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
            if start in made or start in self.regions or not self.planner.is_promising(start):
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
            self.statistics.errors.append(f"{type(error).__name__}: {error}")
            self._finish(pc, None, Reason.COMPILER)
        return compiled

    def _finish(self, pc: int, compiled: Compiled | None, reason: Reason | None) -> None:
        """Hand a result over to the guest's thread."""
        with self._done_lock:
            self._done.append((pc, compiled, reason))
        if self.params.background:
            self._wake()

    # -- polishing: a second, thorough compilation when nothing else is to be done --------------

    def _polish_next(self) -> None:
        """Have the region that is left most made well, when things have been quiet."""
        if not self.maker.is_hurried or self._pending or self._polishing:
            return
        todo = [each for each in self.regions.values() if not each.polished]
        rough = max(todo, key=self._times_left, default=None)
        if rough is None:
            if self._shelf is not None and self._put_away != self._numbers:
                compile_thread().submit(self.put_on_shelf)
            return
        self._polishing = True
        if time.monotonic() - self._last_change < QUIET:
            start_new_thread(self._wait_for_quiet, ())
            return
        memory = bytes(self.state.spaces[self.guest.code_index])
        world = self._world(memory, frozenset())
        compile_thread().submit(partial(self._job_polish, rough, world))

    def _times_left(self, installed: Installed) -> int:
        """How often a region was left; of those never left the oldest counts most."""
        compiled = installed.compiled
        first = compiled.first_exit
        times = sum(self._exits[first : first + len(compiled.exits)])
        return times or -installed.number

    def _wait_for_quiet(self) -> None:
        """On a thread of its own: come back later."""
        time.sleep(QUIET)
        self._polishing = False
        self._wake()

    def _job_polish(self, rough: Installed, world: World) -> None:
        compiled = None
        try:
            compiled = self.maker.compile(rough.start, world)
        except Refused:
            compiled = None
        except Exception as error:
            self.statistics.errors.append(f"{type(error).__name__}: {error}")
        with self._done_lock:
            self._polished.append((rough, compiled))
        self._wake()

    def _install_polished(self) -> None:
        with self._done_lock:
            polished, self._polished = self._polished, []
        for rough, compiled in polished:
            self._polishing = False
            rough.polished = True
            if compiled is None or self.regions.get(rough.start) is not rough:
                continue
            if self._install(compiled) is None:
                self.regions[rough.start].polished = True

    # -- installing: on the guest's thread ---------------------------------------------------

    def install_done(self) -> None:
        """Install what the compile thread has finished."""
        self._bury()
        with self._done_lock:
            done, self._done = self._done, []
        if done:
            self._last_change = time.monotonic()
        for pc, compiled, reason in done:
            with self._done_lock:
                self._pending -= 1
            if compiled is not None:
                reason = self._install(compiled)
            if reason is not None:
                self.statistics.refused[reason.name] += 1
                if self.listener is not None:
                    self.listener(events.Refused(self.now, pc, reason.name))
            self._rearm(pc, reason)
        self._busy[0] = self._pending > 0
        self._install_polished()
        self.form_anew()
        self._polish_next()

    def _rearm(self, pc: int, reason: Reason | None) -> None:
        """Set the counter of an address again, the higher the oftener it led to nothing."""
        about = self.planner.about(pc)
        about.failures = 0 if reason is None else about.failures + 1
        factor = self.params.cooldown ** min(about.failures, 8)
        self._counters[pc] = min(65535, self.params.hot * factor)

    def _install(self, compiled: Compiled) -> Reason | None:
        region = compiled.region
        assumptions = region.assumptions
        if compiled.epoch != self._epoch:
            return Reason.CONNECTED
        self.statistics.compiled += 1
        self.statistics.compile_seconds += sum(compiled.seconds)
        memory = self.state.spaces[self.guest.code_index]
        changed = [at for at, byte in assumptions.code.items() if memory[at] != byte]
        stored = [at for at in assumptions.code if self._stores[at] > 0]
        watched = [at for at in assumptions.stores if self._map[at] & CODE]
        own = assumptions.stores & assumptions.code.keys()
        if changed or stored or watched or own:
            self.planner.learned.written.update(changed, stored, watched, own)
            self.statistics.rejected += 1
            about = self.planner.starts[region.start]
            about.invalidated += 1
            if about.invalidated < self.params.invalidations:
                self._form_anew.add(region.start)

            return Reason.OVERWRITTEN
        try:
            span = shared_arena().install(compiled.text)
        except ArenaFull:
            return Reason.ARENA
        old = self.regions.get(region.start)
        if old is not None:
            self._remove(old)
        self._numbers += 1
        installed = Installed(self._numbers, compiled, span)
        self.regions[region.start] = installed
        for at in assumptions.code:
            self._owners.setdefault(at, set()).add(region.start)
            self._map[at] |= CODE
        self._stores.update(assumptions.stores)
        self._cells.update(assumptions.cells)
        for at in assumptions.cells:
            self._map[at] |= CELL
        for i in range(len(compiled.exits)):
            self._exits[compiled.first_exit + i] = 0
        self._executed[compiled.slot] = 0
        self.planner.starts[region.start].formed += 1
        self._code[region.start] = span.address
        self.statistics.installed += 1
        if self.listener is not None:
            size, kept = len(compiled.text), not any(compiled.seconds)
            self.listener(
                events.Installed(
                    self.now, region.start, self._numbers, region.size, size, kept
                )
            )
        return None

    # -- throwing away -----------------------------------------------------------------------

    def _remove(self, installed: Installed) -> None:
        start = installed.start
        assumptions = installed.compiled.region.assumptions
        executed = self.executed_in(installed)
        self.executed_before[start] += executed
        if self.listener is not None:
            self.listener(events.Removed(self.now, start, installed.number, executed))
        self._code[start] = self._counted
        self._counters[start] = self.params.hot
        del self.regions[start]
        for at in assumptions.code:
            owners = self._owners[at]
            owners.discard(start)
            if not owners:
                del self._owners[at]
                self._map[at] &= ~CODE & 0xFF
        self._stores.subtract(assumptions.stores)
        self._cells.subtract(assumptions.cells)
        for at in assumptions.cells:
            if self._cells[at] <= 0:
                self._map[at] &= ~CELL & 0xFF
        self._graveyard.append(installed.span)

    def _bury(self) -> None:
        for span in self._graveyard:
            shared_arena().free(span)
        self._graveyard.clear()

    def overwritten(self, start: int, size: int, *, by_guest: bool) -> bool:
        """Bytes were written, not beyond the end of memory; whether code made from them had to be
        thrown away.

        What the guest writes to is learned; what the host loads into memory is not.
        """
        # Devices write whole banks: look at the fewer bytes, those written or those watched.
        end = start + size
        if size > len(self._owners):
            hits = [at for at in self._owners if start <= at < end]
        else:
            hits = [match.start() for match in _WATCHED.finditer(self._map, start, end)]
        for at in hits:
            if self.listener is not None:
                self.listener(events.Overwritten(self.now, at))
            if by_guest:
                self._learn_write(at)
            self._throw_away(at)
        return bool(hits)

    def _learn_write(self, at: int) -> None:
        """Operands are variables from the first write on, opcodes only when it goes on."""
        self._hits[at] += 1
        if not self._is_opcode(at) or self._hits[at] >= self.params.invalidations:
            self.planner.learned.written.add(at)

    def _throw_away(self, at: int) -> None:
        for start in list(self._owners.get(at, ())):
            about = self.planner.starts[start]
            about.invalidated += 1
            self.statistics.invalidated += 1
            self._remove(self.regions[start])

    def _is_opcode(self, at: int) -> bool:
        """Whether some region executes the instruction at an address."""
        return any(
            at in self.regions[start].compiled.region.nodes for start in self._owners.get(at, ())
        )

    def _cells_hit(self) -> None:
        """Stores through computed addresses hit cells: those are none any more.

        Regions leave before such a store and mark its bytes HIT. The interpreter is faster than a
        region that is left all the time, so the regions that have the cells go at once.
        """
        hits = {match.start() for match in _MARKED.finditer(self._map)}
        for at in hits:
            self._map[at] &= ~HIT & 0xFF
        self.planner.learned.aliased |= hits
        for installed in list(self.regions.values()):
            if not hits.isdisjoint(installed.compiled.region.assumptions.cells):
                self._form_anew.add(installed.start)
                self._remove(installed)

    def charge(self, on: bool) -> None:
        """Have regions count what they execute, or not; regions of the other kind go."""
        if on is not self._charging:
            self._charging = on
            self.forget_all()

    def forget_all(self) -> None:
        """Throw all regions away, also those being compiled: a device was connected."""
        self._epoch += 1
        for installed in list(self.regions.values()):
            self._remove(installed)

    # -- exits -------------------------------------------------------------------------------

    def exit_is_hot(self, exit_: int) -> None:
        """An exit was taken often whose region assumes too much: form it anew."""
        installed = self._owner_of_exit(exit_)
        if installed is not None:
            compiled = installed.compiled
            reason, _ = compiled.exits[exit_ - compiled.first_exit]
            if self.listener is not None:
                self.listener(events.ExitHot(self.now, installed.start, reason))
            if reason == Reason.STORE.name:
                self._cells_hit()
            else:
                self._entry_failed(installed)
        self.form_anew()

    def _owner_of_exit(self, exit_: int) -> Installed | None:
        for installed in self.regions.values():
            first = installed.compiled.first_exit
            if first <= exit_ < first + len(installed.compiled.exits):
                return installed
        return None

    def _entry_failed(self, installed: Installed) -> None:
        """It is entered with stack pointers it cannot take: form it for any.

        Programs whose pointers move (recursion, or a stack that slowly fills) would fail with
        other pointers next. The old region stays until the new one is there.
        """
        about = self.planner.starts[installed.start]
        nothing = self.planner.no_room
        if about.room != nothing:
            about.room = nothing
            self._form_anew.add(installed.start)

