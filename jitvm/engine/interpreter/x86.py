"""Handlers for x86-64: what LLVM makes more instructions of than it takes.

An interpreter with its operands in registers is as fast as the processor decodes it, so each
instruction of a handler counts, and most handlers have a dozen. Two things that many of them do are
written as assembly here, one instruction each:

    next address, of 16 bits    addw $1, %r14w     for   incl %r14d;  movzwl %r14w, %r14d
    word of two bytes           rolw $8, %ax       for   rolw $8, %ax;  movzwl %ax, %eax

They leave the upper bits of a register alone, which are known to be 0; LLVM makes words of 16 bits
wider and does not count on that. Interpreters are 1.08 times as fast (Zen 4; over the benchmark).
What was tried and gains nothing: jumps through memory, `jmp *(table)`, in place of a load and a
jump.
"""

from __future__ import annotations

from jitvm.engine.interpreter.lowering import HandlerLowering
from jitvm.engine.ir.graph import Branch, Goto, Graph, Value
from jitvm.engine.ir.ops import Op
from jitvm.engine.memory.layout import Layout

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import ClassVar

    from jitvm.engine.codegen.table import Lowerings

_FLAGS = "~{dirflag},~{fpsr},~{flags}"


class X86Lowering(HandlerLowering):
    """Lowers a handler; arguments as for `HandlerLowering`."""

    lowerings: ClassVar[Lowerings] = {**HandlerLowering.lowerings}

    def __init__(
        self, layout: Layout, graph: Graph, *, retry: str, hooked: bool, state: int
    ) -> None:
        super().__init__(layout, graph, retry=retry, hooked=hooked, state=state)
        self._numbers, self._turns = self._read(), False

    def wide(self, value: Value) -> str:
        """See `OperationLowering`."""
        step = self._step(value)
        if step is None:
            return super().wide(value)
        return self.let(f'call i64 asm "addw $2, ${{0:w}}", "=r,0,i,{_FLAGS}"(i64 %pc, i16 {step})')

    def _step(self, value: Value) -> int | None:
        """How far behind the instruction's own an address is, if it is one of 16 bits."""
        if self.layout.guest.pc_bits != 16 or value.op is not Op.AND:
            return None
        total, mask = value.args
        if mask.constant != 0xFFFF or total.op is not Op.ADD or total.args[0].op is not Op.PC:
            return None
        return total.args[1].constant

    def _value(self, value: Value) -> None:
        self._turns = id(value) in self._numbers
        super()._value(value)

    def _load_bytes(self, address: str, size: int, tag: str) -> str:
        if size != 2 or not self.big or not self._turns:
            return super()._load_bytes(address, size, tag)
        word = self._widen(self.load("i16", address, tag), 16)
        return self.let(
            f'call {self.word} asm "rolw $$8, ${{0:w}}", "=r,0,{_FLAGS}"({self.word} {word})'
        )

    def _read(self) -> set[int]:
        """Words whose numbers are of interest: not those that are only copied elsewhere, which LLVM
        does in the order that they have in memory."""
        found: set[int] = set()
        for block in self.graph.blocks:
            for value in block.values:
                args = value.args
                if value.op is Op.STORE and value.imm[1] == 2:
                    args = args[:1]
                found.update(map(id, args))
            end = block.end
            ways = [end.yes, end.no] if isinstance(end, Branch) else [end]
            if isinstance(end, Branch):
                found.add(id(end.condition))
            for way in ways:
                if isinstance(way, Goto):
                    found.update(map(id, way.args))
                elif way is not None:
                    kept = self._kept(way)
                    found.add(id(way.pc))
                    found.update(id(slot[3]) for slot in way.slots if slot is kept or slot[2] != 2)
        return found
