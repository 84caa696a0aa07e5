"""Region IR: what handlers and regions are made of before they become LLVM text.

A `Graph` is a list of blocks in SSA form; joins are block parameters, not phis. A `Value` is one
operation and its result:

    %7:16 = add %5, %6          a word known to be below 2**16
    %8:0  = sub %5, %6          only the low word bits are meant (may be 'negative')
    store[0,2,65536] %3, %7     static attributes in brackets, operands behind them

`bits` is the upper bound that makes the tiers agree: comparing, dividing or shifting right a word
with 0 bits is refused (`jitvm.guest.core`, rule 2).

State of the guest that a graph touches
    slot        stack memory at a constant distance from the pointer at entry. Read only:
                writes happen at exits, so a slot always has its value from entry
    load/store  a space, at any address; `page` and `set_page` the port page
    cell        stack memory at any index, for handlers that deal with wrapping themselves
An `Exit` says how to leave: the pc to continue at, what to add to each stack pointer (or the new
pointer, where it is not known relative to entry), and which stack slots to write.
A `guard` leaves through its exit unless its operand is not zero.

Text: `jitvm.engine.ir.text` prints and parses; `jitvm.engine.ir.verify` checks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum

from jitvm.guest import DescriptionError

MODULAR = 0
"""`bits` of a word whose high bits mean nothing."""


class Op(StrEnum):
    """Operations; the comment gives static attributes and operands."""

    __hash__ = str.__hash__  # that of enumerations is written in Python

    # words: pure
    CONST = "const"  # [value]
    PARAM = "param"  # a block's parameter
    ADD = "add"
    SUB = "sub"
    MUL = "mul"
    DIV = "div"  # [by_zero] dividend, divisor
    AND = "and"
    OR = "or"
    XOR = "xor"
    SHL = "shl"
    SHR = "shr"
    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LE = "le"
    SELECT = "select"  # condition, yes, no
    SIGNED = "signed"  # [size] word
    # state: reads
    PC = "pc"  # the program counter at entry, where it is not a constant
    POINTER = "pointer"  # [stack] index of the pointer at entry
    SLOT = "slot"  # [stack, offset, size]
    CELL = "cell"  # [stack] index
    LOAD = "load"  # [space, size, within] address
    MAP = "map"  # [size] address: not zero where compiled code was made from these bytes
    WATERMARK = "watermark"  # the highest address that `map` is not zero for; 0 without one
    PAGE = "page"  # port
    READER = "reader"  # port: not zero where a device answers reads
    WRITER = "writer"  # port: not zero where a device acts on writes
    # state: effects
    STORE = "store"  # [space, size, within] address, word
    SET_CELL = "set_cell"  # [stack] index, byte
    SET_PAGE = "set_page"  # port, byte
    WRITTEN = "written"  # [size] address: tells the host of a store to watched bytes
    HOST_IN = "host_in"  # port, pointer...: a read through the device, which sees the pointers
    HOST_OUT = "host_out"  # port, byte, pointer...
    COLLECT = "collect"  # port, byte: written to the port's cell and to the output ring
    HOST_POINTER = "host_pointer"  # [stack] the pointer a device left
    SYNC = "sync"  # writes what its exit would write, without leaving
    ACT = "act"  # the instruction has decided, and begins to act
    DONE = "done"  # it is complete
    CHECK = "check"  # exit where a device moved a pointer or asked to stop
    GUARD = "guard"  # condition; exit
    CHARGE = "charge"  # [instructions]; exit where the budget does not cover them
    POLL = "poll"  # exit where an interrupt is asked for


EFFECTS = frozenset({
    Op.STORE, Op.SET_CELL, Op.SET_PAGE, Op.WRITTEN, Op.HOST_IN, Op.HOST_OUT, Op.COLLECT,
    Op.SYNC, Op.CHECK, Op.GUARD, Op.CHARGE, Op.POLL, Op.ACT, Op.DONE,
})  # fmt: skip
ACTS = frozenset({
    Op.STORE, Op.SET_CELL, Op.SET_PAGE, Op.WRITTEN, Op.HOST_IN, Op.HOST_OUT, Op.COLLECT, Op.SYNC,
})  # fmt: skip
"""What cannot be undone."""
MARKS = frozenset({Op.ACT, Op.DONE})
"""What does nothing."""
COMPARISONS = frozenset({Op.EQ, Op.NE, Op.LT, Op.LE})


# Members of enumerations are slow to get at, and values are made by thousands.
_CONST, _ADD, _SUB, _MUL, _AND = Op.CONST, Op.ADD, Op.SUB, Op.MUL, Op.AND
_OR, _XOR, _SHL, _SHR = Op.OR, Op.XOR, Op.SHL, Op.SHR
_ADDS = frozenset({_ADD, _OR, _XOR})


class Value:
    """One operation and its result. Operators build further values in the same graph.

    Attributes:
        constant: the value where it is known now.
    """

    __slots__ = ("args", "bits", "constant", "exit", "graph", "imm", "link", "number", "op")

    def __init__(
        self,
        graph: Graph,
        op: Op,
        args: tuple[Value, ...] = (),
        imm: tuple[int, ...] = (),
        bits: int = MODULAR,
    ) -> None:
        self.graph = graph
        self.op = op
        self.args = args
        self.imm = imm
        self.bits = bits
        self.constant: int | None = imm[0] if op is _CONST else None
        self.exit: Exit | None = None
        self.link = False
        self.number = -1

    def _binary(self, op: Op, other: Value | int, swap: bool = False) -> Value:
        graph = self.graph
        if not isinstance(other, Value):
            if op in COMPARISONS and not graph.holds(other):
                raise DescriptionError(
                    f"{graph.where}: {op} with {other}, which no unsigned word can be"
                )
            other = graph.const(other)
        return graph.binary(op, other, self) if swap else graph.binary(op, self, other)

    def __add__(self, other: Value | int) -> Value:
        return self._binary(Op.ADD, other)

    def __radd__(self, other: int) -> Value:
        return self._binary(Op.ADD, other, swap=True)

    def __sub__(self, other: Value | int) -> Value:
        return self._binary(Op.SUB, other)

    def __rsub__(self, other: int) -> Value:
        return self._binary(Op.SUB, other, swap=True)

    def __mul__(self, other: Value | int) -> Value:
        return self._binary(Op.MUL, other)

    __rmul__ = __mul__

    def __and__(self, other: Value | int) -> Value:
        return self._binary(Op.AND, other)

    __rand__ = __and__

    def __or__(self, other: Value | int) -> Value:
        return self._binary(Op.OR, other)

    __ror__ = __or__

    def __xor__(self, other: Value | int) -> Value:
        return self._binary(Op.XOR, other)

    __rxor__ = __xor__

    def __lshift__(self, other: Value | int) -> Value:
        return self._binary(Op.SHL, other)

    def __rlshift__(self, other: int) -> Value:
        return self._binary(Op.SHL, other, swap=True)

    def __rshift__(self, other: Value | int) -> Value:
        return self._binary(Op.SHR, other)

    def __rrshift__(self, other: int) -> Value:
        return self._binary(Op.SHR, other, swap=True)

    def __eq__(self, other: object) -> Value:  # type: ignore[override]
        assert isinstance(other, Value | int)
        return self._binary(Op.EQ, other)

    def __ne__(self, other: object) -> Value:  # type: ignore[override]
        assert isinstance(other, Value | int)
        return self._binary(Op.NE, other)

    def __lt__(self, other: Value | int) -> Value:
        return self._binary(Op.LT, other)

    def __gt__(self, other: Value | int) -> Value:
        return self._binary(Op.LT, other, swap=True)

    def __le__(self, other: Value | int) -> Value:
        return self._binary(Op.LE, other)

    def __ge__(self, other: Value | int) -> Value:
        return self._binary(Op.LE, other, swap=True)

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        raise DescriptionError(
            f"{self.graph.where}: asked Python whether a word is true; use select or jump_if"
        )


Slot = tuple[int, int, int, Value]
"""What an exit writes to a stack: (stack, offset from the pointer at entry, size, word)."""


class Exit:
    """One way out of a graph: where to continue and what to write back.

    Attributes:
        pc: the guest address to continue at.
        pointers: for each stack, bytes to add to the pointer at entry, or the new index.
        slots: (stack, offset from the pointer at entry, size, word) to write.
        kind: what the dispatch there may look at, a `Leave`.
        reason: why this exit exists, a row of `jitvm.engine.tables.reasons`.
        number: identifies the exit inside its graph.
    """

    __slots__ = ("instructions", "kind", "number", "pc", "pointers", "reason", "slots")

    def __init__(
        self,
        pc: Value,
        pointers: tuple[int | Value, ...],
        slots: tuple[Slot, ...] = (),
        kind: Leave | None = None,
        reason: str = "",
    ) -> None:
        self.pc = pc
        self.pointers = pointers
        self.slots = slots
        self.kind = kind or Leave.NEXT
        self.reason = reason
        self.number = -1
        self.instructions = 0


class Leave(StrEnum):
    """How control goes on behind an exit."""

    NEXT = "next"  # dispatch the following instruction
    JUMP = "jump"  # a taken jump: through the code table where the JIT is on
    RETRY = "retry"  # the same instruction again, by a handler that does everything
    HALT = "halt"  # return to the host
    STOP = "stop"  # as NEXT, unless a host function asked to stop


class Goto:
    """Terminator: continue in a block."""

    __slots__ = ("args", "block")

    def __init__(self, block: Block, args: Sequence[Value] = ()) -> None:
        self.block = block
        self.args = list(args)


class Branch:
    """Terminator: one of two ways; `is_even` where both were gone about as often."""

    __slots__ = ("condition", "is_even", "no", "yes")

    def __init__(
        self, condition: Value, yes: Goto | Exit, no: Goto | Exit, *, is_even: bool = False
    ) -> None:
        self.condition = condition
        self.yes = yes
        self.no = no
        self.is_even = is_even


Terminator = Goto | Branch | Exit


class Block:
    """A straight line: parameters, values in order, and a terminator."""

    __slots__ = ("end", "label", "number", "params", "pure", "values")

    def __init__(self, number: int, label: str) -> None:
        self.number = number
        self.label = label
        self.params: list[Value] = []
        self.values: list[Value] = []
        self.end: Terminator | None = None
        self.pure: dict[tuple[object, ...], Value] = {}

    @property
    def weight(self) -> int:
        """How many operations there are, without marks."""
        return sum(value.op not in MARKS for value in self.values)

    def targets(self) -> list[Goto]:
        """The edges to other blocks."""
        if isinstance(self.end, Goto):
            return [self.end]
        if isinstance(self.end, Branch):
            return [way for way in (self.end.yes, self.end.no) if isinstance(way, Goto)]
        return []


class Graph:
    """Blocks under construction; values are appended to `block`.

    Args:
        word_bits: width of arithmetic.
        where: what is being built, for messages.
    """

    def __init__(self, word_bits: int, where: str = "") -> None:
        self.word_bits = word_bits
        self.where = where
        self.blocks: list[Block] = []
        self.block = self.new_block("entry")
        self._constants: dict[int, Value] = {}

    # -- building ----------------------------------------------------------------------------

    def new_block(self, label: str = "") -> Block:
        block = Block(len(self.blocks), label)
        self.blocks.append(block)
        return block

    def holds(self, number: int) -> bool:
        """Whether a word can have this value."""
        return 0 <= number < 1 << self.word_bits

    def const(self, number: int) -> Value:
        """A constant; equal numbers are the same value. Belongs to no block."""
        value = self._constants.get(number)
        if value is None:
            known = number & ((1 << self.word_bits) - 1)
            if known != number:
                return self.const(known)
            value = Value(self, _CONST, (), (known,), max(known.bit_length(), 1))
            self._constants[known] = value
        return value

    def return_address(self, number: int) -> Value:
        """A constant that compiled code follows when it is jumped to; never shared, so that
        other constants of the same number stay plain."""
        value = Value(self, _CONST, (), (number,), max(number.bit_length(), 1))
        value.link = True
        return value

    def param(self, block: Block, bits: int) -> Value:
        value = Value(self, Op.PARAM, bits=bits)
        block.params.append(value)
        return value

    def add(self, op: Op, *args: Value, imm: tuple[int, ...] = (), bits: int = MODULAR) -> Value:
        """Append an operation that may not be shared."""
        value = Value(self, op, args, imm, bits)
        self.block.values.append(value)
        return value

    def pure(self, op: Op, *args: Value, imm: tuple[int, ...] = (), bits: int = MODULAR) -> Value:
        """Append an operation, or find the same one earlier in the block."""
        block = self.block
        key = (op, *map(id, args), *imm)
        value = block.pure.get(key)
        if value is None:
            value = block.pure[key] = Value(self, op, args, imm, bits)
            block.values.append(value)
        return value

    def guard(self, condition: Value, exit_: Exit) -> None:
        if condition.constant:
            return
        self.add(Op.GUARD, condition).exit = exit_

    # -- words -------------------------------------------------------------------------------

    def need(self, op: str, *values: Value) -> None:
        """Refuse words of which only the low bits are meant."""
        for value in values:
            if value.bits == MODULAR:
                raise DescriptionError(
                    f"{self.where}: {op} of a word whose high bits are not known; mask it first"
                )

    def _need_distance(self, op: Op, distance: Value) -> None:
        self.need(op, distance)
        known = distance.constant
        furthest = (1 << distance.bits) - 1 if known is None else known
        if furthest >= self.word_bits:
            raise DescriptionError(
                f"{self.where}: {op} by up to {furthest} bits of a {self.word_bits}-bit word; "
                "mask the distance first"
            )

    def binary(self, op: Op, a: Value, b: Value) -> Value:
        """Build ``a op b``, folding what is known."""
        x, y = a.constant, b.constant
        if op in COMPARISONS:
            self.need(op, a, b)
            if x is not None and y is not None:
                return self.const(_FOLD[op](x, y))
            return self.pure(op, a, b, bits=1)
        if op is _SHR:
            self.need(op, a)
        if op is _SHR or op is _SHL:
            self._need_distance(op, b)
        if x is not None and y is not None and (op is not _SUB or x >= y):
            return self.const(_FOLD[op](x, y))
        if x is not None or y is not None or a is b:
            simpler = self._identity(op, a, b, x, y)
            if simpler is not None:
                return simpler
        return self.pure(op, a, b, bits=self._bound(op, a, b))

    def _identity(self, op: Op, a: Value, b: Value, x: int | None, y: int | None) -> Value | None:
        if y is not None:
            if op is _AND:
                return self._masked(a, y)
            if y == 0:
                return self.const(0) if op is _MUL else a
            if op is _SHR:
                return self._shifted(a, y)
            return a if op is _MUL and y == 1 else None
        if x is not None:
            if x == 0:
                return b if op in _ADDS else self.const(0) if op in (_MUL, _AND) else None
            return b if op is _MUL and x == 1 else None
        return self.const(0) if op is _SUB else None

    def _shifted(self, a: Value, distance: int) -> Value | None:
        """``a >> distance`` where it needs no operation."""
        if a.bits <= distance:
            return self.const(0)
        if distance == 8 and (parts := self.halves(a)) is not None:
            return parts[0]
        return None

    def _masked(self, a: Value, mask: int) -> Value | None:
        """``a & mask`` where it needs no operation."""
        if mask == 0:
            return self.const(0)
        if a.bits and mask & ((1 << a.bits) - 1) == (1 << a.bits) - 1:
            return a
        if mask == 0xFF and (parts := self.halves(a)) is not None:
            return parts[1]
        if a.op is _AND and (inner := a.args[1].constant) is not None:
            return self.binary(_AND, a.args[0], self.const(inner & mask))
        return None

    def halves(self, word: Value) -> tuple[Value, Value] | None:
        """The two bytes a 16-bit word was joined from, where it was."""
        if word.op is not _OR or word.bits > 16:
            return None
        high, low = word.args
        if high.op is _SHL and high.args[1].constant == 8 and 0 < low.bits <= 8:
            return high.args[0], low
        return None

    def join(self, high: Value, low: Value) -> Value:
        """A 16-bit word of two bytes; splitting a word and joining it gives the word."""
        if (
            high.op is Op.SHR
            and high.args[1].constant == 8
            and low.op is Op.AND
            and low.args[1].constant == 0xFF
            and high.args[0] is low.args[0]
        ):
            return high.args[0]
        return self.binary(Op.OR, self.binary(Op.SHL, high, self.const(8)), low)

    def _bound(self, op: Op, a: Value, b: Value) -> int:
        if op is _AND:
            bits = min(a.bits, b.bits) or a.bits or b.bits
        elif op is _SHR:
            bits = max(a.bits - (b.constant or 0), 1)
        elif not (a.bits and b.bits) or op is _SUB:
            return MODULAR
        elif op is _ADD:
            bits = max(a.bits, b.bits) + 1
        elif op is _MUL:
            bits = a.bits + b.bits
        elif op is _SHL:
            bits = a.bits + ((1 << b.bits) - 1 if b.constant is None else b.constant)
        else:
            bits = max(a.bits, b.bits)
        return bits if bits <= self.word_bits else MODULAR

    def select(self, condition: Value, yes: Value, no: Value) -> Value:
        self.need(Op.SELECT, condition)
        known = condition.constant
        if known is not None:
            return yes if known else no
        if yes is no:
            return yes
        bits = max(yes.bits, no.bits) if yes.bits and no.bits else MODULAR
        return self.pure(Op.SELECT, condition, yes, no, bits=bits)

    def divide(self, dividend: Value, divisor: Value, by_zero: int) -> Value:
        self.need(Op.DIV, dividend, divisor)
        x, y = dividend.constant, divisor.constant
        if x is not None and y is not None:
            return self.const(x // y if y else by_zero)
        bits = max(dividend.bits, by_zero.bit_length())
        return self.pure(Op.DIV, dividend, divisor, imm=(by_zero,), bits=bits)

    def signed(self, word: Value, size: int) -> Value:
        sign = 1 << (8 * size - 1)
        if (known := word.constant) is not None:
            return self.const(((known & (2 * sign - 1)) ^ sign) - sign)
        return self.pure(Op.SIGNED, word, imm=(size,))

    def truncate(self, word: Value, size: int) -> Value:
        """The low `size` bytes."""
        if 0 < word.bits <= 8 * size and not word.link:
            return word
        return self.binary(_AND, word, self.const((1 << 8 * size) - 1))


_FOLD: dict[Op, Callable[[int, int], int]] = {
    Op.ADD: lambda x, y: x + y,
    Op.SUB: lambda x, y: x - y,
    Op.MUL: lambda x, y: x * y,
    Op.AND: lambda x, y: x & y,
    Op.OR: lambda x, y: x | y,
    Op.XOR: lambda x, y: x ^ y,
    Op.SHL: lambda x, y: x << y,
    Op.SHR: lambda x, y: x >> y,
    Op.EQ: lambda x, y: int(x == y),
    Op.NE: lambda x, y: int(x != y),
    Op.LT: lambda x, y: int(x < y),
    Op.LE: lambda x, y: int(x <= y),
}
