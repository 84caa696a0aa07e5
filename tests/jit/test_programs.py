"""Each mechanism of regions by a program of its own; see `programs`."""

from __future__ import annotations

import pytest

from tests.jit.programs import PROGRAMS
from tests.jit.rig import again, compare, eager, jit_of, settled

HIT = {4, 5, 6}
"""Bytes of variables that programs here store to through addresses."""
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
    for _ in range(2):
        again(machine, 2)
    jit = jit_of(machine)
    installed = jit.statistics.installed
    before = {start: sum(jit.regions.times_left(each)) for start, each in jit.regions.items()}
    assert again(machine, 2) == 0
    assert bytes(machine.memory[0:2]) == (3 * 0x1000).to_bytes(2, "big")
    assert jit.statistics.installed == installed
    left = {
        start: times
        for start, each in jit.regions.items()
        if (times := sum(jit.regions.times_left(each)) - before[start])
    }
    size = {start: len(jit.regions[start].compiled.region.nodes) for start in left}
    loops = max(size, key=lambda start: size[start])
    assert left[loops] == 1
    assert sum(left.values()) - left[loops] <= 1, "what stands behind the loops"
    outside = jit.planner.learned.edges.keys() - jit.regions[loops].compiled.region.nodes.keys()
    assert len(outside) <= 3, "before the outer loop, and behind it"


def test_cells_that_stores_hit_are_none_any_more() -> None:
    """The regions leave before such stores at first, and know of them in the end."""
    name = "stores through addresses that run over cells which are written, too"
    machine = eager(PROGRAMS[name], aliases=4)
    for _ in range(4):
        again(machine)
    jit = jit_of(machine)
    assert jit.planner.learned.aliased >= HIT
    for installed in jit.regions.values():
        assert HIT.isdisjoint(installed.compiled.region.assumptions.cells)


def test_what_a_region_only_reads_and_the_program_writes_is_no_cell() -> None:
    """So no store was met before which a region had to be left."""
    machine = eager(PROGRAMS["stores through addresses that run over cells"], aliases=4)
    for _ in range(4):
        again(machine)
    jit = jit_of(machine)
    assert jit.regions
    for installed in jit.regions.values():
        assert HIT.isdisjoint(installed.compiled.region.assumptions.cells)
    assert not jit.planner.learned.aliased
    assert not jit.statistics.invalidated


LATER_CODE = """
    |0000 @n $2 @sum $2 @round $1
    |0100 @again
      #00 @writing .round LDZ OVR ADD #0200 ;victim INC2 ADD2 #0200 SUB2 STA
        INC DUP #40 NEQ ?writing POP
      #0000 @calling victim #00 SWP .sum LDZ2 ADD2 .sum STZ2
        INC2 DUP2 #0040 NEQ2 ?calling POP2
      .round LDZ INC DUP .round STZ #05 NEQ ?again BRK
    @victim LIT 00 JMP2r"""
"""Writes an operand without looking, again and again, before and after code is made from it."""


def test_code_made_from_what_another_region_writes_is_not_stale() -> None:
    assert compare(LATER_CODE).installed
    assert compare(LATER_CODE, params={"invalidations": 100}, repeat=3).installed


def test_code_rewritten_thousands_of_times_does_not_thrash() -> None:
    used = compare(PROGRAMS["an opcode rewritten each time"])
    assert used.invalidated < 40


def test_what_is_written_after_a_recording_counts_when_the_program_is_over() -> None:
    """Nobody will find out by running its regions; but other code says nothing of this one."""
    machine = eager(PROGRAMS["three nested loops"])
    again(machine)
    quick = jit_of(machine).quick
    assert quick._last is not None
    recording, world = quick._last
    machine.memory[0x8000] ^= 1
    assert 0x8000 not in quick._window(recording, world)[1].written
    quick.is_alone = True
    window, over = quick._window(recording, world)
    assert 0x8000 in over.written
    machine.memory[window.pcs[0]] ^= 1
    assert 0x8000 not in quick._window(recording, world)[1].written
