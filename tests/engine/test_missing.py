"""Handlers that are made when they are needed: everything is as if all had been there."""

from __future__ import annotations

import os
import sys
from copy import copy
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitvm.engine.interpreter import making
from jitvm.engine.interpreter.installed import handlers_for
from jitvm.engine.interpreter.making import make_unit
from jitvm.engine.interpreter.unit import NONE, Entries, Unit, exports
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.memory.cache import CachedCode, CodeCache
from jitvm.engine.memory.layout import Layout
from jitvm.engine.tables.params import Parameters
from jitvm.guest import Guest, Stop
from jitvm.guests.uxn import UXN
from jitvm.guests.uxn.assembler import assemble

LAYOUT = Layout(UXN)
LOOP = "|0100 LIT 00 &loop INC LIT 12 DEI LIT 18 DEO DUP LIT 40 LTH ?&loop POP BRK"
ECHO = "|0100 LIT 12 DEI LIT 18 DEO BRK"
INC, LIT = 0x01, 0x80


@pytest.fixture
def guest() -> Guest:
    """Uxn, of which nothing is installed."""
    return copy(UXN)


def loaded(guest: Guest, source: str, **options: object) -> Machine:
    machine = Machine(guest, opcodes=(), **{"cache": None, **options})  # type: ignore[arg-type]
    rom = assemble(source).rom
    machine.memory[0x100 : 0x100 + len(rom)] = rom
    machine.collect(0x18)
    return machine


def state(machine: Machine) -> object:
    pointers = machine.state.pointers
    stacks = [bytes(s[:p]) for s, p in zip(machine.state.stacks, pointers, strict=True)]
    return machine.state.pc, stacks, machine.take_output(), machine.executed


def reference() -> Machine:
    return loaded(UXN, LOOP, tier=Tier.REFERENCE)


@pytest.mark.parametrize("mode", ["plain", "budget", "counting", "profiling", "steps"])
@pytest.mark.parametrize("jit", [False, True])
def test_programs_run_as_usual(guest: Guest, mode: str, jit: bool) -> None:
    params = Parameters(hot=3, window=64, background=False) if jit else None
    machines = loaded(guest, LOOP, jit=jit, params=params), reference()
    for machine in machines:
        if mode == "profiling":
            machine.profiling = True
        elif mode in ("counting", "steps"):
            machine.counting = True
        if mode == "budget":
            stop = machine.run(0x100, max_instructions=7)
            while stop is Stop.BUDGET:
                stop = machine.run(max_instructions=7)
        elif mode == "steps":
            machine.state.pc = 0x100
            while machine.step() is not Stop.HALT:
                pass
        else:
            assert machine.run(0x100) is Stop.HALT
    mine, its = machines
    if mode == "plain":  # which nobody counts
        assert state(mine)[:3] == state(its)[:3]  # type: ignore[index]
    else:
        assert state(mine) == state(its)
    assert mode != "profiling" or mine.histogram() == its.histogram()


def test_events_are_delivered_as_usual(guest: Guest) -> None:
    machine = loaded(guest, ECHO)
    machine.vector = 0x100
    assert machine.deliver(b"hello", port=0x12, stop_port=0x0F).begun == 5
    assert machine.take_output()[1::2] == b"hello"


def test_only_what_is_needed_is_made(guest: Guest) -> None:
    loaded(guest, LOOP).run(0x100)
    handlers = handlers_for(guest, None, ())
    lacking = handlers.lacks(range(256))
    assert LIT not in lacking
    assert len(lacking) > 200


def test_what_was_made_is_kept_together(guest: Guest, tmp_path: Path) -> None:
    warnings: list[str] = []
    for opcode in (LIT, INC):  # as two processes would
        again = copy(guest)
        handlers_for(again, CodeCache(tmp_path, warnings.append), (opcode,))
    again = copy(guest)
    handlers = handlers_for(again, CodeCache(tmp_path, warnings.append), ())
    assert not handlers.lacks((LIT, INC))
    assert len(handlers.spans) == 1
    assert len(list(tmp_path.glob("*.code"))) == 1
    assert not warnings


def offsets(unit: Unit) -> list[int]:
    return memoryview(unit.entries.content()).cast("Q").tolist()


def unit() -> Unit:
    return make_unit(UXN, (LIT,))


def test_what_the_cache_has_of_a_unit_is_looked_at() -> None:
    made = unit()
    kept = made.kept()
    again = Unit.of_kept(kept, LAYOUT)
    assert again is not None
    assert (again.machine_code, again.symbols) == (made.machine_code, made.symbols)
    assert offsets(again) == offsets(made)
    size = len(made.machine_code)
    far = Entries.of([size, *offsets(made)[1:]])
    for damaged in (
        CachedCode(kept.machine_code[:-1], kept.symbols),
        CachedCode(kept.machine_code, {"entries": size}),
        CachedCode(kept.machine_code, {**kept.symbols, "enter": size}),
        Unit(made.machine_code, made.symbols, far).kept(),
    ):
        assert Unit.of_kept(damaged, LAYOUT) is None


@pytest.mark.parametrize("processors", [1, 2, 3, 64])
def test_what_is_made_on_some_threads_is_the_same(
    processors: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a guest in which many opcodes mean the same."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(processors)))
    shares = making.shares(UXN, range(256))
    assert sorted(chain(*shares)) == [*range(256)]
    assert len(shares) == min(processors, 4)
    for row in UXN.opcodes:
        alike = {other.code for other in UXN.opcodes if other.meaning == row.meaning}
        assert sum(alike <= set(share) for share in shares) == 1
    assert len(making.shares(UXN, range(40))) == 1
    made = make_unit(UXN)
    assert set(exports(LAYOUT)) <= set(made.symbols)
    assert NONE not in offsets(made)
    assert made.entries.are_below(len(made.machine_code))


def test_joined_units_have_what_both_have() -> None:
    one, other = unit(), make_unit(UXN, (LIT, INC), stubs=False)
    both = one.joined(other)
    assert both.symbols == one.symbols
    place = both.machine_code.index(other.machine_code)
    assert offsets(both)[LIT] == offsets(one)[LIT]
    assert offsets(both)[INC] == offsets(other)[INC] + place
    assert offsets(both)[0x02] == NONE


NUMBERS = st.one_of(st.just(NONE), st.integers(0, 2**47), st.integers(0, 64))


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1), st.integers(0, 2**47))
def test_entries_are_dealt_with_as_if_each_was_alone(pairs: list[tuple[int, int]], by: int) -> None:
    these, those = ([pair[i] for pair in pairs] for i in range(2))
    entries = Entries.of(these)
    assert entries.content() == b"".join(at.to_bytes(8, sys.byteorder) for at in these)
    moved = [at if at == NONE else at + by for at in these]
    assert entries.moved(by).content() == Entries.of(moved).content()
    either = [other if at == NONE else at for at, other in pairs]
    assert entries.or_else(Entries.of(those)).content() == Entries.of(either).content()
    for limit in (1, by + 1, *[at + more for at in these if at != NONE for more in (0, 1)]):
        if limit:
            below = all(at < limit for at in these if at != NONE)
            assert entries.are_below(limit) is below


@pytest.mark.parametrize("wrong", [NONE + 1, 2**64 - 1, NONE - 1])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_entries_that_are_neither_there_nor_absent(wrong: int, at: int) -> None:
    entries = [0, NONE, 63]
    assert Entries.of(entries).are_below(64)
    entries[at] = wrong
    assert not Entries.of(entries).are_below(64)
