"""Budgets: runs stop at the right instruction, and regions execute them.

What is expected comes from the interpreter without a JIT, which `tests.engine` and `tests.uxn`
hold against the reference. A machine that goes from budget to budget keeps its regions, so blocks,
loops and events are cut everywhere.
"""

from __future__ import annotations

from itertools import count, cycle
from pathlib import Path

import pytest

from jitvm.engine.machine.machine import Machine, Snapshot, Tier
from jitvm.engine.memory.cache import CodeCache
from jitvm.engine.tables.params import Parameters
from jitvm.guest import Stop
from tests.clock import until
from tests.jit.programs import PROGRAMS, loop
from tests.jit.rig import (
    EAGER,
    again,
    eager,
    has_jit,
    interpreted,
    jit_of,
    loaded,
    patient,
    warm,
)

TIERS = [Tier.JIT, Tier.IR]
NAMES = [
    "counting", "joins: both arms of a branch", "three nested loops",
    "calls in calls of three kinds", "data on the return stack", "fibonacci", "ackermann",
    "a switch through a table", "variables in operands", "an opcode rewritten each time",
    "a region that overwrites itself", "division, shifts, flags",
    "a stack that grows through its end",
]  # fmt: skip
BUDGETS = [0, 1, 2, 3, 7, 30, 255, 256, 257, 999, 1000, 1001, 2048, 3001, 4096, 5003, 20_011]
ENDLESS = "|0100 #0000 &loop INC2 DUP2 #0003 MUL2 POP2 !&loop"
ADDING = loop(".sum LDZ2 #0003 ADD2 .sum STZ2")
EVENTS = """
    |00 @sum $2 |10 @Console &vector $2 &read $1
    |0100 BRK
    @on-byte #00 &more .sum LDZ2 #00 .Console/read DEI ADD2 .sum STZ2
        INC DUP #05 LTH ?&more POP BRK"""


def machine_of(source: str, tier: Tier) -> Machine:
    return loaded(source, tier, Parameters().changed(EAGER))


def seen(machine: Machine) -> tuple[object, ...]:
    """All of a machine's state that a guest can tell."""
    state = machine.state
    stacks = [
        bytes(stack[:pointer]) for stack, pointer in zip(state.stacks, state.pointers, strict=True)
    ]
    return state.pc, tuple(state.pointers), stacks, bytes(machine.memory), bytes(machine.page)


def same_run(machine: Machine, expected: Machine, pc: int | None, budget: int) -> Stop:
    """Run both with a budget; they stop at the same instruction, in the same state."""
    before = machine.executed, expected.executed
    stops = [each.run(pc, max_instructions=budget) for each in (machine, expected)]
    assert stops[0] is stops[1]
    assert seen(machine) == seen(expected)
    assert machine.executed - before[0] == expected.executed - before[1]
    if stops[0] is Stop.BUDGET:
        assert machine.executed - before[0] == budget
    return stops[0]


def restored(machine: Machine, to: Snapshot) -> None:
    machine.restore(to)
    machine.state.pc = 0x100


# -- exact everywhere ----------------------------------------------------------------------------


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("name", NAMES)
def test_budgets_from_the_start(name: str, tier: Tier) -> None:
    machine, expected = machine_of(PROGRAMS[name], tier), interpreted(PROGRAMS[name])
    fresh = machine.snapshot()
    for budget in (*BUDGETS, *BUDGETS):
        for each in (machine, expected):
            restored(each, fresh)
        same_run(machine, expected, 0x100, budget)
    jit = jit_of(machine)
    assert jit.regions.is_charging
    assert jit.statistics.installed
    assert jit.regions.executed


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("name", [*NAMES, "generated code, rewritten now and then"])
def test_a_program_in_slices(name: str, tier: Tier) -> None:
    machine, expected = machine_of(PROGRAMS[name], tier), interpreted(PROGRAMS[name])
    machine.state.pc = expected.state.pc = 0x100
    for budget, slices in zip(cycle((1, 500, 13, 97, 0, 211, 2000)), count(), strict=False):
        if same_run(machine, expected, None, budget) is Stop.HALT or slices > 400:
            break
    assert jit_of(machine).regions.executed


@pytest.mark.parametrize("tier", TIERS)
def test_every_budget_around_a_loop_in_a_region(tier: Tier) -> None:
    machine, expected = machine_of(ENDLESS, tier), interpreted(ENDLESS)
    machine.run(0x100, max_instructions=5000)
    expected.run(0x100, max_instructions=5000)
    before = jit_of(machine).statistics.installed
    for budget in range(150):
        assert same_run(machine, expected, None, budget) is Stop.BUDGET
    assert jit_of(machine).statistics.installed == before


@pytest.mark.parametrize("tier", TIERS)
def test_budgets_over_events(tier: Tier) -> None:
    machine, expected = machine_of(EVENTS, tier), interpreted(EVENTS)
    pair = machine, expected
    for each in pair:
        each.vector = 0x101
        each.deliver(b"x" * 200, port=0x12, stop_port=0x0F, max_instructions=1 << 40)
    before = jit_of(machine).regions.executed
    for budget in range(0, 700, 13):
        done = [
            each.deliver(b"abcdefgh", port=0x12, stop_port=0x0F, max_instructions=budget)
            for each in pair
        ]
        assert done[0] == done[1]
        assert seen(machine) == seen(expected)
        if done[0].stop is Stop.BUDGET:
            assert same_run(machine, expected, None, 1000) is Stop.HALT
    assert jit_of(machine).regions.executed > before


@pytest.mark.parametrize("tier", TIERS)
def test_a_device_is_asked_as_often(tier: Tier) -> None:
    source = "|0100 #0000 &loop INC2 #30 DEI POP DUP2 #31 DEO POP !&loop"
    machine, expected = machine_of(source, tier), interpreted(source)
    told = [_told(machine), _told(expected)]
    for budget in (1000, *range(40)):
        same_run(machine, expected, None, budget)
        assert told[0] == told[1]
    assert jit_of(machine).regions.executed


def _told(machine: Machine) -> list[int]:
    """What devices of a machine are asked (-1) and given."""
    log: list[int] = []

    def reader() -> int:
        log.append(-1)
        return 7

    machine.on_read(0x30, reader)
    machine.on_write(0x31, log.append)
    machine.state.pc = 0x100
    return log


# -- in regions ----------------------------------------------------------------------------------


def test_a_budget_is_spent_in_regions() -> None:
    machine = eager(ENDLESS)
    assert machine.run(0x100, max_instructions=10**6) is Stop.BUDGET
    assert machine.executed == 10**6
    assert jit_of(machine).regions.executed > 0.95 * 10**6


def test_a_budget_is_spent_in_regions_of_a_jit_that_is_made_meanwhile() -> None:
    machine, spent = patient(ENDLESS), 10**6
    machine.state.pc = 0x100

    def is_native() -> bool:
        before, native = machine.executed, _native(machine)
        assert machine.run(max_instructions=spent) is Stop.BUDGET
        assert machine.executed - before == spent
        return _native(machine) - native > 0.95 * spent

    until(is_native)
    assert not machine.counting


def _native(machine: Machine) -> int:
    return jit_of(machine).regions.executed if has_jit(machine) else 0


def test_slices_are_executed_in_regions() -> None:
    machine = eager(ENDLESS)
    machine.run(0x100, max_instructions=10_000)
    before, native = machine.executed, jit_of(machine).regions.executed
    for _ in range(500):
        assert machine.run(max_instructions=1000) is Stop.BUDGET
    assert machine.executed - before == 500_000
    assert jit_of(machine).regions.executed - native > 400_000


# -- with and without ----------------------------------------------------------------------------


@pytest.mark.parametrize("counting", [False, True])
def test_runs_with_and_without_a_budget_share_regions(counting: bool) -> None:
    machine, expected = eager(ADDING), interpreted(ADDING)
    expected.counting = True
    again(expected)
    machine.run(0x100, max_instructions=1000)
    machine.counting = counting
    again(machine)
    again(machine)
    before = jit_of(machine).statistics.installed
    assert before
    for _ in range(20):
        done = machine.executed
        assert again(machine) == 0xC00
        assert machine.executed - done == expected.executed
        machine.run(0x100, max_instructions=1000)
        machine.counting = not machine.counting
    assert jit_of(machine).statistics.installed == before


def test_a_machine_without_budgets_does_not_charge() -> None:
    machine = eager(ADDING)
    again(machine)
    assert not jit_of(machine).regions.is_charging
    assert machine.executed == 0


def test_a_first_budget_when_there_are_regions_that_do_not_charge() -> None:
    machine, expected = eager(ADDING), interpreted(ADDING)
    for each in (machine, expected):
        again(each)
        each.memory[0:0x20] = bytes(0x20)
        each.state.pc = 0x100
    assert jit_of(machine).regions
    for budget in (77, 1000, 0, 1, 2000):
        assert same_run(machine, expected, None, budget) is Stop.BUDGET
    assert jit_of(machine).regions.executed


@pytest.mark.parametrize("tier", list(Tier))
@pytest.mark.parametrize("budget", [(1 << 64) - 1, 1 << 64, 10**30])
def test_budgets_that_no_run_reaches(budget: int, tier: Tier) -> None:
    machine = loaded(ADDING, tier, Parameters().changed({**EAGER, "hot": 20}))
    assert machine.run(0x100, max_instructions=budget) is Stop.HALT
    expected = interpreted(ADDING)
    expected.run(0x100, max_instructions=10**6)
    assert machine.executed == expected.executed
    delivery = machine.deliver(b"ab", port=0x12, stop_port=0x0F, max_instructions=budget)
    assert delivery.stop is Stop.HALT


# -- kept ----------------------------------------------------------------------------------------


def test_regions_that_charge_are_kept_beside_those_that_do_not(tmp_path: Path) -> None:
    def made() -> Machine:
        return loaded(ADDING, Tier.JIT, Parameters(polish=0), CodeCache(tmp_path))

    def run(budget: int | None) -> None:
        machine = made()

        def is_installed() -> bool:
            machine.memory[0:0x20] = bytes(0x20)
            assert machine.run(0x100, max_instructions=budget) is Stop.HALT
            return has_jit(machine) and jit_of(machine).statistics.installed > 0

        until(is_installed)
        jit_of(machine).keeper.put()

    for budget in (None, 10**9):
        run(budget)
    for budget in (None, 10**9):
        found = jit_of(warm(made(), budget))
        assert found.statistics.kept
        assert found.regions.is_charging is (budget is not None)
        assert found.statistics.compile_seconds == 0
