"""Regions kept between runs: installed at once, where they fit, whatever became of the file.

Nothing is made thoroughly here, but where it is said: that begins when the machine finds the time,
and regions are put away behind it by the compile thread.
"""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from jitvm.engine.host.background import BACKGROUND
from jitvm.engine.jit.planner import Planner
from jitvm.engine.jit.shelf import Shelf
from jitvm.engine.machine import native, warmup
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.memory.cache import CodeCache
from jitvm.engine.region.world import Headroom
from jitvm.engine.tables.params import ParameterError, Parameters
from jitvm.guest import Stop
from jitvm.guests.uxn import UXN
from jitvm.guests.uxn.assembler import assemble
from tests.clock import until
from tests.jit.programs import loop
from tests.jit.rig import SUM, has_jit, jit_of, loaded, warm

ADDING = loop(".sum LDZ2 @number #0003 ADD2 .sum STZ2", times=0xFFFF)
EXPECTED = 0xFFFF * 3 & 0xFFFF


def machine_with(folder: Path, source: str = ADDING, **params: int) -> Machine:
    given = {"polish": 0, **params}
    return loaded(source, Tier.JIT, Parameters().changed(given), CodeCache(folder))


def run_until(machine: Machine, done: str, pc: int = 0x100) -> None:
    """Run the program from an address again and again until a statistic is not zero."""

    def is_done() -> bool:
        machine.memory[0:0x20] = bytes(0x20)
        assert machine.run(pc) is Stop.HALT
        assert int.from_bytes(machine.memory[SUM], "big") == EXPECTED
        return has_jit(machine) and getattr(jit_of(machine).statistics, done) > 0

    until(is_done)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A code cache in which a run of ADDING has kept its regions."""
    first = machine_with(tmp_path)
    run_until(first, "installed")
    jit_of(first).keeper.put()
    assert regions_in(tmp_path)
    return tmp_path


def regions_in(folder: Path) -> list[Path]:
    return list(folder.glob("uxn-regions-*"))


def test_the_next_run_begins_with_them(folder: Path) -> None:
    jit = jit_of(warm(machine_with(folder)))
    assert 0 < jit.statistics.kept == len(jit.regions)
    assert jit.statistics.compile_seconds == 0


def test_another_program_does_not_get_them(folder: Path) -> None:
    other = warm(machine_with(folder, ADDING.replace("#0003", "#0005")))
    assert not jit_of(other).statistics.kept


def test_what_does_not_fit_is_put_aside_until_it_does(tmp_path: Path) -> None:
    """The program is known by a number, and one of its bytes is another one at first."""
    first = machine_with(tmp_path)
    first.prepare(7)
    run_until(first, "installed")
    jit_of(first).keeper.put()
    machine = machine_with(tmp_path)
    at = bytes(machine.memory).index(b"\x00\x03", 0x100) + 1
    machine.memory[at] = 5
    machine.prepare(7)
    jit = jit_of(machine)
    assert jit.keeper.aside
    assert not jit.regions
    machine.memory[at] = 3
    machine.code_written(at, 1)
    run_until(machine, "kept")
    assert not jit.keeper.aside


def test_what_does_not_fit_is_never_entered(folder: Path) -> None:
    first = machine_with(folder)
    first.prepare(7)
    run_until(first, "installed")
    jit_of(first).keeper.put()
    machine = machine_with(folder, ADDING.replace("#0003", "#0005"))
    machine.prepare(7)
    assert jit_of(machine).keeper.aside
    machine.run(0x100)
    assert not jit_of(machine).statistics.kept
    assert int.from_bytes(machine.memory[SUM], "big") == 0xFFFF * 5 & 0xFFFF


UNPACKED = loop(".sum LDZ2 #0003 @adding BRK .sum STZ2", times=0xFFFF).replace(
    "|0100", "|0100 [ LIT ADD2 ] ;adding STA"
)
"""ADDING, which puts one of its instructions in its place before it begins, at 0x106."""


def test_a_program_that_unpacks_itself_first_is_kept_as_well(tmp_path: Path) -> None:
    first = machine_with(tmp_path, UNPACKED)
    assert first.run(0x100) is Stop.HALT
    run_until(first, "installed", 0x106)
    jit_of(first).keeper.put()
    machine = machine_with(tmp_path, UNPACKED)
    machine.prepare()
    jit = jit_of(machine)
    assert jit.keeper.aside
    assert not jit.regions
    assert machine.run(0x100) is Stop.HALT
    assert int.from_bytes(machine.memory[SUM], "big") == EXPECTED
    assert jit.statistics.kept
    assert not jit.keeper.aside
    assert jit.statistics.recordings == 0


def test_what_is_put_aside_is_kept_on(tmp_path: Path) -> None:
    first = machine_with(tmp_path, UNPACKED)
    assert first.run(0x100) is Stop.HALT
    run_until(first, "installed", 0x106)
    keeper = jit_of(first).keeper
    [(start, installed)] = jit_of(first).regions.items()
    compiled = installed.compiled
    elsewhere = compiled.region.but(start=start ^ 0x8000)
    keeper.aside = {elsewhere.start: (compiled.but(region=elsewhere), False)}
    keeper.put()
    machine = machine_with(tmp_path, UNPACKED)
    machine.prepare()
    assert jit_of(machine).keeper.aside.keys() == {start, elsewhere.start}


def test_a_machine_with_other_ports_does_not_get_them(folder: Path) -> None:
    machine = machine_with(folder)
    machine.on_write(0x99, lambda _: None)
    assert not jit_of(warm(machine)).statistics.kept


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: data[:40] + b"x"])
def test_a_damaged_file_is_replaced(folder: Path, damage: object) -> None:
    (file,) = regions_in(folder)
    assert callable(damage)
    file.write_bytes(damage(file.read_bytes()))
    machine = machine_with(folder)
    run_until(machine, "installed")
    assert not jit_of(machine).statistics.kept
    jit_of(machine).keeper.put()
    assert jit_of(warm(machine_with(folder))).statistics.kept


def test_what_was_made_quickly_is_made_thoroughly_by_a_later_run(tmp_path: Path) -> None:
    """Also where nothing new gets hot."""
    first = machine_with(tmp_path, polish=2, quiet=1000)
    run_until(first, "installed")
    jit_of(first).keeper.put()
    later = warm(machine_with(tmp_path, polish=2, quiet=1000))
    jit = jit_of(later)
    assert jit.statistics.kept
    assert not any(each.is_full for each in jit.regions.values())

    def is_full() -> bool:
        assert later.run(0) is Stop.HALT
        return all(each.is_full for each in jit.regions.values())

    until(is_full)


def test_they_are_put_away_when_all_are_made_thoroughly(tmp_path: Path) -> None:
    machine = machine_with(tmp_path, polish=2, quiet=0)

    def is_put_away() -> bool:
        machine.memory[0:0x20] = bytes(0x20)
        assert machine.run(0x100) is Stop.HALT
        return bool(regions_in(tmp_path))

    until(is_put_away)


def test_those_that_are_made_and_not_installed_are_put_away_as_well(tmp_path: Path) -> None:
    machine = machine_with(tmp_path)
    jit = jit_of(warm(machine))
    jit.quick.take = list  # type: ignore[method-assign]

    def is_made() -> bool:
        machine.memory[0:0x20] = bytes(0x20)
        assert machine.run(0x100) is Stop.HALT
        return bool(jit.quick.waiting())

    until(is_made)
    assert not jit.regions
    jit.keeper.put()
    again = machine_with(tmp_path)
    again.prepare()
    assert jit_of(again).statistics.kept
    assert again.run(0x100) is Stop.HALT
    assert int.from_bytes(again.memory[SUM], "big") == EXPECTED


def test_they_are_put_away_while_the_guest_comes_to_new_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = machine_with(tmp_path)
    run_until(machine, "installed")
    planner, nothing = jit_of(machine).planner, jit_of(machine).planner.no_headroom

    def no_headroom(_: Planner) -> Headroom:
        planner.about(0x8000 + len(planner.starts))
        return nothing

    monkeypatch.setattr(Planner, "no_headroom", property(no_headroom))
    jit_of(machine).keeper.put()
    assert regions_in(tmp_path)


def test_they_are_there_before_the_first_instruction(folder: Path) -> None:
    machine = machine_with(folder)
    machine.prepare()
    assert jit_of(machine).statistics.kept
    assert machine.run(0x100) is Stop.HALT
    assert int.from_bytes(machine.memory[SUM], "big") == EXPECTED


def test_nothing_is_made_before_where_nothing_is_kept(tmp_path: Path) -> None:
    machine = machine_with(tmp_path)
    machine.prepare()
    assert not has_jit(machine)


def test_a_program_is_known_by_the_number_it_is_given(tmp_path: Path) -> None:
    first = machine_with(tmp_path)
    first.prepare(7)
    run_until(first, "installed")
    jit_of(first).keeper.put()
    other = machine_with(tmp_path)
    other.prepare()
    assert not has_jit(other)
    same = machine_with(tmp_path)
    same.memory[0x9000] = 1
    same.prepare(7)
    assert jit_of(same).statistics.kept
    changed = machine_with(tmp_path, ADDING.replace("#0003", "#0004"))
    changed.prepare(7)
    assert changed.run(0x100) is Stop.HALT
    assert int.from_bytes(changed.memory[SUM], "big") == 0xFFFF * 4 & 0xFFFF


def test_time_in_which_a_machine_does_not_run_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, now, warm_up = threading.get_ident(), 0, warmup.WARM_UP

    def clock() -> float:
        nonlocal now
        now += threading.get_ident() == runs  # not for the thread that waits
        return now * warm_up / 5

    for module in (native, warmup):
        monkeypatch.setattr(module, "perf_counter", clock)
    machine = machine_with(tmp_path)  # each run takes a fifth of that time, by this clock
    tier = machine.native
    assert tier is not None
    for _ in range(4):
        assert machine.run(0) is Stop.HALT
        until(lambda: tier.warm_up.state == warmup.COLD)
        assert not has_jit(machine)
    until(lambda: machine.run(0) is Stop.HALT and has_jit(machine))


def test_a_long_run_right_after_a_short_one_gets_its_jit(tmp_path: Path) -> None:
    machine = machine_with(tmp_path, "|0100 @loop !loop")
    assert machine.run(0) is Stop.HALT
    run = threading.Thread(target=machine.run, args=(0x100,))
    run.start()
    try:
        until(lambda: has_jit(machine))
    finally:
        machine.interrupt()
        run.join()


@pytest.mark.parametrize("params", [{"keep": 0}, {"background": 0}, {"keep_text": 1}])
def test_parameters_that_keep_nothing(tmp_path: Path, params: dict[str, int]) -> None:
    machine = machine_with(tmp_path, ADDING, **params)
    run_until(machine, "installed")
    jit_of(machine).keeper.put()
    assert not regions_in(tmp_path)


def test_a_wide_store_just_below_the_end_of_memory_is_no_wrap() -> None:
    machine = Machine(UXN, tier=Tier.JIT, params=Parameters(background=0, hot=2, window=64))
    rom = assemble("|0100 #0000 @loop DUP2 #fff0 #0e ADD STA2 INC2 DUP2 #4000 LTH2 ?loop BRK").rom
    machine.memory[0x100 : 0x100 + len(rom)] = rom
    machine.run(0x100)
    jit = jit_of(machine)
    assert jit.regions
    left = sum(
        jit.regions.exit_counts[region.compiled.first_exit + number]
        for region in jit.regions.values()
        for number, (reason, _) in enumerate(region.compiled.exits)
        if reason == "STORE"
    )
    assert left == 0


# -- the environment -----------------------------------------------------------------------------


def test_a_limit_that_is_none_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JITVM_HOT", "never")
    with pytest.raises(ParameterError, match="hot is a whole number of jumps, not 'never'"):
        Machine(UXN, tier=Tier.JIT)
    Machine(UXN, tier=Tier.JIT, params=Parameters())
    Machine(UXN)


def test_what_the_environment_says_later_is_no_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf(CodeCache(tmp_path), UXN, 1, "key")
    monkeypatch.setenv("JITVM_HOT", "never")
    assert not shelf.is_at_work(Parameters(hot=5), charging=False)
    monkeypatch.setenv("JITVM_HOT", "5")
    machine = Machine(UXN, tier=Tier.JIT)
    monkeypatch.setenv("JITVM_HOT", "never")
    assert machine.native is not None
    limits = machine.native.warm_up._limits
    assert limits is not None
    assert limits().hot == 5


# -- when all is compiled at once ----------------------------------------------------------------

TWICE = loop(
    ".sum LDZ2 #0003 ADD2 .sum STZ2",
    times=0xFFFF,
    after="|0300 @again .sum LDZ2 #0003 ADD2 .sum STZ2 "
    ".n LDZ2 INC2 DUP2 .n STZ2 #ffff LTH2 ?again BRK",
)


def test_other_machines_of_the_process_go_on_compiling(tmp_path: Path) -> None:
    first = machine_with(tmp_path / "first")
    run_until(first, "installed")
    first.compile_rest()
    run_until(machine_with(tmp_path / "other"), "installed")


def test_the_machine_itself_goes_on_compiling(tmp_path: Path) -> None:
    """And does not wait for it."""
    machine = machine_with(tmp_path, TWICE)
    run_until(machine, "installed")
    machine.compile_rest()
    jit = jit_of(machine)
    assert not jit.quick.is_busy
    before = jit.statistics.installed

    def has_more() -> bool:
        machine.memory[0:0x20] = bytes(0x20)
        assert machine.run(0x300) is Stop.HALT
        assert int.from_bytes(machine.memory[SUM], "big") == EXPECTED
        return jit.statistics.installed > before

    until(has_more)
    assert not jit.quick.is_alone


def test_what_is_being_compiled_meanwhile_is_waited_for(tmp_path: Path) -> None:
    machine = machine_with(tmp_path)
    run_until(machine, "installed")
    begun, may_end, order = threading.Event(), threading.Event(), list[str]()

    def work() -> None:
        begun.set()
        may_end.wait()
        order.append("before")

    thread = threading.Thread(target=BACKGROUND.do, args=(work,))
    thread.start()
    begun.wait()
    threading.Timer(0.2, may_end.set).start()
    machine.compile_rest()
    order.append("after")
    thread.join()
    assert order == ["before", "after"]
