"""What was executed, and which ways branches went: the same at every tier."""

from __future__ import annotations

import pytest

from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.tables.params import Parameters
from jitvm.guest import Stop
from jitvm.guest.marks import EXECUTED, JUMPED, WENT_ON, branches
from jitvm.guests.chip8 import guest as chip8
from jitvm.guests.chip8.instructions import CHIP8
from jitvm.guests.uxn import UXN
from jitvm.guests.uxn.assembler import assemble
from tests.fuzz.case import Case
from tests.fuzz.generate import generate
from tests.fuzz.lab import Lab
from tests.jit.programs import PROGRAMS

EAGER = Parameters(background=0, hot=5, window=64, longest=64, verify=1, polish=0, speed=0)
NATIVE = (Tier.INTERPRETER, Tier.JIT, Tier.IR)
SEEDS = {"mixed": (2, 9), "calls": (2, 5), "selfmod": (2, 6)}
LATE = """|0100 #2000
    &loop DUP2 #0080 GTH2 ?&more #0000 #80 STZ2 &more #0001 SUB2 ORAk ?&loop BRK
"""
"""A branch that goes on only after a long time, when it is native."""


def marked(tier: Tier, case: Case, params: Parameters = EAGER) -> tuple[dict[int, int], Machine]:
    """The marks of a run that are there, by cell; of one that its budget did not end."""
    machine = Machine(UXN, tier=tier, params=params)
    marks = machine.mark()
    outcome = Lab(tier, machine=machine).run(case, case.rom())
    assert outcome.stop not in ("budget", "late")  # the JIT has no budget
    return {at: byte for at, byte in enumerate(marks.cells[:-1]) if byte}, machine


def compare(case: Case) -> int:
    """Compare all tiers; how many regions there were."""
    expected, _ = marked(Tier.REFERENCE, case)
    installed = 0
    for tier in NATIVE:
        found, machine = marked(tier, case)
        assert found == expected, tier
        installed += machine.jit.statistics.installed if machine.jit is not None else 0
    return installed


@pytest.mark.parametrize("name", sorted(PROGRAMS)[::5])
def test_programs(name: str) -> None:
    compare(Case(source=PROGRAMS[name]))


@pytest.mark.parametrize("kind", SEEDS)
def test_programs_of_the_fuzzer(kind: str) -> None:
    installed = sum(compare(generate(seed, kind)) for seed in SEEDS[kind])
    assert installed > 1


def test_a_way_that_is_taken_late_is_marked() -> None:
    case = Case(source=LATE)
    assert compare(case)
    found, machine = marked(Tier.JIT, case)
    branch = 0x100 + 3 + 5  # behind a literal, and DUP2 #0080 GTH2
    assert machine.memory[branch] == 0x20
    assert found[branch] == EXECUTED | JUMPED | WENT_ON


def test_compiled_code_runs_all_but_the_rare_way() -> None:
    case = Case(source=LATE)
    machine = Machine(UXN, tier=Tier.JIT, params=EAGER)
    machine.mark()
    machine.counting_interpreted = True
    rom = case.rom()
    machine.memory[0x100 : 0x100 + len(rom)] = rom
    assert machine.run(0x100) is Stop.HALT
    assert machine.executed < 0x2000  # of some sixty thousand


def test_single_steps_mark() -> None:
    rom = assemble("|0100 #01 ?&there BRK &there #00 ?&there BRK").rom
    found = []
    for tier in (Tier.REFERENCE, Tier.INTERPRETER):
        machine = Machine(UXN, tier=tier)
        marks = machine.mark()
        machine.memory[0x100 : 0x100 + len(rom)] = rom
        machine.state.pc = 0x100
        while machine.step() is not Stop.HALT:
            continue
        found.append(bytes(marks.cells[:-1]))
    assert found[0] == found[1]
    assert found[0][0x102] == EXECUTED | JUMPED
    assert found[0][0x108] == EXECUTED | WENT_ON
    assert marks.opcodes == {0x00, 0x20, 0x80}


def test_an_interrupted_run_loses_nothing() -> None:
    machine = Machine(UXN)
    marks = machine.mark()
    rom = assemble("|0100 #01 ?&there BRK &there BRK").rom
    machine.memory[0x100 : 0x100 + len(rom)] = rom
    assert machine.run(0x100, max_instructions=2) is Stop.BUDGET
    assert marks.places[0x102] == EXECUTED | JUMPED
    assert not marks.places[0x106]
    assert machine.run() is Stop.HALT
    assert marks.places[0x106] == EXECUTED


def test_branches_are_told_from_what_instructions_mean() -> None:
    assert branches(UXN) == {0x20, *(0x0D | mode << 5 for mode in range(8))}
    skips = branches(chip8(CHIP8))
    assert {0x30, 0x40, 0x50, 0x90, 0xE0} <= {code & 0xF0 for code in skips}
    assert not any(code >> 4 in (1, 2, 6, 7) for code in skips)


def test_one_marks_before_the_first_run_and_does_not_stop() -> None:
    machine = Machine(UXN)
    machine.mark()
    with pytest.raises(RuntimeError, match="stops nowhere"):
        machine.break_at([0x100])
    other = Machine(UXN)
    other.break_at([0x100])
    with pytest.raises(RuntimeError, match="stops at places"):
        other.mark()
    third = Machine(UXN)
    third.run(0x100)
    with pytest.raises(RuntimeError, match="first run"):
        third.mark()
