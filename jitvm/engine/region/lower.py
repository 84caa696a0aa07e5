"""Lowering of regions: what they have and handlers do not. Their exits are in `exits`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from jitvm.engine.codegen.emitter import (
    ATTRIBUTES,
    DECLARATIONS,
    LIKELY,
    METADATA,
    Emitter,
    used_functions,
)
from jitvm.engine.codegen.leaving import map_look
from jitvm.engine.codegen.table import lowers
from jitvm.engine.ir.graph import Branch, Graph, Value
from jitvm.engine.ir.ops import Op, covered
from jitvm.engine.memory.layout import HIT
from jitvm.engine.region.exits import ExitLowering

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import ClassVar

    from jitvm.engine.codegen.table import Lowerings


def entry_name(region: str, address: int) -> str:
    """The name of the function that enters a region at another address than its start."""
    return f"{region}_{address:04x}"


class RegionLowering(ExitLowering):
    """Lowers one region; arguments as for `ExitLowering`."""

    lowerings: ClassVar[Lowerings] = {**ExitLowering.lowerings}

    def module(self, name: str, entries: Mapping[int, tuple[int, ...]], *, table: int) -> str:
        """The text of a module with this function and those of its other entries.

        Args:
            name: of the function.
            entries: addresses, with how far the stack pointers there are from those at the start.
            table: a word that is compared with so many numbers may choose from a table.
        """
        self.has_tables = most_compared(self.graph) >= table
        texts = {name: self.function(name)}
        for at, tops in entries.items():
            if any(tops):
                other = entry_name(name, at)
                texts[other] = self._entry(name, other, tops)
        parts = [DECLARATIONS, *texts.values(), used_functions(texts), ATTRIBUTES, METADATA, ""]
        return "\n".join(parts)

    def _entry(self, region: str, name: str, tops: tuple[int, ...]) -> str:
        """A function that enters a region as if its start had been passed with other pointers."""
        stub = Emitter(self.layout)
        own = self.prototype.own_stacks()
        stacks = [stub.at(-top, stack) for top, stack in zip(tops, own, strict=True)]
        stub.tail(f"@{region}", "%pc", stacks)
        return self.prototype.define(name, stub.lines)

    # -- values ------------------------------------------------------------------------------

    @lowers(lowerings, Op.GUARD)
    def _guard_value(self, value: Value) -> None:
        watched = map_look(value)
        if watched is None:
            super()._guard_value(value)
            return
        assert value.exit is not None
        flag = self.flag(value.args[0])
        ahead, hit = self.fresh_label(), self.fresh_label()
        self.do(f"br i1 {flag}, label %{ahead}, label %{hit}, {LIKELY}")
        self.label(hit)
        self._mark_hit(watched)
        self.do(f"br label %{self._exit_label(value.exit)}")
        self.begin(ahead)

    def _mark_hit(self, watched: Value) -> None:
        (size,) = watched.imm
        address = self.at(self.layout.code_map, self.at(self.wide(watched.args[0])))
        bits = int.from_bytes(bytes([HIT] * size), "little")
        type_ = f"i{8 * size}"
        marked = self.let(f"or {type_} {self.load(type_, address, 'map')}, {bits}")
        self.store(type_, marked, address, "map")

    @lowers(lowerings, Op.CHARGE)
    def _charge(self, value: Value) -> None:
        assert value.exit is not None
        (instructions,) = value.imm
        left = self.load("i64", self.field("budget"), "context", 8)
        self._guard(self.let(f"icmp uge i64 {left}, {instructions}"), value.exit)
        self._pay(instructions)

    @lowers(lowerings, Op.POLL)
    def _poll(self, value: Value) -> None:
        assert value.exit is not None
        flag = self.let(f"load volatile i64, ptr {self.field('interrupt')}, align 8")
        self._guard(self.let(f"icmp eq i64 {flag}, 0"), value.exit)

    @lowers(lowerings, Op.SYNC)
    def _sync(self, value: Value) -> None:
        assert value.exit is not None
        self._write_slots(value.exit)
        for index, (change, at) in enumerate(
            zip(value.exit.pointers, self.layout.pointers, strict=True)
        ):
            self.store("ptr", self._stack_after(index, change), self.at(at), "context", 8)

    @lowers(lowerings, Op.CHECK)
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

    def _call_host(self, which: int, port: Value, byte: str, plain: str = "0") -> str:
        """Call a port's function; what it returns, or `plain` where the port has none.

        A port may have been computed when the region was formed and be a constant by now.
        """
        function = self.load("ptr", self._port_function(which, port), "context", 8)
        call = f"call i64 {function}(ptr %base, i64 {self.wide(port)}, i64 {byte})"
        before, device, ahead = self._predecessor, self.name()[1:], self.name()[1:]
        there = self.let(f"icmp ne ptr {function}, null")
        self.do(f"br i1 {there}, label %{device}, label %{ahead}")
        self.label(device)
        answer = self.let(call)
        self.do(f"br label %{ahead}")
        self.label(ahead)
        self._predecessor = ahead
        return self.let(f"phi i64 [ {answer}, %{device} ], [ {plain}, %{before} ]")

    @lowers(lowerings, Op.HOST_IN)
    def _host_in(self, value: Value) -> str:
        port = value.args[0]
        address = self.at(self.layout.ports, self.at(self.wide(port)))
        plain = self.let(f"zext i8 {self.load('i8', address, 'page')} to i64")
        byte = self._call_host(self.layout.readers, port, "0", plain)
        return self._widen(self.let(f"trunc i64 {byte} to i8"), 8)

    @lowers(lowerings, Op.HOST_OUT, Op.OUT)
    def _host_out(self, value: Value) -> None:
        self._set_page(value)
        self._call_host(self.layout.writers, value.args[0], self.wide(value.args[1]))

    @lowers(lowerings, Op.COLLECT)
    def _collect(self, value: Value) -> None:
        self._set_page(value)
        port, byte = value.args
        self._predecessor = self.append(self.wide(port), self.wide(byte))


covered(__name__, RegionLowering.lowerings)


def most_compared(graph: Graph) -> int:
    """With how many constants a word is compared by branches, at most."""
    compared = Counter(
        block.end.condition.args[0]
        for block in graph.blocks
        if isinstance(block.end, Branch)
        and block.end.condition.op is Op.EQ
        and block.end.condition.args[1].constant is not None
    )
    return max(compared.values(), default=0)
