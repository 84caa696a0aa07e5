"""Lowering of a region's exits: writing the state back and continuing elsewhere.

Exits come in two kinds. After an instruction, control goes through the code table: to another
region if there is one, else to the counting stub, which notices when an exit is hot. Before an
instruction (a guard failed) it goes to the interpreter's handler of that very instruction, so that
something is always executed between two lookups in the code table.

Each exit counts, in the block, how often it was taken. Some also return to the host now and then:
the one at the entry, since otherwise nobody would notice a region that cannot be entered, and those
before stores that hit cells, which mark the bytes in the code map.

Most exits are hardly ever taken, but there are many: written out one by one they would be two
thirds of the text that LLVM compiles. So these share code:

    exit 7: note pc, number, how far the pointers moved ----> write slot c ---+
    exit 9: note ...  ---------------------------------> write slot d --------+--> write b --> a
                                                                                   --> leave

A path to the leave is a list of slots to write, and paths join when the rest is the same (a trie
whose root is the leave). What differs is noted in the context, where the leave finds it. Exits that
are taken all the time, those into other regions, do everything themselves, in registers.
"""

from __future__ import annotations

from collections.abc import Mapping

from jitvm.engine.codegen.lower import Lowering
from jitvm.engine.ir.graph import Exit, Graph, Leave, Slot
from jitvm.engine.memory.layout import NEVER, Layout
from jitvm.engine.tables.reasons import Reason
from jitvm.engine.tables.status import Status

_TRAVELLED = frozenset(
    reason.name
    for reason in (
        Reason.RETURN, Reason.LINK, Reason.NODES, Reason.RECURSION, Reason.DRIFT, Reason.DEPTH,
    )
)  # fmt: skip
"""Exits that lead where regions are, or soon will be."""


class _Writer:
    """Writes one slot, then does what the one below it does; the lowest of all leaves.

    `users` counts the ways that lead here: if it is one, this is no block of its own.
    """

    __slots__ = ("above", "below", "label", "slot", "users")

    def __init__(self, slot: Slot | None, below: _Writer | None) -> None:
        self.slot = slot
        self.below = below
        self.users = 0
        self.label = ""
        self.above: dict[tuple[int, int, int, int], _Writer] = {}


class ExitLowering(Lowering):
    """Lowers a graph whose exits lead out of a region.

    Args:
        layout: where things lie.
        graph: the region.
        first_exit: number of the region's first exit counter.
        counter: number of its count of executed instructions.
        report_every: every how many times exits of a reason return to the host; the name of a
            field if that is in the context.
    """

    def __init__(
        self,
        layout: Layout,
        graph: Graph,
        *,
        first_exit: int,
        report_every: Mapping[str, int | str],
        counter: int = 0,
    ) -> None:
        super().__init__(layout, graph, retry="", hooked=True)
        self.first_exit = first_exit
        self.counter = counter
        self.report_every = report_every
        self._leaves = {kind: _Writer(None, None) for kind in (Leave.JUMP, Leave.NEXT)}
        self._ways: dict[int, _Writer] = {}
        self._blocks_due: list[_Writer] = []

    @property
    def exits(self) -> list[Exit]:
        """Exits in the order of their counters; complete after `function`."""
        return list(self._exits.values())

    # -- exits of their own ------------------------------------------------------------------

    def _leave(self, exit_: Exit) -> None:
        if exit_.instructions:
            self._pay(-exit_.instructions)
        way = self._ways.get(exit_.number)
        if way is not None:
            self._leave_shared(exit_, way)
            return
        self._count(str(self.first_exit + exit_.number))
        if exit_.reason == Reason.HOST.name:
            self._leave_after_host(exit_)
        else:
            super()._leave(exit_)

    def _count(self, number: str) -> str:
        """Count an exit; its counter."""
        counters = self.at(self.layout.exits)
        address = self.let(f"getelementptr inbounds i32, ptr {counters}, i64 {number}")
        count = self.let(f"add i32 {self.load('i32', address, 'context', 4)}, 1")
        self.store("i32", count, address, "context", 4)
        return count

    def _pay(self, instructions: int) -> None:
        budget = self.field("budget")
        left = self.load("i64", budget, "context", 8)
        self.store("i64", self.let(f"sub i64 {left}, {instructions}"), budget, "context", 8)
        counter = self.at(self.layout.executed + 8 * self.counter)
        executed = self.load("i64", counter, "context", 8)
        more = self.let(f"add i64 {executed}, {instructions}")
        self.store("i64", more, counter, "context", 8)

    def _leave_after_host(self, exit_: Exit) -> None:
        """The device may have moved the pointers; what it left is in the context."""
        self._write_slots(exit_)
        stacks = [self.load("ptr", self.at(at), "context", 8) for at in self.layout.pointers]
        pc = self.wide(exit_.pc)
        if exit_.kind is Leave.HALT:
            self._halt(pc, stacks)
            return
        self._stop_if_asked(pc, stacks)
        self.dispatch(pc, stacks)

    def _halt(self, pc: str, stacks: list[str]) -> None:
        """To the host, or straight on to the guest's next event."""
        self.tail(self.load("ptr", self.field("halted"), "context", 8), pc, stacks)

    # -- exits that share --------------------------------------------------------------------

    def _leave_all(self) -> None:
        for exit_ in self._exits.values():
            if self._shares(exit_):
                self._plan(exit_)
        super()._leave_all()
        while self._blocks_due:
            writer = self._blocks_due.pop()
            self.label(writer.label)
            self._write_and_go_down(writer)
        for kind, leave in self._leaves.items():
            if leave.users:
                self.label(leave.label)
                self._shared_leave(kind)

    def _shares(self, exit_: Exit) -> bool:
        return (
            exit_.kind in self._leaves
            and exit_.reason not in _TRAVELLED
            and exit_.reason != Reason.HOST.name
            and all(isinstance(change, int) for change in exit_.pointers)
        )

    def _plan(self, exit_: Exit) -> None:
        """Find the exit's way to the leave, as far as possible along ways that are there.

        The stack that changes least, which holds return addresses, is written last.
        """
        writer = self._leaves[exit_.kind]
        for slot in sorted(self._held.changed(exit_), key=lambda slot: -slot[0]):
            index, offset, size, word = slot
            constant = word.constant
            key = (index, offset, size, -1 - id(word) if constant is None else constant)
            above = writer.above.get(key)
            if above is None:
                above = writer.above[key] = _Writer(slot, writer)
                writer.users += 1
            writer = above
        writer.users += 1
        self._ways[exit_.number] = writer

    def _leave_shared(self, exit_: Exit, way: _Writer) -> None:
        self._note("pc", self.wide(exit_.pc))
        self._note("exit", str(self.first_exit + exit_.number))
        if exit_.kind is Leave.NEXT:
            every = self.report_every.get(exit_.reason, NEVER)
            if isinstance(every, str):
                every = self.load("i64", self.field(every), "context", 8)
            self._note("every", str(every))
        for change, at in zip(exit_.pointers, self.layout.pointers, strict=True):
            self.store("i64", str(change), self.at(at), "context", 8)
        self._go_down(way)

    def _note(self, name: str, number: str) -> None:
        self.store("i64", number, self.field(name), "context", 8)

    def _go_down(self, writer: _Writer) -> None:
        """Go on at a writer: right here if nobody else comes to it."""
        if writer.users == 1 and writer.slot is not None:
            self._write_and_go_down(writer)
            return
        if not writer.label:
            writer.label = self.fresh_label()
            if writer.slot is not None:
                self._blocks_due.append(writer)
        self.do(f"br label %{writer.label}")

    def _write_and_go_down(self, writer: _Writer) -> None:
        assert writer.slot is not None
        assert writer.below is not None
        self._write_slot(writer.slot)
        self._go_down(writer.below)

    def _shared_leave(self, kind: Leave) -> None:
        """Where the ways end: count, and go on with what the exit noted."""
        number = self.load("i64", self.field("exit"), "context", 8)
        count = self._count(number)
        pc = self.load("i64", self.field("pc"), "context", 8)
        stacks = []
        for own, at in zip(self.prototype.own_stacks(), self.layout.pointers, strict=True):
            change = self.load("i64", self.at(at), "context", 8)
            stacks.append(self.let(f"getelementptr inbounds i8, ptr {own}, i64 {change}"))
        if kind is Leave.JUMP:
            self.enter_code(pc, stacks)
            return
        every = self.let(f"trunc i64 {self.load('i64', self.field('every'), 'context', 8)} to i32")
        rest = self.let(f"urem i32 {count}, {every}")
        often = self.let(f"icmp eq i32 {rest}, 0")
        tell, go = self.fresh_label(), self.fresh_label()
        self.do(f"br i1 {often}, label %{tell}, label %{go}, !prof !91")
        self.label(tell)
        self.save(pc, stacks, Status.HOT_EXIT)
        self.label(go)
        self.dispatch(pc, stacks)
