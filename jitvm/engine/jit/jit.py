"""The JIT of one machine: when to record, what to compile, what to install and discard.

    counter runs out at an address      Status.HOT        a recording starts (table `record`)
    the recording's window is full      Status.RECORDED   a job goes to the compile thread
    the job is done                     an interrupt      the region is installed
    the guest overwrites its code       `overwritten`     the region is discarded

It decides; others do the work:

    CodeTable   where jumps go, and how many make an address hot
    Regions     what is installed, and all that tools may ask of it
    Planner     what is known of the program; where regions start
    Quick       compiles what is hot     \\
    Full        compiles it again         > by one RegionMaker
    Keeper      saves regions to the code cache and loads them

Everything that touches the machine happens on the guest's thread, between two entries to native
code, so nothing is installed or freed while code runs; the compile thread only sees copies.
"""

from __future__ import annotations

import time

from jitvm.engine.host.foreign import address_of_bytes
from jitvm.engine.host.process import THREADED
from jitvm.engine.jit.codetable import CodeTable
from jitvm.engine.jit.compiled import Compiled, Installed, Statistics
from jitvm.engine.jit.full import Full
from jitvm.engine.jit.keeper import Keeper
from jitvm.engine.jit.maker import RegionMaker
from jitvm.engine.jit.planner import Planner
from jitvm.engine.jit.quick import Quick, Recording
from jitvm.engine.jit.regions import Regions
from jitvm.engine.jit.rest import Rest
from jitvm.engine.memory.arena import ArenaFull
from jitvm.engine.memory.layout import NEVER, RECORD_STEP
from jitvm.engine.tables import events
from jitvm.engine.tables.params import Parameters
from jitvm.engine.tables.reasons import Reason
from jitvm.guest.light import Counter, partial

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jitvm.engine.interpreter.installed import Handlers
    from jitvm.engine.jit.shelf import Shelf
    from jitvm.engine.memory.block import Block
    from jitvm.guest import State
    from jitvm.guest.marks import Marks


class Jit:
    """Decides what becomes native in one machine.

    Args:
        block, state: the machine's memory.
        handlers: its interpreter, whose `counted` stub fills the code table.
        params: limits.
        wake: called from the compile thread to have the guest come back for an installation.
        shelf: where regions are kept between runs; None keeps none.

    Attributes:
        report: receives what it does.
        code: where jumps go.
        regions: what is installed.
        planner: what is known of the program.
        maker: what compiles.
        keeper: what keeps regions between runs.
        recording_address: where the recording table writes.
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
        layout = block.layout
        self.block = block
        self.guest = layout.guest
        self.state = state
        self.params = params
        self.report = events.Reporter()
        self.code = CodeTable(block, handlers.address("counted"), params.hot)
        self.regions = Regions(block, state, self.code, self.report)
        self.planner = Planner(self.guest, params, self.regions)
        self.maker = self.maker_type(layout, self.planner, params, self.report)
        self.quick = Quick(self.planner, self.maker, wake)
        self.full = Full(self.regions, self.maker, wake)
        self.keeper = Keeper(
            self.regions, self.planner, self.maker, shelf, self.quick.waiting, rest=self
        )
        self.rest = Rest(wake)
        self._busy = block.words(layout.fields["busy"], 1)
        self._patience = block.words(layout.fields["patience"], 1)
        self._vector = block.words(layout.fields["vector"], 1)
        self._event_vector = block.words(layout.fields["event_vector"], 1)
        self._hits: Counter[int] = Counter()
        self._to_recompile: dict[int, Reason] = {}
        self._make_buffer(params)
        self._before = bytearray()
        self._before_is_lent = False
        self._hot = 0
        self._set_busy(False)
        THREADED.add(self)

    def __del__(self) -> None:
        """With its machine, which nothing runs any more, all its code goes."""
        self.regions.free()

    def forget_threads(self) -> None:
        """In a child made by `fork`: what was being compiled will not come, what was ready will."""
        self.quick.forget_threads()
        self.rest.forget_threads()
        self._set_busy(self.quick.is_busy)
        self.full.forget_threads()

    @property
    def statistics(self) -> Statistics:
        """What was done since the machine was made."""
        return self.regions.statistics

    @property
    def is_idle(self) -> bool:
        """Whether nothing is native and nothing is looked for: the first regions are being made, or
        nothing was found that is worth it."""
        return not self.regions and (self.quick.is_busy or self.rest.is_on)

    def change_params(self, params: Parameters) -> None:
        """Go on with other limits; between runs, on the thread that runs the machine.

        What is compiled stays as it is. A recording at hand keeps its length.
        """
        if RECORD_STEP * max(params.window, params.longest) > len(self._buffer):
            recorded = self._buffer
            self._make_buffer(params)
            self._buffer[: len(recorded)] = recorded
            self.block.words(self.block.layout.fields["recording"], 1)[0] = self.recording_address
        self.code.hot = params.hot
        self.params = self.planner.params = self.maker.params = params
        self._set_busy(self.quick.is_busy)

    # -- recording ---------------------------------------------------------------------------

    def _make_buffer(self, params: Parameters) -> None:
        """Have room for the longest recording; the recording table writes to its address."""
        self._buffer = bytearray(RECORD_STEP * max(params.window, params.longest))
        self.recording_address, self._pinned = address_of_bytes(self._buffer)

    @property
    def window(self) -> int:
        """Instructions the next recording takes: twice as many with every second one."""
        if self.rest.looks_longer:
            return max(self.params.window, self.params.longest)
        doubled = min(self.statistics.recordings // 2, 16)  # least to longest, by their ranges
        longer = self.params.window << doubled
        return max(self.params.window, min(longer, self.params.longest))

    def wants_recording(self, pc: int) -> bool:
        """A counter ran out: whether to record now. Rearms the counter."""
        if self.keeper.aside:
            self.keeper.install_fitting(self.install)
            if self.regions.at(pc) is not None:
                return False
        if self.quick.is_busy or self.rest.is_on:
            self.code.arm(pc)
            return False
        self.code.arm(pc, self.params.cooldown)
        self.report(events.Hot, pc)
        self._hot = pc
        self._before, self._before_is_lent = bytearray(self.regions.memory), False
        self.statistics.recordings += 1
        return True

    def recorded(self, count: int, entered: int) -> None:
        """The window is full: choose and compile, here or on the compile thread. The host last
        began to run the guest at the address `entered`."""
        self.report(events.Recorded, self._hot, count)
        raw = bytes(memoryview(self._buffer)[: RECORD_STEP * count])
        recording = Recording(self._hot, raw, self._before, self._begins(entered))
        self._before_is_lent = True
        world = self.regions.world()
        self._compile(lambda: self.quick.begin(recording, world))

    def _begins(self, entered: int) -> frozenset[int]:
        """Addresses where the host begins to run the guest."""
        found = {self._vector[0], entered}
        if at := self._event_vector[0]:
            port = at - self.block.base - self.block.layout.ports
            found.add(self.guest.address_in(self.state.ports.page, port))
        return frozenset(found)

    def recompile_stale(self) -> None:
        """Compile regions again that turned out to assume too much; the old ones stay till then."""
        if self.quick.is_busy or not self._to_recompile:
            return
        todo, self._to_recompile = self._to_recompile, {}
        self.recompile(sorted(todo, key=self._need))

    def recompile(self, starts: Iterable[int]) -> None:
        """Compile the regions at some addresses by what is known now, in this order."""
        world = self.regions.world()
        for start in starts:
            self._compile(partial(self.quick.begin_again, start, world))

    def _need(self, start: int) -> tuple[int, int]:
        """A key for sorting by how much there is to gain: how often the old region was left."""
        installed = self.regions.get(start)
        return -sum(self.regions.times_left(installed)) if installed else 0, start

    def _compile(self, begin: Callable[[], None]) -> None:
        """Have something compiled; if runs wait for the compiler, it is done at once."""
        self._set_busy(True)
        begin()
        if not self.params.background:
            self.install_done()

    def _set_busy(self, is_busy: bool) -> None:
        """Whether regions are being made: nothing else is begun then, so native code need not come
        back for it. Each time it would wait for the interpreter lock."""
        is_busy = is_busy or self.is_idle
        self._busy[0] = is_busy
        self._patience[0] = NEVER if is_busy else self.params.exit_hot

    # -- installing --------------------------------------------------------------------------

    def install_done(self) -> None:
        """Install what the compile thread has finished."""
        self._install_quick()
        self.full.install_done(self.install)
        self.recompile_stale()
        if not self.quick.is_busy and self.full.next():
            self.keeper.put_soon()

    def _install_quick(self) -> None:
        self.regions.bury()
        done = self.quick.take()
        if done:
            self.full.last_change = time.monotonic()
        for pc, compiled, reason in done:
            if compiled is not None:
                reason = self.install(compiled)
            if reason is None:
                self.rest.end()
            else:
                self.statistics.refused[reason.name] += 1
                self.report(events.Refused, pc, reason.name)
            if reason is Reason.PASSING:
                self.rest.refuse(self.params)
                self._arm(pc)  # it may have been at a bad moment
            else:
                self._rearm(pc, reason)
        self._set_busy(self.quick.is_busy)

    def install_kept(self) -> None:
        """Install what an earlier run has kept; what does not fit yet, when control gets there.
        What that run had no time to compile in full is compiled so when things are quiet."""
        self.keeper.install(self.install)
        self.full.last_change = time.monotonic()
        self.full.next()
        for at, about in self.planner.starts.items():
            if about.failures:
                self._arm(at)
        for start in self.keeper.aside:
            self.code.set(start, 1)

    def _rearm(self, pc: int, reason: Reason | None) -> None:
        """Set the counter of an address again, the higher the oftener it led to nothing."""
        about = self.planner.about(pc)
        about.failures = 0 if reason is None else about.failures + 1
        self._arm(pc)

    def _arm(self, pc: int) -> None:
        failures = self.planner.about(pc).failures
        self.code.arm(pc, self.params.cooldown ** min(failures, self.params.cooldowns))

    def install(self, compiled: Compiled) -> Reason | None:
        """Have a region entered from now on, in the place of one that begins where it does.

        Returns why not, if what it was made from is no longer so.
        """
        regions, region = self.regions, compiled.region
        assumptions = region.assumptions
        if compiled.epoch != regions.epoch:
            return Reason.CONNECTED
        if regions.is_broken(region):
            return Reason.BREAK
        self.statistics.compiled += 1
        self.statistics.compile_seconds += sum(compiled.seconds)
        about = self.planner.about(region.start)
        conflicts = regions.code_map.conflicts(assumptions, regions.memory)
        aliased = not assumptions.cells.isdisjoint(self.planner.learned.aliased)
        if conflicts or aliased:
            self.planner.learned.written |= {
                at for at in conflicts if not self._is_loaded(at, assumptions.code.get(at))
            }
            self.statistics.rejected += 1
            about.invalidated += 1
            if about.invalidated < self.params.invalidations:
                self._to_recompile[region.start] = Reason.OVERWRITTEN
            return Reason.OVERWRITTEN
        try:
            regions.install(compiled)
        except ArenaFull:
            return Reason.ARENA
        about.formed += 1
        if self._to_recompile.get(region.start, Reason.ENTRY) is not Reason.ENTRY:
            del self._to_recompile[region.start]  # this one was formed with what was found out
        return None

    def break_at(self, addresses: frozenset[int], opcodes: frozenset[int]) -> None:
        """Have no region go past some instructions; see `Machine.break_at`. What is made from then
        on is made for this run alone."""
        if addresses or opcodes:
            self.keeper.keep_no_more()
        for compiled in self.regions.break_at(addresses, opcodes):
            self.install(compiled)

    def mark(self, marks: Marks) -> None:
        """Have regions that do nothing which is not marked; before there are any."""
        self.keeper.keep_no_more()
        self.regions.marks = marks

    # -- finishing, while nothing else runs or compiles --------------------------------------

    @property
    def is_left(self) -> bool:
        """Whether something was being compiled, or would be had the program gone on."""
        return self.quick.is_unfinished or self.full.is_unfinished

    def finish_quick(self) -> None:
        """Compile what the program was waiting for, and what belongs to it."""
        self._install_quick()
        self.quick.is_alone = True
        try:
            self.quick.finish(self._install_quick)
            self.recompile_stale()
            self._install_quick()
        finally:  # after Ctrl-C the guest may go on
            self.quick.is_alone = False

    def finish_full(self, may_go_on: Callable[[], bool]) -> None:
        """Make what there is thoroughly."""
        self.full.finish(self.install, may_go_on)

    # -- throwing away -----------------------------------------------------------------------

    def overwritten(self, start: int, size: int, *, by_guest: bool) -> bool:
        """Bytes were written, not beyond the end of memory; whether code made from them had to be
        thrown away.

        What the guest writes to is learned; what the host loads into memory is not.
        """
        if not by_guest and self._before:
            if self._before_is_lent:  # what was recorded is looked at elsewhere
                self._before, self._before_is_lent = self._before.copy(), False
            self._before[start : start + size] = self.regions.memory[start : start + size]
        hits = self.regions.code_map.watched_in(start, size)
        for at in hits:
            self.report(events.Overwritten, at)
            if by_guest:
                self._learn_write(at)
            self._throw_away(at)
        return bool(hits)

    def _is_loaded(self, at: int, byte: int | None) -> bool:
        """Whether a byte that code was made from has been replaced by the host since."""
        now = self.regions.memory[at]
        return byte not in (None, now) and self._before[at : at + 1] == bytes([now])

    def _learn_write(self, at: int) -> None:
        """Operands are variables from the first write on, opcodes only when it goes on."""
        self._hits[at] += 1
        if not self.regions.is_opcode(at) or self._hits[at] >= self.params.invalidations:
            self.planner.learned.written.add(at)

    def _throw_away(self, at: int) -> None:
        for start in self.regions.code_map.owners(at):
            self.planner.starts[start].invalidated += 1
            self.statistics.invalidated += 1
            self.regions.remove(self.regions[start])

    def _cells_hit(self) -> None:
        """Stores through computed addresses hit cells: those are none any more.

        Regions leave before such a store and mark its bytes HIT. The interpreter is faster than a
        region that is left all the time, so the regions that have the cells go at once.
        """
        hits = self.regions.code_map.take_marked()
        self.planner.learned.aliased |= hits
        for installed in list(self.regions.values()):
            if not hits.isdisjoint(installed.compiled.region.assumptions.cells):
                self._to_recompile[installed.start] = Reason.STORE
                self.regions.remove(installed)

    # -- exits -------------------------------------------------------------------------------

    def exit_is_hot(self, exit_: int) -> None:
        """An exit was taken often whose region assumes too much: form it again."""
        installed = self.regions.owner_of_exit(exit_)
        if installed is not None:
            compiled = installed.compiled
            reason, at = compiled.exits[exit_ - compiled.first_exit]
            self.report(events.ExitHot, installed.start, reason)
            if reason == Reason.STORE.name:
                self._cells_hit()
            elif at is not None:
                self._entry_failed(installed, at)
        self.recompile_stale()

    def _entry_failed(self, installed: Installed, at: int) -> None:
        """It is entered with stack pointers it cannot take: form it for any.

        Programs whose pointers move (recursion, or a stack that slowly fills) would fail with
        other pointers next. The old region stays until the new one is there.
        """
        planner = self.planner
        about = planner.starts[installed.start]
        since = planner.no_headroom_from
        if at != installed.start:
            if about.failures or (since is not None and installed.number > since):
                self.regions.close((at,))
                return
        elif about.headroom == planner.no_headroom:
            return
        else:
            about.headroom = planner.no_headroom
        if since is None:
            planner.no_headroom_from = self.statistics.installed
        self._to_recompile[installed.start] = Reason.ENTRY
