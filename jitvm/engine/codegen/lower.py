"""From graphs to LLVM text.

Every handler, region and stub is a function with one prototype and the `preserve_nonecc` calling
convention, so any of them can tail-call any other:

    void f(ptr base, ptr table, iN pc, ptr stack0, ptr stack1, ...)

`base` leads to everything (`jitvm.engine.memory.layout`), `table` is the dispatch table of the
mode, and stack pointers are addresses of the next free byte. Stacks are aligned to their size, so
the low bits of a pointer are its index.

The text refers to no symbol outside its module and needs no constant pool, so the object has no
relocations and may be copied anywhere.

Type-based alias tags tell LLVM that stacks, spaces, the code map and the context never overlap.
"""

from __future__ import annotations

from collections.abc import Iterable

from jitvm.engine.ir.graph import Block, Branch, Exit, Goto, Graph, Leave, Slot, Value
from jitvm.engine.ir.ops import Op
from jitvm.engine.memory.layout import FENCE, LENGTH, MIRROR, RING, WIDEST, Layout
from jitvm.engine.tables.status import Status
from jitvm.engine.tables.struct import Struct

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ClassVar, TypeVar

    Lowerings = dict[Op, Callable[[Any, Value], str | None]]
    """What lowers each operation, and gives the name of its result."""
    L = TypeVar("L", bound=Callable[[Any, Value], str | None])

_TAGS = ("context", "stack", "code", "map", "page", "private", "large", "window")
_TAG_NODE = {name: 100 + i for i, name in enumerate(_TAGS)}
_LIKELY = "!prof !90"

DECLARATIONS = """\
declare ptr @llvm.ptrmask.p0.i64(ptr, i64)
""" + "".join(
    f"declare i{bits} @llvm.{name}.i{bits}(i{bits}{more})\n"
    for name, more, sizes in (
        ("bswap", "", (16, 32, 64)),
        ("ctlz", ", i1", (8, 16, 32, 64)),
        ("cttz", ", i1", (8, 16, 32, 64)),
    )
    for bits in sizes
)
METADATA = "\n".join([
    '!90 = !{!"branch_weights", i32 2000, i32 1}',
    '!91 = !{!"branch_weights", i32 1, i32 2000}',
    '!92 = !{!"jitvm"}',
    "!93 = !{}",
    *(f'!{200 + i} = !{{!"{name}", !92, i64 0}}' for i, name in enumerate(_TAGS)),
    *(f"!{100 + i} = !{{!{200 + i}, !{200 + i}, i64 0}}" for i, name in enumerate(_TAGS)),
])  # fmt: skip
_ALWAYS = 'nounwind noimplicitfloat "frame-pointer"="none" "no-builtins" "probe-stack"=""'
ATTRIBUTES = f"""\
attributes #0 = {{ {_ALWAYS} "no-jump-tables"="true" }}
attributes #1 = {{ {_ALWAYS} }}"""
"""Of functions, and of those with tables of jumps."""


def used_functions(names: Iterable[str]) -> str:
    """Keep functions that nothing calls. They stay internal: a call to a symbol that another
    module might replace would need a relocation."""
    entries = [f"ptr @{name}" for name in sorted(names)]
    kind = f"[{len(entries)} x ptr]"
    array = ", ".join(entries)
    return f'@llvm.compiler.used = appending global {kind} [{array}], section "llvm.metadata"'


_INSTRUCTION = {
    Op.ADD: "add", Op.SUB: "sub", Op.MUL: "mul", Op.AND: "and", Op.OR: "or", Op.XOR: "xor",
    Op.SHL: "shl", Op.SHR: "lshr",
}  # fmt: skip
_PREDICATE = {Op.EQ: "eq", Op.NE: "ne", Op.LT: "ult", Op.LE: "ule"}
_ZEROS = {Op.CLZ: "ctlz", Op.CTZ: "cttz"}


def lowers(table: Lowerings, *ops: Op) -> Callable[[L], L]:
    """Put a method into the table of its class: it lowers these operations."""

    def put(method: L) -> L:
        table.update(dict.fromkeys(ops, method))
        return method

    return put


class Prototype(Struct, frozen=True):
    """The one signature of native code for a guest."""

    layout: Layout

    @property
    def parameters(self) -> str:
        stacks = "".join(f", ptr %s{i}" for i in range(len(self.layout.guest.stacks)))
        return f"ptr %base, ptr %table, i64 %pc{stacks}"

    def arguments(self, table: str, pc: str, stacks: list[str]) -> str:
        return ", ".join(["ptr %base", f"ptr {table}", f"i64 {pc}", *(f"ptr {s}" for s in stacks)])

    def tail(self, callee: str, table: str, pc: str, stacks: list[str]) -> list[str]:
        """A tail call: the last two lines of any native function."""
        arguments = self.arguments(table, pc, stacks)
        return [f"  musttail call preserve_nonecc void {callee}({arguments})", "  ret void"]

    def own_stacks(self) -> list[str]:
        return [f"%s{i}" for i in range(len(self.layout.guest.stacks))]

    def define(
        self, name: str, lines: list[str], *, optimised: bool = True, has_tables: bool = False
    ) -> str:
        level = "noinline" if optimised else "noinline optnone"
        level += f" #{int(has_tables)}"
        head = f"define internal preserve_nonecc void @{name}({self.parameters}) {level} {{"
        return "\n".join([head, "start:", *lines, "}\n"])


class Emitter:
    """Lines of one LLVM function, with fresh names."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.prototype = Prototype(layout)
        self.lines: list[str] = []
        self._names = 0

    def name(self) -> str:
        self._names += 1
        return f"%t{self._names}"

    def do(self, text: str) -> None:
        self.lines.append("  " + text)

    def let(self, text: str) -> str:
        name = self.name()
        self.lines.append(f"  {name} = {text}")
        return name

    def label(self, name: str) -> None:
        self.lines.append(f"{name}:")

    # -- memory ------------------------------------------------------------------------------

    def at(self, offset: int | str, pointer: str = "%base") -> str:
        if offset == 0:
            return pointer
        return self.let(f"getelementptr inbounds i8, ptr {pointer}, i64 {offset}")

    def load(self, type_: str, address: str, tag: str, align: int = 1) -> str:
        node = _TAG_NODE[tag]
        return self.let(f"load {type_}, ptr {address}, align {align}, !tbaa !{node}")

    def store(self, type_: str, value: str, address: str, tag: str, align: int = 1) -> None:
        node = _TAG_NODE[tag]
        self.do(f"store {type_} {value}, ptr {address}, align {align}, !tbaa !{node}")

    def field(self, name: str) -> str:
        return self.at(self.layout.fields[name])

    def append(self, port: str, byte: str) -> str:
        """Write (port, byte) to the output ring, which the host empties first where it is full.

        Returns the label of the block that goes on.
        """
        head = self.load("i64", self.field("ring_head"), "context", 8)
        tail = self.load("i64", self.field("ring_tail"), "context", 8)
        full = self.let(f"icmp uge i64 {self.let(f'sub i64 {head}, {tail}')}, {RING}")
        drain, go_on = self.name()[1:], self.name()[1:]
        self.do(f"br i1 {full}, label %{drain}, label %{go_on}, !prof !91")
        self.label(drain)
        function = self.load("ptr", self.field("ring_full"), "context", 8)
        self.let(f"call i64 {function}(ptr %base, i64 {port}, i64 {byte})")
        self.do(f"br label %{go_on}")
        self.label(go_on)
        index = self.let(f"and i64 {head}, {RING - 1}")
        for word, offset in ((byte, self.layout.ring), (port, self.layout.ring + RING)):
            entry = self.at(index, self.at(offset))
            self.store("i8", self.let(f"trunc i64 {word} to i8"), entry, "context")
        following = self.let(f"add i64 {head}, 1")
        self.do(f"store atomic i64 {following}, ptr {self.field('ring_head')} release, align 8")
        return go_on

    # -- control -----------------------------------------------------------------------------

    def save(self, pc: str, stacks: list[str], status: Status) -> None:
        """Write what registers hold to the context, and return to the host."""
        self.store("i64", pc, self.field("pc"), "context", 8)
        for offset, stack in zip(self.layout.pointers, stacks, strict=True):
            self.store("ptr", stack, self.at(offset), "context", 8)
        self.store("i64", str(int(status)), self.field("status"), "context", 8)
        self.do("ret void")

    def tail(self, callee: str, pc: str, stacks: list[str], table: str = "%table") -> None:
        self.lines += self.prototype.tail(callee, table, pc, stacks)

    def dispatch(self, pc: str, stacks: list[str], table: str = "%table") -> None:
        """Go to the handler of the instruction at pc."""
        opcode = self.load("i8", self.at(pc), "code")
        index = self.let(f"zext i8 {opcode} to i64")
        entry = self.let(f"getelementptr inbounds ptr, ptr {table}, i64 {index}")
        self.tail(self.load("ptr", entry, "context", 8), pc, stacks, table)

    def enter_code(self, pc: str, stacks: list[str]) -> None:
        """Go where the code table says for pc."""
        entries = self.at(self.layout.code)
        entry = self.let(f"getelementptr inbounds ptr, ptr {entries}, i64 {pc}")
        self.tail(self.load("ptr", entry, "context", 8), pc, stacks)


def _both(condition: Value) -> tuple[Value, Value] | None:
    """The two comparisons that a condition, or its contrary, asks for."""
    if condition.op is Op.EQ and condition.args[1].constant == 0:
        condition = condition.args[0]
    if condition.op is not Op.AND:
        return None
    a, b = condition.args
    return (a, b) if a.op in _PREDICATE and b.op in _PREDICATE else None


class Lowering(Emitter):
    """Lowers one graph to the body of one function.

    Args:
        layout: where things lie.
        graph: what to lower; finished and verified.
        retry: the function that guards with `Leave.RETRY` tail-call.
        hooked: taken jumps go through the code table.

    Attributes:
        lowerings: what lowers each operation; of the class.
        has_tables: whether LLVM may have jumps go through tables.
    """

    lowerings: ClassVar[Lowerings] = {}

    def __init__(self, layout: Layout, graph: Graph, *, retry: str, hooked: bool) -> None:
        super().__init__(layout)
        self.has_tables = False
        self.graph = graph
        self.retry = retry
        self.hooked = hooked
        self.word = f"i{graph.word_bits}"
        self.big = layout.guest.byte_order == "big"
        self._text: dict[int, str] = {}
        self._flags: dict[int, str] = {}
        self._exits: dict[int, Exit] = {}
        self._incoming: dict[int, list[tuple[str, list[Value]]]] = {}
        self._predecessor = ""
        self._known: dict[tuple[str, int], str] = {}
        self._synced = self._written_on_the_way()

    def _written_on_the_way(self) -> list[set[int]]:
        """For each stack, offsets of bytes that some `sync` writes before the graph is left."""
        written: list[set[int]] = [set() for _ in self.layout.guest.stacks]
        for block in self.graph.blocks:
            for value in block.values:
                if value.op is Op.SYNC and value.exit is not None:
                    for index, offset, size, _ in value.exit.slots:
                        written[index].update(range(offset - 7, offset + size))
        return written

    def function(self, name: str, *, optimised: bool = True) -> str:
        """The whole function's text; not `optimised` where compiling fast matters more."""
        for block in self.graph.blocks:
            self._block(block)
        self._leave_all()
        self._fill_phis()
        lines = [*self._first(), f"  br label %b{self.graph.blocks[0].number}", *self.lines]
        return self.prototype.define(name, lines, optimised=optimised, has_tables=self.has_tables)

    # -- names -------------------------------------------------------------------------------

    def text(self, value: Value) -> str:
        """How a value is written as an operand of the word type."""
        if (constant := value.constant) is not None:
            return str(constant)
        return self._text[id(value)]

    def wide(self, value: Value) -> str:
        """A value as i64, for addresses."""
        if (constant := value.constant) is not None:
            return str(constant)
        if value.op is Op.PC:
            return "%pc"
        if self.word == "i64":
            return self.text(value)
        return self.let(f"zext {self.word} {self.text(value)} to i64")

    def narrow(self, value: Value, bits: int) -> str:
        """The low bits of a value as an integer of their own."""
        if (constant := value.constant) is not None:
            return str(constant & ((1 << bits) - 1))
        if f"i{bits}" == self.word:
            return self.text(value)
        return self.let(f"trunc {self.word} {self.text(value)} to i{bits}")

    def flag(self, value: Value) -> str:
        """A value as i1: whether it is not zero."""
        known = self._flags.get(id(value))
        if known is not None:
            return known
        return self.let(f"icmp ne {self.word} {self.text(value)}, 0")

    def _widen(self, text: str, bits: int) -> str:
        if f"i{bits}" == self.word:
            return text
        return self.let(f"zext i{bits} {text} to {self.word}")

    # -- blocks ------------------------------------------------------------------------------

    def _block(self, block: Block) -> None:
        self.label(f"b{block.number}")
        self._predecessor = f"b{block.number}"
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
        flag = self.flag(end.condition)
        yes, no = end.yes, end.no
        if isinstance(yes, Goto) and isinstance(no, Goto) and yes.block is no.block:
            # One block cannot pass two sets of arguments: the second way gets one of its own.
            first, second = self._edge(yes), self.name()[1:]
            self.do(f"br i1 {flag}, label %{first}, label %{second}")
            self.label(second)
            self._predecessor = second
            self.do(f"br label %{self._edge(no)}")
            return
        parts = _both(end.condition)
        if parts is not None and not end.is_even:
            both, neither = (yes, no) if end.condition.op is Op.AND else (no, yes)
            second = self.name()[1:]
            self.do(f"br i1 {self.flag(parts[0])}, label %{second}, label %{self._way(neither)}")
            self.label(second)
            self._predecessor = second
            # Nothing, which LLVM does not look into: else it makes one branch of the two again.
            self.do('call void asm sideeffect "", ""()')
            flag = self.flag(parts[1])
            self.do(f"br i1 {flag}, label %{self._way(both)}, label %{self._way(neither)}")
            return
        self.do(f"br i1 {flag}, label %{self._way(yes)}, label %{self._way(no)}")

    def _guard(self, flag: str, exit_: Exit) -> None:
        ahead = self.name()[1:]
        exit_label = self._exit_label(exit_)
        self.do(f"br i1 {flag}, label %{ahead}, label %{exit_label}, {_LIKELY}")
        self.label(ahead)
        self._predecessor = ahead

    # -- exits -------------------------------------------------------------------------------

    def _stack_after(self, index: int, change: int | Value) -> str:
        if isinstance(change, int):
            return self.at(change, f"%s{index}")
        return self.at(self.wide(change), self._stack_base(index))

    def _stack_base(self, index: int) -> str:
        size = self.layout.guest.stacks[index].size
        return self.let(f"call ptr @llvm.ptrmask.p0.i64(ptr %s{index}, i64 {-size})")

    def _leave_all(self) -> None:
        for exit_ in self._exits.values():
            self.label(f"exit{exit_.number}")
            self._leave(exit_)

    def _leave(self, exit_: Exit) -> None:
        stacks = self.prototype.own_stacks()
        if exit_.kind is Leave.RETRY:
            self.tail(f"@{self.retry}", "%pc", stacks)
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
            self.dispatch(pc, stacks)

    def _halt(self, pc: str, stacks: list[str]) -> None:
        self.save(pc, stacks, Status.HALT)

    def _write_slots(self, exit_: Exit) -> None:
        """Write words on stacks, but for those that memory still holds since entry."""
        for slot in self._changed_slots(exit_):
            self._write_slot(slot)

    def _changed_slots(self, exit_: Exit) -> list[Slot]:
        return [slot for slot in exit_.slots if not self._holds(slot)]

    def _holds(self, slot: Slot) -> bool:
        """Whether memory has held a stack slot since the region was entered."""
        index, offset, size, word = slot
        same = word.op is Op.SLOT and word.imm == (index, offset, size)
        return same and offset not in self._synced[index]

    def _write_slot(self, slot: Slot) -> None:
        index, offset, size, word = slot
        self._store_bytes(self.at(offset, f"%s{index}"), word, size, "stack")

    def _stop_if_asked(self, pc: str, stacks: list[str]) -> None:
        stop = self.load("i64", self.field("stop"), "context", 8)
        asked = self.let(f"icmp ne i64 {stop}, 0")
        leave, go = self.name()[1:], self.name()[1:]
        self.do(f"br i1 {asked}, label %{leave}, label %{go}, !prof !91")
        self.label(leave)
        self.save(pc, stacks, Status.HOST)
        self.label(go)

    # -- values ------------------------------------------------------------------------------

    def _load_bytes(self, address: str, size: int, tag: str) -> str:
        bits = 8 * size
        raw = self.load(f"i{bits}", address, tag)
        return self._widen(self._swapped(raw, bits) if self.big else raw, bits)

    def _store_bytes(self, address: str, word: Value, size: int, tag: str) -> None:
        bits = 8 * size
        text = self.narrow(word, bits)
        self.store(f"i{bits}", self._swapped(text, bits) if self.big else text, address, tag)

    def _swapped(self, text: str, bits: int) -> str:
        """An integer with its bytes in the other order."""
        if bits == 8:
            return text
        return self.let(f"call i{bits} @llvm.bswap.i{bits}(i{bits} {text})")

    def _tag(self, space: int) -> str:
        if self.layout.guest.spaces[space].large:
            return "large"
        return "code" if space == self.layout.guest.code_index else "private"

    def _space(self, space: int, address: Value) -> str:
        if space in self.layout.attached:
            return self._address(0, address, self._attached("ptr", space))
        return self._address(self.layout.spaces[space], address)

    def _attached(self, type_: str, space: int, what: int = 0) -> str:
        """What is known of a window or a large space: nobody changes it while native code runs, so
        it is loaded once."""
        key = type_, self.layout.attached[space] + what
        if key not in self._known:
            self._known[key] = self.name()
        return self._known[key]

    def _first(self) -> list[str]:
        """What the function begins with: the loads of what is known."""
        lines = []
        for (type_, offset), name in self._known.items():
            lines.append(f"  {name}.at = getelementptr inbounds i8, ptr %base, i64 {offset}")
            lines.append(f"  {name} = load {type_}, ptr {name}.at, align 8, !invariant.load !93")
        return lines

    def _address(self, offset: int, address: Value, pointer: str = "%base") -> str:
        """Where an address is, from where address 0 is.

        What is added to a word last is added here, which costs nothing.
        """
        if (constant := address.constant) is not None:
            return self.at(offset + constant, pointer)
        if address.op is Op.ADD and address.bits and (more := address.args[1].constant):
            return self.at(offset + more, self.at(self.wide(address.args[0]), pointer))
        return self.at(offset, self.at(self.wide(address), pointer))

    def _port_function(self, which: int, port: Value) -> str:
        index = self.wide(port)
        table = self.at(which)
        return self.let(f"getelementptr inbounds ptr, ptr {table}, i64 {index}")

    def _value(self, value: Value) -> None:
        result = self.lowerings[value.op](self, value)
        if result is not None:
            self._text[id(value)] = result

    @lowers(lowerings, *_INSTRUCTION)
    def _instruction(self, value: Value) -> str:
        a, b = value.args
        return self.let(f"{_INSTRUCTION[value.op]} {self.word} {self.text(a)}, {self.text(b)}")

    @lowers(lowerings, *_PREDICATE)
    def _comparison(self, value: Value) -> str:
        a, b = value.args
        text = f"icmp {_PREDICATE[value.op]} {self.word} {self.text(a)}, {self.text(b)}"
        self._flags[id(value)] = flag = self.let(text)
        return self.let(f"zext i1 {flag} to {self.word}")

    @lowers(lowerings, Op.DIV)
    def _divide(self, value: Value) -> str:
        dividend, divisor = (self.text(v) for v in value.args)
        word = self.word
        if value.args[1].constant:
            return self.let(f"udiv {word} {dividend}, {divisor}")
        zero = self.let(f"icmp eq {word} {divisor}, 0")
        safe = self.let(f"select i1 {zero}, {word} 1, {word} {divisor}")
        quotient = self.let(f"udiv {word} {dividend}, {safe}")
        return self.let(f"select i1 {zero}, {word} {value.imm[0]}, {word} {quotient}")

    @lowers(lowerings, Op.SELECT)
    def _select(self, value: Value) -> str:
        condition, yes, no = value.args
        flag, word = self.flag(condition), self.word
        words = f"{word} {self.text(yes)}, {word} {self.text(no)}"
        return self.let(f"select i1 {flag}, {words}, !unpredictable !93")

    @lowers(lowerings, Op.SIGNED)
    def _signed(self, value: Value) -> str:
        bits = 8 * value.imm[0]
        if f"i{bits}" == self.word:
            return self.text(value.args[0])
        return self.let(f"sext i{bits} {self.narrow(value.args[0], bits)} to {self.word}")

    @lowers(lowerings, *_ZEROS)
    def _zeros(self, value: Value) -> str:
        bits = 8 * value.imm[0]
        type_, word = f"i{bits}", self.narrow(value.args[0], bits)
        count = self.let(f"call {type_} @llvm.{_ZEROS[value.op]}.{type_}({type_} {word}, i1 false)")
        return self._widen(count, bits)

    @lowers(lowerings, Op.BSWAP)
    def _bswap(self, value: Value) -> str:
        bits = 8 * value.imm[0]
        return self._widen(self._swapped(self.narrow(value.args[0], bits), bits), bits)

    @lowers(lowerings, Op.PC)
    def _pc(self, _: Value) -> str:
        return "%pc" if self.word == "i64" else self.let(f"trunc i64 %pc to {self.word}")

    @lowers(lowerings, Op.POINTER)
    def _pointer(self, value: Value) -> str:
        (index,) = value.imm
        return self._index_of(f"%s{index}", index)

    def _index_of(self, pointer: str, index: int) -> str:
        bits = self.layout.guest.stacks[index].size.bit_length() - 1
        number = self.let(f"ptrtoint ptr {pointer} to i64")
        return self._widen(self.let(f"trunc i64 {number} to i{bits}"), bits)

    @lowers(lowerings, Op.SLOT)
    def _slot(self, value: Value) -> str:
        index, offset, size = value.imm
        return self._load_bytes(self.at(offset, f"%s{index}"), size, "stack")

    @lowers(lowerings, Op.STACK_BYTE)
    def _stack_byte(self, value: Value) -> str:
        (index,) = value.imm
        address = self.at(self.wide(value.args[0]), self._stack_base(index))
        return self._load_bytes(address, 1, "stack")

    @lowers(lowerings, Op.SET_STACK_BYTE)
    def _set_stack_byte(self, value: Value) -> None:
        (index,) = value.imm
        address = self.at(self.wide(value.args[0]), self._stack_base(index))
        self._store_bytes(address, value.args[1], 1, "stack")

    @lowers(lowerings, Op.LOAD)
    def _load(self, value: Value) -> str:
        space, size, _ = value.imm
        address = value.args[0]
        if space == self.layout.guest.code_index:
            address = self._in_mirror(address)
        return self._load_bytes(self._space(space, address), size, self._tag(space))

    def _in_mirror(self, address: Value) -> Value:
        """An address in the code as a sum that need not wrap: (pc + c) & m, of an operand, as
        pc + c, since the first bytes are there once more behind the last."""
        mask = self.layout.guest.code_space.size - 1
        if address.op is not Op.AND or address.args[1].constant != mask:
            return address
        total = address.args[0]
        if total.op is not Op.ADD or total.args[0].op is not Op.PC:
            return address
        return total if (total.args[1].constant or MIRROR) <= MIRROR - WIDEST else address

    @lowers(lowerings, Op.STORE)
    def _store(self, value: Value) -> None:
        space, size, _ = value.imm
        address, word = value.args
        self._store_bytes(self._space(space, address), word, size, self._tag(space))

    @lowers(lowerings, Op.LENGTH)
    def _length(self, value: Value) -> str:
        return self._narrowed(self._attached("i64", value.imm[0], LENGTH))

    @lowers(lowerings, Op.FENCE)
    def _fence(self, value: Value) -> str:
        return self._narrowed(self._attached("i64", value.imm[0], FENCE))

    @lowers(lowerings, Op.VIEW)
    def _view(self, value: Value) -> str:
        window, size = value.imm
        return self._load_bytes(self._space(window, value.args[0]), size, "window")

    @lowers(lowerings, Op.PEEK)
    def _peek(self, value: Value) -> str:
        """A byte of the window, or of a word that is 0."""
        (window,) = value.imm
        at = self.wide(value.args[0])
        inside = self.let(f"icmp ult i64 {at}, {self._attached('i64', window, LENGTH)}")
        there = self.at(at, self._attached("ptr", window))
        nothing = self.at(self.layout.told["zero"])
        return self._load_bytes(
            self.let(f"select i1 {inside}, ptr {there}, ptr {nothing}"), 1, "window"
        )

    @lowers(lowerings, Op.COPY)
    def _copy(self, value: Value) -> None:
        """What there is by C's own function, and zeros for what there is not."""
        space, window = value.imm
        to, source, count = (self.wide(arg) for arg in value.args)
        size, length = self.layout.guest.spaces[space].size, self._attached("i64", window, LENGTH)
        count = self._least(count, self.let(f"sub i64 {size}, {to}"))
        inside = self.let(f"icmp ult i64 {source}, {length}")
        left = self.let(f"sub i64 {length}, {source}")
        there = self._least(count, self.let(f"select i1 {inside}, i64 {left}, i64 0"))
        target = self._space(space, value.args[0])
        first = self.at(source, self._attached("ptr", window))
        self._call_c("copy", f"ptr {target}, ptr {first}, i64 {there}")
        missing, clear, done = (
            self.let(f"sub i64 {count}, {there}"),
            self.name()[1:],
            self.name()[1:],
        )
        none = self.let(f"icmp eq i64 {missing}, 0")
        self.do(f"br i1 {none}, label %{done}, label %{clear}, {_LIKELY}")
        self.label(clear)
        self._call_c("clear", f"ptr {self.at(there, target)}, i64 0, i64 {missing}")
        self.do(f"br label %{done}")
        self.label(done)
        self._predecessor = done

    def _least(self, a: str, b: str) -> str:
        return self.let(f"select i1 {self.let(f'icmp ult i64 {a}, {b}')}, i64 {a}, i64 {b}")

    def _call_c(self, name: str, arguments: str) -> None:
        """Call a function of C that the block knows."""
        function = self.load("ptr", self.at(self.layout.told[name]), "context", 8)
        self.let(f"call ptr {function}({arguments})")

    @lowers(lowerings, Op.TELL)
    def _tell(self, value: Value) -> None:
        for name, word, bits in zip(("reason", "place"), value.args, (32, 64), strict=True):
            text = self.wide(word)
            if bits == 32:
                text = self.let(f"and i64 {text}, {(1 << bits) - 1}")
            self.store("i64", text, self.at(self.layout.told[name]), "context", 8)

    @lowers(lowerings, Op.MAP)
    def _map(self, value: Value) -> str:
        (size,) = value.imm
        address = self._address(self.layout.code_map, value.args[0])
        return self._widen(self.load(f"i{8 * size}", address, "map"), 8 * size)

    @lowers(lowerings, Op.WATERMARK)
    def _watermark(self, _: Value) -> str:
        return self._narrowed(self.load("i64", self.field("watermark"), "context", 8))

    def _narrowed(self, text: str) -> str:
        """An i64 that fits a word, as one."""
        return text if self.word == "i64" else self.let(f"trunc i64 {text} to {self.word}")

    @lowers(lowerings, Op.PAGE)
    def _page(self, value: Value) -> str:
        address = self.at(self.layout.ports, self.at(self.wide(value.args[0])))
        return self._load_bytes(address, 1, "page")

    @lowers(lowerings, Op.SET_PAGE)
    def _set_page(self, value: Value) -> None:
        port, byte = value.args
        address = self.at(self.layout.ports, self.at(self.wide(port)))
        self._store_bytes(address, byte, 1, "page")

    def _has(self, value: Value, which: int) -> str:
        function = self.load("ptr", self._port_function(which, value.args[0]), "context", 8)
        there = self.let(f"icmp ne ptr {function}, null")
        return self.let(f"zext i1 {there} to {self.word}")

    @lowers(lowerings, Op.READER)
    def _reader(self, value: Value) -> str:
        return self._has(value, self.layout.readers)

    @lowers(lowerings, Op.WRITER)
    def _writer(self, value: Value) -> str:
        return self._has(value, self.layout.writers)

    @lowers(lowerings, Op.WRITTEN)
    def _written(self, value: Value) -> None:
        self.do(f"call void @written(ptr %base, i64 {self.wide(value.args[0])})")

    def _show_pointers(self, pointers: tuple[Value, ...]) -> None:
        for index, pointer in enumerate(pointers):
            address = self.at(self.wide(pointer), self._stack_base(index))
            self.store("ptr", address, self.at(self.layout.pointers[index]), "context", 8)

    @lowers(lowerings, Op.HOST_IN)
    def _host_in(self, value: Value) -> str:
        port, *pointers = value.args
        self._show_pointers(tuple(pointers))
        byte = self.let(f"call i64 @host_in(ptr %base, i64 {self.wide(port)})")
        return self._widen(self.let(f"trunc i64 {byte} to i8"), 8)

    @lowers(lowerings, Op.HOST_OUT)
    def _host_out(self, value: Value) -> None:
        port, byte, *pointers = value.args
        self._show_pointers(tuple(pointers))
        arguments = f"ptr %base, i64 {self.wide(port)}, i64 {self.wide(byte)}"
        self.do(f"call void @host_out({arguments})")

    @lowers(lowerings, Op.HOST_POINTER)
    def _host_pointer(self, value: Value) -> str:
        (index,) = value.imm
        pointer = self.load("ptr", self.at(self.layout.pointers[index]), "context", 8)
        return self._index_of(pointer, index)

    @lowers(lowerings, Op.ACT, Op.DONE)
    def _mark(self, _: Value) -> None:
        """Nothing: marks are for the verifier."""

    @lowers(lowerings, Op.GUARD)
    def _guard_value(self, value: Value) -> None:
        assert value.exit is not None
        self._guard(self.flag(value.args[0]), value.exit)
