"""Making one region: from what is known about a program to machine code. On the compile thread.

planner, world --attempts--> region IR --passes--> --RegionLowering--> LLVM text --> bytes
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from jitvm.engine.host.notes import note, reason
from jitvm.engine.host.process import IMPORTS
from jitvm.engine.jit.compiled import Compiled
from jitvm.engine.jit.dump import Dump
from jitvm.engine.memory.layout import EXITS, MOST_EXITS, REGIONS, Layout
from jitvm.engine.tables import events
from jitvm.engine.tables.reasons import Reason

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.engine.codegen.native import Compiler
    from jitvm.engine.jit.planner import Planner
    from jitvm.engine.region.region import Region
    from jitvm.engine.region.world import World
    from jitvm.engine.tables.params import Parameters


class Refused(Exception):
    """Nothing was compiled, for a reason of the table."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.name)
        self.reason = reason


class RegionMaker:
    """Compiles regions of one machine.

    Args:
        layout: where things lie.
        planner: what is known of the program.
        params: limits.
        report: receives what was compiled.

    Attributes:
        compiler: LLVM, made when it is first needed.
        next_exit, next_counter: the counters that the next region gets.
    """

    def __init__(
        self,
        layout: Layout,
        planner: Planner,
        params: Parameters,
        report: events.Reporter,
    ) -> None:
        self.layout = layout
        self.guest = layout.guest
        self.planner = planner
        self.params = params
        self.compiler: Compiler | None = None
        self.next_exit = 0
        self.next_counter = 0
        self._report = report
        self._dump = Dump.from_environment()

    @property
    def compiles_twice(self) -> bool:
        """Whether regions get a quick compilation first, and a full one when there is time."""
        return bool(self.params.polish and self.params.background)

    @property
    def is_dumping(self) -> bool:
        """Whether somebody wants to read what is made."""
        return self._dump is not None

    def _form(self, start: int, world: World, params: Parameters, links: frozenset[int]) -> Region:
        """Form a region that does not write to its own instructions unguarded."""
        with IMPORTS:
            from jitvm.engine.region.attempt import form
            from jitvm.engine.region.forming import Forming

        headroom = self.planner.headroom(start, is_quick=params.entries > 0)
        learned = self.planner.learned
        edges, opcodes = learned.edges, learned.opcodes
        # What was learned while the job waited would only be found out once it is installed.
        world = world.but(
            written=world.written | learned.written, aliased=frozenset(learned.aliased)
        )
        for _ in range(self.params.retries):
            forming = Forming(self.guest, world, edges, opcodes, params, headroom, links)
            region = form(forming, start)
            if region is None:
                raise Refused(Reason.UNSETTLED)
            conflict = region.assumptions.stores & region.assumptions.code.keys()
            if not conflict:
                return region
            world = world.but(written=world.written | conflict)
        raise Refused(Reason.THRASH)

    def compile(
        self,
        start: int,
        world: World,
        *,
        links: frozenset[int] = frozenset(),
        nodes: int | None = None,
    ) -> Compiled:
        """Form a region and make machine code of it.

        In the background the first compilation is quick, because the guest waits for it; a full
        one follows when there is nothing else to do (see `jitvm.engine.jit.full`).

        Args:
            start: where it begins.
            world: what is known of the machine.
            links: where other regions begin that it leaves for, if it gets too large otherwise.
            nodes: the limit of a quick compilation; None: a full one.
        """
        with IMPORTS:
            from jitvm.engine.ir.passes import optimise
            from jitvm.engine.region.lower import RegionLowering

        began = time.perf_counter()
        params, speed = self.params, self.params.speed
        if nodes is None:
            speed = params.polish
        elif self.compiles_twice:
            speed = 0
        if nodes is not None and speed == 0:
            # Copies of a recursion's callees are most of what such a region costs to make.
            params = params.but(
                nodes=min(params.nodes, nodes),
                recursion=min(params.recursion, params.quick_recursion),
                cells=min(params.cells, params.quick_cells),
                depths=1,
                returns=0,
            )
        else:
            # What another entry may have changed is no invariant of a loop any more.
            params = params.but(entries=0)
        region = self._form(start, world, params, links - {start})
        self._verify(region)
        if self._dump is not None:
            self._dump.formed(region)
        optimise(region.graph, quick=speed == 0)
        self._verify(region)
        if self._dump is not None:
            self._dump.optimised(region)
        formed = time.perf_counter()
        first_exit, counter = self.next_exit, self._free_counter()
        lowering = RegionLowering(
            self.layout,
            region.graph,
            first_exit=first_exit,
            counter=counter,
            report_every={Reason.ENTRY.name: "patience", Reason.STORE.name: self.params.aliases},
        )
        name = f"region_{start:04x}"
        text = lowering.module(name, region.entries, table=self.params.table)
        if len(lowering.exits) > MOST_EXITS:
            raise Refused(Reason.NODES)
        self.next_exit = (first_exit + len(lowering.exits)) % (EXITS - MOST_EXITS)
        self.next_counter = (counter + 1) % REGIONS
        lowered = time.perf_counter()
        code, entries = self.machine_code(name, region.entries, text, speed)
        done = time.perf_counter()
        if self._dump is not None:
            self._dump.compiled(text, self.compiler, speed)
        exits = [(exit_.reason, exit_.pc.constant) for exit_ in lowering.exits]
        edges = {pc: frozenset(self.planner.learned.edges.get(pc, ())) for pc in region.nodes}
        seconds = (formed - began, lowered - formed, done - lowered)
        llvm = text if self.params.keep_text else ""
        self._report(
            events.Compiled, start, region.size, len(exits), len(code), *seconds, nodes is None
        )
        return Compiled(
            region, code, exits, edges, first_exit, seconds, world.epoch, counter, speed, llvm,
            entries,
        )  # fmt: skip

    def _free_counter(self) -> int:
        """A counter of executed instructions that no installed region has."""
        taken = {each.compiled.counter for each in list(self.planner.regions.values())}
        counter = self.next_counter
        while counter in taken:
            counter = (counter + 1) % REGIONS
        return counter

    def machine_code(
        self, name: str, entries: Iterable[int], text: str, speed: int
    ) -> tuple[bytes, dict[int, int]]:
        """What the functions of an LLVM module become, the region's own at offset 0, and the
        offsets of its other entries."""
        with IMPORTS:
            from jitvm.engine.codegen.native import host_compiler
            from jitvm.engine.region.lower import entry_name

        if self.compiler is None:
            try:
                self.compiler = host_compiler()
            except (ImportError, OSError) as error:
                note(f"no compiler ({reason(error)})", "nothing more becomes native")
                raise Refused(Reason.COMPILER) from error
        code = self.compiler.compile(text, speed=speed)
        begin = code.symbols[name]
        offsets = {at: code.symbols.get(entry_name(name, at), begin) - begin for at in entries}
        return code.machine_code[begin:], offsets

    def _verify(self, region: Region) -> None:
        if self.params.verify:
            with IMPORTS:
                from jitvm.engine.ir.verify import verify

            verify(region.graph, self.guest)
