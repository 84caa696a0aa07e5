"""Regions made fast: entered at several places, with callees that are there only once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

import jitvm.engine.jit.quick as quick_module
from jitvm.dashboard.detail import detail
from jitvm.dashboard.regions import RegionTable
from jitvm.dashboard.tables import graph
from jitvm.engine.jit.compiled import Installed
from jitvm.engine.jit.full import Full
from jitvm.engine.jit.thread import Job, compile_thread
from jitvm.engine.machine.explain import regions
from jitvm.engine.machine.inspect import Inspector
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.memory.cache import CodeCache
from jitvm.engine.memory.layout import NEVER
from jitvm.engine.tables.params import Parameters
from jitvm.engine.tables.place import nameless
from jitvm.guest import Stop
from tests.clock import until
from tests.dashboard.runs import target
from tests.fuzz.case import Case
from tests.fuzz.judge import disagreement
from tests.fuzz.lab import Lab
from tests.ir.formed import FreeLab
from tests.jit.programs import loop
from tests.jit.rig import EAGER, again, compare, has_jit, jit_of, loaded, warm

FAST = {"speed": 0, "window": 2048, "quick": 30}
"""Compiling at once, as what is compiled first in the background."""

NESTED = """
    |0000 @sum $2
    |0100 #00 @outer
        #00 @one step INC DUP #40 NEQ ?one POP
        #00 @two step INC DUP #30 NEQ ?two POP
        INC DUP #40 NEQ ?outer BRK
    @step .sum LDZ2 #0003 ADD2 DUP2 #0007 AND2 ORA ?{ INC2 INC2 } .sum STZ2 JMP2r"""
"""Copied twice, the callee is more than a region may have below."""

CALLER = loop(
    "the-callee " * 9,
    times=0x200,
    after="""
    @the-callee .sum LDZ2 #0003 ADD2 DUP2 #0007 AND2 ORA ?{ INC2 INC2 } #0001 EOR2 .sum STZ2
        .total LDZ INC .total STZ JMP2r""",
)
"""Nine calls of thirty instructions."""

SHALLOW = """
    |0000 @sum $2 @n $1
    |0100
    @deep #0000 #0000 #00 work work POP POP2 POP2 .n LDZ INC DUP .n STZ #f0 NEQ ?deep
    @flat work .n LDZ INC DUP .n STZ #e0 NEQ ?flat BRK
    @work #05 @again .sum LDZ2k INC2 ROT STZ2 #01 SUB DUP ?again POP JMP2r"""
"""`work` is called above five bytes first, then with nothing below."""


def made_fast(source: str, tier: Tier = Tier.JIT, **params: int) -> Machine:
    """A machine that has run a program twice, compiled as in a hurry."""
    given = {**EAGER, **FAST, **params}
    machine = loaded(source, tier, Parameters().changed(given))
    for _ in range(2):
        again(machine)
    return machine


def regions_of(machine: Machine) -> list[Installed]:
    return list(jit_of(machine).regions.values())


@pytest.mark.parametrize("tier", [Tier.JIT, Tier.IR])
@pytest.mark.parametrize("params", [{}, {"quick": 500}, {"quick": 12}, {"entries": 0}])
@pytest.mark.parametrize("source", [NESTED, CALLER, SHALLOW])
def test_programs_made_fast_do_the_same(source: str, params: dict[str, int], tier: Tier) -> None:
    case = Case(source, params={**EAGER, **FAST, **params}, repeat=3)
    rom = case.rom()
    lab = FreeLab(tier, Parameters().changed(case.params))
    assert not disagreement(case, rom, Lab(Tier.INTERPRETER).run(case, rom), lab.run(case, rom))
    assert jit_of(lab.machine).statistics.installed > 0


def test_a_region_is_entered_in_the_middle() -> None:
    machine = made_fast(NESTED)
    inner = jit_of(machine).regions.inner
    assert inner
    starts = {each.start for each in regions_of(machine)}
    assert set(inner.values()) <= starts
    assert not starts & inner.keys()


def test_one_entry_is_all_where_no_more_are_wanted() -> None:
    assert not jit_of(made_fast(NESTED, entries=0)).regions.inner
    assert not jit_of(made_fast(NESTED, speed=1)).regions.inner


def test_entries_go_with_their_region() -> None:
    machine = made_fast(NESTED)
    jit = jit_of(machine)
    jit.regions.forget_all()
    assert not jit.regions.inner
    before = jit.statistics.installed
    again(machine)
    assert jit.statistics.installed > before


def test_a_callee_that_is_too_much_to_copy_is_shared() -> None:
    """All of the loop is in one region, where copies would have had room for a third of it."""
    region = max((each.compiled.region for each in regions_of(made_fast(CALLER, quick=100))),
                 key=lambda region: region.size)  # fmt: skip
    assert len(region.nodes) > 35
    assert max(region.nodes.values()) == 1


def test_an_entry_wants_the_pointers_that_the_start_would_have_had() -> None:
    """Called with nothing below, the callee would have its region begin below the stack."""
    machine = made_fast(SHALLOW, hot=60, exit_hot=1 << 20)
    reasons = [
        (reason, times)
        for each in regions_of(machine)
        for (reason, _), times in zip(
            each.compiled.exits, jit_of(machine).regions.times_left(each), strict=True
        )
    ]
    assert any(reason == "ENTRY" and times for reason, times in reasons)
    assert int.from_bytes(machine.memory[0:2], "big") == 3 * 5 * 0xF0


def test_where_entries_fail_the_next_regions_ask_for_no_room() -> None:
    jit = jit_of(made_fast(SHALLOW, exit_hot=1))
    assert jit.planner.no_headroom_from is not None
    compare(SHALLOW, params={**FAST, "exit_hot": 1}, repeat=4)


def test_entries_are_kept_between_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Regions are compiled fully when there is time; then they have no entries.
    monkeypatch.setattr(Full, "next", lambda _: False)

    def machine() -> Machine:
        return loaded(NESTED, Tier.JIT, Parameters(quick=30), CodeCache(tmp_path))

    first = machine()

    def is_entered() -> bool:
        again(first)
        return has_jit(first) and bool(jit_of(first).regions.inner)

    until(is_entered)
    jit_of(first).keeper.put()
    entries = dict(jit_of(first).regions.inner)
    second = jit_of(warm(machine()))
    assert second.statistics.kept
    assert entries.items() <= second.regions.inner.items()


def test_a_failed_entry_is_not_told_while_regions_are_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each time the host is told, the guest waits for the interpreter lock."""
    held = threading.Event()

    class Slow:
        def submit(self, job: Job) -> None:
            def later() -> None:
                held.wait()
                job()

            compile_thread().submit(later)

    machine = made_fast(NESTED)
    jit = jit_of(machine)
    patience = machine.block.words(machine.block.layout.fields["patience"], 1)
    assert patience[0] == jit.params.exit_hot
    monkeypatch.setattr(quick_module, "compile_thread", Slow)
    jit.change_params(jit.params.changed({"background": 1}))
    jit.regions.forget_all()

    def waits_for(period: int) -> bool:
        again(machine)
        return patience[0] == period

    try:
        until(lambda: waits_for(NEVER))
    finally:
        held.set()
    until(lambda: waits_for(jit.params.exit_hot))


@pytest.mark.parametrize("tier", [Tier.JIT, Tier.IR])
@pytest.mark.parametrize("source", [NESTED, CALLER, SHALLOW])
def test_instructions_are_counted_from_every_entry_on(source: str, tier: Tier) -> None:
    expected = made_fast(source, Tier.INTERPRETER)
    expected.counting = True
    again(expected)
    machine = made_fast(source, tier)
    machine.counting = True
    for _ in range(3):
        before = machine.executed
        again(machine)
        assert machine.executed - before == expected.executed
    assert jit_of(machine).regions.inner or source is SHALLOW


@pytest.mark.parametrize("tier", [Tier.JIT, Tier.IR])
@pytest.mark.parametrize("budget", [1, 777, 5001, 31_337])
def test_budgets_stop_at_the_same_instruction(budget: int, tier: Tier) -> None:
    stopped = []
    for each in (Tier.INTERPRETER, tier):
        machine = made_fast(NESTED, each)
        machine.memory[0:0x20] = bytes(0x20)
        machine.state.pointers[:] = (0, 0)
        assert machine.run(0x100, max_instructions=budget) is Stop.BUDGET
        stopped.append((machine.state.pc, [*machine.state.pointers], bytes(machine.memory)))
    assert stopped[0] == stopped[1]


# -- where people look ---------------------------------------------------------------------------


def test_an_entry_that_fails_for_whatever_is_made_is_closed() -> None:
    """With nothing below, the callee is never passed as if the start had been; it gets a region
    of its own once it is hot."""
    machine = made_fast(SHALLOW, hot=20, exit_hot=1)
    assert any(each.compiled.entries for each in regions_of(machine))
    assert not jit_of(machine).regions.inner


def test_ways_to_an_entry_are_shown_as_ways_into_its_region() -> None:
    machine = made_fast(NESTED)
    jit = jit_of(machine)
    table = RegionTable(nameless)
    look = Inspector(machine)
    table.refresh(look, 0.0)
    counters = look.counters()
    table.count(counters)
    number_of = {each.start: each.number for each in regions_of(machine)}
    ways = {
        (each.number, number_of[jit.regions.inner[target]])
        for each in regions_of(machine)
        for (_, target), times in zip(
            each.compiled.exits, jit.regions.times_left(each), strict=True
        )
        if times and target in jit.regions.inner
    }
    edges = graph(table, counters, jit.regions.inner)["edges"]
    assert isinstance(edges, list)
    assert ways
    assert ways <= {(a, b) for a, b, _ in edges}


def test_a_region_names_where_else_it_is_entered() -> None:
    machine = made_fast(NESTED, keep_text=1)
    jit = jit_of(machine)
    look, inner = Inspector(machine), jit.regions.inner
    about = target(NESTED)
    entries = {start: [at for at in sorted(inner) if inner[at] == start] for start in jit.regions}
    assert any(entries.values())
    assert {report.start: list(report.entries) for report in regions(machine)} == entries
    for region in look.regions():
        shown = detail(about, look, region)["entries"]
        assert shown == [str(about.place(at)) for at in entries[region.start]]
