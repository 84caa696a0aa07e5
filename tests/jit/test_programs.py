"""Each mechanism of regions by a program of its own; see `programs`."""

from __future__ import annotations

import pytest

from tests.jit.programs import PROGRAMS
from tests.jit.rig import compare, eager, jit_of, settled

TIGHT = {"nodes": 16, "recursion": 1, "inline": 1, "ways": 1, "depth": 8, "cells": 1, "aliases": 1,
         "exit_hot": 1, "growth": 1, "invalidations": 1}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_at_once(name: str) -> None:
    used = compare(PROGRAMS[name])
    assert used.installed
    assert used.exits


@pytest.mark.parametrize("name", PROGRAMS)
def test_with_tight_limits(name: str) -> None:
    compare(PROGRAMS[name], params=TIGHT)


@pytest.mark.parametrize("name", ["three nested loops", "fibonacci", "variables in operands"])
def test_in_the_background_with_default_parameters(name: str) -> None:
    assert settled(PROGRAMS[name]).exits


@pytest.mark.parametrize("wst", [0, 1, 3, 250, 253, 255])
@pytest.mark.parametrize("name", ["counting", "calls in calls of three kinds", "fibonacci"])
def test_started_near_the_ends_of_the_stacks(name: str, wst: int) -> None:
    compare(PROGRAMS[name], wst=wst, rst=(wst + 2) % 256)


def test_nested_loops_are_one_region() -> None:
    """One entry, one exit: everything between is native."""
    machine = eager(PROGRAMS["three nested loops"], window=4096)
    machine.run(0x100)
    fresh = machine.snapshot()
    del fresh
    machine.memory[0:2] = bytes(2)
    machine.state.pointers[:] = (0, 0)
    before = jit_of(machine).statistics.installed
    machine.run(0x100)
    assert jit_of(machine).statistics.installed - before <= 2
    assert bytes(machine.memory[0:2]) == (3 * 0x1000).to_bytes(2, "big")


def test_code_rewritten_thousands_of_times_does_not_thrash() -> None:
    used = compare(PROGRAMS["an opcode rewritten each time"])
    assert used.invalidated < 40
