"""The installed regions of one machine: how they are entered and left, and what they did.

    Compiled --install--> Installed: code[start], code map, counters --remove--> the graveyard

Nothing here makes decisions: when to install and what to discard is up to the `Jit`, on the guest's
thread, between two entries to native code. What a region did may be queried from any thread.

Invariants
 1. ``code[pc]`` is a region's address only while every byte in its `Assumptions.code` holds the
    value it was compiled with and has CODE set in the code map, and no installed region writes any
    of them unguarded.
 2. Bytes in `Assumptions.cells` of an installed region have CELL set in the code map.
 3. The code of a removed region is freed only when the guest is not inside native code.
"""

from __future__ import annotations

from _collections_abc import Mapping

from jitvm.engine.jit.codemap import CodeMap
from jitvm.engine.jit.compiled import Compiled, Installed, Statistics
from jitvm.engine.memory.arena import Span, shared_arena
from jitvm.engine.memory.layout import EXITS, REGIONS
from jitvm.engine.region.world import World
from jitvm.engine.tables import events
from jitvm.guest.light import Counter

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import ItemsView, Iterable, Iterator, ValuesView

    from jitvm.engine.jit.codetable import CodeTable
    from jitvm.engine.memory.block import Block
    from jitvm.engine.region.region import Region
    from jitvm.guest import State
    from jitvm.guest.marks import Marks


class Regions(Mapping[int, Installed]):
    """Installed regions by the address where they start.

    Args:
        block, state: the machine's memory.
        code: its code table.
        report: receives what comes and goes.

    Attributes:
        inner: other addresses where regions can be entered, with their starts.
        code_map: what the bytes of the code space are to regions.
        exit_counts: how often each exit was taken, 32 bits each; a region's begin at its
            `first_exit`.
        executed_counts: instructions each region has executed, 64 bits each, by its `counter`; they
            stay zero unless charging.
        executed_before: instructions executed by regions that are gone, by where they began.
        statistics: what was done since the machine was made.
        is_charging: whether regions count the instructions they execute.
        epoch: rises when all that was compiled no longer holds.
        breaks, break_opcodes: addresses and opcodes of instructions that no region has.
        marks: what was executed, where that is marked: regions have nothing else.
    """

    def __init__(
        self, block: Block, state: State, code: CodeTable, report: events.Reporter
    ) -> None:
        layout = block.layout
        self.guest = layout.guest
        self.state = state
        self.inner: dict[int, int] = {}
        self.code_map = CodeMap(
            block.view(layout.code_map, layout.size), block.words(layout.fields["watermark"], 1)
        )
        self.exit_counts = block.view(layout.exits, 4 * EXITS).cast("I")
        self.executed_counts = block.words(layout.executed, REGIONS)
        self.executed_before: Counter[int] = Counter()
        self.statistics = Statistics()
        self.is_charging = False
        self.epoch = 0
        self.breaks: frozenset[int] = frozenset()
        self.break_opcodes: frozenset[int] = frozenset()
        self.marks: Marks | None = None
        self._suspended: list[Compiled] = []
        self._by_start: dict[int, Installed] = {}
        self._graveyard: list[Span] = []
        self._code = code
        self._report = report

    def free(self) -> None:
        """Give all code back, once nothing runs the machine any more."""
        for installed in self._by_start.values():
            installed.span.free()
        self.bury()

    # -- looked at, from any thread ----------------------------------------------------------

    def __getitem__(self, start: int) -> Installed:
        return self._by_start[start]

    def __iter__(self) -> Iterator[int]:
        return iter(self._by_start)

    def __len__(self) -> int:
        return len(self._by_start)

    # The dict's own views: a list of one is made at once, while regions come and go.

    def values(self) -> ValuesView[Installed]:
        return self._by_start.values()

    def items(self) -> ItemsView[int, Installed]:
        return self._by_start.items()

    def at(self, address: int) -> Installed | None:
        """The region that is entered at an address."""
        return self._by_start.get(self.inner.get(address, address))

    def entries_of(self, installed: Installed) -> list[int]:
        """Other addresses where a region is entered now, in the order of memory."""
        start = installed.start
        return [at for at in sorted(installed.compiled.entries) if self.inner.get(at) == start]

    def executed_in(self, installed: Installed) -> int:
        """Instructions a region has executed since it was installed; zero unless charging."""
        return self.executed_counts[installed.compiled.counter]

    @property
    def executed(self) -> int:
        """Instructions all regions have executed, also those that are gone; needs charging."""
        gone = sum(list(self.executed_before.values()))
        return gone + sum(self.executed_in(each) for each in list(self.values()))

    def times_left(self, installed: Installed) -> list[int]:
        """How often each exit of a region was taken, in the order of its `compiled.exits`."""
        first = installed.compiled.first_exit
        return self.exit_counts[first : first + len(installed.compiled.exits)].tolist()

    def owner_of_exit(self, exit_: int) -> Installed | None:
        """Whose exit has a number."""
        for installed in self.values():
            first = installed.compiled.first_exit
            if first <= exit_ < first + len(installed.compiled.exits):
                return installed
        return None

    def is_opcode(self, at: int) -> bool:
        """Whether some region executes the instruction at an address."""
        return any(
            at in self._by_start[start].compiled.region.nodes for start in self.code_map.owners(at)
        )

    @property
    def memory(self) -> memoryview:
        """The code space."""
        return self.state.spaces[self.guest.code_index]

    def world(self) -> World:
        """The machine as it is now. What was learned is added when a region is formed, as it is
        then."""
        readers, writers, collected, quiet = self.state.ports.kinds()
        return World(
            memory=bytes(self.memory),
            watched=self.code_map.watched,
            readers=readers,
            writers=writers,
            collected=collected,
            quiet=quiet,
            epoch=self.epoch,
            charging=self.is_charging,
            breaks=self.breaks,
            break_opcodes=self.break_opcodes,
            marks=None if self.marks is None else bytes(self.marks.cells),
        )

    def is_broken(self, region: Region) -> bool:
        """Whether a region goes past an instruction to stop at."""
        if not self.breaks.isdisjoint(region.nodes):
            return True
        code, opcodes = region.assumptions.code, self.break_opcodes
        return bool(opcodes) and any(
            code.get(pc) is None or code[pc] in opcodes for pc in region.nodes
        )

    # -- changed, on the guest's thread ------------------------------------------------------

    def install(self, compiled: Compiled) -> None:
        """Have a region entered from now on, in the place of one that begins where it does.

        Raises:
            ArenaFull: there is no room for its code.
        """
        region, statistics = compiled.region, self.statistics
        span = shared_arena().install(compiled.machine_code)
        old = self._by_start.get(region.start)
        if old is not None:
            self.remove(old)
        statistics.installed += 1
        installed = Installed(statistics.installed, compiled, span)
        for i in range(len(compiled.exits)):
            self.exit_counts[compiled.first_exit + i] = 0
        self.executed_counts[compiled.counter] = 0
        self._by_start[region.start] = installed
        self.code_map.claim(region.start, region.assumptions)
        self._code.enter(region.start, span.address)
        self.inner.pop(region.start, None)
        for at, offset in compiled.entries.items():
            self._enter_at(at, offset, installed)
        size, kept = len(compiled.machine_code), compiled.is_kept
        self._report(events.Installed, region.start, installed.number, region.size, size, kept)

    def _enter_at(self, at: int, offset: int, installed: Installed) -> None:
        """Have a region entered at a place inside of it, unless a better one begins there: one
        that had its full compilation, or has something this one has not."""
        other = self._by_start.get(at)
        if other is not None:
            own, others = installed.compiled.region.nodes, other.compiled.region.nodes
            if other.is_full or not others.keys() <= own.keys():
                return
            self.remove(other)
        self.inner[at] = installed.start
        self._code.enter(at, installed.span.address + offset)

    def remove(self, installed: Installed) -> None:
        """Have a region entered no more."""
        start = installed.start
        executed = self.executed_in(installed)
        self._report(events.Removed, start, installed.number, executed)
        self.close((start, *self.entries_of(installed)))
        # In this order, so that who adds both up from another thread may miss it, not see it twice.
        del self._by_start[start]
        self.executed_before[start] += executed
        self.code_map.release(start, installed.compiled.region.assumptions)
        self._graveyard.append(installed.span)

    def close(self, entries: Iterable[int]) -> None:
        """Have nothing entered at addresses; they may become hot again."""
        for at in entries:
            self._code.close(at)
            self.inner.pop(at, None)

    def bury(self) -> None:
        """Free the code of what was removed, now that the guest is not in it."""
        for span in self._graveyard:
            span.free()
        self._graveyard.clear()

    def break_at(self, addresses: frozenset[int], opcodes: frozenset[int]) -> list[Compiled]:
        """Have no region go past instructions at some addresses, or with some opcodes.

        Returns what has gone because of others that are not to be stopped at any more, and may be
        installed again: who steps over a call makes no region anew for it.
        """
        self.breaks, self.break_opcodes = addresses, opcodes
        for installed in list(self.values()):
            if self.is_broken(installed.compiled.region):
                self._suspended.append(installed.compiled)
                self.remove(installed)
        free = [each for each in self._suspended if not self.is_broken(each.region)]
        self._suspended = [each for each in self._suspended if self.is_broken(each.region)]
        return free

    def tell_of(self, addresses: frozenset[int]) -> None:
        """Have every store to some bytes look at the code map; see there."""
        for installed in list(self.values()):
            if not addresses.isdisjoint(installed.compiled.region.assumptions.stores):
                self.remove(installed)
        self.code_map.tell_of(addresses)

    def charge(self, on: bool) -> None:
        """Have regions count what they execute, or not; regions of the other kind go."""
        if on is not self.is_charging:
            self.is_charging = on
            self.forget_all()

    def forget_all(self) -> None:
        """Throw all regions away, also those being compiled: a device was connected."""
        self.epoch += 1
        self._suspended.clear()
        for installed in list(self.values()):
            self.remove(installed)
