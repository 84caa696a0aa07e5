"""Region IR: what handlers and regions are made of before they become LLVM text.

A `Graph` is a list of blocks in SSA form; joins use block parameters, not phis. A `Value` is one
operation and its result:

    %7:16 = add %5, %6          a word known to be below 2**16
    %8:0  = sub %5, %6          only the low bits are meaningful (may be 'negative')
    store[0,2,65536] %3, %7     static attributes in brackets, operands after them

`bits` is the upper bound that makes the tiers agree: comparing, dividing or shifting right a word
with 0 bits is rejected (`jitvm.guest.core`, rule 2).

State of the guest that a graph touches
    slot        stack memory at a constant distance from the pointer at entry. Read only:
                writes happen at exits, so a slot always has its value from entry
    load/store  a space, at any address; `page` and `set_page` the port page
    stack_byte  stack memory at any index, for handlers that deal with wrapping themselves
An `Exit` says how to leave: the pc to continue at, what to add to each stack pointer (or the new
pointer, if it is not known relative to entry), and which stack slots to write.
A `guard` leaves through its exit unless its operand is nonzero.

Text: `jitvm.engine.ir.text` prints and parses; `jitvm.engine.ir.verify` checks.
"""

from __future__ import annotations

from jitvm.engine.ir.ops import BINARY, BITS, COMPARISONS, MARKS, MEANS, MODULAR, Op
from jitvm.engine.ir.rules import AT_ONCE, first
from jitvm.engine.tables.params import DEFAULTS, Parameters
from jitvm.guest import DescriptionError
from jitvm.guest.light import StrEnum

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Sequence

# Members of enumerations are slow to get at, and values are made by thousands.
_CONST, _AND, _OR, _SHL, _SUB = Op.CONST, Op.AND, Op.OR, Op.SHL, Op.SUB
_CHECKED = frozenset([op for op in BINARY if op.row.operands != ("word", "word")])
"""Operations of two words that may not be any words."""
_SHIFTS = frozenset([op for op in BINARY if "distance" in op.row.operands])


class Value:
    """One operation and its result. Operators build further values in the same graph.

    Attributes:
        constant: the value if it is known now.
    """

    __slots__ = (
        "args", "bits", "constant", "exit", "graph", "imm", "is_return_address", "number", "op",
    )  # fmt: skip

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
        self.is_return_address = False
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
    """How control goes on after an exit."""

    NEXT = "next"  # dispatch the following instruction
    JUMP = "jump"  # a taken jump: through the code table if the JIT is on
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
    """Terminator: one of two ways; `is_even` if both were taken about as often."""

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
        params: limits of what passes make of it.
    """

    def __init__(self, word_bits: int, where: str = "", params: Parameters = DEFAULTS) -> None:
        self.word_bits = word_bits
        self.where = where
        self.params = params
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
            masked = number & ((1 << self.word_bits) - 1)
            if masked != number:
                return self.const(masked)
            value = Value(self, _CONST, (), (masked,), max(masked.bit_length(), 1))
            self._constants[masked] = value
        return value

    def return_address(self, number: int) -> Value:
        """A constant that compiled code follows when it is jumped to; never shared, so that
        other constants of the same number stay plain."""
        value = Value(self, _CONST, (), (number,), max(number.bit_length(), 1))
        value.is_return_address = True
        return value

    def param(self, block: Block, bits: int) -> Value:
        value = Value(self, Op.PARAM, bits=bits)
        block.params.append(value)
        return value

    def add(
        self, op: Op, *args: Value, imm: tuple[int, ...] = (), bits: int | None = None
    ) -> Value:
        """Append an operation that may not be shared."""
        if bits is None:
            bits = self.bits(op, args, imm) if op in BITS else MODULAR
        value = Value(self, op, args, imm, bits)
        self.block.values.append(value)
        return value

    def pure(
        self, op: Op, *args: Value, imm: tuple[int, ...] = (), bits: int | None = None
    ) -> Value:
        """Append an operation, or find the same one earlier in the block."""
        block = self.block
        key = (op, *map(id, args), *imm)
        value = block.pure.get(key)
        if value is None:
            if bits is None:
                bits = self.bits(op, args, imm)
            value = block.pure[key] = Value(self, op, args, imm, bits)
            block.values.append(value)
        return value

    def bits(self, op: Op, args: tuple[Value, ...], imm: tuple[int, ...]) -> int:
        """The bits of a result, by the row of its operation; what depends on the guest is given
        by who asks for it."""
        width = BITS.get(op)
        bits = MODULAR if width is None else width(*args, *imm)
        return bits if bits <= self.word_bits else MODULAR

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
        constant = distance.constant
        furthest = (1 << distance.bits) - 1 if constant is None else constant
        if furthest >= self.word_bits:
            raise DescriptionError(
                f"{self.where}: {op} by up to {furthest} bits of a {self.word_bits}-bit word; "
                "mask the distance first"
            )

    def _check(self, op: Op, args: tuple[Value, ...]) -> None:
        """Refuse operands that the row of an operation does not allow."""
        for kind, value in zip(op.row.operands, args, strict=True):
            if kind == "distance":
                self._need_distance(op, value)
            elif kind != "word":
                self.need(op, value)

    def binary(self, op: Op, a: Value, b: Value) -> Value:
        """Build ``a op b``, folding what is known."""
        x, y = a.constant, b.constant
        if op in _CHECKED:
            is_near = op not in _SHIFTS or (y is not None and y < self.word_bits)
            if not (is_near and a.bits and b.bits):
                self._check(op, (a, b))
        if x is not None and y is not None and (op is not _SUB or x >= y):
            return self.const(MEANS[op](x, y))
        if x is not None or y is not None or a is b:
            for rule in AT_ONCE.get(op, ()):
                simpler = rule(self, op, a, b)
                if simpler is not None:
                    return simpler
        bits = BITS[op](a, b)
        return self.pure(op, a, b, bits=bits if bits <= self.word_bits else MODULAR)

    def word(self, op: Op, *args: Value, imm: tuple[int, ...] = ()) -> Value:
        """Build any operation on words, folding what is known."""
        if op in BINARY:
            return self.binary(op, *args)
        self._check(op, args)
        simpler = first(AT_ONCE, self, op, (*args, *imm))
        if simpler is not None:
            return simpler
        numbers = [arg.constant for arg in args]
        if None in numbers:
            return self.pure(op, *args, imm=imm)
        return self.const(MEANS[op](*numbers, *imm))

    def halves(self, word: Value) -> tuple[Value, Value] | None:
        """The two bytes a 16-bit word was joined from, if it was."""
        if word.bits > 16:
            return None
        if word.op is _SHL and word.args[1].constant == 8:
            return word.args[0], self.const(0)
        if word.op is not _OR:
            return None
        for high, low in (word.args, word.args[::-1]):
            if not 0 < low.bits <= 8:
                continue
            if high.op is _SHL and high.args[1].constant == 8:
                return high.args[0], low
            if high.constant is not None and not high.constant & 0xFF:
                return self.const(high.constant >> 8), low
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

    def select(self, condition: Value, yes: Value, no: Value) -> Value:
        return self.word(Op.SELECT, condition, yes, no)

    def divide(self, dividend: Value, divisor: Value, by_zero: int) -> Value:
        return self.word(Op.DIV, dividend, divisor, imm=(by_zero,))

    def signed(self, word: Value, size: int) -> Value:
        return self.word(Op.SIGNED, word, imm=(size,))

    def truncate(self, word: Value, size: int) -> Value:
        """The low `size` bytes."""
        if 0 < word.bits <= 8 * size and not word.is_return_address:
            return word
        return self.binary(_AND, word, self.const((1 << 8 * size) - 1))
