"""The toy guest at every tier: hand-worked instructions, then random bytes against the oracle."""

from __future__ import annotations

import random

import pytest

from jitvm.engine.machine.machine import Machine
from jitvm.guest import Stop
from tests.compiled import compile_at, execute
from tests.tiers import COMPILED_TIERS, NATIVE_TIERS, TIERS, make_machine, shared_machine
from tests.toy.guest import MEMORY, NUMBERS, REGISTERS, TOY, assemble

Registers = dict[int, int]

# before and after: registers by number; 'pc' counts from 0x1000, where the instruction stands
CASES: list[tuple[str, Registers, Registers, int]] = [
    ("li   r3 0xffff", {}, {3: 0xFFFF}, 4),
    ("lui  r3 0x1234", {3: 0xAAAABBBB}, {3: 0x1234BBBB}, 4),
    ("addi r3 -1", {3: 0}, {3: 0xFFFFFFFF}, 4),
    ("addi r3 0x7fff", {3: 0xFFFFFFFF}, {3: 0x7FFE}, 4),
    ("mov  r3 r4", {3: 1, 4: 0xFFFFFFFF}, {3: 0xFFFFFFFF}, 4),
    ("add  r3 r4", {3: 0xFFFFFFFF, 4: 2}, {3: 1}, 4),
    ("add  r3 r3", {3: 0x80000001}, {3: 2}, 4),
    ("sub  r3 r4", {3: 1, 4: 2}, {3: 0xFFFFFFFF}, 4),
    ("mul  r3 r4", {3: 0x10001, 4: 0x10001}, {3: 0x20001}, 4),
    ("div  r3 r4", {3: 0xFFFFFFFF, 4: 10}, {3: 429496729}, 4),
    ("div  r3 r4", {3: 7, 4: 0}, {3: 0xFFFFFFFF}, 4),
    ("rem  r3 r4", {3: 0xFFFFFFFF, 4: 10}, {3: 5}, 4),
    ("rem  r3 r4", {3: 7, 4: 0}, {3: 7}, 4),
    ("and  r3 r4", {3: 0xF0F01234, 4: 0xFF00FF00}, {3: 0xF0001200}, 4),
    ("or   r3 r4", {3: 0xF0000000, 4: 0x0000000F}, {3: 0xF000000F}, 4),
    ("xor  r3 r4", {3: 0xFFFFFFFF, 4: 0x0000FFFF}, {3: 0xFFFF0000}, 4),
    ("shl  r3 r4", {3: 0x80000001, 4: 31}, {3: 0x80000000}, 4),
    ("shl  r3 r4", {3: 3, 4: 33}, {3: 6}, 4),
    ("shr  r3 r4", {3: 0x80000001, 4: 31}, {3: 1}, 4),
    ("sar  r3 r4", {3: 0x80000000, 4: 31}, {3: 0xFFFFFFFF}, 4),
    ("sar  r3 r4", {3: 0x40000000, 4: 30}, {3: 1}, 4),
    ("beq  r3 r4 8", {3: 5, 4: 5}, {}, 12),
    ("beq  r3 r4 8", {3: 5, 4: 6}, {}, 4),
    ("bne  r3 r4 -4", {3: 5, 4: 6}, {}, 0),
    ("blt  r3 r4 8", {3: 5, 4: 0x80000000}, {}, 12),
    ("blts r3 r4 8", {3: 5, 4: 0x80000000}, {}, 4),
    ("blts r3 r4 8", {3: 0xFFFFFFFF, 4: 0}, {}, 12),
    ("bge  r3 r4 8", {3: 5, 4: 5}, {}, 12),
    ("bge  r3 r4 8", {3: 4, 4: 5}, {}, 4),
    ("jmp  0x1008", {}, {}, 8),
    ("call 0x1008", {}, {15: 0x1004}, 8),
    ("jr   r15", {15: 0x1010}, {}, 0x10),
    ("jr   r3", {3: 0xABCD1020}, {}, 0x20),
]


def set_registers(machine: Machine, registers: Registers) -> None:
    view = machine.state.spaces[REGISTERS].cast("I")
    view[:] = memoryview(bytes(64)).cast("I")
    for number, word in registers.items():
        view[number] = word


def registers_of(machine: Machine) -> list[int]:
    return machine.state.spaces[REGISTERS].cast("I").tolist()


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize(("source", "before", "after", "pc"), CASES)
def test_instruction(source: str, before: Registers, after: Registers, pc: int, tier: str) -> None:
    machine = shared_machine(tier, TOY)
    set_registers(machine, before)
    machine.memory[0x1000:0x1004] = assemble(source)
    assert machine.run(0x1000, max_instructions=1) is Stop.BUDGET
    expected = [0] * 16
    for number, word in {**before, **after}.items():
        expected[number] = word
    assert registers_of(machine) == expected
    assert machine.state.pc == 0x1000 + pc


@pytest.mark.parametrize("tier", COMPILED_TIERS)
@pytest.mark.parametrize("literal", [False, True], ids=["values", "literals"])
@pytest.mark.parametrize(("source", "before", "after", "pc"), [case for case in CASES if case[3]])
def test_compiled_instruction(
    source: str, before: Registers, after: Registers, pc: int, tier: str, literal: bool
) -> None:
    """Registers are set from outside, or by the region itself; behind it all halts, so what jumps
    to itself is left out."""
    machine = shared_machine(tier, TOY)
    sets = [
        f"li r{number} {word & 0xFFFF}\nlui r{number} {word >> 16}\n"
        for number, word in before.items()
    ]
    code = assemble("".join(sets if literal else []) + source)
    start = 0x1004 - len(code)
    machine.memory[:] = bytes(0x10000)
    machine.memory[start:0x1004] = code
    compile_at(machine, start)
    set_registers(machine, {} if literal else before)
    assert execute(machine, start) is Stop.HALT
    expected = [0] * 16
    for number, word in {**before, **after}.items():
        expected[number] = word
    assert registers_of(machine) == expected
    assert machine.state.pc == 0x1000 + pc + 4


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("address", [0x2000, 0x2001, 0xFFFC, 0xFFFD, 0xFFFE, 0xFFFF, 0x1FFFF])
def test_memory_is_little_endian_and_wraps(tier: str, address: int) -> None:
    machine = shared_machine(tier, TOY)
    machine.memory[:] = bytes(0x10000)
    machine.memory[0x1000:0x1010] = assemble("stw r1 r2\nldw r3 r2\nstb r1 r2 16\nldb r4 r2 16")
    set_registers(machine, {1: 0x12345678, 2: address})
    machine.run(0x1000, max_instructions=4)
    stored = [machine.memory[(address + i) & 0xFFFF] for i in range(4)]
    assert stored == [0x78, 0x56, 0x34, 0x12]
    assert registers_of(machine)[3:5] == [0x12345678, 0x78]
    assert machine.memory[(address + 16) & 0xFFFF] == 0x78


@pytest.mark.parametrize("tier", TIERS)
def test_an_instruction_that_straddles_the_end_of_memory(tier: str) -> None:
    machine = shared_machine(tier, TOY)
    machine.memory[:] = bytes(0x10000)
    for i, byte in enumerate(assemble("li r5 0x1234")):
        machine.memory[(0xFFFE + i) & 0xFFFF] = byte
    set_registers(machine, {})
    machine.run(0xFFFE, max_instructions=1)
    assert registers_of(machine)[5] == 0x1234
    assert machine.state.pc == 2


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("opcode", [0, len(NUMBERS), 0xFF])
def test_unused_opcodes_halt(tier: str, opcode: int) -> None:
    machine = shared_machine(tier, TOY)
    machine.memory[0x1000] = opcode
    assert machine.run(0x1000) is Stop.HALT
    assert machine.state.pc == 0x1004


@pytest.mark.parametrize("tier", TIERS)
def test_ports(tier: str) -> None:
    machine = make_machine(tier, TOY)
    written: list[int] = []
    machine.on_write(0x41, written.append)
    machine.on_read(0x42, lambda: 0x99)
    code = assemble("out r1 0x40\nin r2 0x40\nout r1 0x41\nin r3 0x42\nhalt")
    machine.memory[: len(code)] = code
    set_registers(machine, {1: 0x12345678})
    machine.run(0)
    assert registers_of(machine)[2:4] == [0x78, 0x99]
    assert written == [0x78]


def random_program(rng: random.Random) -> bytes:
    """Instructions that exist, with operands that hit registers and each other's neighbourhood."""
    code = bytearray()
    for _ in range(256):
        choices = (rng.getrandbits(16), 4 * rng.randrange(256), rng.randrange(-64, 64))
        immediate = rng.choice(choices)
        code += bytes([rng.randrange(1, len(NUMBERS)), rng.getrandbits(8)])
        code += (immediate & 0xFFFF).to_bytes(2, "little")
    return bytes(code)


@pytest.mark.parametrize("tier", NATIVE_TIERS)
@pytest.mark.parametrize("seed", range(4))
def test_random_programs_agree_with_the_oracle(tier: str, seed: int) -> None:
    oracle, machine = (shared_machine(name, TOY) for name in ("reference", tier))
    rng = random.Random(seed)
    for _ in range(30):
        noise = rng.randbytes(0x10000 - 1024)
        program, registers = random_program(rng), rng.randbytes(64)
        limit = rng.choice([1, 10, 200])
        results = []
        for each in (oracle, machine):
            each.memory[:] = program + noise
            each.page[:] = bytes(256)
            each.state.spaces[REGISTERS][:] = registers
            before = each.executed
            stop = each.run(0, max_instructions=limit)
            results.append((
                stop, each.executed - before, each.state.pc, bytes(each.page),
                bytes(each.state.spaces[MEMORY]), bytes(each.state.spaces[REGISTERS]),
            ))  # fmt: skip
        assert results[0] == results[1]
