"""LLVM text: the prototype of native code, and the lines that everything native is made of.

Every handler, region and stub is a function with one prototype and the `preserve_nonecc` calling
convention, so any of them can tail-call any other:

    void f(ptr base, ptr table, iN pc, ptr stack0, ptr stack1, ...)
    void f(ptr base, ptr table, iN pc, ptr stack0, ptr stack1, ..., iN top)    of guests that cache

`base` leads to everything (`jitvm.engine.memory.layout`), `table` is the dispatch table of the
mode, and stack pointers are addresses of the next free byte. Stacks are aligned to their size, so
the low bits of a pointer are its index. `top` is nothing to whom does not know of it: see
`jitvm.engine.interpreter.lowering`.

The text refers to no symbol outside its module and needs no constant pool, so the object has no
relocations and may be copied anywhere.

Type-based alias tags tell LLVM that stacks, spaces, the code map and the context never overlap.
"""

from __future__ import annotations

from collections.abc import Iterable

from jitvm.engine.memory.layout import PART, RING, Layout
from jitvm.engine.tables.status import Status
from jitvm.engine.tables.struct import Struct

_TAGS = ("context", "stack", "code", "map", "page", "private", "large", "window")
_TAG_NODE = {name: 100 + i for i, name in enumerate(_TAGS)}
LIKELY = "!prof !90"

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


class Prototype(Struct, frozen=True):
    """The one signature of native code for a guest."""

    layout: Layout

    @property
    def parameters(self) -> str:
        return self.arguments("%table", "%pc", self.own_stacks(), "%top")

    def arguments(self, table: str, pc: str, stacks: list[str], top: str = "poison") -> str:
        listed = ["ptr %base", f"ptr {table}", f"i64 {pc}", *(f"ptr {s}" for s in stacks)]
        if len(self.layout.states) > 1:
            listed.append(f"i{self.layout.guest.word_bits} {top}")
        return ", ".join(listed)

    def tail(
        self, callee: str, table: str, pc: str, stacks: list[str], top: str = "poison"
    ) -> list[str]:
        """A tail call: the last two lines of any native function."""
        arguments = self.arguments(table, pc, stacks, top)
        return [f"  musttail call preserve_nonecc void {callee}({arguments})", "  ret void"]

    def own_stacks(self) -> list[str]:
        return [f"%s{i}" for i in range(len(self.layout.guest.stacks))]

    def define(
        self,
        name: str,
        lines: list[str],
        *,
        optimised: bool = True,
        has_tables: bool = False,
        align: int = 16,
    ) -> str:
        level = "noinline" if optimised else "noinline optnone"
        level += f" #{int(has_tables)} align {align}"
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

    def fresh_label(self) -> str:
        return self.name()[1:]

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
        """Write (port, byte) to the output ring, which the host empties first if it is full.

        Returns the label of the block that goes on.
        """
        head = self.load("i64", self.field("ring_head"), "context", 8)
        tail = self.load("i64", self.field("ring_tail"), "context", 8)
        full = self.let(f"icmp uge i64 {self.let(f'sub i64 {head}, {tail}')}, {RING}")
        drain, go_on = self.fresh_label(), self.fresh_label()
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

    def tail(self, callee: str, pc: str, stacks: list[str], top: str = "poison") -> None:
        self.lines += self.prototype.tail(callee, "%table", pc, stacks, top)

    def dispatch(self, pc: str, stacks: list[str], top: str = "poison", state: int = 0) -> None:
        """Go to the handler of the instruction at pc.

        Args:
            top: the topmost word of the stack that is cached.
            state: which size of words it is of; 0: it is in memory.
        """
        opcode = self.load("i8", self.at(pc), "code")
        index = self.let(f"zext i8 {opcode} to i64")
        part = self.at(PART * state, "%table")
        entry = self.let(f"getelementptr inbounds ptr, ptr {part}, i64 {index}")
        self.tail(self.load("ptr", entry, "context", 8), pc, stacks, top)

    def enter_code(self, pc: str, stacks: list[str]) -> None:
        """Go where the code table says for pc."""
        entries = self.at(self.layout.code)
        entry = self.let(f"getelementptr inbounds ptr, ptr {entries}, i64 {pc}")
        self.tail(self.load("ptr", entry, "context", 8), pc, stacks)
