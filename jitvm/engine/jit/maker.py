"""Making one region: from what is known about a program to machine code. On the compile thread.

planner, world --attempts--> region IR --passes--> --RegionLowering--> LLVM text --> bytes
                                                   --DirectLowering----------------> bytes
"""

from __future__ import annotations

import os
import time

from jitvm.engine.host.background import BACKGROUND
from jitvm.engine.host.notes import note, reason
from jitvm.engine.host.process import IMPORTS
from jitvm.engine.jit.compiled import Compiled
from jitvm.engine.jit.dump import Dump
from jitvm.engine.memory.layout import EXITS, MOST_EXITS, REGIONS, Layout
from jitvm.engine.tables import events
from jitvm.engine.tables.reasons import Reason
from jitvm.engine.tables.struct import Struct

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterable

    from jitvm.engine.codegen.native import Compiler
    from jitvm.engine.ir.graph import Exit
    from jitvm.engine.jit.planner import Planner
    from jitvm.engine.region.region import Region
    from jitvm.engine.region.world import World
    from jitvm.engine.tables.params import Parameters


def makes_code(params: Parameters) -> bool:
    """Whether quick compilations make machine code themselves, on this processor."""
    return bool(params.direct) and os.uname().machine == "x86_64"


def load_compiler(params: Parameters) -> None:
    """Have all that compiling takes imported, and LLVM ready if quick compilations take it.

    In this order: Python opens modules that are libraries with the interpreter lock held, and
    whoever opens one waits while LLVM is opened. One after the other: the end of a command waits
    for an import.
    """
    with IMPORTS:
        import jitvm.engine.ir.passes
    BACKGROUND.step()
    with IMPORTS:
        import jitvm.engine.region.attempt
        import jitvm.engine.region.window
    BACKGROUND.step()
    if makes_code(params):
        with IMPORTS:
            import jitvm.engine.region.direct
        return
    with IMPORTS:
        import jitvm.engine.region.lower  # noqa: F401
        from jitvm.engine.codegen.native import host_compiler
    try:
        host_compiler()
    except (ImportError, OSError):  # whoever needs it will tell
        return


class Refused(Exception):
    """Nothing was compiled, for a reason of the table."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.name)
        self.reason = reason


class _Made(Struct):
    """Machine code of a region: what `Compiled` has of it, and when it was lowered."""

    machine_code: bytes
    entries: dict[int, int]
    exits: list[Exit]
    lowered: float
    text: str = ""


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
        learned, about = self.planner.learned, self.planner.about(start)
        edges, opcodes = learned.edges, learned.opcodes
        # What was learned while the job waited would only be found out once it is installed.
        world = world.but(
            written=world.written | learned.written, aliased=about.aliased | learned.aliased
        )
        for _ in range(self.params.retries):
            forming = Forming(self.guest, world, edges, opcodes, params, headroom, links)
            region = form(forming, start)
            if region is None:
                raise Refused(Reason.UNSETTLED)
            about.aliased = forming.world.aliased
            conflict = region.assumptions.stores & region.assumptions.code.keys()
            if not conflict:
                return region
            world = forming.world.but(written=world.written | conflict)
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

        if world.is_broken(start):
            raise Refused(Reason.BREAK)
        if world.is_new(start):
            raise Refused(Reason.BRANCH)
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
        made = self._made_here(region, first_exit, counter) if speed == 0 else None
        if made is None:
            made = self._by_llvm(region, first_exit, counter, speed)
        self.next_exit = (first_exit + len(made.exits)) % (EXITS - MOST_EXITS)
        self.next_counter = (counter + 1) % REGIONS
        done = time.perf_counter()
        if self._dump is not None:
            self._dump.compiled(made.text, self.compiler, speed)
        exits = [(exit_.reason, exit_.pc.constant) for exit_ in made.exits]
        edges = {pc: frozenset(self.planner.learned.edges.get(pc, ())) for pc in region.nodes}
        code = made.machine_code
        seconds = (formed - began, made.lowered - formed, done - made.lowered)
        llvm = made.text if self.params.keep_text else ""
        self._report(
            events.Compiled, start, region.size, len(exits), len(code), *seconds, nodes is None
        )
        return Compiled(
            region, code, exits, edges, first_exit, seconds, world.epoch, counter, speed, llvm,
            made.entries,
        )  # fmt: skip

    # -- machine code ------------------------------------------------------------------------

    @property
    def _makes_code(self) -> bool:
        """Whether quick compilations do without LLVM: not where somebody wants to read its text."""
        return makes_code(self.params) and not (self.params.keep_text or self.is_dumping)

    def _made_here(self, region: Region, first_exit: int, counter: int) -> _Made | None:
        """The machine code of a region without LLVM; None: something is in it that takes LLVM."""
        if not self._makes_code:
            return None
        with IMPORTS:
            from jitvm.engine.codegen.places import Unknown
            from jitvm.engine.region.direct import DirectLowering

        lowered = time.perf_counter()
        try:
            lowering = DirectLowering(
                self.layout,
                region.graph,
                first_exit=first_exit,
                counter=counter,
                report_every=self._report_every,
            )
            code, entries = lowering.code(region.entries)
        except Unknown:
            return None
        self._refuse_most(lowering.exits)
        return _Made(code, entries, lowering.exits, lowered)

    def _by_llvm(self, region: Region, first_exit: int, counter: int, speed: int) -> _Made:
        with IMPORTS:
            from jitvm.engine.region.lower import RegionLowering

        lowering = RegionLowering(
            self.layout,
            region.graph,
            first_exit=first_exit,
            counter=counter,
            report_every=self._report_every,
        )
        name = f"region_{region.start:04x}"
        text = lowering.module(name, region.entries, table=self.params.table)
        self._refuse_most(lowering.exits)
        lowered = time.perf_counter()
        code, entries = self.machine_code(name, region.entries, text, speed)
        return _Made(code, entries, lowering.exits, lowered, text)

    @property
    def _report_every(self) -> dict[str, int | str]:
        """Every how many times exits of a reason return to the host, or the field that says it."""
        return {Reason.ENTRY.name: "patience", Reason.STORE.name: self.params.aliases}

    @staticmethod
    def _refuse_most(exits: list[Exit]) -> None:
        """Refuse a region with more exits than are counted."""
        if len(exits) > MOST_EXITS:
            raise Refused(Reason.NODES)

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
