"""A third guest for tests: instructions that mix devices with stacks, memory, ports and jumps.

Stacks of 256 bytes, memory (code), 256 registers of a byte in a space of their own. P and Q are
ports, A an address, L a label, N a number; `in` stands for a read of port P.

lit N, drop                 again N L     register N down, loop       halt

push P     push in                          keep P      the same, with room made first
sum P Q    push in P + in Q                 both P Q    push in P, push in Q
side P     push in, and on stack 1          ask P       what a popped byte is, ored with in

save P A   store in at A                    poke P      store it at an address popped
into P     store at #2000 + in              self P      store it to its own last operand

read P     push what is at port #40 + in    write P     write to port #40 + in
far P      write in to a port popped        via P A     write what is at A to port P, push it back

jump P L   to L or L + 2, by in             if P L      to L if in is odd
table P A  to the address at A or A + 2     count P     push in + the operand behind it

out P      write a byte popped              outs P Q    write to two ports
putout P   push, then write                 output P    write, then push
outpop P   write, then pop and push         outpeek P   write, then copy the top to a register
outload P A   write, then load to a register           inload P A   read, then load, push both
inpage P Q    read, then push port Q        storein A P   store, then read, push it
storeout A P  store, then write             outstore P   write, then store to an address popped
outhalt P     write and halt                inhalt P     read, push, halt
"""

from __future__ import annotations

from collections.abc import Callable

from jitvm.guest import Core, Guest, Opcode, Space, Stack, Word

MEMORY, REGISTERS = 0, 1
DATA, SIDE = 0, 1
TABLE = 0x3000

Meaning = Callable[[Core], None]


def port(core: Core, offset: int = 0) -> Word:
    return core.port_in(core.operand(offset, 1))


def again(core: Core) -> None:
    at, to = core.operand(0, 1), core.operand(1, 2)
    left = (core.load(REGISTERS, at, 1) - 1) & 0xFF
    core.store(REGISTERS, at, left, 1)
    core.jump_if(left, to)


def keep(core: Core) -> None:
    core.reserve(DATA, 1)
    core.put(DATA, port(core), 1)


def both(core: Core) -> None:
    core.push(DATA, port(core), 1)
    core.push(DATA, port(core, 1), 1)


def side(core: Core) -> None:
    byte = port(core)
    core.push(DATA, byte, 1)
    core.push(SIDE, byte, 1)


def ask(core: Core) -> None:
    byte = core.pop(DATA, 1)
    core.push(DATA, byte | port(core), 1)


def poke(core: Core) -> None:
    at = core.pop(DATA, 2)
    core.store(MEMORY, at, port(core), 1)


def table(core: Core) -> None:
    at = core.operand(1, 2)
    core.jump(core.load(MEMORY, at + ((port(core) & 1) << 1), 2))


def count(core: Core) -> None:
    byte = port(core)
    core.push(DATA, byte + core.operand(1, 1), 1)


def jump(core: Core) -> None:
    to = core.operand(1, 2)
    core.jump(to + ((port(core) & 1) << 1))


def if_(core: Core) -> None:
    to = core.operand(1, 2)
    core.jump_if(port(core) & 1, to)


def via(core: Core) -> None:
    byte = core.load(MEMORY, core.operand(1, 2), 1)
    core.port_out(core.operand(0, 1), byte)
    core.push(DATA, byte, 1)


def out(core: Core) -> None:
    core.port_out(core.operand(0, 1), core.pop(DATA, 1))


def outs(core: Core) -> None:
    first, second = core.operand(0, 1), core.operand(1, 1)
    core.port_out(first, 3)
    core.port_out(second, 5)


def putout(core: Core) -> None:
    core.push(DATA, 7, 1)
    core.port_out(core.operand(0, 1), 9)


def output(core: Core) -> None:
    core.port_out(core.operand(0, 1), 9)
    core.push(DATA, 7, 1)


def outpop(core: Core) -> None:
    core.port_out(core.operand(0, 1), 11)
    core.push(DATA, core.pop(DATA, 1) + 1, 1)


def outpeek(core: Core) -> None:
    core.port_out(core.operand(0, 1), 13)
    core.store(REGISTERS, 8, core.peek(DATA, 1, 1), 1)


def outload(core: Core) -> None:
    at = core.operand(1, 2)
    core.port_out(core.operand(0, 1), 15)
    core.store(REGISTERS, 9, core.load(MEMORY, at, 1), 1)


def inload(core: Core) -> None:
    at = core.operand(1, 2)
    byte = port(core)
    core.push(DATA, byte, 1)
    core.push(DATA, core.load(MEMORY, at, 1), 1)


def inpage(core: Core) -> None:
    other = core.operand(1, 1)
    byte = port(core)
    core.push(DATA, core.port_in(other) + byte, 1)


def storein(core: Core) -> None:
    at, number = core.operand(0, 2), core.operand(2, 1)
    core.store(MEMORY, at, core.peek(DATA, 1, 1) + 1, 1)
    core.push(DATA, core.port_in(number), 1)


def storeout(core: Core) -> None:
    at, number = core.operand(0, 2), core.operand(2, 1)
    core.store(MEMORY, at, core.peek(DATA, 1, 1) + 1, 1)
    core.port_out(number, 17)


def outstore(core: Core) -> None:
    at = core.pop(DATA, 2)
    core.port_out(core.operand(0, 1), 19)
    core.store(MEMORY, at, 21, 1)


def outhalt(core: Core) -> None:
    core.port_out(core.operand(0, 1), 23)
    core.halt()


def inhalt(core: Core) -> None:
    core.push(DATA, port(core), 1)
    core.halt()


MEANINGS: dict[str, tuple[Meaning, tuple[int, ...]]] = {
    "halt": (lambda core: core.halt(), ()),
    "lit": (lambda core: core.push(DATA, core.operand(0, 1), 1), (1,)),
    "lit2": (lambda core: core.push(DATA, core.operand(0, 2), 2), (2,)),
    "drop": (lambda core: void(core.pop(DATA, 1)), ()),
    "again": (again, (1, 2)),
    "push": (lambda core: core.push(DATA, port(core), 1), (1,)),
    "keep": (keep, (1,)),
    "sum": (lambda core: core.push(DATA, port(core) + port(core, 1), 1), (1, 1)),
    "both": (both, (1, 1)),
    "side": (side, (1,)),
    "ask": (ask, (1,)),
    "save": (lambda core: core.store(MEMORY, core.operand(1, 2), port(core), 1), (1, 2)),
    "poke": (poke, (1,)),
    "into": (lambda core: core.store(MEMORY, port(core) + 0x2000, 1, 1), (1,)),
    "self": (lambda core: core.store(MEMORY, core.pc + 2, port(core), 1), (1, 1)),
    "read": (lambda core: core.push(DATA, core.port_in((port(core) & 15) | 0x40), 1), (1,)),
    "write": (lambda core: core.port_out((port(core) & 15) | 0x40, 1), (1,)),
    "far": (lambda core: core.port_out(core.pop(DATA, 1), port(core)), (1,)),
    "via": (via, (1, 2)),
    "jump": (jump, (1, 2)),
    "if": (if_, (1, 2)),
    "table": (table, (1, 2)),
    "count": (count, (1, 1)),
    "out": (out, (1,)),
    "outs": (outs, (1, 1)),
    "putout": (putout, (1,)),
    "output": (output, (1,)),
    "outpop": (outpop, (1,)),
    "outpeek": (outpeek, (1,)),
    "outload": (outload, (1, 2)),
    "inload": (inload, (1, 2)),
    "inpage": (inpage, (1, 1)),
    "storein": (storein, (2, 1)),
    "storeout": (storeout, (2, 1)),
    "outstore": (outstore, (1,)),
    "outhalt": (outhalt, (1,)),
    "inhalt": (inhalt, (1,)),
}
NUMBERS = {name: number for number, name in enumerate(MEANINGS)}


def void(_: Word) -> None:
    """Drop a word."""


def rows() -> tuple[Opcode, ...]:
    named = [
        Opcode(NUMBERS[name], name, meaning, sum(sizes))
        for name, (meaning, sizes) in MEANINGS.items()
    ]
    halt = MEANINGS["halt"][0]
    return (*named, *(Opcode(n, f"halt-{n:02x}", halt) for n in range(len(named), 256)))


DEVICES = Guest(
    "devices",
    rows(),
    (Space("memory", 0x10000, code=True), Space("registers", 256)),
    (Stack("data", 256, cached=(2, 1)), Stack("side", 256)),
    ports=256,
    pc_bits=16,
    word_bits=32,
    byte_order="big",
)


def assemble(source: str, origin: int) -> bytes:
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
                text, _, distance = next(rest).partition("+")
                assert not text.isidentifier() or text in labels or not is_last, text
                number = labels.get(text, 0) if text.isidentifier() else int(text, 0)
                code += (number + int(distance or "0")).to_bytes(size, "big")
    return bytes(code)
