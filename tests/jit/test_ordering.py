"""No effect of an instruction comes before its last guard; devices see the same at every tier."""

from __future__ import annotations

from functools import cache

import pytest

from jitvm.engine.codegen.native import Compiler
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.memory.cache import CodeCache
from jitvm.engine.tables.params import Parameters
from jitvm.guest import Stop
from tests.engine.emulated import EmulatedMachine
from tests.jit.emulated import emulated_jit
from tests.jit.ordering import CHECKED, COUNTER, ORDERING, START, Devices, Fault, program

PARAMS = Parameters(hot=3, window=64, longest=64, background=0, verify=1)
ROUNDS = 60
NEAR = (0, 1, 2, 3, 4, 7, 100, 249, 250, 251, 252, 253, 254, 255)
"""Stack pointers at the start."""

Seen = list[object]


def seen(machine: Machine, name: str, pointers: tuple[int, int]) -> Seen:
    """All that can be seen of a run; whatever devices raise, it goes on."""
    devices = Devices(machine)
    code = program(name)
    machine.memory[START : START + len(code)] = code
    machine.state.spaces[1][COUNTER] = ROUNDS
    machine.state.pointers[:] = pointers
    faults: list[int] = []
    machine.state.pc = START
    for _ in range(3 * ROUNDS):
        try:
            if machine.run() is Stop.HALT and machine.state.pc == START + len(code):
                break
        except Fault:
            faults.append(machine.state.pc)
    state = machine.state
    stacks = [bytes(view[:at]) for view, at in zip(state.stacks, state.pointers, strict=True)]
    # Bytes above a pointer are nobody's, and a pointer that devices move may come to lie above.
    live = stacks if name not in ("tell_push", "tell_peek", "tell_two", "fault") else []
    return [
        faults, state.pc, list(state.pointers), live, bytes(machine.memory),
        bytes(state.spaces[1]), devices.log,
    ]  # fmt: skip


@cache
def expected(name: str, pointers: tuple[int, int]) -> Seen:
    return seen(Machine(ORDERING, tier=Tier.REFERENCE), name, pointers)


@pytest.mark.parametrize("tier", [Tier.INTERPRETER, Tier.JIT, Tier.IR])
@pytest.mark.parametrize("name", CHECKED)
def test_every_order(name: str, tier: Tier) -> None:
    compiled = 0
    for at in NEAR:
        for pointers in ((at, 0), (100, at)):
            if "tell" in name and pointers != (100, 0):
                continue  # they look at bytes that nobody wrote
            params = None if tier is Tier.INTERPRETER else PARAMS
            machine = Machine(ORDERING, tier=tier, cache=CodeCache(), params=params)
            got = seen(machine, name, pointers)
            assert got == expected(name, pointers), pointers
            if machine.jit is not None:
                assert not machine.jit.statistics.errors
                regions = machine.jit.regions.values()
                compiled += any(START + 1 in each.compiled.region.nodes for each in regions)
    assert bool(compiled) == (tier is not Tier.INTERPRETER)


@pytest.mark.parametrize("name", CHECKED)
def test_every_order_as_aarch64(name: str) -> None:
    for pointers in ((252, 0), (100, 254), (100, 0)):
        if "tell" in name and pointers != (100, 0):
            continue
        with emulated_jit(EmulatedMachine(ORDERING), PARAMS, Compiler("aarch64")) as machine:
            assert seen(machine, name, pointers) == expected(name, pointers), pointers
