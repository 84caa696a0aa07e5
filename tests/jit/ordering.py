"""A guest whose instructions read and tell devices between other effects, and its devices.

Each instruction below is one order of guards and effects. `loop` counts a register down and goes
back. Devices log what they see: the stack pointers and two bytes of memory.
"""

from __future__ import annotations

from collections.abc import Callable

from jitvm.engine.machine.machine import Machine
from jitvm.guest import Core, Guest, Opcode, Space, Stack

MEMORY, REGISTERS = 0, 1
DATA, SIDE = 0, 1
READ, CHANGE, JUMP, FAULT, TOLD, POINTER, OTHER = 0x10, 0x11, 0x12, 0x13, 0x20, 0x30, 0x31
STORED, CHANGED = 0x8100, 0x8200
START, COUNTER = 0x100, 16

Meaning = Callable[[Core], None]


class Fault(Exception):
    """What a device raises."""


def loop(core: Core) -> None:
    left = (core.load(REGISTERS, COUNTER, 1) - 1) & 0xFF
    core.store(REGISTERS, COUNTER, left, 1)
    core.jump_if(left, START)


def fill(core: Core) -> None:
    """-- 1 2 3 4"""
    core.push(DATA, 0x01020304, 4)


def drop(core: Core) -> None:
    """a b c d --"""
    core.pop(DATA, 4)


def read_push(core: Core) -> None:
    """a b c d -- a b c d' : the device sees the pointer of the pop"""
    core.pop(DATA, 1)
    core.push(DATA, core.port_in(READ), 1)


def read_reserved(core: Core) -> None:
    core.pop(DATA, 1)
    core.reserve(DATA, 1)
    core.put(DATA, core.port_in(READ), 1)


def read_deep(core: Core) -> None:
    """Four bytes more are popped behind the read."""
    byte = core.port_in(READ)
    core.pop(DATA, 4)
    core.push(DATA, byte, 4)


def read_high(core: Core) -> None:
    """Other stack, pushed to and popped from behind the read."""
    byte = core.port_in(READ)
    core.push(SIDE, byte, 4)
    core.pop(SIDE, 4)


def read_twice(core: Core) -> None:
    core.pop(DATA, 2)
    core.push(DATA, core.port_in(READ), 1)
    core.push(DATA, core.port_in(CHANGE), 1)


def read_store(core: Core) -> None:
    """A store that asks the code map stands behind the read."""
    byte = core.port_in(READ)
    core.store(MEMORY, core.peek(DATA, 4, 2) + 0x8000, byte, 1)


def read_store_near(core: Core) -> None:
    """The address of the store is the device's: near code."""
    byte = core.port_in(READ)
    core.store(MEMORY, (byte & 1) + STORED, 7, 1)


def read_store_wide(core: Core) -> None:
    """A wide store that may run over the end of its page stands behind the read."""
    byte = core.port_in(READ)
    core.store(REGISTERS, core.load(REGISTERS, COUNTER, 1) & 31 | 32, byte, 4, 64)


def store_read(core: Core) -> None:
    """The device finds what was stored in front of it."""
    core.store(MEMORY, STORED, core.pop(DATA, 1), 1)
    core.push(DATA, core.port_in(READ), 1)


def load_read_load(core: Core) -> None:
    """The device changes what is loaded before and behind it."""
    core.pop(DATA, 2)
    core.pop(DATA, 1)
    for _ in range(2):
        core.push(DATA, core.load(MEMORY, CHANGED, 1), 1)
        byte = core.port_in(CHANGE)
    core.push(DATA, byte, 1)


def read_jump_if(core: Core) -> None:
    core.jump_if(core.port_in(JUMP) & 1, core.next_pc + 1)


def read_jump(core: Core) -> None:
    core.jump(core.next_pc + (core.port_in(JUMP) & 1))


def read_halt(core: Core) -> None:
    core.pop(DATA, 1)
    core.push(DATA, core.port_in(READ), 1)
    core.halt()


def fault(core: Core) -> None:
    core.port_out(FAULT, core.load(REGISTERS, COUNTER, 1))


def tell_push(core: Core) -> None:
    """What is pushed lies where the device has moved the pointer to."""
    core.port_out(POINTER, core.pop(DATA, 1))
    core.push(DATA, 9, 1)


def tell_peek(core: Core) -> None:
    """What is looked at lies where the device has moved the pointer to."""
    core.port_out(POINTER, core.port_in(JUMP))
    core.store(REGISTERS, 8, core.peek(DATA, 1, 1), 1)


def tell_two(core: Core) -> None:
    """The second device sees what the first did, and does the same to the other stack."""
    core.port_out(POINTER, core.port_in(JUMP))
    core.port_out(OTHER, 0x40)
    core.port_out(TOLD, 1)


def store_twice(core: Core) -> None:
    """The second look at the code map stands behind the first store."""
    core.store(MEMORY, core.peek(DATA, 4, 2) + 0x8000, 1, 1)
    core.store(MEMORY, core.load(REGISTERS, COUNTER, 1) + 0x8000, 2, 1)


def read_computed(core: Core) -> None:
    """The second port is what the first device says."""
    core.port_in((core.port_in(JUMP) & 1) + READ)


def nothing(_: Core) -> None:
    """One byte to be jumped over."""


def halt(core: Core) -> None:
    core.halt()


MEANINGS: dict[str, Meaning] = {
    each.__name__: each
    for each in (
        halt, loop, fill, drop, nothing, read_push, read_reserved, read_deep, read_high, read_twice,
        read_store, read_store_near, read_store_wide, store_read, load_read_load, read_jump_if,
        read_jump, read_halt, fault, tell_push, tell_peek, tell_two, store_twice, read_computed,
    )
}  # fmt: skip
NUMBERS = {name: number for number, name in enumerate(MEANINGS)}
CHECKED = tuple(MEANINGS)[5:]
"""Instructions to try."""

ORDERING = Guest(
    name="ordering",
    opcodes=(
        *(Opcode(number, name, MEANINGS[name]) for name, number in NUMBERS.items()),
        *(Opcode(number, f"none-{number:02x}", halt) for number in range(len(NUMBERS), 256)),
    ),
    stacks=(Stack("data", 256), Stack("side", 256)),
    spaces=(Space("memory", 0x10000, code=True), Space("registers", 64)),
    ports=256,
    pc_bits=16,
    word_bits=32,
    byte_order="big",
)


def program(name: str) -> bytes:
    """One instruction in a loop, with something on the stack."""
    return bytes(NUMBERS[each] for each in ("fill", name, "nothing", "drop", "loop", "halt"))


class Devices:
    """Devices of one machine, and what they saw; answers depend on how many there were."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.log: list[tuple[int, ...]] = []
        machine.on_read(READ, lambda: self._answer(READ))
        machine.on_read(CHANGE, self._change)
        machine.on_read(JUMP, lambda: self._answer(JUMP))
        machine.on_write(FAULT, self._fault)
        machine.on_write(TOLD, self._told)
        machine.on_write(POINTER, lambda byte: self._move(POINTER, DATA, byte))
        machine.on_write(OTHER, lambda byte: self._move(OTHER, SIDE, byte))

    def _note(self, port: int, byte: int) -> int:
        memory = self.machine.memory
        self.log.append((port, byte, *self.machine.state.pointers, memory[STORED], memory[CHANGED]))
        return byte

    def _told(self, byte: int) -> None:
        self._note(TOLD, byte)

    def _answer(self, port: int) -> int:
        self.machine.state.pointers[DATA] ^= 1  # is put back
        answer = len(self.log) * 37 & 0xFF
        self.machine.state.pointers[DATA] ^= 1
        return self._note(port, answer)

    def _change(self) -> int:
        self.machine.memory[CHANGED] = len(self.log) & 0xFF
        answer = self._note(CHANGE, len(self.log) & 0xFF)
        self.machine.state.pointers[DATA] = 3  # is put back
        return answer

    def _move(self, port: int, stack: int, byte: int) -> None:
        self._note(port, byte)
        self.machine.state.pointers[stack] = byte

    def _fault(self, byte: int) -> None:
        self._note(FAULT, byte)
        self.machine.state.pointers[SIDE] = byte
        if byte % 3 == 0:
            raise Fault
