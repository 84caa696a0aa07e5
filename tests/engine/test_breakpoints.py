"""Machines that stop at places, and tell of stores and ports: the same at every tier."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import jitvm
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.tables.params import Parameters
from jitvm.guest import Stop
from jitvm.guests.uxn import UXN
from tests.engine.breaking import plan_of, seen, state
from tests.fuzz.generate import generate

EAGER = Parameters(background=0, hot=5, window=64, longest=64, verify=1, polish=0, speed=0)
KINDS = ("mixed", "cells", "calls", "selfmod", "devices", "events")

COUNTS = jitvm.assemble("""
    |0100 #0000
    &loop ( 0103 ) DUP2 #0200 STA2 sum INC2 ( 010b ) DUP2 #0300 LTH2 ?&loop POP2 BRK
    @sum #01 #02 ADD POP JMP2r
    @far #03 POP BRK
""")
LOOP, AFTER_STORE, CALLED, FAR = 0x0103, 0x0108, 0x0116, 0x011D


def machine_of(tier: Tier, rom: bytes = COUNTS.rom) -> Machine:
    machine = Machine(UXN, tier=tier, params=EAGER)
    machine.memory[0x100 : 0x100 + len(rom)] = rom
    machine.counting = True
    return machine


def stops_of(machine: Machine, most: int = 2000) -> list[object]:
    """All stops of a run from its start, with the state at each."""
    found: list[object] = []
    stop = machine.run(0x100)
    while stop is Stop.BREAK and len(found) < most:
        found.append((machine.executed, state(machine)))
        machine.pass_break()
        stop = machine.run()
    assert stop is Stop.HALT
    return found


def test_the_addresses_are_what_they_are_taken_for() -> None:
    symbols = COUNTS.symbols
    assert [symbols.address_of(name) for name in ("sum", "far")] == [CALLED, FAR]


@pytest.mark.parametrize("seed", [*range(12), 63, 102, 126, 131, 191, 213])
def test_random_programs_stop_alike(seed: int) -> None:
    case = generate(seed, KINDS[seed % len(KINDS)])
    plan = plan_of(seed, case)
    expected, _ = seen(Tier.REFERENCE, case, plan)
    for tier in (Tier.INTERPRETER, Tier.JIT, Tier.IR):
        found, _ = seen(tier, case, plan)
        assert found == expected, tier


@pytest.mark.parametrize("tier", Tier)
def test_each_time_before_the_instruction(tier: Tier) -> None:
    machine = machine_of(tier)
    machine.break_at([CALLED])
    found = stops_of(machine)
    assert len(found) == 0x300
    assert found[1] == (5 + 14, (CALLED, b"\x00\x01", b"\x01\x0b"))


@pytest.mark.parametrize("tier", Tier)
def test_a_run_that_begins_at_one_stops_unless_it_is_passed(tier: Tier) -> None:
    machine = machine_of(tier)
    machine.break_at([0x100])
    assert machine.run(0x100) is Stop.BREAK
    assert machine.run() is Stop.BREAK
    assert machine.executed == 0
    machine.pass_break()
    assert machine.run() is Stop.HALT
    assert machine.run(0x100) is Stop.BREAK, "it was passed once"


@pytest.mark.parametrize("tier", Tier)
def test_a_budget_that_ends_there_ends_first(tier: Tier) -> None:
    machine = machine_of(tier)
    machine.break_at([LOOP])
    assert machine.run(0x100, max_instructions=1) is Stop.BUDGET
    assert machine.run(max_instructions=0) is Stop.BUDGET
    assert machine.run(max_instructions=1) is Stop.BREAK
    assert machine.executed == 1


@pytest.mark.parametrize("tier", Tier)
def test_a_judge_decides_with_the_state_at_hand(tier: Tier) -> None:
    machine = machine_of(tier)

    def judge(pc: int) -> bool:
        assert pc == machine.state.pc == CALLED
        return bytes(machine.state.stacks[0][:2]) == b"\x01\x23"

    machine.break_at([CALLED], judge=judge)
    assert [row[1] for row in stops_of(machine)] == [(CALLED, b"\x01\x23", b"\x01\x0b")]  # type: ignore[index]


@pytest.mark.parametrize("tier", Tier)
def test_what_a_judge_raises_ends_the_run_before_the_instruction(tier: Tier) -> None:
    machine = machine_of(tier)

    def judge(_: int) -> bool:
        raise LookupError

    machine.break_at([CALLED], judge=judge)
    with pytest.raises(LookupError):
        machine.run(0x100)
    assert machine.state.pc == CALLED
    machine.break_at(())
    assert machine.run() is Stop.HALT


@pytest.mark.parametrize("tier", Tier)
def test_opcodes(tier: Tier) -> None:
    machine = machine_of(tier)
    machine.break_at((), [UXN.by_name["ADD"].code])
    assert len(stops_of(machine)) == 0x300


@pytest.mark.parametrize("tier", Tier)
def test_stores_are_told_of_and_may_stop(tier: Tier) -> None:
    machine, told = machine_of(tier), list[tuple[int, int]]()

    def tell(at: int, size: int) -> None:
        told.append((at, size))
        if machine.memory[0x201] == 0x77:
            machine.break_here()

    machine.watch_writes([0x201, 0x300], tell)
    found = stops_of(machine)
    assert told == [(0x201, 1)] * 0x300
    assert [row[1] for row in found] == [  # type: ignore[index]
        (AFTER_STORE, number.to_bytes(2, "big"), b"") for number in (0x77, 0x177, 0x277)
    ]


@pytest.mark.parametrize("tier", Tier)
def test_devices_that_write_memory_are_told_of(tier: Tier) -> None:
    machine, told = machine_of(tier, jitvm.assemble("#01 #18 DEO #18 DEI BRK").rom), []

    def write(byte: int) -> None:
        machine.memory[0x401:0x403] = bytes([byte, byte])
        machine.code_written(0x401, 2)

    machine.on_write(0x18, write)
    machine.watch_writes([0x402], lambda *what: told.append(what))
    assert machine.run(0x100) is Stop.HALT
    assert told == [(0x401, 2)]


PORTS = jitvm.assemble("|0100 #0000 &loop DUP #18 DEO #13 DEI #30 DEO #31 DEI POP INC2 "
                       "DUP2 #0080 LTH2 ?&loop BRK").rom  # fmt: skip


@pytest.mark.parametrize("tier", Tier)
@pytest.mark.parametrize("late", [False, True], ids=["before", "during"])
def test_ports_are_told_of_whatever_is_behind_them(tier: Tier, late: bool) -> None:
    machine, told, answers = machine_of(tier, PORTS), [], iter(range(1000))
    machine.collect(0x18)
    machine.on_read(0x13, lambda: next(answers) & 0xFF)

    def tell(port: int, byte: int, is_write: bool) -> None:
        told.append((port, byte, is_write))

    def watch() -> None:
        machine.watch_ports([0x13, 0x31], [0x18, 0x30], tell)

    if late:
        machine.on_write(0x32, None)
        assert machine.run(0x100, max_instructions=1 + 15 * 64) is Stop.BUDGET
    watch()
    assert (machine.run() if late else machine.run(0x100)) is Stop.HALT
    rows = [((0x18, i, True), (0x13, i, False), (0x30, i, True), (0x31, 0, False))
            for i in range(64 if late else 0, 128)]  # fmt: skip
    assert told == [each for row in rows for each in row]
    assert machine.take_output() == b"".join(bytes([0x18, i]) for i in range(128))


@pytest.mark.parametrize("tier", [Tier.INTERPRETER, Tier.JIT])
def test_ports_are_as_they_were_when_nobody_watches_any_more(tier: Tier) -> None:
    machine = machine_of(tier, PORTS)
    machine.collect(0x18)
    machine.watch_ports([0x31], [0x18], lambda *_: machine.break_here())
    assert machine.run(0x100) is Stop.BREAK
    machine.on_read(0x31, lambda: 7)  # connected while it is watched
    machine.watch_ports((), (), None)
    assert machine.run() is Stop.HALT
    assert len(machine.take_output()) == 2 * 128
    assert machine.native is not None
    assert machine.native.ports.writers[0x18] == machine.native.handlers.address("collect")
    assert machine.native.ports.readers[0x31]
    assert not machine.native.ports.watched


def test_regions_end_before_a_place_to_stop_at_and_come_back() -> None:
    machine = machine_of(Tier.JIT)
    machine.break_at([FAR])
    assert machine.run(0x100) is Stop.HALT
    assert machine.jit is not None
    regions = machine.jit.regions
    whole = set(regions)
    assert any(CALLED in each.compiled.region.nodes for each in regions.values())
    made = machine.jit.statistics.compiled
    machine.break_at([CALLED])
    assert not any(CALLED in each.compiled.region.nodes for each in regions.values())
    machine.break_at(())
    assert set(regions) == whole, "without being compiled again"
    assert machine.jit.quick.is_busy is False
    assert machine.jit.statistics.recordings <= made


RARE = jitvm.assemble("|0100 @main #0000 &loop INC2 DUP2 #03ff AND2 ORA ?&on INC2r &on "
                      "ORAk ?&loop BRK")  # fmt: skip


def test_what_is_compiled_meanwhile_leaves_before_the_place() -> None:
    on = RARE.symbols.address_of("main/on")
    assert on is not None
    rare, judged = on - 1, 0

    def judge(pc: int) -> bool:
        nonlocal judged
        judged += pc == rare
        return False

    machine = machine_of(Tier.JIT, RARE.rom)
    machine.break_at([rare], judge=judge)
    assert machine.run(0x100) is Stop.HALT
    assert judged == 64
    assert machine.jit is not None
    assert machine.jit.regions
    assert not any(rare in each.compiled.region.nodes for each in machine.jit.regions.values())
    assert not machine.jit.statistics.errors


@pytest.mark.parametrize(
    "call",
    [
        lambda machine: machine.break_at([0x10000]),
        lambda machine: machine.break_at((), [256]),
        lambda machine: machine.watch_writes([-1], print),
        lambda machine: machine.watch_ports([256], (), None),
    ],
)
def test_what_there_is_not_is_refused(call: Callable[[Machine], None]) -> None:
    with pytest.raises(ValueError, match=r"256|65536|-1"):
        call(Machine(UXN, tier=Tier.REFERENCE))


@pytest.mark.parametrize("tier", Tier)
def test_a_device_may_change_where_to_stop(tier: Tier) -> None:
    """Of a run that was to stop nowhere, so that it has tables of another kind."""
    source = "|0100 #0040 &loop #00 #18 DEO #0001 SUB2 ORAk ?&loop POP2 BRK"
    machine = Machine(UXN, tier=tier, params=EAGER)
    rom = jitvm.assemble(source).rom
    machine.memory[0x100 : 0x100 + len(rom)] = rom
    left, told = [20], list[int]()

    def write(_: int) -> None:
        left[0] -= 1
        if left[0] == 0:
            machine.break_at([0x103])
            machine.watch_writes([0x200], lambda at, _: told.append(at))

    machine.on_write(0x18, write)
    assert machine.run(0x100) is Stop.BREAK
    assert (machine.state.pc, left[0]) == (0x103, 0)
    assert bytes(machine.state.stacks[0][:2]) == b"\x00\x2c"
