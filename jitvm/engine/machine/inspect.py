"""What may be asked of a running machine: the one wall between the engine and its tools.

    look = Inspector(machine)
    for region in look.regions():        RegionView: what a region is, which never changes
        look.times_left(region)          what it has done so far
    look.counters()                      all counts at one moment
    look.travel(pc), look.variables      what recordings showed of the program

Profilers, dashboards and debuggers import this and `jitvm.engine.tables` and nothing else of the
engine, whose other files may change shape. Nothing here changes the machine; to make it count,
stop or listen is up to the `Machine` itself. All of it may be called from any thread while regions
come and go; counts are a snapshot.
"""

from __future__ import annotations

import sys
from array import array
from itertools import product
from typing import TYPE_CHECKING

from jitvm.engine.interpreter.unit import spills
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.memory.layout import CELL, CODE, HANDLER_TABLES, PART, TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jitvm.engine.jit.compiled import Installed, Statistics
    from jitvm.engine.jit.jit import Jit
    from jitvm.engine.tables.params import Parameters
    from jitvm.guest import Guest

__all__ = [
    "CELL", "CODE", "Counters", "Inspector", "Machine", "RegionView", "Tier", "assembly_lines",
    "install_code",
]  # fmt: skip

_WAYS_IN = ("enter", "step", "deliver")
_STUBS = tuple(name for name in TABLES if name not in HANDLER_TABLES)


class RegionView:
    """A region that is or was installed.

    Attributes:
        number: rises with every installation, and is never used again.
        start: the guest address where it begins.
        exits: reason and target address (None: computed) of each way out.
        seconds: time spent forming it, in LLVM text, and in LLVM.
        instructions: guest instructions by address, with how many copies of each it has.
        limits: reasons why it was cut, with how much recorded travel each cut off.
        llvm: its LLVM text if the parameter `keep_text` is on.
        address, code_bytes: its machine code.
        is_kept: whether an earlier run made it.
    """

    __slots__ = (
        "_installed", "address", "code_bytes", "exits", "instructions", "is_kept", "limits",
        "llvm", "number", "seconds", "start",
    )  # fmt: skip

    def __init__(self, installed: Installed) -> None:
        compiled = installed.compiled
        region = compiled.region
        self._installed = installed
        self.number = installed.number
        self.start = region.start
        self.exits = compiled.exits
        self.seconds = compiled.seconds
        self.instructions: Mapping[int, int] = region.nodes
        self.limits = {reason.name: travel for reason, travel in region.limits.items()}
        self.llvm = compiled.llvm
        self.address = installed.span.address
        self.code_bytes = len(compiled.machine_code)
        self.is_kept = compiled.is_kept

    @property
    def size(self) -> int:
        """Guest instructions, copies counted."""
        return self._installed.compiled.region.size

    @property
    def is_full(self) -> bool:
        """Whether its full compilation is done, or none is due."""
        return self._installed.is_full

    @property
    def end(self) -> int:
        """Where the memory of its machine code ends."""
        span = self._installed.span
        return span.address + span.size

    @property
    def counted(self) -> tuple[slice, int]:
        """Where its counts are among those of all regions: its exits' and its instructions'."""
        compiled = self._installed.compiled
        first = compiled.first_exit
        return slice(first, first + len(compiled.exits)), compiled.counter

    def ir(self) -> str:
        """Its graph as text; empty for one that an earlier run made."""
        from jitvm.engine.ir.text import show

        graph = self._installed.compiled.region.ir
        return "" if graph is None else show(graph)

    def assembly(self) -> list[str]:
        """Its machine code as lines of assembly; empty where its text was not kept, and a comment
        if LLVM refuses it."""
        from jitvm.engine.codegen.native import NativeError

        try:
            return assembly_lines(self.llvm, self._installed.compiled.speed) if self.llvm else []
        except NativeError as error:
            return [f"; {error}"]

    def accesses(self, space: int) -> Iterator[tuple[int, bool]]:
        """Places in it that access a space at a constant address: the address, and whether it is
        written."""
        from jitvm.engine.ir.ops import Op

        graph = self._installed.compiled.region.ir
        for block in () if graph is None else graph.blocks:
            for value in block.values:
                if value.op in (Op.LOAD, Op.STORE) and value.imm[0] == space:
                    address = value.args[0].constant
                    if address is not None:
                        yield address, value.op is Op.STORE


class Counters:
    """One copy of all counters of a machine: consistent to a few microseconds, cheap to read."""

    def __init__(self, exits: memoryview, executed: memoryview) -> None:
        self._exits = array("I", bytes(exits))
        self._executed = array("Q", bytes(executed))

    def exits(self, region: RegionView) -> array[int]:
        """How often each exit of a region was taken."""
        return self._exits[region.counted[0]]

    def executed(self, region: RegionView) -> int:
        """Instructions a region has executed."""
        return self._executed[region.counted[1]]


class Inspector:
    """One machine, looked at. Without a JIT there are no regions, and nothing was recorded."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    @property
    def _jit(self) -> Jit | None:
        return self.machine.jit

    # -- the JIT as a whole ------------------------------------------------------------------

    @property
    def has_jit(self) -> bool:
        """Whether there is a JIT; it is made when the machine has run for a while."""
        return self._jit is not None

    @property
    def now(self) -> float:
        """Seconds since the JIT was made: the time of its events."""
        return 0.0 if self._jit is None else self._jit.report.now

    @property
    def params(self) -> Parameters | None:
        """The limits it keeps to."""
        return None if self._jit is None else self._jit.params

    @property
    def statistics(self) -> Statistics | None:
        """What it has done."""
        return None if self._jit is None else self._jit.regions.statistics

    # -- regions -----------------------------------------------------------------------------

    def regions(self) -> list[RegionView]:
        """All that are installed."""
        return [] if self._jit is None else [*map(RegionView, list(self._jit.regions.values()))]

    def region(self, start: int) -> RegionView | None:
        """The one that starts at an address."""
        installed = None if self._jit is None else self._jit.regions.get(start)
        return None if installed is None else RegionView(installed)

    def region_numbers(self) -> set[int]:
        """Numbers of all that are installed; cheaper than `regions`."""
        if self._jit is None:
            return set()
        return {each.number for each in list(self._jit.regions.values())}

    def entries_of(self, region: RegionView) -> list[int]:
        """Other addresses where one is entered now."""
        return [] if self._jit is None else self._jit.regions.entries_of(region._installed)

    def inner_entries(self) -> dict[int, int]:
        """Addresses where one is entered in its middle, with its start."""
        return {} if self._jit is None else dict(self._jit.regions.inner)

    def times_left(self, region: RegionView) -> list[int]:
        """How often each exit of an installed one was taken, in the order of its `exits`."""
        assert self._jit is not None
        return self._jit.regions.times_left(region._installed)

    def executed_in(self, region: RegionView) -> int:
        """Instructions it has executed since it was installed; zero unless they are counted."""
        assert self._jit is not None
        return self._jit.regions.executed_in(region._installed)

    @property
    def native_executed(self) -> int:
        """Instructions all regions have executed, also those that are gone, if it is counted."""
        return 0 if self._jit is None else self._jit.regions.executed

    def counters(self) -> Counters:
        """All counts of an installed JIT at one moment."""
        assert self._jit is not None
        return Counters(self._jit.regions.exit_counts, self._jit.regions.executed_counts)

    # -- what is known of the program --------------------------------------------------------

    def travel(self, pc: int) -> int:
        """How often an instruction was seen while recording."""
        return 0 if self._jit is None else self._jit.planner.learned.travel(pc)

    def travelled(self) -> dict[int, int]:
        """The same of all instructions that were seen."""
        if self._jit is None:
            return {}
        learned = self._jit.planner.learned
        return {pc: learned.travel(pc) for pc in list(learned.edges)}

    @property
    def variables(self) -> frozenset[int]:
        """Bytes of code that are known to change while the program runs."""
        return frozenset() if self._jit is None else frozenset(self._jit.planner.learned.written)

    @property
    def code_map(self) -> bytes:
        """What each byte of the code space is to regions: bits `CODE` and `CELL`."""
        machine = self.machine
        return bytes(machine.block.view(machine.layout.code_map, machine.layout.size))

    # -- native code, for what sees nothing but addresses ------------------------------------

    @property
    def has_native_code(self) -> bool:
        """Whether the machine runs on native code at all."""
        return self.machine.native is not None

    @property
    def interpreter(self) -> list[range]:
        """Addresses of the native interpreter, in pieces; none if there is none."""
        native = self.machine.native
        spans = [] if native is None else native.handlers.spans
        return [range(span.address, span.address + span.size) for span in spans]

    def interpreter_functions(self) -> Iterator[tuple[int, int, str]]:
        """Its functions in the order of memory: address, size, name."""
        native = self.machine.native
        if native is None:
            return
        handlers = native.handlers
        layout = self.machine.layout
        named = (*_WAYS_IN, *_STUBS, "missing", *spills(layout))
        names = {handlers.address(name): name for name in named}
        for row in self.machine.guest.opcodes:
            entries = range(8 * row.code, layout.table_size, PART)
            for table, at in product(HANDLER_TABLES, entries):
                address = int.from_bytes(handlers.tables[table][at : at + 8], sys.byteorder)
                names.setdefault(address, row.name)
        for piece in sorted(self.interpreter, key=lambda piece: piece.start):
            starts = sorted(at for at in names if at in piece)
            for start, end in zip(starts, [*starts[1:], piece.stop], strict=True):
                yield start, end - start, names[start]

    @property
    def mode_word(self) -> int:
        """Address of a word that says what the native interpreter does: 64 bits, which are
        `recording` while it records."""
        return self.machine.block.base + self.machine.layout.fields["table"]

    @property
    def recording(self) -> int:
        """What the word at `mode_word` is while it records."""
        return self.machine.block.base + self.machine.layout.tables["record"]


def assembly_lines(llvm: str, speed: int) -> list[str]:
    """LLVM text as assembly for this processor, without directives and comments.

    Raises:
        NativeError: LLVM refused the text.
    """
    from jitvm.engine.codegen.native import host_compiler

    text = host_compiler().assembly(llvm, speed=speed)
    return [line for line in text.splitlines() if not _is_directive(line)]


def _is_directive(line: str) -> bool:
    word = line.strip()
    return not word or word[0] in "#/" or (word[0] == "." and not word.endswith(":"))


def install_code(llvm: str, name: str, architecture: str) -> int:
    """The address of a function of a tool's own, made of LLVM text without relocations.

    It stays as long as the process: a thread may be inside at any time.
    """
    from jitvm.engine.codegen.native import Compiler
    from jitvm.engine.memory.arena import shared_arena

    code = Compiler(architecture).compile(llvm, speed=1)
    return shared_arena().install(code.machine_code).address + code.symbols[name]


def loading_opcodes(guest: Guest, space: int) -> frozenset[int]:
    """Opcodes that may load from a space, their operands included: by every way through them."""
    from jitvm.engine.interpreter.cores import full_graph
    from jitvm.engine.ir.ops import Op

    found: dict[tuple[int, int], bool] = {}
    for row in guest.opcodes:
        if row.meaning not in found:
            found[row.meaning] = any(
                value.op in (Op.LOAD, Op.VIEW, Op.PEEK) and value.imm[0] == space
                for block in full_graph(guest, row).blocks
                for value in block.values
            )
    return frozenset(row.code for row in guest.opcodes if found[row.meaning])
