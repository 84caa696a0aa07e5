"""The table of `test_opcodes`, of regions: each row's instruction is compiled, then run.

    values      pc:  X BRK              operands lie on the stacks when the region is entered
    literals    LIT .. LIT pc: X BRK    the region itself pushes them, so they are constants

Where the stacks wrap a region is left for the interpreter as soon as it is entered; that it is
seen to wrap is what is tried there.
"""

from __future__ import annotations

import pytest

from jitvm.engine.machine.machine import Machine
from jitvm.guest import Stop
from jitvm.guests.uxn import UXN
from jitvm.guests.uxn.encoding import MNEMONICS, MODE_RETURN, opcode, operand_size
from tests.compiled import compile_at, execute, is_entered
from tests.tiers import COMPILED_TIERS, shared_machine
from tests.uxn.test_opcodes import (
    BOTTOMS,
    PARSED,
    Row,
    address,
    code_overlaps,
    end_of_memory_rows,
    poke,
    stack_bytes,
)  # fmt: skip

FORMS = ((0x0200, False), (0x0200, True), (0xFFFE, False))
"""Where the instruction stands, and whether its operands are literals."""


def literals(row: Row, next_pc: int) -> bytes:
    """Code that pushes what a row finds on the stacks."""
    code = bytearray()
    lit = opcode("LIT") or 0
    for other, words in ((False, row.before.own), (True, row.before.other)):
        push = lit | (MODE_RETURN if other != row.turned else 0)
        for byte in stack_bytes(words, next_pc):
            code += bytes([push, byte])
    return bytes(code)


class Trial:
    """A row's state before and after, at one place, in one of the two forms."""

    def __init__(self, row: Row, pc: int, *, literal: bool) -> None:
        self.row, self.pc, self.literal = row, pc, literal
        next_pc = self.next_pc = (pc + 1 + operand_size(row.code)) & 0xFFFF
        self.memory = bytearray(0x10000)
        for place, content in row.before.memory:
            poke(self.memory, address(place, next_pc), content)
        before = literals(row, next_pc) if literal else b""
        self.start = (pc - len(before)) & 0xFFFF
        instruction = bytes([row.code]) + bytes.fromhex(row.before.operand)
        self.code = before + instruction
        poke(self.memory, self.start, self.code)
        self.end = address(row.after.target, next_pc)
        self.after = bytearray(self.memory)
        for place, content in row.after.memory:
            poke(self.after, address(place, next_pc), content)

    def fits(self) -> bool:
        """Whether what is run afterwards halts, and nothing in the row's memory is its code."""
        here = {(self.start + i) & 0xFFFF for i in range(len(self.code))}
        places = {
            (address(place, self.next_pc) + i) & 0xFFFF
            for place, content in (*self.row.before.memory, *self.row.after.memory)
            for i in range(len(content))
        }
        behind = self.row.code == 0 or (self.after[self.end] == 0 and self.memory[self.end] == 0)
        return here.isdisjoint(places) and behind and self.start != 0

    def load(self, machine: Machine) -> None:
        machine.memory[:] = self.memory

    def run(self, machine: Machine, bottoms: tuple[int, int]) -> None:
        """Run it with the stacks at some places, and compare all that is specified."""
        row, state = self.row, machine.state
        order = (1, 0) if row.turned else (0, 1)
        page = bytearray(0x100)
        for port, content in row.before.page:
            poke(page, port, content)
        machine.memory[:], machine.page[:] = self.memory, page
        for stack, words, bottom in zip(
            order, (row.before.own, row.before.other), bottoms, strict=True
        ):
            content = b"" if self.literal else stack_bytes(words, self.next_pc)
            state.stacks[stack][:] = b"\xee" * 0x100
            poke(state.stacks[stack], bottom, content)
            state.pointers[stack] = (bottom + len(content)) & 0xFF

        stop = execute(machine, self.start, port=0x7E)

        for port, content in row.after.page:
            poke(page, port, content)
        assert stop is Stop.HALT
        assert state.pc == (self.end + (row.code != 0)) & 0xFFFF
        assert machine.memory == self.after
        assert machine.page == page
        for stack, words, bottom in zip(
            order, (row.after.own, row.after.other), bottoms, strict=True
        ):
            expected = stack_bytes(words, self.next_pc)
            live = bytes(state.stacks[stack][(bottom + i) & 0xFF] for i in range(len(expected)))
            assert live == expected
            assert state.pointers[stack] == (bottom + len(expected)) & 0xFF


def check(machine: Machine, row: Row, pc: int, *, literal: bool) -> bool:
    """Compile a row and run it with the stacks everywhere; whether it could be tried."""
    trial = Trial(row, pc, literal=literal)
    if not trial.fits():
        return False
    trial.load(machine)
    compile_at(machine, trial.start)
    for number, bottoms in enumerate(BOTTOMS):
        try:
            trial.run(machine, bottoms)
            assert number or is_entered(machine, trial.start)
        except AssertionError as error:
            error.add_note(f"row: {row.text}\npc {pc:#x}, stacks from {bottoms}, {literal=}")
            raise
    return True


@pytest.mark.parametrize("tier", COMPILED_TIERS)
@pytest.mark.parametrize("code", range(256), ids=lambda code: MNEMONICS[code])
def test_opcode(code: int, tier: str) -> None:
    machine, tried = shared_machine(tier, UXN), 0
    for row in PARSED:
        if row.code == code:
            for pc, literal in FORMS:
                if not code_overlaps(row, pc):
                    tried += check(machine, row, pc, literal=literal)
    assert tried, "no row of it was compiled"


@pytest.mark.parametrize("tier", COMPILED_TIERS)
def test_shorts_at_the_end_of_memory(tier: str) -> None:
    for row in end_of_memory_rows():
        for literal in (False, True):
            assert check(shared_machine(tier, UXN), row, 0x0200, literal=literal)
