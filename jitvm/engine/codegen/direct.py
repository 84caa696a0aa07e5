"""One method an operation of the IR: the instructions of x86-64 that compute its value.

What they mean is said by their rows (`jitvm.engine.ir.ops`), and the same is written for LLVM
(`jitvm.engine.codegen.operations`).
"""

from __future__ import annotations

from jitvm.engine.codegen import x86
from jitvm.engine.codegen.places import CONDITIONS, Placed
from jitvm.engine.codegen.registers import Allocation
from jitvm.engine.codegen.table import lowers
from jitvm.engine.codegen.x86 import (
    EQUAL,
    LEA,
    MOV,
    MOV_TO,
    NONE,
    NOT_EQUAL,
    R12,
    R14,
    RAX,
    RCX,
    RDX,
    Address,
    alu,
    alu_mem,
    move,
    move_number,
    reg_mem,
    reg_reg,
    swap_bytes,
)  # fmt: skip
from jitvm.engine.ir.graph import Value
from jitvm.engine.ir.ops import Op
from jitvm.engine.memory.layout import FENCE, LENGTH

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import ClassVar

    from jitvm.engine.codegen.table import Lowerings

_COMMUTATIVE = {Op.AND: x86.AND, Op.OR: x86.OR, Op.XOR: x86.XOR}


class DirectOperations(Placed):
    """Operations on words, stacks, spaces and ports.

    Attributes:
        lowerings: what makes the instructions of each operation; of the class.
    """

    lowerings: ClassVar[Lowerings] = {}

    # -- values ------------------------------------------------------------------------------

    @lowers(lowerings, Op.ACT, Op.DONE)
    def _mark(self, _: Value) -> None:
        """Nothing: marks are for the verifier."""

    @lowers(lowerings, Op.ADD)
    def _add(self, value: Value) -> None:
        a, b = value.args
        to = self._target(value)
        x, y = self._place(a), self._place(b)
        wide = self._wide
        if 0 <= x < Allocation.MEMORY and x != to:
            if 0 <= y < Allocation.MEMORY and y != to:
                self._asm.put(reg_mem(LEA, to, (x, y, 0), wide))
                return
            more = -1 if b.constant is None else self._signed(b.constant)
            if b.constant is not None and x86.is_short(more):
                self._asm.put(reg_mem(LEA, to, (x, NONE, more), wide))
                return
        if y == to:
            a, b = b, a
        self._into(to, a)
        self._alu(x86.ADD, to, b)

    @lowers(lowerings, Op.SUB)
    def _sub(self, value: Value) -> None:
        a, b = value.args
        to = self._target(value)
        x = self._place(a)
        if b.constant is not None and 0 <= x < Allocation.MEMORY and x != to:
            less = -self._signed(b.constant)
            if x86.is_short(less):
                self._asm.put(reg_mem(LEA, to, (x, NONE, less), self._wide))
                return
        if self._place(b) == to and x != to:
            self._into(RAX, a)
            self._alu(x86.SUB, RAX, b)
            self._asm.put(move(to, RAX, self._wide))
            return
        self._into(to, a)
        self._alu(x86.SUB, to, b)

    @lowers(lowerings, *_COMMUTATIVE)
    def _commutative(self, value: Value) -> None:
        a, b = value.args
        to = self._target(value)
        if value.op is Op.AND and b.constant in (0xFF, 0xFFFF):
            op = x86.ZERO_BYTE if b.constant == 0xFF else x86.ZERO_WORD
            self._extend(op, to, a)
            return
        if self._place(b) == to:
            a, b = b, a
        self._into(to, a)
        self._alu(_COMMUTATIVE[value.op], to, b)

    def _extend(self, op: bytes, to: int, word: Value, wide: int = 0) -> None:
        """Extend the low bytes of a word."""
        place = self._place(word)
        if place >= Allocation.MEMORY:
            self._asm.put(reg_mem(op, to, self._memory(place), wide))
            return
        self._asm.put(reg_reg(op, to, self._register(word, RAX), wide, low=True))

    @lowers(lowerings, Op.MUL)
    def _multiply(self, value: Value) -> None:
        a, b = value.args
        to = self._target(value)
        if b.constant is not None and x86.is_short(factor := self._signed(b.constant)):
            register = self._register(a, RCX)
            head = reg_reg(x86.MULTIPLY_BY, to, register, self._wide)
            self._asm.put(head + x86.number_of(factor, 4))
            return
        if self._place(b) == to:
            a, b = b, a
        self._into(to, a)
        register = self._register(b, RCX)
        self._asm.put(reg_reg(x86.MULTIPLY, to, register, self._wide))

    @lowers(lowerings, Op.SHL, Op.SHR)
    def _shift(self, value: Value) -> None:
        a, distance = value.args
        to, kind = self._target(value), x86.SHL if value.op is Op.SHL else x86.SHR
        if distance.constant is not None:
            self._into(to, a)
            self._asm.put(x86.shift(kind, to, distance.constant, self._wide))
            return
        self._into(RCX, distance)
        self._into(to, a)
        self._asm.put(reg_reg(x86.SHIFT_BY_CL, kind, to, self._wide))

    @lowers(lowerings, *CONDITIONS)
    def _comparison(self, value: Value) -> None:
        holds = self._compare(value)
        self._set(self._target(value), holds)

    def _set(self, to: int, condition: int) -> None:
        """1 if a condition holds, else 0."""
        self._asm.put(bytes([0x0F, 0x90 | condition, 0xC0]), reg_reg(x86.ZERO_BYTE, to, RAX))

    @lowers(lowerings, Op.SELECT)
    def _select(self, value: Value) -> None:
        condition, yes, no = value.args
        to, wide, put = self._target(value), self._wide, self._asm.put
        holds = self._compare(condition)
        if self._place(yes) == to:
            yes, no, holds = no, yes, holds ^ 1
        register = self._register(yes, RCX)
        self._into(to, no)
        put(reg_reg(bytes([0x0F, 0x40 | holds]), to, register, wide))

    @lowers(lowerings, Op.SIGNED)
    def _signed_word(self, value: Value) -> None:
        (size,) = value.imm
        to, word = self._target(value), value.args[0]
        if size == 1:
            self._extend(x86.SIGN_BYTE, to, word, self._wide)
        elif size == 2:
            self._extend(x86.SIGN_WORD, to, word, self._wide)
        elif size == 4 and self._wide:
            self._extend(x86.SIGN_DOUBLE, to, word, self._wide)
        else:
            self._into(to, word)

    @lowers(lowerings, Op.BSWAP)
    def _bswap(self, value: Value) -> None:
        (size,) = value.imm
        to, word = self._target(value), value.args[0]
        if size < 4:
            self._extend(x86.ZERO_BYTE if size == 1 else x86.ZERO_WORD, to, word)
        else:
            place = self._register(word, RAX)
            self._asm.put(move(to, place, 8 if size == 8 else 0))
        if size > 1:
            self._asm.put(swap_bytes(to, size))

    @lowers(lowerings, Op.DIV)
    def _divide(self, value: Value) -> None:
        dividend, divisor = value.args
        asm, to, wide = self._asm, self._target(value), self._wide
        self._into(RCX, divisor)
        by_zero, done = asm.label(), asm.label()
        if divisor.constant is None:
            asm.put(reg_reg(x86.TEST, RCX, RCX, wide))
            asm.jump_if(EQUAL, by_zero)

            def nothing() -> None:
                asm.bind(by_zero)
                asm.put(move_number(RAX, value.imm[0]))
                asm.jump(done)

            self._cold.append(nothing)
        elif not divisor.constant:
            asm.put(move_number(to, value.imm[0]))
            return
        self._into(RAX, dividend)
        asm.put(reg_reg(b"\x33", RDX, RDX), reg_reg(x86.GROUP_3, x86.DIVIDE, RCX, wide))
        asm.bind(done)
        if to != RAX:
            asm.put(move(to, RAX, wide))

    @lowers(lowerings, Op.PC)
    def _pc(self, value: Value) -> None:
        self._asm.put(move(self._target(value), R14, self._wide))

    @lowers(lowerings, Op.POINTER)
    def _pointer(self, value: Value) -> None:
        (index,) = value.imm
        self._index_of(self._target(value), self._stacks[index], index)

    def _index_of(self, to: int, pointer: int, index: int) -> None:
        put, size = self._asm.put, self.layout.guest.stacks[index].size
        if size == 256:
            put(reg_reg(x86.ZERO_BYTE, to, pointer, low=True))
            return
        if to != pointer:
            put(move(to, pointer))
        put(alu(x86.AND, to, size - 1))

    @lowers(lowerings, Op.HOST_POINTER)
    def _host_pointer(self, value: Value) -> None:
        (index,) = value.imm
        to = self._target(value)
        self._asm.put(reg_mem(MOV, to, (R12, NONE, self.layout.pointers[index]), 8))
        self._index_of(to, to, index)

    @lowers(lowerings, Op.SLOT)
    def _slot(self, value: Value) -> None:
        index, offset, size = value.imm
        self._load_bytes(self._target(value), (self._stacks[index], NONE, offset), size)

    @lowers(lowerings, Op.STACK_BYTE)
    def _stack_byte(self, value: Value) -> None:
        address = self._entry(self.layout.stacks[value.imm[0]], value.args[0])
        self._load_bytes(self._target(value), address, 1)

    @lowers(lowerings, Op.SET_STACK_BYTE)
    def _set_stack_byte(self, value: Value) -> None:
        address = self._entry(self.layout.stacks[value.imm[0]], value.args[0])
        self._store_bytes(address, value.args[1], 1)

    @lowers(lowerings, Op.LOAD)
    def _load(self, value: Value) -> None:
        space, size, _ = value.imm
        self._load_bytes(self._target(value), self._in_space(space, value.args[0]), size)

    @lowers(lowerings, Op.STORE)
    def _store(self, value: Value) -> None:
        space, size, _ = value.imm
        address, word = value.args
        self._store_bytes(self._in_space(space, address), word, size)

    @lowers(lowerings, Op.VIEW)
    def _view(self, value: Value) -> None:
        window, size = value.imm
        self._load_bytes(self._target(value), self._in_space(window, value.args[0]), size)

    @lowers(lowerings, Op.LENGTH, Op.FENCE)
    def _of_window(self, value: Value) -> None:
        at = self.layout.attached[value.imm[0]] + (LENGTH if value.op is Op.LENGTH else FENCE)
        self._asm.put(reg_mem(MOV, self._target(value), (R12, NONE, at), self._wide))

    @lowers(lowerings, Op.MAP)
    def _map(self, value: Value) -> None:
        (size,) = value.imm
        address = self._address(self.layout.code_map, value.args[0])
        to, put = self._target(value), self._asm.put
        if size < 4:
            put(reg_mem(x86.ZERO_BYTE if size == 1 else x86.ZERO_WORD, to, address))
        else:
            put(reg_mem(MOV, to, address, 8 if size == 8 else 0))

    @lowers(lowerings, Op.WATERMARK)
    def _watermark(self, value: Value) -> None:
        self._asm.put(reg_mem(MOV, self._target(value), self._field("watermark"), self._wide))

    @lowers(lowerings, Op.PAGE)
    def _page(self, value: Value) -> None:
        address = self._entry(self.layout.ports, value.args[0])
        self._load_bytes(self._target(value), address, 1)

    @lowers(lowerings, Op.SET_PAGE)
    def _set_page(self, value: Value) -> None:
        port, byte = value.args
        self._store_bytes(self._entry(self.layout.ports, port), byte, 1)

    @lowers(lowerings, Op.TELL)
    def _told(self, value: Value) -> None:
        for name, word in zip(("reason", "place"), value.args, strict=True):
            self._into(RAX, word)
            if name == "reason":
                self._asm.put(move(RAX, RAX))
            self._asm.put(reg_mem(MOV_TO, RAX, (R12, NONE, self.layout.told[name]), 8))

    def _function(self, which: int, port: Value) -> Address:
        """The entry of a table of functions, by port; may take rcx."""
        if port.constant is not None:
            return R12, NONE, which + 8 * port.constant
        self._into(RCX, port)
        self._asm.put(reg_mem(LEA, RCX, (R12, RCX, which), 8, scale=3))
        return RCX, NONE, 0

    @lowers(lowerings, Op.READER, Op.WRITER)
    def _has(self, value: Value) -> None:
        which = self.layout.readers if value.op is Op.READER else self.layout.writers
        address = self._function(which, value.args[0])
        self._asm.put(alu_mem(x86.CMP, address, 0, 8))
        self._set(self._target(value), NOT_EQUAL)
