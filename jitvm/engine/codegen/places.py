"""Values of a graph in registers and on the native stack: what all machine code made here needs.

    r12 base   r13 table   r14 pc   r15, rdi, rsi stack pointers     as in every native function
    rax rcx rdx                                                      within one operation
    the others, r14 if nothing reads the pc, r13 and rbp saved       values
    [rsp]                                                            values there is no room for

Comparisons are no values if a guard, a branch or a selection uses them: they are done there.
"""

from __future__ import annotations

from jitvm.engine.codegen import x86
from jitvm.engine.codegen.registers import Allocation
from jitvm.engine.codegen.x86 import (
    ABOVE,
    BELOW,
    EQUAL,
    MOV,
    MOV_TO,
    NONE,
    NOT_ABOVE,
    NOT_BELOW,
    NOT_EQUAL,
    R12,
    R15,
    RAX,
    RCX,
    RDI,
    RDX,
    RSI,
    RSP,
    Address,
    Assembler,
    alu,
    move,
    move_number,
    reg_mem,
    reg_reg,
    swap_bytes,
)  # fmt: skip
from jitvm.engine.ir.graph import Goto, Value
from jitvm.engine.ir.ops import Op
from jitvm.engine.memory.layout import Layout

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable

STACKS = (R15, RDI, RSI)
"""Registers with stack pointers."""
_MOST_ADDED = 1 << 23
CONDITIONS = {Op.EQ: EQUAL, Op.NE: NOT_EQUAL, Op.LT: BELOW, Op.LE: NOT_ABOVE}
_MIRRORED = {Op.EQ: EQUAL, Op.NE: NOT_EQUAL, Op.LT: ABOVE, Op.LE: NOT_BELOW}


class Unknown(Exception):
    """Something in a graph that is left to LLVM."""


def is_flag(value: Value) -> bool:
    """Whether a word need not be made to jump by it."""
    return value.op in CONDITIONS


def _is_pair(value: Value) -> bool:
    return value.op is Op.AND and is_flag(value.args[0]) and is_flag(value.args[1])


def _denied(value: Value) -> Value | None:
    """What a comparison with 0 compares, where that need not be made."""
    if value.op in (Op.EQ, Op.NE) and value.args[1].constant == 0:
        inner = value.args[0]
        if is_flag(inner) or _is_pair(inner):
            return inner
    return None


def compared(condition: Value) -> list[Value]:
    """The words that a jump by a condition compares."""
    inner = _denied(condition)
    if inner is not None:
        return compared(inner)
    if _is_pair(condition):
        return [*compared(condition.args[0]), *compared(condition.args[1])]
    return list(condition.args) if is_flag(condition) else [condition]


def selected(condition: Value) -> list[Value]:
    """The words that flags are set by."""
    return list(condition.args) if is_flag(condition) else [condition]


def index_of(address: Value) -> tuple[Value, int]:
    """An address as a word and a number that memory operands add for nothing."""
    if address.op is Op.ADD and address.bits:
        more = address.args[1].constant
        if more is not None and more <= _MOST_ADDED:
            return address.args[0], more
    return address, 0


class Placed:
    """Copies, loads, stores and compares values wherever they are.

    Args:
        layout: where things lie.
        word_bits: width of arithmetic.

    Attributes:
        allocation: the places of values; given before anything is made.
    """

    allocation: Allocation

    def __init__(self, layout: Layout, word_bits: int) -> None:
        if word_bits not in (32, 64) or len(layout.guest.stacks) > len(STACKS):
            raise Unknown
        furthest = max(layout.head, layout.total - layout.head) + _MOST_ADDED
        if not x86.is_short(furthest):  # memory operands hold no larger distance
            raise Unknown
        self.layout = layout
        self._fields = layout.fields
        self._wide = 8 if word_bits == 64 else 0
        self._sign = 1 << (word_bits - 1)
        self._big = layout.guest.byte_order == "big"
        self._stacks = STACKS[: len(layout.guest.stacks)]
        self._asm = Assembler()
        self._cold: list[Callable[[], None]] = []

    @staticmethod
    def _memory(place: int) -> Address:
        return RSP, NONE, 8 * (place - Allocation.MEMORY)

    # -- places ------------------------------------------------------------------------------

    def _target(self, value: Value) -> int:
        """The register a result is made in; what has its place in memory is put there behind."""
        life = self.allocation.lives.get(id(value))
        return RAX if life is None or life.place >= Allocation.MEMORY else life.place

    def _place(self, value: Value) -> int:
        """Where a value is; of a constant nowhere."""
        return -1 if value.constant is not None else self.allocation.lives[id(value)].place

    def _signed(self, number: int) -> int:
        return (number ^ self._sign) - self._sign

    def _into(self, register: int, value: Value) -> None:
        """Copy a value; flags stay."""
        if (constant := value.constant) is not None:
            self._asm.put(move_number(register, constant))
            return
        place = self.allocation.lives[id(value)].place
        if place >= Allocation.MEMORY:
            self._asm.put(reg_mem(MOV, register, self._memory(place), 8))
        elif place != register:
            self._asm.put(move(register, place, self._wide))

    def _register(self, value: Value, scratch: int) -> int:
        """A register that holds a value: its own, or this one."""
        if value.constant is None:
            place = self.allocation.lives[id(value)].place
            if place < Allocation.MEMORY:
                return place
        self._into(scratch, value)
        return scratch

    def _alu(self, number: int, register: int, value: Value) -> None:
        wide = self._wide
        if (constant := value.constant) is not None:
            signed = self._signed(constant)
            if x86.is_short(signed):
                self._asm.put(alu(number, register, signed, wide))
                return
            self._asm.put(move_number(RDX, constant))
            place = RDX
        else:
            place = self.allocation.lives[id(value)].place
        op = bytes([8 * number + 3])
        if place >= Allocation.MEMORY:
            self._asm.put(reg_mem(op, register, self._memory(place), wide))
        else:
            self._asm.put(reg_reg(op, register, place, wide))

    def _field(self, name: str) -> Address:
        return R12, NONE, self._fields[name]

    def _address(self, offset: int, address: Value, base: int = R12) -> Address:
        word, more = index_of(address)
        return self._entry(offset + more, word, base)

    def _entry(self, offset: int, index: Value, base: int = R12) -> Address:
        """Where a word leads from somewhere; may take rcx."""
        if index.constant is not None and x86.is_short(offset + index.constant):
            return base, NONE, offset + index.constant
        return base, self._register(index, RCX), offset

    def _in_space(self, space: int, address: Value) -> Address:
        """Where an address of a space is; may take rcx and rdx."""
        attached = self.layout.attached.get(space)
        if attached is None:
            return self._address(self.layout.spaces[space], address)
        self._asm.put(reg_mem(MOV, RDX, (R12, NONE, attached), 8))
        return self._address(0, address, RDX)

    # -- comparisons -------------------------------------------------------------------------

    def _jump(self, condition: Value, label: int, *, when: bool) -> None:
        """Jump if a condition holds, or if it does not; else go on here."""
        inner = _denied(condition)
        if inner is not None:
            self._jump(inner, label, when=when is (condition.op is Op.NE))
        elif _is_pair(condition):
            first, second = condition.args
            if when:
                past = self._asm.label()
                self._jump(first, past, when=False)
                self._jump(second, label, when=True)
                self._asm.bind(past)
            else:
                self._jump(first, label, when=False)
                self._jump(second, label, when=False)
        else:
            holds = self._compare(condition)
            self._asm.jump_if(holds if when else holds ^ 1, label)

    def _compare(self, condition: Value) -> int:
        """Set the flags by a condition; the one that says it holds."""
        if not is_flag(condition):
            register = self._register(condition, RAX)
            self._asm.put(reg_reg(x86.TEST, register, register, self._wide))
            return NOT_EQUAL
        a, b = condition.args
        holds = CONDITIONS[condition.op]
        if a.constant is not None and b.constant is None:
            a, b, holds = b, a, _MIRRORED[condition.op]
        register = self._register(a, RAX)
        if b.constant == 0 and holds in (EQUAL, NOT_EQUAL):
            self._asm.put(reg_reg(x86.TEST, register, register, self._wide))
        else:
            self._alu(x86.CMP, register, b)
        return holds

    # -- edges -------------------------------------------------------------------------------

    def _moves(self, goto: Goto) -> list[tuple[int, Value]]:
        """Places that an edge has to fill, each with what."""
        return [
            (place, arg)
            for param, arg in zip(goto.block.params, goto.args, strict=True)
            if (place := self.allocation.lives[id(param)].place) != self._place(arg)
        ]

    def _move_arguments(self, goto: Goto) -> None:
        """All at once: no place is filled that another one still has to be filled from."""
        moves = self._moves(goto)
        numbers = [(place, arg) for place, arg in moves if arg.constant is not None]
        todo = {place: self._place(arg) for place, arg in moves if arg.constant is None}
        while todo:
            sources = set(todo.values())
            ready = [place for place in todo if place not in sources]
            if not ready:  # a ring: one of its places is kept aside
                place = next(iter(todo))
                self._copy(RCX, place)
                todo = {to: RCX if source == place else source for to, source in todo.items()}
                ready = [place]
            for place in ready:
                self._copy(place, todo.pop(place))
        for place, arg in numbers:
            assert arg.constant is not None
            if place >= Allocation.MEMORY:
                self._put_number(self._memory(place), arg.constant, 8)
            else:
                self._asm.put(move_number(place, arg.constant))

    def _copy(self, to: int, source: int) -> None:
        """Copy from a place to another one."""
        put = self._asm.put
        if source >= Allocation.MEMORY:
            register = RAX if to >= Allocation.MEMORY else to
            put(reg_mem(MOV, register, self._memory(source), 8))
            source = register
        if to >= Allocation.MEMORY:
            put(reg_mem(MOV_TO, source, self._memory(to), 8))
        elif to != source:
            put(move(to, source, 8))

    # -- memory ------------------------------------------------------------------------------

    def _load_bytes(self, to: int, address: Address, size: int) -> None:
        put = self._asm.put
        if size == 1:
            put(reg_mem(x86.ZERO_BYTE, to, address))
            return
        if size == 2:
            put(reg_mem(x86.ZERO_WORD, to, address))
        else:
            put(reg_mem(MOV, to, address, 8 if size == 8 else 0))
        if self._big:
            put(swap_bytes(to, size))

    def _store_bytes(self, address: Address, word: Value, size: int) -> None:
        """May take rax."""
        put = self._asm.put
        if (constant := word.constant) is not None:
            constant &= (1 << 8 * size) - 1
            if self._big:
                constant = int.from_bytes(constant.to_bytes(size, "big"), "little")
            self._put_number(address, constant, size)
            return
        if self._big and size > 1:
            self._into(RAX, word)
            put(swap_bytes(RAX, size))
            register = RAX
        else:
            register = self._register(word, RAX)
        if size == 1:
            put(reg_mem(x86.MOV_BYTE_TO, register, address, low=True))
        elif size == 2:
            put(reg_mem(x86.MOV_WORD_TO, register, address))
        else:
            put(reg_mem(MOV_TO, register, address, 8 if size == 8 else 0))

    def _put_number(self, address: Address, number: int, size: int) -> None:
        """Store a constant; may take rax where it is long."""
        if size == 8 and number >> 63:
            number -= 1 << 64
        if size == 8 and not x86.is_short(number):
            self._asm.put(move_number(RAX, number), reg_mem(MOV_TO, RAX, address, 8))
            return
        head = reg_mem(x86.NUMBER_TO[size], 0, address, 8 if size == 8 else 0)
        self._asm.put(head + x86.number_of(number, size))
