"""The debugging tier: programs end as they do in the interpreter, with regions as region IR."""

from __future__ import annotations

from contextlib import suppress

import pytest

from jitvm.engine.machine.machine import Tier
from jitvm.engine.tables.params import Parameters
from jitvm.guest import Stop
from tests.fuzz.judge import DeadBytes, disagreement
from tests.fuzz.lab import Lab
from tests.ir.formed import FreeLab, parameters, program
from tests.jit.rig import loaded

SEEDS = range(0, 60, 3)


@pytest.mark.parametrize("seed", SEEDS)
def test_programs(seed: int) -> None:
    found = program(seed)
    if found is None:
        pytest.skip("the program does not end soon")
    case, rom = found
    expected = Lab(Tier.INTERPRETER).run(case, rom)
    got = FreeLab(Tier.IR, parameters(case)).run(case, rom)
    with suppress(DeadBytes):
        assert not disagreement(case, rom, expected, got)


def test_regions_are_entered() -> None:
    """So that the test above tests something."""
    entered = 0
    for seed in SEEDS:
        if (found := program(seed)) is not None:
            case, rom = found
            lab = FreeLab(Tier.IR, parameters(case))
            lab.run(case, rom)
            native = lab.machine.native
            assert native is not None
            assert native.jit is not None
            entered += native.jit.statistics.installed > 0
    assert entered > 5


def test_instructions_of_regions_are_counted() -> None:
    """Blocks pay before they begin; an exit in the middle gives back what was not executed."""
    source = """|0100 #0000
        @loop INC2 DUP2 #0001 AND2 NIP #10 ORA DEI POP DUP2 #1000 NEQ2 ?loop POP2 BRK"""
    told: list[int] = []
    for tier in (Tier.INTERPRETER, Tier.IR):
        params = Parameters(hot=1, window=256, background=0) if tier is Tier.IR else None
        machine = loaded(source, tier, params)
        machine.on_read(0x11, lambda: 5)  # each second round leaves before it
        machine.counting = True
        for _ in range(3):
            machine.state.pointers[:] = (0, 0)
            machine.run(0x100)
            told.append(machine.executed)
        machine.state.pointers[:] = (0, 0)
        assert machine.run(0x100, max_instructions=777) is Stop.BUDGET
        told.append(machine.state.pc)
    assert told[:4] == told[4:]
