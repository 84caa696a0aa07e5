"""What the 256 Uxn opcodes do: 31 operations, eight immediates, and the three mode bits.

An opcode byte is ``k r 2 o o o o o``. The low five bits choose an operation; `short` doubles the
operand size, `return` swaps the two stacks, `keep` reads operands without popping them. So an
operation is written once below, over an `Operands` that knows the modes, and `uxn_opcodes`
expands it into eight rows of the guest's table. Operation zero is eight different immediates.

Docstrings begin with the stack effect, in stack order, with the top at the right end. `x8` is a
byte and `x16` a short in every mode, others are bytes or, in short mode, shorts; what is behind a
bar happens on the other stack. `language.opcodes` reads these lines.

Source: the Uxn reference (wiki.xxiivv.com/site/uxntal_opcodes.html); where implementations
disagree, the choices are the ones listed in docs/uxn.md.
"""

from __future__ import annotations

from jitvm.guest import Opcode
from jitvm.guest.light import partial
from jitvm.guests.uxn.encoding import (
    MNEMONICS,
    MODE_KEEP,
    MODE_RETURN,
    MODE_SHORT,
    operand_size,
)

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from collections.abc import Callable

    from jitvm.guest import Core, Word

WORKING, RETURN = 0, 1
RAM = 0
ZERO_PAGE = 0x100


class Operands:
    """A core seen through the mode bits of one opcode.

    With `keep`, `pop` reads ever deeper below a pointer that stays; all pops of an operation
    come before its pushes, so results never cover an operand that is still to be read.
    """

    __slots__ = ("core", "keep", "other", "size", "stack", "taken")

    def __init__(self, core: Core, code: int) -> None:
        self.core = core
        self.size = 2 if code & MODE_SHORT else 1
        self.keep = bool(code & MODE_KEEP)
        self.stack, self.other = (RETURN, WORKING) if code & MODE_RETURN else (WORKING, RETURN)
        self.taken = 0

    def pop_sized(self, size: int) -> Word:
        if not self.keep:
            return self.core.pop(self.stack, size)
        self.taken += size
        return self.core.peek(self.stack, self.taken, size)

    def pop(self) -> Word:
        return self.pop_sized(self.size)

    def pop_byte(self) -> Word:
        return self.pop_sized(1)

    def push(self, *words: Word) -> None:
        for word in words:
            self.core.push(self.stack, word, self.size)

    def push_flag(self, flag: Word) -> None:
        self.core.push(self.stack, flag, 1)

    def pop_target(self) -> Word:
        """A jump's address: absolute in short mode, else a signed distance from the next opcode."""
        if self.size == 2:
            return self.pop()
        return self.core.next_pc + self.core.signed(self.pop(), 1)

    def pop_relative(self) -> Word:
        return self.core.next_pc + self.core.signed(self.pop_byte(), 1)


if TYPE_CHECKING:
    Operation = Callable[[Operands], None]


# -- stack ---------------------------------------------------------------------------------------


def inc(o: Operands) -> None:
    """a -- a+1

    Add one.
    """
    o.push(o.pop() + 1)


def pop(o: Operands) -> None:
    """a --

    Drop the top.
    """
    o.pop()


def nip(o: Operands) -> None:
    """a b -- b

    Drop the second.
    """
    b = o.pop()
    o.pop()
    o.push(b)


def swp(o: Operands) -> None:
    """a b -- b a

    Swap the top two.
    """
    b, a = o.pop(), o.pop()
    o.push(b, a)


def rot(o: Operands) -> None:
    """a b c -- b c a

    Move the third to the top.
    """
    c, b, a = o.pop(), o.pop(), o.pop()
    o.push(b, c, a)


def dup(o: Operands) -> None:
    """a -- a a

    Copy the top.
    """
    a = o.pop()
    o.push(a, a)


def ovr(o: Operands) -> None:
    """a b -- a b a

    Copy the second to the top.
    """
    b, a = o.pop(), o.pop()
    o.push(a, b, a)


# -- comparisons: the flag is one byte in both sizes ---------------------------------------------


def equ(o: Operands) -> None:
    """a b -- a==b

    1 if they are equal, else 0.
    """
    b, a = o.pop(), o.pop()
    o.push_flag(a == b)


def neq(o: Operands) -> None:
    """a b -- a!=b

    1 if they differ, else 0.
    """
    b, a = o.pop(), o.pop()
    o.push_flag(a != b)


def gth(o: Operands) -> None:
    """a b -- a>b

    1 if the first is greater, else 0; unsigned.
    """
    b, a = o.pop(), o.pop()
    o.push_flag(a > b)


def lth(o: Operands) -> None:
    """a b -- a<b

    1 if the first is less, else 0; unsigned.
    """
    b, a = o.pop(), o.pop()
    o.push_flag(a < b)


# -- control -------------------------------------------------------------------------------------


def jmp(o: Operands) -> None:
    """addr --

    Jump: to an address in short mode, else by a signed distance from the next opcode.
    """
    o.core.jump(o.pop_target())


def jcn(o: Operands) -> None:
    """cond8 addr --

    Jump if the condition is not zero.
    """
    target = o.pop_target()
    o.core.jump_if(o.pop_byte(), target)


def jsr(o: Operands) -> None:
    """addr -- | -- pc16

    Call: jump, and put the address of the next opcode on the other stack.
    """
    target = o.pop_target()
    o.core.push(o.other, o.core.return_address(), 2)
    o.core.jump(target)


def sth(o: Operands) -> None:
    """a -- | -- a

    Move the top to the other stack.
    """
    o.core.push(o.other, o.pop(), o.size)


# -- memory --------------------------------------------------------------------------------------


def ldz(o: Operands) -> None:
    """addr8 -- v

    Load from the zero page. The second byte of a short wraps inside it.
    """
    o.push(o.core.load(RAM, o.pop_byte(), o.size, within=ZERO_PAGE))


def stz(o: Operands) -> None:
    """v addr8 --

    Store in the zero page. The second byte of a short wraps inside it.
    """
    address = o.pop_byte()
    o.core.store(RAM, address, o.pop(), o.size, within=ZERO_PAGE)


def ldr(o: Operands) -> None:
    """rel8 -- v

    Load from a signed distance from the next opcode.
    """
    o.push(o.core.load(RAM, o.pop_relative(), o.size))


def str_(o: Operands) -> None:
    """v rel8 --

    Store at a signed distance from the next opcode.
    """
    address = o.pop_relative()
    o.core.store(RAM, address, o.pop(), o.size)


def lda(o: Operands) -> None:
    """addr16 -- v

    Load from an address.
    """
    o.push(o.core.load(RAM, o.pop_sized(2), o.size))


def sta(o: Operands) -> None:
    """v addr16 --

    Store at an address.
    """
    address = o.pop_sized(2)
    o.core.store(RAM, address, o.pop(), o.size)


def dei(o: Operands) -> None:
    """port8 -- v

    Read from a port. A device sees the pointer with the slot of the result already taken.
    """
    port = o.pop_byte()
    for i in range(o.size):
        o.core.reserve(o.stack, 1)
        o.core.put(o.stack, o.core.port_in((port + i) & 0xFF), 1)


def deo(o: Operands) -> None:
    """v port8 --

    Write to a port. A short is two writes, the high byte first.
    """
    port, value = o.pop_byte(), o.pop()
    if o.size == 1:
        o.core.port_out(port, value)
        return
    o.core.port_out(port, value >> 8)
    o.core.port_out((port + 1) & 0xFF, value & 0xFF)


# -- arithmetic ----------------------------------------------------------------------------------


def add(o: Operands) -> None:
    """a b -- a+b

    Add.
    """
    b, a = o.pop(), o.pop()
    o.push(a + b)


def sub(o: Operands) -> None:
    """a b -- a-b

    Subtract the second from the first.
    """
    b, a = o.pop(), o.pop()
    o.push(a - b)


def mul(o: Operands) -> None:
    """a b -- a*b

    Multiply.
    """
    b, a = o.pop(), o.pop()
    o.push(a * b)


def div(o: Operands) -> None:
    """a b -- a/b

    Divide; 0 where b is 0.
    """
    b, a = o.pop(), o.pop()
    o.push(o.core.divide(a, b, by_zero=0))


def and_(o: Operands) -> None:
    """a b -- a&b

    And, bit by bit.
    """
    b, a = o.pop(), o.pop()
    o.push(a & b)


def ora(o: Operands) -> None:
    """a b -- a|b

    Or, bit by bit.
    """
    b, a = o.pop(), o.pop()
    o.push(a | b)


def eor(o: Operands) -> None:
    """a b -- a^b

    Exclusive or, bit by bit.
    """
    b, a = o.pop(), o.pop()
    o.push(a ^ b)


def sft(o: Operands) -> None:
    """a shift8 -- c

    Shift right by the low nibble, then left by the high one.
    """
    shift, a = o.pop_byte(), o.pop()
    o.push((a >> (shift & 0x0F)) << (shift >> 4))


OPERATIONS: tuple[Operation, ...] = (
    inc, pop, nip, swp, rot, dup, ovr,
    equ, neq, gth, lth, jmp, jcn, jsr, sth,
    ldz, stz, ldr, str_, lda, sta, dei, deo,
    add, sub, mul, div, and_, ora, eor, sft,
)  # fmt: skip
"""Operations 0x01 to 0x1f."""


# -- immediates: operation zero, one meaning for each combination of the mode bits ---------------


def brk(core: Core) -> None:
    """--

    End the evaluation of the current vector.
    """
    core.halt()


def jci(core: Core) -> None:
    """cond8 --

    Jump by the distance that follows if the condition is not zero.
    """
    core.jump_if(core.pop(WORKING, 1), core.next_pc + core.operand(0, 2))


def jmi(core: Core) -> None:
    """--

    Jump by the distance that follows.
    """
    core.jump(core.next_pc + core.operand(0, 2))


def jsi(core: Core) -> None:
    """-- | -- pc16

    Call what is at the distance that follows.
    """
    core.push(RETURN, core.return_address(), 2)
    core.jump(core.next_pc + core.operand(0, 2))


def literal(core: Core, *, stack: int, size: int) -> None:
    """-- v

    Push what follows.
    """
    core.push(stack, core.operand(0, size), size)


IMMEDIATES: dict[int, Callable[[Core], None]] = {
    0x00: brk,
    0x20: jci,
    0x40: jmi,
    0x60: jsi,
    0x80: partial(literal, stack=WORKING, size=1),
    0xA0: partial(literal, stack=WORKING, size=2),
    0xC0: partial(literal, stack=RETURN, size=1),
    0xE0: partial(literal, stack=RETURN, size=2),
}


def _ordinary(operation: Operation, code: int) -> Callable[[Core], None]:
    def semantics(core: Core) -> None:
        operation(Operands(core, code))

    return semantics


def uxn_opcodes() -> tuple[Opcode, ...]:
    """The 256 rows of the opcode table, in order."""
    rows = []
    for code in range(256):
        base = code & ~(MODE_KEEP | MODE_RETURN | MODE_SHORT)
        semantics = _ordinary(OPERATIONS[base - 1], code) if base else IMMEDIATES[code]
        rows.append(Opcode(code, MNEMONICS[code], semantics, operand_size(code)))
    return tuple(rows)
