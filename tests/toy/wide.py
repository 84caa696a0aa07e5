"""A second guest for tests: little-endian stacks of words of 4 and 8 bytes, arithmetic of 64 bits.

lit4 N, lit8 N      push a word                     drop4, drop8     take one off
add, sub, mul, and  of two words of 8 bytes         div, shr, lt     the same
clz, ctz, bswap     of a word of 8 bytes: zeros from above, from below, bytes the other way round
widen, narrow       4 bytes to 8 (signed), 8 to 4   swap4, over8     move words about
split, join         one word of 8 bytes as two of 4, and back
part                a word of 4 bytes out of the middle of one of 8
tuck, untuck        a word of 8 bytes to the second stack, of 32 bytes, and back
ld4 ld8 st4 st8     memory, at the address on top (4 bytes)
get N, set N        register N, 8 bytes of a space of 64
again N L           count register N down, loop     call L, ret      links on the second stack
in P, out P         a port                          halt
"""

from __future__ import annotations

from collections.abc import Callable

from jitvm.guest import Core, Guest, Opcode, Space, Stack, Word

MEMORY, REGISTERS = 0, 1
DATA, SIDE = 0, 1
SPACES = (Space("memory", 0x10000, code=True), Space("registers", 64))
STACKS = (Stack("data", 128, cached=(8, 4)), Stack("side", 32, return_addresses=True))
ALL = (1 << 64) - 1

Meaning = Callable[[Core], None]


def literal(size: int) -> Meaning:
    return lambda core: core.push(DATA, core.operand(0, size), size)


def drop(size: int) -> Meaning:
    def semantics(core: Core) -> None:
        core.pop(DATA, size)

    return semantics


def binary(combine: Callable[[Core, Word, Word], Word]) -> Meaning:
    def semantics(core: Core) -> None:
        b, a = core.pop(DATA, 8), core.pop(DATA, 8)
        core.push(DATA, combine(core, a, b), 8)

    return semantics


def unary(compute: Callable[[Core, Word], Word]) -> Meaning:
    return lambda core: core.push(DATA, compute(core, core.pop(DATA, 8)), 8)


def widen(core: Core) -> None:
    core.push(DATA, core.signed(core.pop(DATA, 4), 4), 8)


def narrow(core: Core) -> None:
    core.push(DATA, core.pop(DATA, 8), 4)


def swap(core: Core) -> None:
    b, a = core.pop(DATA, 4), core.pop(DATA, 4)
    core.push(DATA, b, 4)
    core.push(DATA, a, 4)


def over(core: Core) -> None:
    core.push(DATA, core.peek(DATA, 16, 8), 8)


def split(core: Core) -> None:
    """The halves of a word by arithmetic: the low one below, as it lies in memory."""
    word = core.pop(DATA, 8)
    core.push(DATA, word & 0xFFFF_FFFF, 4)
    core.push(DATA, word >> 32, 4)


def join(core: Core) -> None:
    high, low = core.pop(DATA, 4), core.pop(DATA, 4)
    core.push(DATA, (high << 32) | low, 8)


def part(core: Core) -> None:
    """The four bytes in the middle of the word on top, which stays."""
    core.push(SIDE, core.peek(DATA, 6, 4), 4)


def tuck(core: Core) -> None:
    core.push(SIDE, core.pop(DATA, 8), 8)


def untuck(core: Core) -> None:
    core.push(DATA, core.pop(SIDE, 8), 8)


def load(size: int) -> Meaning:
    return lambda core: core.push(DATA, core.load(MEMORY, core.pop(DATA, 4), size), size)


def store(size: int) -> Meaning:
    def semantics(core: Core) -> None:
        address, word = core.pop(DATA, 4), core.pop(DATA, size)
        core.store(MEMORY, address, word, size)

    return semantics


def register(core: Core) -> Word:
    return core.operand(0, 1) << 3


def get(core: Core) -> None:
    core.push(DATA, core.load(REGISTERS, register(core), 8), 8)


def set_(core: Core) -> None:
    core.store(REGISTERS, register(core), core.pop(DATA, 8), 8)


def again(core: Core) -> None:
    at, to = register(core), core.operand(1, 2)
    left = (core.load(REGISTERS, at, 8) - 1) & ALL
    core.store(REGISTERS, at, left, 8)
    core.jump_if(left, to)


def call(core: Core) -> None:
    core.push(SIDE, core.return_address(), 4)
    core.jump(core.operand(0, 2))


def ret(core: Core) -> None:
    core.jump(core.pop(SIDE, 4))


def in_(core: Core) -> None:
    """The answer is four bytes wide on the stack, which the device sees moved."""
    port = core.operand(0, 1)
    core.reserve(DATA, 4)
    core.put(DATA, core.port_in(port), 4)


def out(core: Core) -> None:
    core.port_out(core.operand(0, 1), core.pop(DATA, 4))


MEANINGS: dict[str, tuple[Meaning, tuple[int, ...]]] = {
    "halt": (lambda core: core.halt(), ()),
    "lit4": (literal(4), (4,)),
    "lit8": (literal(8), (8,)),
    "drop4": (drop(4), ()),
    "drop8": (drop(8), ()),
    "add": (binary(lambda _, a, b: a + b), ()),
    "sub": (binary(lambda _, a, b: a - b), ()),
    "mul": (binary(lambda _, a, b: a * b), ()),
    "and": (binary(lambda _, a, b: a & b), ()),
    "div": (binary(lambda core, a, b: core.divide(a, b, by_zero=ALL)), ()),
    "shr": (binary(lambda _, a, b: a >> (b & 63)), ()),
    "lt": (binary(lambda _, a, b: a < b), ()),
    "clz": (unary(lambda core, a: core.leading_zeros(a, 8)), ()),
    "ctz": (unary(lambda core, a: core.trailing_zeros(a, 8)), ()),
    "bswap": (unary(lambda core, a: core.swap_bytes(a, 8)), ()),
    "widen": (widen, ()),
    "narrow": (narrow, ()),
    "swap4": (swap, ()),
    "over8": (over, ()),
    "split": (split, ()),
    "join": (join, ()),
    "part": (part, ()),
    "tuck": (tuck, ()),
    "untuck": (untuck, ()),
    "ld4": (load(4), ()),
    "ld8": (load(8), ()),
    "st4": (store(4), ()),
    "st8": (store(8), ()),
    "get": (get, (1,)),
    "set": (set_, (1,)),
    "again": (again, (1, 2)),
    "call": (call, (2,)),
    "ret": (ret, ()),
    "in": (in_, (1,)),
    "out": (out, (1,)),
}
NUMBERS = {name: number for number, name in enumerate(MEANINGS)}


def rows() -> tuple[Opcode, ...]:
    named = [
        Opcode(NUMBERS[name], name, meaning, sum(sizes))
        for name, (meaning, sizes) in MEANINGS.items()
    ]
    halt = MEANINGS["halt"][0]
    return (*named, *(Opcode(n, f"halt-{n:02x}", halt) for n in range(len(named), 256)))


WIDE = Guest(
    "wide", rows(), SPACES, STACKS, ports=256, pc_bits=16, word_bits=64, byte_order="little"
)


def assemble(source: str, origin: int = 0) -> bytes:
    """Machine code of a text: words of the head of this file, and labels with a colon."""
    words = source.split()
    labels: dict[str, int] = {}
    for is_last in (False, True):
        code, rest = bytearray(), iter(words)
        for word in rest:
            if word.endswith(":"):
                labels[word[:-1]] = origin + len(code)
                continue
            code.append(NUMBERS[word])
            for size in MEANINGS[word][1]:
                label, _, distance = next(rest).partition("+")
                if label.isidentifier():
                    assert label in labels or not is_last, label
                    number = labels.get(label, 0) + int(distance or "0")
                else:
                    number = int(label, 0)
                code += (number % (1 << 8 * size)).to_bytes(size, "little")
    return bytes(code)
