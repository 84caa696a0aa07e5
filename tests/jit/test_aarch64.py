"""Regions as AArch64: the whole JIT, with its machine code run in an emulator."""

from __future__ import annotations

import pytest

from jitvm.engine.codegen.native import Compiler
from jitvm.engine.machine.machine import Tier
from jitvm.engine.tables.params import Parameters
from jitvm.guests.uxn import UXN
from tests.engine.emulated import EmulatedMachine
from tests.fuzz.case import Case, parse
from tests.fuzz.judge import disagreement
from tests.fuzz.lab import Lab
from tests.jit.emulated import emulated_jit
from tests.jit.programs import PROGRAMS
from tests.jit.rig import EAGER, Used, used
from tests.jit.test_corpus import CASES
from tests.jit.test_entries import CALLER, FAST, NESTED, SHALLOW


@pytest.fixture(scope="module")
def compiler() -> Compiler:
    return Compiler("aarch64")


def compare(case: Case, compiler: Compiler) -> Used:
    """Run a case on the native interpreter and on regions in the emulator."""
    rom = case.rom()
    expected = Lab(Tier.INTERPRETER).run(case, rom)
    params = Parameters().changed({**EAGER, **case.params})
    with emulated_jit(EmulatedMachine(UXN), params, compiler) as machine:
        got = Lab(Tier.JIT, machine=machine).run(case, rom)
    assert not disagreement(case, rom, expected, got)
    return used(machine)


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str, compiler: Compiler) -> None:
    done = compare(Case(PROGRAMS[name]), compiler)
    assert done.installed
    assert done.exits


@pytest.mark.parametrize("name", CASES)
def test_case(name: str, compiler: Compiler) -> None:
    case = parse(CASES[name])
    if case.params.get("background", 1) or case.interrupts:
        pytest.skip("code in the emulator does not wait for the compile thread")
    assert compare(case, compiler).installed


@pytest.mark.parametrize("source", [NESTED, CALLER, SHALLOW])
def test_several_entries(source: str, compiler: Compiler) -> None:
    assert compare(Case(source, params=FAST), compiler).installed
