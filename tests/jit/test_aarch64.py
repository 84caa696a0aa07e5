"""Regions as AArch64: the whole JIT, with its machine code run in an emulator.

Everything is as on the real machine, but for three things put in its place: the interpreter is
AArch64 code in the emulator, the compiler compiles for AArch64, and the arena is the emulator's
memory.
"""

from __future__ import annotations

from typing import cast

import pytest

import jitvm.engine.jit as jit_module
from jitvm.engine.arena import Arena, Span
from jitvm.engine.machine import Tier
from jitvm.engine.native import Compiler
from jitvm.engine.params import Parameters
from jitvm.guests.uxn import UXN
from tests.engine.emulated import PAGE, EmulatedMachine, Emulator
from tests.fuzz.case import Case, parse
from tests.fuzz.judge import disagreement
from tests.fuzz.lab import Lab
from tests.jit.programs import PROGRAMS
from tests.jit.rig import EAGER, Used, jit_of, used
from tests.jit.test_corpus import CASES
from tests.jit.test_entries import CALLER, FAST, NESTED, SHALLOW


class EmulatedArena:
    """Puts code where the emulator can run it; nothing is given back."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator

    def install(self, code: bytes) -> Span:
        return Span(self.emulator.install(code), len(code))

    def free(self, span: Span) -> None:
        """Leave it: tests are short."""


@pytest.fixture(scope="module")
def compiler() -> Compiler:
    return Compiler("aarch64")


def compare(case: Case, compiler: Compiler, monkeypatch: pytest.MonkeyPatch) -> Used:
    """Run a case on the native interpreter and on regions in the emulator."""
    rom = case.rom()
    expected = Lab(Tier.INTERPRETER).run(case, rom)
    machine = EmulatedMachine(UXN)
    machine.tier = Tier.JIT
    arena = cast(Arena, EmulatedArena(machine.emulator))
    monkeypatch.setattr(jit_module, "shared_arena", lambda: arena)
    native = machine.native
    assert native is not None
    native.start_jit(Parameters().changed({**EAGER, **case.params}))
    jit = jit_of(machine)
    jit.maker.compiler = compiler
    _map_around(machine.emulator, jit.trace_address, 8 * max(jit.params.window, jit.params.longest))
    got = Lab(Tier.JIT, machine=machine).run(case, rom)
    assert not disagreement(case, rom, expected, got)
    return used(machine)


def _map_around(emulator: Emulator, address: int, size: int) -> None:
    """Let the emulator write a recording to this process's memory."""
    start = address & -PAGE
    emulator.map(start, -(-(address + size - start) // PAGE) * PAGE)


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str, compiler: Compiler, monkeypatch: pytest.MonkeyPatch) -> None:
    done = compare(Case(PROGRAMS[name]), compiler, monkeypatch)
    assert done.installed
    assert done.exits


@pytest.mark.parametrize("name", CASES)
def test_case(name: str, compiler: Compiler, monkeypatch: pytest.MonkeyPatch) -> None:
    case = parse(CASES[name])
    if case.params.get("background", 1) or case.interrupts:
        pytest.skip("code in the emulator does not wait for the compile thread")
    assert compare(case, compiler, monkeypatch).installed


@pytest.mark.parametrize("source", [NESTED, CALLER, SHALLOW])
def test_several_entries(source: str, compiler: Compiler, monkeypatch: pytest.MonkeyPatch) -> None:
    assert compare(Case(source, params=FAST), compiler, monkeypatch).installed
