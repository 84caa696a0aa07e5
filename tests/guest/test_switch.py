"""Switches, opcodes that share a function, and what lies beyond an instruction, at every tier."""

from __future__ import annotations

import random

import pytest

from jitvm.engine.interpreter.source import InterpreterSource
from jitvm.engine.machine.machine import Machine
from jitvm.guest import Core, Guest, Opcode, Space, Stack, Stop
from jitvm.testing import check
from tests.compiled import compile_at, execute
from tests.tiers import COMPILED_TIERS, TIERS, shared_machine

RAM, CELLS = 0, 1


def combined(core: Core) -> None:
    """By the second byte: drops, doubles, stores, calls, loads or ends, with the opcode on top."""

    def drop(core: Core) -> None:
        core.pop(0, 1)

    def double(core: Core) -> None:
        core.push(0, core.peek(0, 1, 1), 1)

    def store(core: Core) -> None:
        core.store(RAM, core.pop(0, 1) + 0x200, core.opcode, 1)

    def jump(core: Core) -> None:
        core.jump_if(core.pop(0, 1) & 1, core.pc + 4)

    def load(core: Core) -> None:
        core.push(0, core.load(RAM, core.pop(0, 1) + 0x200, 2), 2)

    def inner(core: Core) -> None:
        numbers = {n: lambda core, n=n: core.push(0, core.opcode + n, 1) for n in range(8)}
        core.switch(core.operand(0, 1) & 15, numbers, drop)

    cases = {1: drop, 2: double, 3: store, 4: jump, 5: load}
    core.switch(core.operand(0, 1), cases, inner)


def look(core: Core) -> None:
    """Pushes the two bytes that follow, and skips them."""
    core.push(0, core.beyond(0, 2), 2)
    core.jump(core.next_pc + 2)


def by_data(core: Core) -> None:
    """A switch by what is on the stack."""
    word = core.pop(0, 1)
    core.store(CELLS, 0, word, 1)
    core.switch(word & 3, {0: lambda core: core.push(0, 7, 1), 1: halt}, lambda _: None)


def halt(core: Core) -> None:
    core.halt()


def rows() -> list[Opcode]:
    named = [Opcode(n, f"combined-{n}", combined, 1) for n in range(16)]
    named += [Opcode(16, "look", look), Opcode(17, "by-data", by_data)]
    return named + [Opcode(n, f"halt-{n}", halt) for n in range(18, 256)]


SWITCHING = Guest(
    "switching",
    tuple(rows()),
    (Space("ram", 0x10000, code=True), Space("cells", 16)),
    (Stack("data", 256),),
    ports=256,
)


def run(tier: str, code: str, stack: bytes) -> Machine:
    machine = shared_machine(tier, SWITCHING)
    for view in (*machine.state.spaces, *machine.state.stacks):
        view[:] = bytes(len(view))
    raw = bytes.fromhex(code) + b"\xff"
    machine.memory[0x300 : 0x300 + len(raw)] = raw
    machine.code_written(0, 0x10000)
    if machine.jit is not None:
        compile_at(machine, 0x300)
    machine.state.stacks[0][: len(stack)] = stack
    machine.state.pointers[0] = len(stack)
    assert (execute(machine, 0x300) if machine.jit else machine.run(0x300)) is Stop.HALT
    return machine


def top(machine: Machine) -> bytes:
    return bytes(machine.state.stacks[0][: machine.state.pointers[0]])


CASES = [
    ("0501", "0102", "01"),
    ("0502", "0102", "010202"),
    ("0733", "", "0a"),
    ("0f37", "", "16"),
    ("0f38", "0102", "01"),
    ("0F04 0F31", "01", ""),
    ("0F04 0F31", "02", "10"),
    ("10 1234 0531", "", "123406"),
    ("11", "0504", "0507"),
    ("11", "0506", "05"),
    ("11 0531", "0501", "05"),
]


@pytest.mark.parametrize("tier", [*TIERS, *COMPILED_TIERS])
@pytest.mark.parametrize(("code", "before", "after"), CASES)
def test_what_they_do(tier: str, code: str, before: str, after: str) -> None:
    assert top(run(tier, code, bytes.fromhex(before))).hex() == after


@pytest.mark.parametrize("tier", [*TIERS, *COMPILED_TIERS])
def test_effects_of_cases_are_theirs_alone(tier: str) -> None:
    machine = run(tier, "0A03", b"\x07")
    assert machine.memory[0x200:0x210].hex() == "000000000000000a" + 8 * "00"
    assert machine.state.spaces[CELLS][0] == 0


@pytest.mark.parametrize("tier", [*TIERS, *COMPILED_TIERS])
def test_a_second_byte_that_is_rewritten(tier: str) -> None:
    """The loop stores another opcode into the second byte of an instruction each time round."""
    machine = shared_machine(tier, SWITCHING)
    machine.memory[:] = bytes(0x10000)
    # 0200: push 1 (or 2 ..), and the same instruction's second byte is what 020x stores there
    code = bytes.fromhex("0231 0131 0303 0131 0204 ff")
    machine.memory[0x200 : 0x200 + len(code)] = code
    machine.code_written(0, 0x10000)
    machine.state.pointers[0] = 0
    expected = shared_machine("reference", SWITCHING)
    if machine is not expected:
        expected.memory[:] = machine.memory
        expected.state.pointers[0] = 0
        expected.run(0x200, max_instructions=40)
        machine.run(0x200, max_instructions=40)
        assert bytes(machine.memory) == bytes(expected.memory)
        assert machine.state.pc == expected.state.pc
        assert top(machine) == top(expected)


def test_random_programs() -> None:
    check(SWITCHING, count=6, seed=random.Random(4).randrange(100))


def test_rows_of_one_function_share_handlers() -> None:
    source = InterpreterSource(SWITCHING)
    for table in source.tables.values():
        assert len(set(table[:16])) == 1
        assert len(set(table[18:])) == 1
        assert len(set(table)) == 4


def test_the_same_function_with_other_operands_is_another_handler() -> None:
    made = rows()
    made[15] = Opcode(15, "longer", combined, 2)
    guest = Guest("longer", tuple(made), SWITCHING.spaces, SWITCHING.stacks)
    plain = InterpreterSource(guest).tables["plain"]
    assert plain[15] != plain[0] == plain[14]
