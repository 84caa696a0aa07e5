"""From graphs to LLVM text: blocks, branches and exits. Values are lowered in `operations`."""

from __future__ import annotations

from jitvm.engine.codegen.emitter import LIKELY
from jitvm.engine.codegen.leaving import HeldSlots
from jitvm.engine.codegen.operations import PREDICATE, OperationLowering
from jitvm.engine.codegen.table import lowers
from jitvm.engine.ir.graph import Block, Branch, Exit, Goto, Graph, Leave, Slot, Value
from jitvm.engine.ir.ops import Op
from jitvm.engine.memory.layout import Layout
from jitvm.engine.tables.status import Status

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import ClassVar

    from jitvm.engine.codegen.table import Lowerings

NOTHING = 'call void asm sideeffect "", ""()'
"""An instruction that is none, which LLVM does not look into."""


def _both(condition: Value) -> tuple[Value, Value] | None:
    """The two comparisons that a condition, or its contrary, asks for."""
    if condition.op is Op.EQ and condition.args[1].constant == 0:
        condition = condition.args[0]
    if condition.op is not Op.AND:
        return None
    a, b = condition.args
    return (a, b) if a.op in PREDICATE and b.op in PREDICATE else None


class Lowering(OperationLowering):
    """Lowers one graph to the body of one function.

    Args:
        layout: where things lie.
        graph: what to lower; finished and verified.
        retry: the function that guards with `Leave.RETRY` tail-call.
        hooked: taken jumps go through the code table.

    Attributes:
        has_tables: whether LLVM may have jumps go through tables.
        align: what its address is a multiple of; of the class.
    """

    align = 16

    lowerings: ClassVar[Lowerings] = {**OperationLowering.lowerings}

    def __init__(self, layout: Layout, graph: Graph, *, retry: str, hooked: bool) -> None:
        super().__init__(layout, graph.word_bits)
        self.graph = graph
        self.retry = retry
        self.hooked = hooked
        self.has_tables = False
        self._exits: dict[int, Exit] = {}
        self._incoming: dict[int, list[tuple[str, list[Value]]]] = {}
        self._held = HeldSlots(graph.blocks, len(layout.guest.stacks))

    def function(self, name: str, *, optimised: bool = True) -> str:
        """The whole function's text; not `optimised` when compiling fast matters more."""
        for block in self.graph.blocks:
            self._block(block)
        self._leave_all()
        self._fill_phis()
        lines = [*self._first(), f"  br label %b{self.graph.blocks[0].number}", *self.lines]
        return self.prototype.define(
            name, lines, optimised=optimised, has_tables=self.has_tables, align=self.align
        )

    # -- blocks ------------------------------------------------------------------------------

    def _block(self, block: Block) -> None:
        self.begin(f"b{block.number}")
        for param in block.params:
            self._text[id(param)] = self.name()
            self.lines.append(f"PHI {block.number} {self._text[id(param)]}")
        for value in block.values:
            self._value(value)
        self._end(block)

    def _fill_phis(self) -> None:
        seen: dict[int, int] = {}
        for i, line in enumerate(self.lines):
            if not line.startswith("PHI "):
                continue
            _, block, name = line.split()
            number = int(block)
            index = seen.get(number, 0)
            seen[number] = index + 1
            ways = ", ".join(
                f"[ {self.text(args[index])}, %{label} ]" for label, args in self._incoming[number]
            )
            self.lines[i] = f"  {name} = phi {self.word} {ways}"

    def _edge(self, goto: Goto) -> str:
        self._incoming.setdefault(goto.block.number, []).append(
            (self._predecessor, list(goto.args))
        )
        return f"b{goto.block.number}"

    def _way(self, way: Goto | Exit) -> str:
        return self._edge(way) if isinstance(way, Goto) else self._exit_label(way)

    def _exit_label(self, exit_: Exit) -> str:
        if id(exit_) not in self._exits:
            exit_.number = len(self._exits)
            self._exits[id(exit_)] = exit_
        return f"exit{exit_.number}"

    def _end(self, block: Block) -> None:
        end = block.end
        if isinstance(end, Goto):
            self.do(f"br label %{self._edge(end)}")
        elif isinstance(end, Branch):
            self._branch(end)
        else:
            assert end is not None
            self.do(f"br label %{self._exit_label(end)}")

    def _branch(self, end: Branch) -> None:
        yes, no = end.yes, end.no
        parts = _both(end.condition)
        if isinstance(yes, Goto) and isinstance(no, Goto) and yes.block is no.block:
            self._branch_to_one(self.flag(end.condition), yes, no)
        elif parts is not None and not end.is_even:
            is_both = end.condition.op is Op.AND
            self._branch_twice(parts, yes if is_both else no, no if is_both else yes)
        else:
            flag = self.flag(end.condition)
            self.do(f"br i1 {flag}, label %{self._way(yes)}, label %{self._way(no)}")

    def _branch_to_one(self, flag: str, yes: Goto, no: Goto) -> None:
        """A block cannot be passed two sets of arguments: the second way gets one of its own."""
        second = self.fresh_label()
        self.do(f"br i1 {flag}, label %{self._edge(yes)}, label %{second}")
        self.begin(second)
        self.do(f"br label %{self._edge(no)}")

    def _branch_twice(
        self, parts: tuple[Value, Value], both: Goto | Exit, neither: Goto | Exit
    ) -> None:
        """A branch for each of two comparisons: the processor predicts them one by one."""
        second = self.fresh_label()
        self.do(f"br i1 {self.flag(parts[0])}, label %{second}, label %{self._way(neither)}")
        self.begin(second)
        self.do(NOTHING)  # else LLVM makes one branch of the two again
        flag = self.flag(parts[1])
        self.do(f"br i1 {flag}, label %{self._way(both)}, label %{self._way(neither)}")

    def _guard(self, flag: str, exit_: Exit) -> None:
        ahead = self.fresh_label()
        exit_label = self._exit_label(exit_)
        self.do(f"br i1 {flag}, label %{ahead}, label %{exit_label}, {LIKELY}")
        self.begin(ahead)

    # -- exits -------------------------------------------------------------------------------

    def _stack_after(self, index: int, change: int | Value) -> str:
        if isinstance(change, int):
            return self.at(change, f"%s{index}")
        return self.at(self.wide(change), self._stack_base(index))

    def _leave_all(self) -> None:
        for exit_ in self._exits.values():
            self.label(f"exit{exit_.number}")
            self._leave(exit_)

    def _leave(self, exit_: Exit) -> None:
        if exit_.kind is Leave.RETRY:
            self._retry()
            return
        self._write_slots(exit_)
        stacks = [self._stack_after(i, change) for i, change in enumerate(exit_.pointers)]
        pc = self.wide(exit_.pc)
        if exit_.kind is Leave.HALT:
            self._halt(pc, stacks)
            return
        if exit_.kind is Leave.STOP:
            self._stop_if_asked(pc, stacks)
        if exit_.kind is Leave.JUMP and self.hooked:
            self.enter_code(pc, stacks)
        else:
            self._go_on(exit_, pc, stacks)

    def _retry(self) -> None:
        self.tail(f"@{self.retry}", "%pc", self.prototype.own_stacks())

    def _go_on(self, exit_: Exit, pc: str, stacks: list[str]) -> None:  # noqa: ARG002  others look
        self.dispatch(pc, stacks)

    def _halt(self, pc: str, stacks: list[str]) -> None:
        self.save(pc, stacks, Status.HALT)

    def _write_slots(self, exit_: Exit) -> None:
        """Write words on stacks, except those that memory has held since entry."""
        for slot in self._held.changed(exit_):
            self._write_slot(slot)

    def _write_slot(self, slot: Slot) -> None:
        index, offset, size, word = slot
        self._store_bytes(self.at(offset, f"%s{index}"), word, size, "stack")

    def _stop_if_asked(self, pc: str, stacks: list[str]) -> None:
        stop = self.load("i64", self.field("stop"), "context", 8)
        asked = self.let(f"icmp ne i64 {stop}, 0")
        leave, go = self.fresh_label(), self.fresh_label()
        self.do(f"br i1 {asked}, label %{leave}, label %{go}, !prof !91")
        self.label(leave)
        self.save(pc, stacks, Status.HOST)
        self.label(go)

    @lowers(lowerings, Op.GUARD)
    def _guard_value(self, value: Value) -> None:
        assert value.exit is not None
        self._guard(self.flag(value.args[0]), value.exit)
