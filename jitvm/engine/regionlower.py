"""Lowering of regions: what they have and handlers do not.

Exits come in two kinds. Behind an instruction, control goes through the code table: into another
region where there is one, else on to the counting stub, which notices when an exit is hot. Before
an instruction (a guard failed) it goes to the interpreter's handler of that very instruction, so
that something is always executed between two looks at the code table.

Each exit counts, in the block, how often it was taken. Some also return to the host now and then:
the one at the entry, as a region that cannot be entered would otherwise never be noticed, and those
before stores that hit cells, which mark the bytes in the code map.
"""

from __future__ import annotations

from jitvm.engine.ir import Exit, Graph, Op, Value
from jitvm.engine.layout import HIT, Layout
from jitvm.engine.lower import ATTRIBUTES, DECLARATIONS, METADATA, Lowering, keep
from jitvm.engine.reasons import Reason
from jitvm.engine.status import Status


class RegionLowering(Lowering):
    """Lowers one region.

    Args:
        layout: where things lie.
        graph: the region.
        first_exit: number of the region's first exit counter.
        tell: every how many times exits of a reason tell the host.
    """

    def __init__(
        self, layout: Layout, graph: Graph, *, first_exit: int, tell: dict[str, int]
    ) -> None:
        super().__init__(layout, graph, retry="", hooked=True)
        self.first_exit = first_exit
        self.tell = tell

    @property
    def exits(self) -> list[Exit]:
        """Exits in the order of their counters; complete after `function`."""
        return list(self._exits.values())

    def module(self, name: str) -> str:
        """The text of a module with this one function."""
        function = self.function(name)
        return "\n".join([DECLARATIONS, function, keep([name]), ATTRIBUTES, METADATA, ""])

    def _leave(self, exit_: Exit) -> None:
        if exit_.instructions:
            self._pay(-exit_.instructions)
        count = self._count(exit_)
        if exit_.reason in self.tell:
            self._leave_telling(exit_, count, self.tell[exit_.reason])
        elif exit_.reason == Reason.HOST.name:
            self._leave_after_host(exit_)
        else:
            super()._leave(exit_)

    def _count(self, exit_: Exit) -> str:
        address = self.at(self.layout.exits + 4 * (self.first_exit + exit_.number))
        count = self.let(f"add i32 {self.load('i32', address, 'context', 4)}, 1")
        self.store("i32", count, address, "context", 4)
        return count

    def _leave_telling(self, exit_: Exit, count: str, every: int) -> None:
        """Go on in the interpreter, but each so many times return to the host."""
        self._write_slots(exit_)
        stacks = [self._stack_after(i, change) for i, change in enumerate(exit_.pointers)]
        pc = self.wide(exit_.pc)
        rest = self.let(f"urem i32 {count}, {every}")
        often = self.let(f"icmp eq i32 {rest}, 0")
        tell, go = self.name()[1:], self.name()[1:]
        self.do(f"br i1 {often}, label %{tell}, label %{go}, !prof !91")
        self.label(tell)
        number = self.first_exit + exit_.number
        self.store("i64", str(number), self.field("exit"), "context", 8)
        self.save(pc, stacks, Status.HOT_EXIT)
        self.label(go)
        self.dispatch(pc, stacks)

    def _leave_after_host(self, exit_: Exit) -> None:
        """The device may have moved the pointers; what it left is in the context."""
        self._write_slots(exit_)
        stacks = [self.load("ptr", self.at(at), "context", 8) for at in self.layout.pointers]
        pc = self.wide(exit_.pc)
        self._stop_if_asked(pc, stacks)
        self.dispatch(pc, stacks)

    # -- values ------------------------------------------------------------------------------

    def _guard_value(self, value: Value) -> None:
        if value.exit is None or value.exit.reason != Reason.STORE.name:
            super()._guard_value(value)
            return
        flag = self.flag(value.args[0])
        ahead, hit = self.name()[1:], self.name()[1:]
        self.do(f"br i1 {flag}, label %{ahead}, label %{hit}, !prof !90")
        self.label(hit)
        if (watched := _map_read(value)) is not None:
            self._mark_hit(watched)
        self.do(f"br label %{self._exit_label(value.exit)}")
        self.label(ahead)
        self._predecessor = ahead

    def _mark_hit(self, watched: Value) -> None:
        (size,) = watched.imm
        address = self.at(self.layout.code_map, self.at(self.wide(watched.args[0])))
        bits = int.from_bytes(bytes([HIT] * size), "little")
        type_ = f"i{8 * size}"
        marked = self.let(f"or {type_} {self.load(type_, address, 'map')}, {bits}")
        self.store(type_, marked, address, "map")

    def _pay(self, instructions: int) -> None:
        field = self.field("budget")
        left = self.load("i64", field, "context", 8)
        self.store("i64", self.let(f"sub i64 {left}, {instructions}"), field, "context", 8)

    def _charge(self, value: Value) -> None:
        assert value.exit is not None
        (instructions,) = value.imm
        left = self.load("i64", self.field("budget"), "context", 8)
        self._guard(self.let(f"icmp uge i64 {left}, {instructions}"), value.exit)
        self._pay(instructions)

    def _poll(self, value: Value) -> None:
        assert value.exit is not None
        flag = self.let(f"load volatile i64, ptr {self.field('interrupt')}, align 8")
        self._guard(self.let(f"icmp eq i64 {flag}, 0"), value.exit)

    def _sync(self, value: Value) -> None:
        assert value.exit is not None
        self._write_slots(value.exit)
        for index, (change, at) in enumerate(
            zip(value.exit.pointers, self.layout.pointers, strict=True)
        ):
            self.store("ptr", self._stack_after(index, change), self.at(at), "context", 8)

    def _check(self, value: Value) -> None:
        assert value.exit is not None
        stop = self.load("i64", self.field("stop"), "context", 8)
        fine = self.let(f"icmp eq i64 {stop}, 0")
        for index, (change, at) in enumerate(
            zip(value.exit.pointers, self.layout.pointers, strict=True)
        ):
            now = self.load("ptr", self.at(at), "context", 8)
            expected = self._stack_after(index, change)
            same = self.let(f"icmp eq ptr {now}, {expected}")
            fine = self.let(f"and i1 {fine}, {same}")
        self._guard(fine, value.exit)

    def _call_host(self, which: int, port: Value, byte: str) -> str:
        entry = self._port_function(which, port)
        function = self.load("ptr", entry, "context", 8)
        return self.let(f"call i64 {function}(ptr %base, i64 {self.wide(port)}, i64 {byte})")

    def _host_in(self, value: Value) -> str:
        byte = self._call_host(self.layout.readers, value.args[0], "0")
        return self._widen(self.let(f"trunc i64 {byte} to i8"), 8)

    def _host_out(self, value: Value) -> None:
        self._set_page(value)
        self._call_host(self.layout.writers, value.args[0], self.wide(value.args[1]))

    def _value(self, value: Value) -> None:
        own = _LOWER.get(value.op)
        if own is None:
            super()._value(value)
        elif (result := own(self, value)) is not None:
            self._text[id(value)] = result


def _map_read(guard: Value) -> Value | None:
    """The look at the code map that a guard depends on."""
    todo = list(guard.args)
    while todo:
        value = todo.pop()
        if value.op is Op.MAP:
            return value
        todo.extend(value.args)
    return None


_LOWER = {
    Op.GUARD: RegionLowering._guard_value,
    Op.CHARGE: RegionLowering._charge,
    Op.POLL: RegionLowering._poll,
    Op.SYNC: RegionLowering._sync,
    Op.CHECK: RegionLowering._check,
    Op.HOST_IN: RegionLowering._host_in,
    Op.HOST_OUT: RegionLowering._host_out,
}
