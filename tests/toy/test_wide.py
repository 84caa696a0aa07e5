"""The guest with wide little-endian stacks at every tier, hot, on every place of its stacks."""

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
from tests.toy.wide import ALL, DATA, MEMORY, NUMBERS, REGISTERS, SIDE, WIDE, assemble

TIERS = ("reference", "interpreter", "jit", "ir", "aarch64", "aarch64 jit")
PARAMS = Parameters(hot=1, window=64, background=0, verify=1)
ROUNDS = 150


POINTERS = ((64, 8), (0, 0), (125, 30), (127, 31), (9, 27))
"""Of the two stacks at the start: in the middle, and where things wrap."""


def hot(body: str) -> str:
    """A loop around a body; register 7 counts, register 0 adds up."""
    return f"lit8 {ROUNDS} set 7 loop: {body} get 0 add set 0 again 7 loop halt"


PROGRAMS = {
    "arithmetic": hot("get 7 lit8 -3 mul lit8 0x123456789abcdef sub"),
    "division": hot("lit8 -1 get 7 lit8 4 and div get 7 lit8 3 sub div"),
    "shifts": hot("lit8 -1 get 7 shr"),
    "zeros from above": hot("lit8 -1 get 7 shr clz"),
    "zeros from below": hot("lit8 -1 get 7 shr lit8 1 add ctz"),
    "bytes the other way round": hot("get 7 lit8 0x102030405060708 mul bswap get 7 add bswap"),
    "comparison": hot("get 7 lit8 75 lt get 7 lit8 -1 lt add"),
    "signs": hot("get 7 lit8 0x40000000 mul narrow widen"),
    "halves": hot("get 7 lit8 0x100000001 mul split swap4 join"),
    "half of a word": hot("get 7 lit8 0x100000003 mul split drop4 widen"),
    "words joined of pieces": hot("lit4 0x77 get 7 narrow lit8 1 add"),
    "a part of a word": hot("get 7 lit8 0x1020304050607 mul part tuck lit4 5 part drop4 untuck"),
    "literals": hot("lit8 0x0102030405060708 split swap4 lit4 -1 widen add"),
    "over": hot("get 7 lit8 9 over8 add add"),
    "memory": hot("get 7 lit4 0x2000 st8 lit4 0x2003 ld8 lit4 0x2001 ld4 widen add"),
    "memory that wraps": hot("get 7 lit4 0xfffd st8 lit4 0xfffe ld8 get 7 narrow ld4 widen add"),
    "computed addresses": hot("get 7 get 7 narrow lit4 0 ld4 drop4 st4 lit8 1"),
    "calls": hot("get 7 call twice") + " twice: call once once: lit8 5 add ret",
    "ports": hot("in 0x21 out 0x19 in 0x21 widen in 0x30 out 0x30 in 0x30 widen add"),
    "a growing stack": hot("lit4 5 lit8 1"),
    "a stack that shrinks and grows": hot("drop8 drop4 lit4 5 lit8 6 lit8 1"),
    "a growing side": hot("get 7 tuck lit8 1"),
    "an operand that is written": hot("get 7 lit4 at+1 st8 at: lit8 0 drop8 lit8 1"),
}  # fmt: skip


@cache
def compiler() -> Compiler:
    return Compiler("aarch64")


def machine_of(tier: str) -> AbstractContextManager[Machine]:
    if tier == "aarch64 jit":
        return emulated_jit(EmulatedMachine(WIDE), PARAMS, compiler())
    if tier == "aarch64":
        return nullcontext(EmulatedMachine(WIDE))
    return nullcontext(Machine(WIDE, tier=Tier(tier), cache=CodeCache(), params=PARAMS))


def run(machine: Machine, code: bytes, pointers: tuple[int, int], pieces: int) -> list[object]:
    """All there is to see of a program that ran until it halted."""
    log, answers = PortLog(machine), iter(range(3, 10**6, 7))

    def answer() -> int:
        byte = next(answers) & 0xFF
        log.note(0x21, byte)
        return byte

    machine.on_read(0x21, answer)
    log.watch((0x19,))
    state = machine.state
    machine.memory[0x100 : 0x100 + len(code)] = code
    for stack in state.stacks:
        stack[:] = bytes(i * 37 & 0xFF for i in range(len(stack)))
    state.pointers[:] = pointers
    stop = machine.run(0x100, max_instructions=pieces or None)
    while stop is Stop.BUDGET:
        stop = machine.run(max_instructions=pieces)
    live = [  # no program goes half around a stack: what is further down may have been popped
        bytes(cells[(pointer - n) % len(cells)] for n in range(1, len(cells) // 2))
        for cells, pointer in zip(state.stacks, state.pointers, strict=True)
    ]
    spaces = [bytes(state.spaces[i]) for i in (MEMORY, REGISTERS)]
    return [state.pc, list(state.pointers), live, spaces, bytes(machine.page), log.rows]


@cache
def expected(name: str, pointers: tuple[int, int]) -> list[object]:
    machine = Machine(WIDE, tier=Tier.REFERENCE)
    return run(machine, assemble(PROGRAMS[name], 0x100), pointers, 0)


@pytest.mark.parametrize("tier", TIERS[1:])
@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str, tier: str) -> None:
    code = assemble(PROGRAMS[name], 0x100)
    used = 0
    for pointers in POINTERS:
        with machine_of(tier) as machine:
            assert run(machine, code, pointers, 0) == expected(name, pointers), pointers
            if machine.jit is not None:
                used += machine.jit.statistics.installed
                assert not machine.jit.statistics.errors
    assert used or tier not in ("jit", "ir", "aarch64 jit")


@pytest.mark.parametrize("tier", ["interpreter", "jit", "ir"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_budgets(name: str, tier: str) -> None:
    code = assemble(PROGRAMS[name], 0x100)
    with machine_of(tier) as machine:
        machine.counting = True
        assert run(machine, code, (64, 8), 97) == expected(name, (64, 8))


def test_words_lie_on_stacks_with_their_low_byte_first() -> None:
    machine = Machine(WIDE, tier=Tier.REFERENCE)
    run(machine, assemble("lit8 0x0807060504030201 tuck lit4 0x44332211 halt"), (0, 0), 0)
    assert bytes(machine.state.stacks[SIDE][:8]) == bytes(range(1, 9))
    assert bytes(machine.state.stacks[DATA][:4]) == b"\x11\x22\x33\x44"


def test_every_instruction_is_in_a_program() -> None:
    used = {word for source in PROGRAMS.values() for word in source.split()}
    assert set(NUMBERS) <= used
    assert (1 << WIDE.word_bits) - 1 == ALL
