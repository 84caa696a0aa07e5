"""The top of a stack in a register: words of all sizes in all states, at each tier, in each mode.

lit N       push a word of N bytes          drop N     pop one
move A B    pop A bytes, push B bytes       copy D N   push a copy of N bytes, D deep
swap A B    two words change places         store N    pop a word into the code space
to N, of N  to the other stack and back     skip       pop a byte; jump over one if it is odd
out         pop a byte, send it to a device that looks at the stack
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from typing import Literal, NamedTuple

import pytest

from jitvm.engine.interpreter.source import InterpreterSource
from jitvm.engine.machine.inspect import Inspector
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.memory.cache import CodeCache
from jitvm.engine.memory.layout import PART, Layout
from jitvm.guest import Core, Guest, Opcode, Space, Stack, Stop
from jitvm.guests.uxn import UXN
from tests.tiers import make_machine

DATA, SIDE = 0, 1
SIZE = 128
HALF = SIZE // 2
"""No program moves a pointer that far, so what it reads has not been popped before."""
START = 0x100
PORT = 0x10


class Kind(NamedTuple):
    """What guests of these tests differ in."""

    byte_order: Literal["big", "little"]
    word_bits: Literal[32, 64]
    cached: tuple[int, ...]

    @property
    def sizes(self) -> list[int]:
        return [1, 2, 4, 8][: 3 + (self.word_bits == 64)]


KINDS = [
    Kind("big", 32, (1, 2)), Kind("big", 32, (4,)), Kind("big", 64, (8, 2)),
    Kind("little", 32, (2, 1)), Kind("little", 64, (1, 2, 4, 8)), Kind("little", 64, (4,)),
]  # fmt: skip


Meaning = Callable[[Core], None]


def literal(size: int) -> Meaning:
    return lambda core: core.push(DATA, core.operand(0, size), size)


def drop(size: int) -> Meaning:
    return lambda core: void(core.pop(DATA, size))


def store(size: int) -> Meaning:
    return lambda core: core.store(0, 0x8000, core.pop(DATA, size), size)


def put(size: int) -> Meaning:
    return lambda core: core.put(DATA, core.operand(0, 1), size)


def carry(source: int, target: int, size: int) -> Meaning:
    return lambda core: core.push(target, core.pop(source, size), size)


def move(popped: int, pushed: int) -> Meaning:
    return lambda core: core.push(DATA, core.pop(DATA, popped) * 5 + 3, pushed)


def copy(depth: int, size: int) -> Meaning:
    return lambda core: core.push(DATA, core.peek(DATA, depth, size), size)


def swap(a: int, b: int) -> Meaning:
    def semantics(core: Core) -> None:
        upper, lower = core.pop(DATA, a), core.pop(DATA, b)
        core.push(DATA, upper, a)
        core.push(DATA, lower, b)

    return semantics


def meanings(sizes: list[int]) -> dict[str, tuple[Meaning, int]]:
    """What instructions do, and how many operand bytes they have, by name."""
    made: dict[str, tuple[Meaning, int]] = {"halt": (lambda core: core.halt(), 0)}
    for n in sizes:
        made[f"lit {n}"] = literal(n), n
        made[f"drop {n}"] = drop(n), 0
        made[f"store {n}"] = store(n), 0
        made[f"put {n}"] = put(n), 1
        made[f"to {n}"] = carry(DATA, SIDE, n), 0
        made[f"of {n}"] = carry(SIDE, DATA, n), 0
        for m in sizes:
            made[f"move {n} {m}"] = move(n, m), 0
            made[f"swap {n} {m}"] = swap(n, m), 0
            made[f"copy {m + n} {n}"] = copy(m + n, n), 0
    made["skip"] = lambda core: core.jump_if(core.pop(DATA, 1) & 1, core.next_pc + 1), 0
    made["out"] = lambda core: core.port_out(PORT, core.pop(DATA, 1)), 0
    made["none"] = nothing, 0
    return made


def nothing(core: Core) -> None:
    """An instruction without effect."""


def void(_: object) -> None:
    """Drop a word."""


@cache
def guest(kind: Kind) -> Guest:
    named = meanings(kind.sizes)
    rows = [Opcode(n, name, *named[name]) for n, name in enumerate(named)]
    rows += [Opcode(n, f"none {n}", named["none"][0]) for n in range(len(rows), 256)]
    return Guest(
        "caching", tuple(rows), (Space("memory", 0x10000, code=True),),
        (Stack("data", SIZE, cached=kind.cached), Stack("side", SIZE)),
        ports=256, word_bits=kind.word_bits, byte_order=kind.byte_order,
    )  # fmt: skip


def program(kind: Kind, seed: int) -> bytes:
    """Random instructions, in which words of one size are popped as such of another as often as
    not."""
    rng = random.Random(seed)
    numbers = {row.name: row for row in guest(kind).opcodes}
    names = [name for name in numbers if not name.startswith(("none ", "halt"))]
    code = bytearray()
    for _ in range(rng.randrange(2, 20)):
        name = rng.choice(names) if rng.random() < 0.7 else f"lit {rng.choice(kind.sizes)}"
        row = numbers[name]
        code.append(row.code)
        code += rng.randbytes(row.operand_size)
        if name == "skip":
            code.append(numbers["none"].code)
    return bytes(code) + bytes([numbers["halt"].code])


class Run:
    """A machine in its state before a program, and what is seen of it."""

    def __init__(self, machine: Machine, kind: Kind, seed: int) -> None:
        rng = random.Random(seed)
        self.machine = machine
        self.told: list[object] = []
        machine.on_write(PORT, lambda byte: self.told.append((byte, *self.stacks())))
        machine.memory[0x8000:0x8008] = bytes(8)
        code = program(kind, seed)
        machine.memory[START : START + len(code)] = code
        machine.code_written(START, len(code))
        for cells in machine.state.stacks:
            cells[:] = rng.randbytes(SIZE)
        near = rng.choice((0, 3, HALF, SIZE - 1, SIZE - 4))
        machine.state.pointers[:] = [near, rng.randrange(SIZE)]

    def stacks(self) -> list[bytes]:
        """What is below each pointer."""
        state = self.machine.state
        return [
            bytes(cells[(pointer - n) % SIZE] for n in range(1, HALF))
            for cells, pointer in zip(state.stacks, state.pointers, strict=True)
        ]

    def seen(self) -> object:
        machine = self.machine
        return (
            machine.state.pc, list(machine.state.pointers), self.stacks(), self.told,
            bytes(machine.memory[0x8000:0x8008]),
        )  # fmt: skip


def whole(machine: Machine) -> None:
    assert machine.run(START) is Stop.HALT


def counted(machine: Machine) -> None:
    machine.counting = True
    assert machine.run(START) is Stop.HALT


def profiled(machine: Machine) -> None:
    machine.profiling = True
    assert machine.run(START) is Stop.HALT


def in_pieces(machine: Machine) -> None:
    pc, pieces = START, 0
    while machine.run(pc, max_instructions=1 + pieces % 3) is Stop.BUDGET:
        pc, pieces = machine.state.pc, pieces + 1


def by_steps(machine: Machine) -> None:
    machine.state.pc = START
    while machine.step() is not Stop.HALT:
        pass


def with_breaks(machine: Machine) -> None:
    machine.break_at(range(START, START + 40, 2), [3, 7])
    stop = machine.run(START)
    while stop is Stop.BREAK:
        machine.pass_break()
        stop = machine.run()
    assert stop is Stop.HALT


MODES = (whole, counted, profiled, in_pieces, by_steps, with_breaks)


def expected_of(kind: Kind, seed: int) -> object:
    run = Run(make_machine("reference", guest(kind)), kind, seed)
    whole(run.machine)
    return run.seen()


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.__name__)
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_random_programs_in_each_mode(kind: Kind, mode: Callable[[Machine], None]) -> None:
    for seed in range(120 if mode is whole else 25):
        run = Run(make_machine("interpreter", guest(kind)), kind, seed)
        mode(run.machine)
        assert run.seen() == expected_of(kind, seed), seed


@pytest.mark.parametrize("tier", ["aarch64", "jit", "ir"])
@pytest.mark.parametrize("kind", [KINDS[0], KINDS[4]], ids=str)
def test_random_programs_at_other_tiers(kind: Kind, tier: str) -> None:
    for seed in range(500, 512):
        run = Run(make_machine(tier, guest(kind)), kind, seed)
        whole(run.machine)
        assert run.seen() == expected_of(kind, seed), seed


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_each_state_is_met_with_each_instruction(kind: Kind) -> None:
    """A word of each size that may be cached, or of another, then each instruction."""
    rows = [row for row in guest(kind).opcodes if not row.name.startswith(("none ", "halt"))]
    machine = make_machine("interpreter", guest(kind))
    oracle = make_machine("reference", guest(kind))
    rng = random.Random(5)
    numbers = {row.name: row.code for row in rows}
    for size in kind.sizes:
        for row in rows:
            code = bytes([
                numbers[f"lit {size}"], *rng.randbytes(size), row.code,
                *rng.randbytes(row.operand_size), numbers["none"], 0,
            ])  # fmt: skip
            seen = []
            for each in (oracle, machine):
                run = Run(each, kind, 1)
                each.memory[START : START + len(code)] = code
                each.code_written(START, len(code))
                each.state.pointers[:] = [40, 40]
                whole(each)
                seen.append(run.seen())
            assert seen[1] == seen[0], (size, row.name)


def test_a_table_has_a_part_for_each_state() -> None:
    layout = Layout(UXN)
    assert layout.states == (0, 1, 2)
    assert layout.table_size == 3 * PART
    source = InterpreterSource(UXN, (0x01,))
    plain = source.tables["plain"]
    assert [plain[0x100 * state + 0x01] for state in range(3)] == [
        "fast_01", "fast_01_1", "fast_01_2",
    ]  # fmt: skip
    assert plain[0x102] == ""


def test_opcodes_without_handlers_are_made_when_a_word_is_in_the_register() -> None:
    machine = Machine(UXN, tier=Tier.INTERPRETER, cache=CodeCache(), opcodes=(0x80,))
    machine.memory[0x100:0x108] = bytes.fromhex("80 07 80 05 18 80 02 1a")
    machine.run(0x100)
    assert bytes(machine.state.stacks[0][: machine.state.pointers[0]]) == b"\x18"


def test_an_interrupt_ends_a_run_between_any_two_instructions() -> None:
    """A program without jumps that a region could poll at, endless since memory is circular."""
    machine = Machine(UXN, tier=Tier.INTERPRETER, cache=CodeCache())
    machine.memory[:] = bytes.fromhex("80 01 01 02") * 0x4000  # LIT 01 INC POP
    from threading import Timer

    timer = Timer(0.05, machine.interrupt)
    timer.start()
    assert machine.run(0x100) is Stop.INTERRUPT
    timer.join()
    pointer = machine.state.pointers[0]
    following = machine.memory[machine.state.pc]
    assert pointer == {0x80: 0, 0x01: 1, 0x02: 1}[following]
    assert not pointer or machine.state.stacks[0][0] == (2 if following == 0x02 else 1)


def test_functions_of_the_interpreter_have_names() -> None:
    machine = Machine(UXN, tier=Tier.INTERPRETER, cache=CodeCache())
    names = [name for _, _, name in Inspector(machine).interpreter_functions()]
    assert {"spill_1", "spill_2"} <= set(names)
    assert names.count("INC") >= 3
