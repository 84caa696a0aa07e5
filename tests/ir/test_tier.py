"""The debugging tier: programs end as they do in the interpreter, with regions as region IR."""

from __future__ import annotations

from contextlib import suppress

import pytest

from jitvm.engine.machine import Tier
from tests.fuzz.judge import DeadBytes, disagreement
from tests.fuzz.lab import Lab
from tests.ir.formed import FreeLab, parameters, program

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
