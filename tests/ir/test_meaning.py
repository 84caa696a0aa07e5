"""What graphs mean: handlers' graphs, interpreted, do what the reference does."""

from __future__ import annotations

import random

import pytest

from jitvm.engine.interpreter.cores import fast_graph, full_graph
from jitvm.engine.ir.graph import Leave
from jitvm.engine.ir.run import BrokenPromise, Host, run
from jitvm.engine.ir.text import parse
from jitvm.guest import Opcode, ReferenceInterpreter, State
from jitvm.guests.uxn import UXN
from tests.ir.states import new_state


def seen(state: State) -> tuple[object, ...]:
    live = [bytes(s[:p]) for s, p in zip(state.stacks, state.pointers, strict=True)]
    return state.pc, list(state.pointers), live, bytes(state.spaces[0]), bytes(state.ports.page)


@pytest.mark.parametrize("row", UXN.opcodes, ids=lambda row: row.name)
def test_opcode(row: Opcode) -> None:
    for seed in range(8):
        states = [new_state(UXN, random.Random(seed)) for _ in range(2)]
        for state in states:
            state.spaces[0][state.pc] = row.code
        ReferenceInterpreter(UXN, states[0]).step()
        host = Host(states[1], memoryview(bytearray(0x10000)))
        if run(fast_graph(UXN, row, checked=True), UXN, host).kind is Leave.RETRY:
            run(full_graph(UXN, row), UXN, host)
        assert seen(states[1]) == seen(states[0])


def interpret(body: str, pointers: tuple[int, int] = (4, 4)) -> State:
    state = new_state(UXN, random.Random(0))
    state.pointers[:] = pointers
    run(parse('graph "g" words 32\n' + body), UXN, Host(state, memoryview(bytearray(0x10000))))
    return state


def test_claimed_bits_are_checked() -> None:
    with pytest.raises(BrokenPromise, match="add of 2 bits became 0xc"):
        interpret("b0 entry:\n  %0:2 = add #5, #7\n  leave x0\nx0: next - pc #0 pointers +0 +0\n")


def test_an_access_stays_in_its_page() -> None:
    with pytest.raises(BrokenPromise, match="load of 2 bytes at 0xff leaves 0x100"):
        interpret(
            "b0 entry:\n  %0:16 = load[0,2,256] #255\n  leave x0\nx0: next - pc #0 pointers +0 +0\n"
        )


def test_an_exit_stays_in_the_stack() -> None:
    with pytest.raises(BrokenPromise, match="reaches index -1 of stack 1"):
        interpret("b0 entry:\n  leave x0\nx0: next - pc #0 pointers +0 -5\n")


def test_an_exit_restores_the_state() -> None:
    state = interpret(
        "b0 entry:\n  leave x0\nx0: jump - pc #512 pointers +2 #9 slots 0@0:2=#4660 1@-1:1=#7\n"
    )
    assert (state.pc, state.pointers) == (512, [6, 9])
    assert bytes(state.stacks[0][4:6]) == b"\x12\x34"
    assert state.stacks[1][3] == 7
