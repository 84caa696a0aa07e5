"""Devices see, and leave, the same at every tier: each is called once, with the pointers that are.

What a device gives depends on how often it was asked, and what it is asked and when is logged with
the stack pointers it saw; so a read that is done twice, early or with other pointers is seen.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cache

import pytest

from jitvm.engine.codegen.native import Compiler
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.memory.cache import CodeCache
from jitvm.engine.tables.params import Parameters
from jitvm.guest import Stop
from tests.engine.emulated import EmulatedMachine
from tests.jit.emulated import emulated_jit
from tests.portlog import PortLog
from tests.toy.devices import DEVICES, MEMORY, REGISTERS, TABLE, assemble

TIERS = ("reference", "interpreter", "jit", "ir", "aarch64", "aarch64 jit")
PARAMS = Parameters(hot=1, window=64, background=0, verify=1)
POINTERS = ((128, 3), (254, 255), (0, 0), (1, 130))
"""Of the two stacks at the start; programs that push or pop go round all of a stack."""

PLAIN, WRITES, MOVES, FILLS = 0x21, 0x22, 0x23, 0x24
"""Readers: one that only answers, and those that change memory, pointers, and another port."""
LOGS, PATCHES, SETS, SPOILS, FAULTS = 0x31, 0x32, 0x33, 0x34, 0x35
"""Writers: one that only logs, one that changes memory, one that sets pointers now and then, one
that changes another port, one that raises now and then."""
CELL, CODE = 0x2000, 0x0100
ORIGIN = 0x0100


class Fault(Exception):
    """What the writer of port 35 raises."""


def hot(body: str, *, rounds: int = 0) -> str:
    return f"loop: {body} again {rounds} loop halt"


BODIES = {
    "push": "push 0x21",
    "push and drop": "push 0x21 drop",
    "make room first": "keep 0x21",
    "two in one": "sum 0x21 0x21 drop",
    "two, each pushed": "both 0x21 0x21 drop",
    "on both stacks": "side 0x21",
    "pop, read, push": "lit 64 ask 0x21 drop",
    "store": "save 0x21 0x2000",
    "store to an address popped": "lit2 0x2010 poke 0x21",
    "store over code": "lit2 at+1 poke 0x21 at: lit 0 drop",
    "store to an address given": "into 0x21",
    "store to its own operand": "self 0x21 0",
    "read a port given": "read 0x21",
    "write to a port given": "write 0x21",
    "write to a port popped": "lit 0x31 far 0x21",
    "write to a plain port popped": "lit 0x41 far 0x21",
    "what memory has": "via 0x31 0x2000 drop",
    "patch what was loaded": "via 0x32 0x2000 drop",
    "pointers, then push": "via 0x33 0x2000",
    "jump": "jump 0x21 there there: lit 1 lit 2",
    "branch": "if 0x21 over lit 1 drop over:",
    "jump through a table": "table 0x21 0x3000 drop lit 1",
    "an operand behind a read": "count 0x21 7",
    "an operand that a reader changes": "count 0x22 7",
    "read of memory that changes": "inload 0x22 0x2000",
    "read of a port that changes": "inpage 0x24 0x40",
    "readers set no pointers": "push 0x23 drop",
    "readers set no pointers, twice": "both 0x23 0x23",
    "write": "lit 5 out 0x31",
    "write, two": "outs 0x31 0x31",
    "write, two that set pointers": "outs 0x33 0x33",
    "write, pointers set, then seen": "outs 0x33 0x31",
    "push, then write": "putout 0x31",
    "push, then set pointers": "putout 0x33",
    "write, then push": "output 0x31",
    "set pointers, then push": "output 0x33",
    "set pointers, then pop": "outpop 0x33",
    "set pointers, then peek": "outpeek 0x33",
    "patch, then load": "outload 0x32 0x2000",
    "load, patch, load": "inload 0x21 0x2000 outload 0x32 0x2000 inload 0x21 0x2000",
    "store, then read": "storein 0x2000 0x22",
    "store, then write": "push 0x21 storeout 0x2000 0x32 drop",
    "write, then store": "lit2 0x2001 outstore 0x32",
    "write, then store over code": "lit2 at+1 outstore 0x31 at: lit 0 drop",
    "spoil a port": "outs 0x34 0x31 inpage 0x21 0x40",
    "raise": "lit 5 out 0x35",
    "raise, then push": "output 0x35",
    "raise, two": "outs 0x35 0x31",
}
PROGRAMS = {name: hot(body) for name, body in BODIES.items()}


@cache
def compiler() -> Compiler:
    return Compiler("aarch64")


def machine_of(tier: str) -> AbstractContextManager[Machine]:
    if tier == "aarch64 jit":
        return emulated_jit(EmulatedMachine(DEVICES), PARAMS, compiler())
    if tier == "aarch64":
        return nullcontext(EmulatedMachine(DEVICES))
    return nullcontext(Machine(DEVICES, tier=Tier(tier), cache=CodeCache(), params=PARAMS))


class Lab:
    """A machine with the devices above."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.log = PortLog(machine)
        self.asked = 0
        for port in (PLAIN, WRITES, MOVES, FILLS):
            machine.on_read(port, lambda port=port: self.answer(port))  # type: ignore[misc]
        for port in (LOGS, PATCHES, SETS, SPOILS, FAULTS):
            machine.on_write(port, lambda byte, port=port: self.take(port, byte))  # type: ignore[misc]

    def count(self) -> int:
        self.asked += 1
        return (self.asked * 0x9D + (self.asked >> 3)) & 0xFF

    def answer(self, port: int) -> int:
        byte = self.count()
        self.log.note(port, byte)
        state = self.machine.state
        if port == WRITES:
            self.patch(byte)
        elif port == MOVES:
            state.pointers[0] = byte
        elif port == FILLS:
            self.machine.page[0x40] = byte
        return byte

    def patch(self, byte: int) -> None:
        """Write to a cell, and to the last byte of the instruction at the start."""
        for at in (CELL, CODE + 2):
            if at == CELL or self.patches_code:
                self.machine.memory[at] = byte
                self.machine.code_written(at, 1)

    patches_code = False

    def take(self, port: int, byte: int) -> None:
        self.log.note(port, byte)
        self.log.note(port, self.machine.memory[CELL])
        given = self.count()
        if port == PATCHES:
            self.patch(given)
        elif port == SETS and self.asked % 16 == 0:
            self.machine.state.pointers[:] = (given, given ^ 0x55)
        elif port == SPOILS:
            self.machine.page[0x40] = given
        elif port == FAULTS and self.asked % 16 == 0:
            raise Fault

    def go(self, budget: int | None) -> Stop | None:
        try:
            return self.machine.run(max_instructions=budget)
        except Fault:
            return None

    def run(self, code: bytes, pointers: tuple[int, int], piece: int = 0) -> list[object]:
        """All there is to see of a program that ran until it halted."""
        machine, state = self.machine, self.machine.state
        machine.memory[ORIGIN : ORIGIN + len(code)] = code
        to = (ORIGIN + 4).to_bytes(2, "big")
        machine.memory[TABLE : TABLE + 4] = to + (ORIGIN + 5).to_bytes(2, "big")
        for stack in state.stacks:
            stack[:] = bytes(i * 37 & 0xFF for i in range(256))
        state.pointers[:] = pointers
        state.pc = ORIGIN
        while self.go(piece or None) not in (Stop.HALT, Stop.INTERRUPT):
            self.log.note(0, 0)
        live = [bytes(s[:p]) for s, p in zip(state.stacks, state.pointers, strict=True)]
        spaces = [bytes(state.spaces[i]) for i in (MEMORY, REGISTERS)]
        rows = [row for row in self.log.rows if row[0] or not piece]
        return [state.pc, list(state.pointers), live, spaces, bytes(machine.page), rows]


def code_of(name: str) -> bytes:
    return assemble(PROGRAMS[name], ORIGIN)


@cache
def expected(name: str, pointers: tuple[int, int], patches: bool) -> list[object]:
    lab = Lab(Machine(DEVICES, tier=Tier.REFERENCE))
    lab.patches_code = patches
    return lab.run(code_of(name), pointers)


@pytest.mark.parametrize("tier", TIERS[1:])
@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str, tier: str) -> None:
    installed = 0
    for pointers in POINTERS[: 2 if "aarch64" in tier else None]:
        with machine_of(tier) as machine:
            lab = Lab(machine)
            lab.patches_code = "operand that" in name
            found = lab.run(code_of(name), pointers)
            assert found == expected(name, pointers, lab.patches_code), pointers
            if machine.jit is not None:
                installed += machine.jit.statistics.installed
                assert not machine.jit.statistics.errors
    assert installed or tier not in ("jit", "ir", "aarch64 jit")


@pytest.mark.parametrize("tier", ["interpreter", "jit", "ir"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_budgets(name: str, tier: str) -> None:
    lab = Lab(machine_of(tier).__enter__())
    lab.patches_code = "operand that" in name
    lab.machine.counting = True
    found = lab.run(code_of(name), (128, 3), 97)
    rows = [row for row in expected(name, (128, 3), lab.patches_code)[-1] if row[0]]  # type: ignore[attr-defined]
    assert found == [*expected(name, (128, 3), lab.patches_code)[:-1], rows]
