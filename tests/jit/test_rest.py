"""Programs that pass through much code and come back to next to none of it."""

from __future__ import annotations

import os
from array import array
from itertools import pairwise
from time import perf_counter, sleep

import pytest

from jitvm.engine.jit.rest import Rest
from jitvm.engine.machine.machine import Machine
from jitvm.engine.memory.layout import RECORD_OPCODE
from jitvm.engine.region.window import Window
from jitvm.engine.region.world import NOTHING_WRITTEN
from jitvm.engine.tables.params import DEFAULTS
from jitvm.engine.tables.reasons import Reason
from jitvm.guest import Stop
from tests.clock import until
from tests.fuzz.lab import START
from tests.jit.rig import eager, interpreted, jit_of, patient, warm

STEP = "DUP #09 AND ?{ #9e37 EOR2 } SWP #05 ADD "
"""A conditional jump that nobody can foresee."""
FIRST = DEFAULTS.rest
NEXT = "SWP2 #0001 SUB2 STH2k SWP2 STH2r ORA ?&again NIP2"
"""Counts down what is below."""


def passing(steps: int, rounds: int) -> str:
    """A program that goes through so many steps, again and again, and leaves a word at 0."""
    return f"|0100 #{rounds:04x} #0001 &again {STEP * steps} {NEXT} #0000 STA2 BRK"


def ran(machine: Machine) -> int:
    machine.state.pointers[:] = (0, 0)
    assert machine.run(START) is Stop.HALT
    return int.from_bytes(machine.memory[:2], "big")


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rests last as long as the test, and nobody waits for their end."""
    monkeypatch.setattr("jitvm.engine.jit.rest.perf_counter", lambda: 0.0)
    monkeypatch.setattr("jitvm.engine.jit.rest.started", lambda _: True)


@pytest.mark.usefixtures("endless")
def test_code_that_is_passed_through_is_left_to_the_interpreter() -> None:
    source = passing(700, 60)
    machine = eager(source, hot=2, window=2048, longest=4096)
    assert ran(machine) == ran(interpreted(source))
    jit = jit_of(machine)
    assert set(jit.statistics.refused) == {Reason.PASSING.name}
    assert jit.statistics.recordings == 2  # the second one longer
    assert not jit.regions
    assert jit.rest.is_on
    assert jit.is_idle


def test_a_longer_look_finds_the_loop_round_a_long_body() -> None:
    """It comes back to each branch, as is seen when the recording is long enough."""
    source = passing(120, 400)
    machine = eager(source, hot=2, window=2048, longest=32768)
    assert ran(machine) == ran(interpreted(source))
    jit = jit_of(machine)
    assert jit.statistics.refused == {Reason.PASSING.name: 1}
    assert jit.regions
    assert not jit.rest.looks_longer


JUMP, PLAIN = 1, 0
LENGTHS = (1, 1)


def recorded(*addresses: int) -> Window:
    """A recording of instructions of a byte: a jump wherever control goes elsewhere."""
    steps = [
        pc | (JUMP if following != pc + 1 else PLAIN) << RECORD_OPCODE
        for pc, following in pairwise((*addresses, addresses[-1] + 1))
    ]
    return Window(addresses[0], array("Q", steps).tobytes(), b"", NOTHING_WRITTEN)


APART = tuple(range(0, 600, 3))
"""Two hundred jumps, of which each goes to another one."""


@pytest.mark.parametrize(
    ("addresses", "few", "jumps", "is_passing"),
    [
        (APART, 4, 64, True),
        (APART * 3, 4, 64, True),
        (APART * 4, 4, 64, False),
        (APART * 4, 5, 64, True),
        (APART, 0, 64, False),
        (APART, 4, 199, True),
        (APART, 4, 201, False),
        (tuple(range(600)), 4, 1, False),  # no jumps
        ((*APART, *[1000, 1001, 1002] * 4), 4, 64, True),  # a fifteenth of it
        ((*APART, *[1000, 1001, 1002] * 5), 4, 64, False),
    ],
)
def test_what_is_passing(
    addresses: tuple[int, ...], few: int, jumps: int, is_passing: bool
) -> None:
    window = recorded(*addresses)
    params = DEFAULTS.but(few=few, passed=jumps)
    assert window.is_passing(LENGTHS, 0xFFFF, params) is is_passing


def test_a_long_body_without_branches_is_compiled() -> None:
    """Nobody could leave it."""
    body = "INC2 #0003 MUL2 " * 600
    source = f"|0100 #0100 #0001 &again {body} {NEXT} #0000 STA2 BRK"
    machine = eager(source, hot=2, window=2048, longest=4096)
    assert ran(machine) == ran(interpreted(source))
    assert jit_of(machine).regions


def test_a_rest_ends_by_itself_and_the_next_is_longer() -> None:
    """A machine runs without a JIT meanwhile, and goes on looking after it."""
    machine = patient(passing(700, 0xFFFF), hot=50, longest=4096)
    warm(machine)
    jit = jit_of(machine)
    result: list[int] = []

    def go() -> bool:
        machine.state.pointers[:] = (0, 0)
        machine.run(START, max_instructions=20_000_000)
        result.append(jit.statistics.refused[Reason.PASSING.name])
        return jit.statistics.refused[Reason.PASSING.name] >= 4

    until(go)
    assert not jit.statistics.installed


def test_a_rest_wakes_whoever_rests() -> None:
    woken: list[float] = []
    rest = Rest(lambda: woken.append(perf_counter()))
    rest.refuse(DEFAULTS)
    assert rest.looks_longer
    assert not rest.is_on
    began = perf_counter()
    rest.refuse(DEFAULTS)
    assert rest.is_on
    until(lambda: bool(woken))
    assert woken[0] - began >= FIRST / 1000
    assert not rest.is_on
    rest.refuse(DEFAULTS)
    until(lambda: len(woken) == 2)
    assert woken[1] - woken[0] >= 2 * FIRST / 1000
    rest.end()
    assert not rest.looks_longer


@pytest.mark.skipif(not hasattr(os, "fork"), reason="takes fork")
def test_a_rest_ends_in_a_child() -> None:
    woken: list[bool] = []
    rest = Rest(lambda: woken.append(True))
    rest.refuse(DEFAULTS)
    rest.refuse(DEFAULTS)
    rest.forget_threads()
    assert not rest.is_on
    assert woken == [True]
    sleep(FIRST / 1000)
