"""Tier 1 as LLVM text: one function per opcode, the stubs between modes, and the C entry points.

    fast_NN      opcode NN; leaves everything unusual to full_NN         tables plain, count
    checked_NN   as fast, but stores look at the code map                tables checked, record
    hooked_NN    as checked, and taken jumps go through the code table   tables jit, charge
    full_NN      opcode NN, every case, byte by byte
    ..._NN_B     opcode NN where B bytes of a stack are in a register (`lowering`)
    stubs        count, charge, profile, record: do their work, then tail-call the handler of
                 another table with their own still in the register, so they see every instruction.
                 stop: saves the state and returns.
                 counted: what the code table holds for addresses with no region.
                 halt, event: where a region continues when the guest halts: the host, or the
                 next event as long as there are any.
                 missing: what tables hold for opcodes that have no handlers yet: returns.
                 spill_B: puts these bytes in memory and goes on.
    from C       enter, step, deliver (C calling convention)

A table is an array of pointers in the machine's own block, 256 for each state of that register.
`InterpreterSource.tables` says which function each entry is; opcodes whose variants would be
identical share one, and so do rows with the same meaning.

Handlers of different opcodes know nothing of each other, so they need not be made at once: a module
may hold those of a few only, and another one, without stubs, those that were needed later.
"""

from __future__ import annotations

import os

from jitvm.engine.codegen.emitter import (
    ATTRIBUTES,
    DECLARATIONS,
    METADATA,
    Emitter,
    Prototype,
    used_functions,
)
from jitvm.engine.codegen.lower import Lowering
from jitvm.engine.interpreter.cores import fast_graph, full_graph
from jitvm.engine.interpreter.lowering import LINE, HandlerLowering, spill
from jitvm.engine.interpreter.unit import exports, spills
from jitvm.engine.interpreter.x86 import X86Lowering
from jitvm.engine.ir.graph import Branch, Exit, Graph, Leave, Terminator
from jitvm.engine.ir.ops import Op
from jitvm.engine.memory.layout import (
    CODE,
    RECORD_OPCODE,
    RECORD_POINTER_MASK,
    RECORD_POINTERS,
    Layout,
)
from jitvm.engine.tables.status import Status
from jitvm.guest import Guest, Opcode
from jitvm.guest.light import cached_property

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from collections.abc import Iterable


def _has_exit(graph: Graph, kind: Leave) -> bool:
    ends: list[Terminator | None] = []
    for block in graph.blocks:
        end = block.end
        ends += [end.yes, end.no] if isinstance(end, Branch) else [end]
        ends += [value.exit for value in block.values]
    return any(isinstance(end, Exit) and end.kind is kind for end in ends)


def _full_name(row: Opcode) -> str:
    return f"full_{row.code:02x}"


class InterpreterSource:
    """LLVM text of a guest's interpreter, and which function each table entry is.

    Args:
        guest: the bytecode.
        opcodes: those that get handlers, with those that mean the same.
        stubs: whether it has everything besides handlers, which is needed once.
        architecture: that it is for, as `os.uname` says it; default: this machine's.

    Raises:
        DescriptionError: a semantic function breaks a rule of `jitvm.guest.core`.
    """

    def __init__(
        self,
        guest: Guest,
        opcodes: Iterable[int] = range(256),
        *,
        stubs: bool = True,
        architecture: str | None = None,
    ) -> None:
        if not guest.sources:  # else its tests have checked it
            guest.check_semantics()
        self.guest = guest
        self.has_stubs = stubs
        # LLVM has an assembler for this machine's architecture only.
        is_x86 = {architecture or os.uname().machine, os.uname().machine} == {"x86_64"}
        self._lowering = X86Lowering if is_x86 else HandlerLowering
        self.layout = Layout(guest)
        self.prototype = Prototype(self.layout)
        self._functions: list[str] = []
        size = 256 * len(self.layout.states)
        self._plain, self._checked, self._hooked = ([""] * size for _ in range(3))
        rows = guest.opcodes
        wanted = {rows[code].meaning for code in opcodes}
        first: dict[tuple[int, int], int] = {}
        for row in rows:
            if row.meaning not in wanted:
                continue
            origin = first.setdefault(row.meaning, row.code)
            for state in range(len(self.layout.states)):
                if origin == row.code:
                    self._handlers(row, state)
                    continue
                for names in (self._plain, self._checked, self._hooked):
                    names[256 * state + row.code] = names[256 * state + origin]

    # -- handlers ----------------------------------------------------------------------------

    def _handlers(self, row: Opcode, state: int) -> None:
        """Make the handlers of a row for a state."""
        at, held = 256 * state + row.code, self.layout.states[state]
        suffix = f"{row.code:02x}" + (f"_{held}" if held else "")
        graph = self._fast(row, state, checked=False)
        jumps, stores = _has_exit(graph, Leave.JUMP), _stores_code(self.guest, graph)
        if state == 0 and (stores or _has_exit(graph, Leave.RETRY)):
            self._full(row)
        plain = checked = hooked = self._add(f"fast_{suffix}", row, graph, state)
        if stores:
            graph = self._fast(row, state, checked=True)
            checked = hooked = self._add(f"checked_{suffix}", row, graph, state)
        if jumps:
            graph = self._fast(row, state, checked=True)
            hooked = self._add(f"hooked_{suffix}", row, graph, state, hooked=True)
        self._plain[at], self._checked[at], self._hooked[at] = plain, checked, hooked

    def _fast(self, row: Opcode, state: int, *, checked: bool) -> Graph:
        stacks, cached = range(len(self.guest.stacks)), self.layout.cached_stack
        held = tuple(self.layout.states[state] if i == cached else 0 for i in stacks)
        return fast_graph(self.guest, row, checked=checked, held=held)

    def _add(
        self, name: str, row: Opcode, graph: Graph, state: int, *, hooked: bool = False
    ) -> str:
        """Lower a fast handler."""
        retry = _full_name(row)
        lowering = self._lowering(self.layout, graph, retry=retry, hooked=hooked, state=state)
        self._functions.append(lowering.function(name))
        return name

    def _full(self, row: Opcode) -> None:
        """Lower a full handler. It is rarely run, and would take most of LLVM's time if that might
        optimise."""
        name = _full_name(row)
        lowering = Lowering(self.layout, full_graph(self.guest, row), retry=name, hooked=False)
        self._functions.append(lowering.function(name, optimised=False))

    # -- tables ------------------------------------------------------------------------------

    @cached_property
    def tables(self) -> dict[str, list[str]]:
        """Function names of the entries of each table in `HANDLER_TABLES`; "" for none."""
        return {
            "plain": self._plain,
            "checked": self._checked,
            "jit": self._hooked,
            "hooked": self._hooked,
        }

    # -- stubs -------------------------------------------------------------------------------

    def _stub(self, name: str, emitter: Emitter) -> None:
        self._functions.append(self.prototype.define(name, emitter.lines, align=LINE))

    def _opcode(self, e: Emitter) -> str:
        return e.let(f"zext i8 {e.load('i8', e.at('%pc'), 'code')} to i64")

    def _go_on(self, e: Emitter, table: str, opcode: str) -> None:
        """Tail-call the handler another table has, keeping the own table in the register."""
        entries = e.at(self.layout.tables[table])
        entry = e.let(f"getelementptr inbounds ptr, ptr {entries}, i64 {opcode}")
        e.tail(e.load("ptr", entry, "context", 8), "%pc", self.prototype.own_stacks())

    def _bump(self, e: Emitter, address: str, by: int, type_: str = "i64") -> str:
        old = e.load(type_, address, "context", 8 if type_ == "i64" else 2)
        new = e.let(f"add {type_} {old}, {by}")
        e.store(type_, new, address, "context", 8 if type_ == "i64" else 2)
        return old

    def _charge(self, e: Emitter) -> None:
        """Take one instruction off the budget, or return if none is left."""
        budget = e.field("budget")
        left = e.load("i64", budget, "context", 8)
        none = e.let(f"icmp eq i64 {left}, 0")
        e.do(f"br i1 {none}, label %spent, label %go, !prof !91")
        e.label("spent")
        e.save("%pc", self.prototype.own_stacks(), Status.BUDGET)
        e.label("go")
        self._look(e)
        e.store("i64", e.let(f"sub i64 {left}, 1"), budget, "context", 8)

    def _look(self, e: Emitter) -> None:
        """See whether the instruction is one to stop at; none is (`jitvm.engine.interpreter.breaks`
        and `jitvm.engine.interpreter.marking` have stubs that do something here)."""

    def _begun(self, name: str) -> Emitter:  # noqa: ARG002  others look before they begin
        """The beginning of a stub."""
        return Emitter(self.layout)

    def _count(self, entering: str = "hooked") -> None:
        """Stubs of exact counts: `count` stays in the interpreter, `charge` enters regions, by
        handlers that do."""
        for name, table in (("count", "checked"), ("charge", entering)):
            e = self._begun(name)
            self._charge(e)
            self._go_on(e, table, self._opcode(e))
            self._stub(name, e)

    def _profile(self) -> None:
        e = self._begun("profile")
        self._charge(e)
        opcode = self._opcode(e)
        counts = e.at(self.layout.histogram)
        self._bump(e, e.let(f"getelementptr inbounds i64, ptr {counts}, i64 {opcode}"), 1)
        self._go_on(e, "checked", opcode)
        self._stub("profile", e)

    def _record(self) -> None:
        e = self._begun("record")
        head = e.load("i64", e.field("recording_head"), "context", 8)
        size = e.load("i64", e.field("recording_size"), "context", 8)
        full = e.let(f"icmp uge i64 {head}, {size}")
        e.do(f"br i1 {full}, label %full, label %go, !prof !91")
        e.label("full")
        e.save("%pc", self.prototype.own_stacks(), Status.RECORDED)
        e.label("go")
        self._look(e)
        opcode = self._opcode(e)
        entry = e.let(f"or i64 %pc, {e.let(f'shl i64 {opcode}, {RECORD_OPCODE}')}")
        for stack, shift in zip(self.prototype.own_stacks(), RECORD_POINTERS, strict=False):
            number = e.let(f"ptrtoint ptr {stack} to i64")
            low = e.let(f"and i64 {number}, {RECORD_POINTER_MASK}")
            entry = e.let(f"or i64 {entry}, {e.let(f'shl i64 {low}, {shift}')}")
        recording = e.load("ptr", e.field("recording"), "context", 8)
        at = e.let(f"getelementptr inbounds i64, ptr {recording}, i64 {head}")
        e.store("i64", entry, at, "context", 8)
        next_head = e.let(f"add i64 {head}, 1")
        e.store("i64", next_head, e.field("recording_head"), "context", 8)
        self._go_on(e, "checked", opcode)
        self._stub("record", e)

    def _stop(self) -> None:
        self._returning("stop", Status.INTERRUPT)

    def _missing(self) -> None:
        self._returning("missing", Status.MISSING)

    def _spills(self) -> None:
        """Where there are no handlers for a state: go on in state 0, in the same table."""
        for name, size in zip(spills(self.layout), self.layout.states[1:], strict=True):
            e = Emitter(self.layout)
            spill(e, size)
            e.dispatch("%pc", self.prototype.own_stacks())
            self._stub(name, e)

    def _returning(self, name: str, status: Status) -> None:
        e = Emitter(self.layout)
        e.save("%pc", self.prototype.own_stacks(), status)
        self._stub(name, e)

    def _counted(self) -> None:
        """Count a jump to a place that is not compiled; at zero, tell the host it is hot.

        While the host is compiling it must not be waited for: the counter starts again.
        """
        e = Emitter(self.layout)
        counters = e.at(self.layout.counters)
        counter = e.let(f"getelementptr inbounds i16, ptr {counters}, i64 %pc")
        old = self._bump(e, counter, -1, "i16")
        out = e.let(f"icmp eq i16 {old}, 1")
        e.do(f"br i1 {out}, label %out, label %go, !prof !91")
        e.label("out")
        busy = e.load("i64", e.field("busy"), "context", 8)
        e.do(f"br i1 {e.let(f'icmp eq i64 {busy}, 0')}, label %hot, label %again")
        e.label("hot")
        e.save("%pc", self.prototype.own_stacks(), Status.HOT)
        e.label("again")
        start = e.let(f"trunc i64 {e.load('i64', e.field('hot'), 'context', 8)} to i16")
        e.store("i16", start, counter, "context", 2)
        e.do("br label %go")
        e.label("go")
        e.dispatch("%pc", self.prototype.own_stacks())
        self._stub("counted", e)

    def _halt(self) -> None:
        """Where a region goes when the guest halts, outside of `deliver`."""
        self._returning("halt", Status.HALT)

    def _event(self) -> None:
        """Where it goes inside: on to the next event, with everything in registers."""
        e = Emitter(self.layout)
        ended = e.load("i8", self._address(e, "event_stop"), "page")
        go_on = e.let(f"icmp eq i8 {ended}, 0")
        vector = self._begin_event(e, go_on, over="leave", idle="leave")
        e.enter_code(vector, self.prototype.own_stacks())
        e.label("leave")
        e.save("%pc", self.prototype.own_stacks(), Status.HALT)
        self._stub("event", e)

    def _address(self, e: Emitter, field: str) -> str:
        return e.load("ptr", e.field(field), "context", 8)

    def _begin_event(self, e: Emitter, go_on: str, *, over: str, idle: str) -> str:
        """Take the next byte and write it to its port; the program counter the event starts at.

        Control goes to `over` if `go_on` is not so or nothing is left, to `idle` where nobody
        listens to the event.
        """
        data = self._address(e, "event_data")
        more = e.let(f"icmp ult ptr {data}, {self._address(e, 'event_end')}")
        e.do(f"br i1 {e.let(f'and i1 {go_on}, {more}')}, label %take, label %{over}")
        e.label("take")
        e.store("ptr", e.at(1, data), e.field("event_data"), "context", 8)
        mark = e.load("i64", e.field("mark"), "context", 8)
        mark = e.let(f"trunc i64 {mark} to i8")
        e.store("i8", mark, self._address(e, "event_mark"), "page")
        byte = e.load("i8", data, "private")
        e.store("i8", byte, self._address(e, "event_byte"), "page")
        vector = self._event_vector(e)
        e.do(f"br i1 {e.let(f'icmp ne i64 {vector}, 0')}, label %run, label %{idle}")
        e.label("run")
        return vector

    def _event_vector(self, e: Emitter) -> str:
        """Where the event starts: what a port holds, if there is one, else the field `vector`."""
        own = e.load("i64", e.field("vector"), "context", 8)
        port = self._address(e, "event_vector")
        is_own = e.let(f"icmp eq ptr {port}, null")
        port = e.let(f"select i1 {is_own}, ptr {e.at(self.layout.ports)}, ptr {port}")
        held, places = "0", range(self.guest.address_bytes)
        for place in places if self.guest.byte_order == "big" else reversed(places):
            byte = e.let(f"zext i8 {e.load('i8', e.at(place, port), 'page')} to i64")
            held = e.let(f"or i64 {e.let(f'shl i64 {held}, 8')}, {byte}")
        held = e.let(f"and i64 {held}, {self.layout.size - 1}")
        return e.let(f"select i1 {is_own}, i64 {own}, i64 {held}")

    # -- host calls --------------------------------------------------------------------------

    def _host_calls(self) -> None:
        self._host_in()
        self._host_out()
        e = Emitter(self.layout)
        byte = e.load("i8", e.at(self.layout.code_map, e.at("%address")), "map")
        hit = e.let(f"icmp ne i8 {e.let(f'and i8 {byte}, {CODE}')}, 0")
        e.do(f"br i1 {hit}, label %tell, label %done, !prof !91")
        e.label("tell")
        function = e.load("ptr", e.field("written"), "context", 8)
        e.do(f"call void {function}(ptr %base, i64 %address, i64 1)")
        e.do("br label %done")
        e.label("done")
        e.do("ret void")
        self._c("void @written(ptr %base, i64 %address) noinline", e)

    def _port_function(self, e: Emitter, which: int) -> None:
        """Load the function of %port into %function's branch; falls into 'plain' if null."""
        table = e.at(which)
        entry = e.let(f"getelementptr inbounds ptr, ptr {table}, i64 %port")
        e.lines.append(f"  %function = load ptr, ptr {entry}, align 8")
        e.do("%plain = icmp eq ptr %function, null")
        e.do("br i1 %plain, label %page, label %device")

    def _host_in(self) -> None:
        e = Emitter(self.layout)
        self._port_function(e, self.layout.readers)
        e.label("page")
        byte = e.load("i8", e.at(self.layout.ports, e.at("%port")), "page")
        e.do(f"ret i64 {e.let(f'zext i8 {byte} to i64')}")
        e.label("device")
        e.do(f"ret i64 {e.let('call i64 %function(ptr %base, i64 %port, i64 0)')}")
        self._c("i64 @host_in(ptr %base, i64 %port) noinline", e)

    def _host_out(self) -> None:
        e = Emitter(self.layout)
        at = e.at(self.layout.ports, e.at("%port"))
        e.store("i8", e.let("trunc i64 %byte to i8"), at, "page")
        self._port_function(e, self.layout.writers)
        e.label("device")
        e.let("call i64 %function(ptr %base, i64 %port, i64 %byte)")
        e.do("br label %page")
        e.label("page")
        e.do("ret void")
        self._c("void @host_out(ptr %base, i64 %port, i64 %byte) noinline", e)

    def _collect(self) -> None:
        """The port function that appends to the output ring."""
        e = Emitter(self.layout)
        e.append("%port", "%byte")
        e.do("ret i64 0")
        self._c("i64 @collect(ptr %base, i64 %port, i64 %byte)", e)

    # -- ways in -----------------------------------------------------------------------------

    def _c(self, head: str, e: Emitter) -> None:
        name, _, attributes = head.partition(")")
        text = f"define internal {name}){attributes} #0 {{\nstart:"
        self._functions.append("\n".join([text, *e.lines, "}\n"]))

    def _call_first(self, e: Emitter, table: str, through: str) -> None:
        """Call, not tail-call, the handler at the saved pc: C's registers are kept here."""
        pc = e.load("i64", e.field("pc"), "context", 8)
        stacks = [e.load("ptr", e.at(at), "context", 8) for at in self.layout.pointers]
        opcode = e.let(f"zext i8 {e.load('i8', e.at(pc), 'code')} to i64")
        entry = e.let(f"getelementptr inbounds ptr, ptr {through}, i64 {opcode}")
        handler = e.load("ptr", entry, "context", 8)
        arguments = self.prototype.arguments(table, pc, stacks)
        e.do(f"call preserve_nonecc void {handler}({arguments})")

    def _call_vector(self, e: Emitter, table: str, pc: str) -> None:
        """Begin an event: in the jit mode, at the place the code table gives for its vector."""
        stacks = [e.load("ptr", e.at(at), "context", 8) for at in self.layout.pointers]
        opcode = e.let(f"zext i8 {e.load('i8', e.at(pc), 'code')} to i64")
        plain = e.let(f"getelementptr inbounds ptr, ptr {table}, i64 {opcode}")
        codes = e.at(self.layout.code)
        compiled = e.let(f"getelementptr inbounds ptr, ptr {codes}, i64 {pc}")
        tables = self.layout.tables
        jit = e.let(f"icmp eq ptr {table}, {e.at(tables['jit'])}")
        charge = e.let(f"icmp eq ptr {table}, {e.at(tables['charge'])}")
        jit = e.let(f"or i1 {jit}, {charge}")
        entry = e.let(f"select i1 {jit}, ptr {compiled}, ptr {plain}")
        handler = e.load("ptr", entry, "context", 8)
        arguments = self.prototype.arguments(table, pc, stacks)
        e.do(f"call preserve_nonecc void {handler}({arguments})")

    def _enter(self) -> None:
        e = Emitter(self.layout)
        table = e.load("ptr", e.field("table"), "context", 8)
        self._call_first(e, table, table)
        e.do("ret void")
        self._c("void @enter(ptr %base)", e)

    def _step(self) -> None:
        """One instruction: its handler, called with a table in which everything stops."""
        e = Emitter(self.layout)
        self._call_first(e, e.at(self.layout.tables["stop"]), e.at(self.layout.tables["checked"]))
        e.do("ret void")
        self._c("void @step(ptr %base)", e)

    def _deliver(self) -> None:
        """Run one event a byte; returns how many were begun.

        For each, `port` holds the byte and `mark_port` the mark. Regions do not come back
        between events: when they halt, `event` goes on with the next.
        """
        e = Emitter(self.layout)
        ports = e.at(self.layout.ports)
        for field, address in (
            ("event_data", "%data"), ("event_end", e.at("%count", "%data")),
            ("event_byte", e.at("%port", ports)), ("event_mark", e.at("%mark_port", ports)),
            ("event_stop", e.at("%stop_port", ports)),
            ("halted", self._address(e, "event")),
        ):  # fmt: skip
            e.store("ptr", address, e.field(field), "context", 8)
        e.store("i64", "%mark", e.field("mark"), "context", 8)
        e.do("br label %next")
        e.label("next")
        vector = self._begin_event(e, "true", over="done", idle="next")
        e.store("i64", vector, e.field("pc"), "context", 8)
        table = e.load("ptr", e.field("table"), "context", 8)
        self._call_vector(e, table, vector)
        status = e.load("i64", e.field("status"), "context", 8)
        ended = e.load("i8", self._address(e, "event_stop"), "page")
        wide = e.let(f"zext i8 {ended} to i64")
        either = e.let(f"or i64 {status}, {wide}")
        e.do(f"br i1 {e.let(f'icmp ne i64 {either}, 0')}, label %done, label %next")
        e.label("done")
        e.store("ptr", self._address(e, "halt"), e.field("halted"), "context", 8)
        begun = e.let(f"ptrtoint ptr {self._address(e, 'event_data')} to i64")
        first = e.let("ptrtoint ptr %data to i64")
        e.do(f"ret i64 {e.let(f'sub i64 {begun}, {first}')}")
        head = (
            "i64 @deliver(ptr %base, ptr %data, i64 %count, i64 %port, i64 %stop_port, "
            "i64 %mark_port, i64 %mark)"
        )
        self._c(head, e)

    # -- module ------------------------------------------------------------------------------

    @cached_property
    def text(self) -> str:
        """The whole module."""
        self._host_calls()
        names = {*self._plain, *self._checked, *self._hooked} - {""}
        if self.has_stubs:
            for part in (
                self._count, self._profile, self._record, self._stop, self._missing, self._counted,
                self._halt, self._event, self._spills, self._collect, self._enter, self._step,
                self._deliver,
            ):  # fmt: skip
                part()
            names.update(exports(self.layout))
        used = used_functions(names)
        return "\n".join([DECLARATIONS, *self._functions, used, ATTRIBUTES, METADATA, ""])


def _stores_code(guest: Guest, graph: Graph) -> bool:
    return any(
        value.op is Op.STORE and value.imm[0] == guest.code_index
        for block in graph.blocks
        for value in block.values
    )
