"""The toy guest: sixteen registers of 32 bits, four-byte instructions, little-endian."""

from __future__ import annotations

from collections.abc import Callable

from jitvm.guest import Core, Guest, Opcode, Space, Word

MEMORY, REGISTERS = 0, 1
SPACES = (Space("memory", 0x10000, code=True), Space("registers", 16 * 4))

LINK = 15
"""The register that `call` leaves the return address in."""
SIGN = 0x8000_0000


def first(core: Core) -> Word:
    """Number of register a."""
    return core.operand(0, 1) & 15


def second(core: Core) -> Word:
    """Number of register b."""
    return core.operand(0, 1) >> 4


def immediate(core: Core) -> Word:
    """The number in the instruction, 0 to 65535."""
    return core.operand(1, 2)


def offset(core: Core) -> Word:
    """The number in the instruction, -32768 to 32767."""
    return core.signed(core.operand(1, 2), 2)


def get(core: Core, register: Word) -> Word:
    return core.load(REGISTERS, register << 2, 4)


def put(core: Core, register: Word, word: Word) -> None:
    core.store(REGISTERS, register << 2, word, 4)


Combine = Callable[[Core, Word, Word], Word]


def binary(combine: Combine) -> Callable[[Core], None]:
    """a = a (combined with) b"""

    def semantics(core: Core) -> None:
        a = first(core)
        put(core, a, combine(core, get(core, a), get(core, second(core))))

    return semantics


def divide(core: Core, a: Word, b: Word) -> Word:
    """As RISC-V does: by zero all bits are set."""
    return core.divide(a, b, by_zero=0xFFFF_FFFF)


def remainder(core: Core, a: Word, b: Word) -> Word:
    return a - core.divide(a, b, by_zero=0) * b


def shift_right_signed(core: Core, a: Word, b: Word) -> Word:
    """A signed word is negative or not: mask it to a width before shifting it."""
    return (core.signed(a, 4) & 0x7FFF_FFFF_FFFF_FFFF) >> (b & 31)


COMBINE: dict[str, Combine] = {
    "mov": lambda _, _a, b: b,
    "add": lambda _, a, b: a + b,
    "sub": lambda _, a, b: a - b,
    "mul": lambda _, a, b: a * b,
    "div": divide,
    "rem": remainder,
    "and": lambda _, a, b: a & b,
    "or": lambda _, a, b: a | b,
    "xor": lambda _, a, b: a ^ b,
    "shl": lambda _, a, b: a << (b & 31),
    "shr": lambda _, a, b: a >> (b & 31),
    "sar": shift_right_signed,
}


def li(core: Core) -> None:
    """a = imm"""
    put(core, first(core), immediate(core))


def lui(core: Core) -> None:
    """The upper half of a = imm"""
    a = first(core)
    put(core, a, (get(core, a) & 0xFFFF) | (immediate(core) << 16))


def addi(core: Core) -> None:
    """a = a + imm, which is signed"""
    a = first(core)
    put(core, a, get(core, a) + offset(core))


def load(size: int) -> Callable[[Core], None]:
    """a = memory[b + imm]"""

    def semantics(core: Core) -> None:
        address = get(core, second(core)) + offset(core)
        put(core, first(core), core.load(MEMORY, address, size))

    return semantics


def store(size: int) -> Callable[[Core], None]:
    """memory[b + imm] = a"""

    def semantics(core: Core) -> None:
        address = get(core, second(core)) + offset(core)
        core.store(MEMORY, address, get(core, first(core)), size)

    return semantics


Compare = Callable[[Word, Word], Word]


def branch(compare: Compare) -> Callable[[Core], None]:
    """If a compares with b, continue imm bytes after the next instruction."""

    def semantics(core: Core) -> None:
        condition = compare(get(core, first(core)), get(core, second(core)))
        core.jump_if(condition, core.next_pc + offset(core))

    return semantics


COMPARE: dict[str, Compare] = {
    "beq": lambda a, b: a == b,
    "bne": lambda a, b: a != b,
    "blt": lambda a, b: a < b,
    "bge": lambda a, b: a >= b,
    "blts": lambda a, b: (a ^ SIGN) < (b ^ SIGN),  # signed: exchange the halves, compare
}


def jmp(core: Core) -> None:
    core.jump(immediate(core))


def call(core: Core) -> None:
    put(core, LINK, core.return_address())
    core.jump(immediate(core))


def jr(core: Core) -> None:
    """Jump to the address in a: with register 15 this is 'return'."""
    core.jump(get(core, first(core)))


def out(core: Core) -> None:
    """Write the low byte of a to port imm."""
    core.port_out(immediate(core) & 0xFF, get(core, first(core)))


def in_(core: Core) -> None:
    """a = a byte from port imm"""
    put(core, first(core), core.port_in(immediate(core) & 0xFF))


def halt(core: Core) -> None:
    core.halt()


MEANINGS: dict[str, Callable[[Core], None]] = {
    "halt": halt,
    "li": li, "lui": lui, "addi": addi,
    "ldb": load(1), "ldw": load(4), "stb": store(1), "stw": store(4),
    "jmp": jmp, "call": call, "jr": jr, "out": out, "in": in_,
    **{name: binary(combine) for name, combine in COMBINE.items()},
    **{name: branch(compare) for name, compare in COMPARE.items()},
}  # fmt: skip
NUMBERS = {name: number for number, name in enumerate(MEANINGS)}


def rows() -> tuple[Opcode, ...]:
    named = [Opcode(NUMBERS[name], name, MEANINGS[name], 3) for name in MEANINGS]
    illegal = [Opcode(n, f"illegal-{n:02x}", halt, 3) for n in range(len(named), 256)]
    return (*named, *illegal)


TOY = Guest(
    name="toy",
    opcodes=rows(),
    spaces=SPACES,
    ports=256,
    pc_bits=16,
    word_bits=64,
    byte_order="little",
)


def assemble(source: str, origin: int = 0) -> bytes:
    """Toy machine code of a text; see the page for what a line looks like."""
    lines = [line.split("#")[0].split() for line in source.splitlines()]
    labels: dict[str, int] = {}
    at = origin
    for line in lines:
        if line and line[0].endswith(":"):
            labels[line.pop(0)[:-1]] = at
        at += 4 * bool(line)
    code = bytearray()
    for name, *operands in filter(None, lines):
        registers = [int(word[1:]) for word in operands if word[0] == "r"]
        a, b = (*registers, 0, 0)[:2]
        numbers = [word for word in operands if word[0] != "r"] or ["0"]
        number = labels[numbers[0]] if numbers[0] in labels else int(numbers[0], 0)
        if name in COMPARE and numbers[0] in labels:
            number -= origin + len(code) + 4
        code += bytes([NUMBERS[name], a | b << 4]) + (number & 0xFFFF).to_bytes(2, "little")
    return bytes(code)


FACTORIAL = """
        li   r14 0x8000      # a stack for return addresses, in memory
        li   r1  10
        call factorial
        call print
        halt

factorial:                   # r2 = r1!
        li   r3  2
        bge  r1  r3  more
        li   r2  1
        jr   r15
more:   addi r14 -8
        stw  r15 r14 0
        stw  r1  r14 4
        addi r1  -1
        call factorial
        ldw  r1  r14 4
        ldw  r15 r14 0
        addi r14 8
        mul  r2  r1
        jr   r15

print:  li   r4  10          # r2 in decimal, from the last digit on, into memory
        li   r5  0x9000
        li   r0  0
digit:  mov  r6  r2
        rem  r6  r4
        addi r6  48
        addi r5  -1
        stb  r6  r5
        div  r2  r4
        bne  r2  r0  digit
        li   r7  0x9000
write:  ldb  r6  r5
        out  r6  1
        addi r5  1
        bne  r5  r7  write
        jr   r15
"""


def run(tier: str = "interpreter") -> str:
    """What the factorial program writes, run at a tier."""
    from jitvm.engine.machine.machine import Machine, Tier

    machine = Machine(TOY, tier=Tier(tier))
    code = assemble(FACTORIAL)
    machine.memory[: len(code)] = code
    machine.collect(1)
    machine.run(0)
    return machine.take_output()[1::2].decode()


if __name__ == "__main__":
    print(run("reference"), run("interpreter"))
