"""Exact numbers of profiles: sums by tier, region and label, to the instruction."""

from __future__ import annotations

from pathlib import Path

import pytest

import jitvm
from jitvm.engine.tables.params import Parameters
from jitvm.profiling import Mode
from jitvm.profiling.rows import Method
from tests.clock import until
from tests.jit.programs import PROGRAMS
from tests.profiling.rig import CALLS, COUNTING, EAGER, count_of, machine_with, profiled

BUDGET = 200_000


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_tiers_and_regions_add_up_to_what_the_interpreter_counts(name: str) -> None:
    profile = profiled(PROGRAMS[name], budget=BUDGET)
    native, interpreted = (row.instructions for row in profile.tiers)
    assert native is not None
    assert interpreted is not None
    assert native >= 0
    assert interpreted > 0
    assert native + interpreted == profile.instructions == count_of(PROGRAMS[name], BUDGET)
    assert sum(row.instructions or 0 for row in profile.regions) == native
    assert profile.recorded <= interpreted


def test_what_is_interpreted_is_whole_turns_before_the_region() -> None:
    # The region's own counter, against what the program must have done without it: the first
    # instruction, four turns until it is hot, the recording, the rest of that turn, and BRK.
    profile = profiled(COUNTING)
    native, interpreted = (row.instructions or 0 for row in profile.tiers)
    assert native + interpreted == 1 + 5 * 4096 + 1
    assert profile.recorded == 256
    assert (interpreted - 2) % 5 == 0
    assert 256 < interpreted <= 1 + 5 * 4 + 256 + 5 + 1


def test_a_profile_begins_in_the_middle() -> None:
    machine = machine_with(COUNTING)
    machine.counting = True
    machine.run(0x100, max_instructions=10_000)
    before = machine.executed
    with jitvm.profile(machine, mode="exact") as profile:
        machine.run()
    native, interpreted = (row.instructions or 0 for row in profile.tiers)
    assert native + interpreted == count_of(COUNTING) - before
    assert interpreted < 10
    with jitvm.profile(machine, mode="exact") as second:
        machine.run(0x100)
    assert second.instructions == count_of(COUNTING)
    assert profile.instructions == count_of(COUNTING) - before, "numbers of the first stay"


def test_a_computer_that_was_loaded_knows_its_labels(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    path = tmp_path / "count.tal"
    path.write_text(COUNTING)
    computer = jitvm.load(path, params=Parameters(**EAGER))
    with jitvm.profile(computer, mode="exact") as profile:
        computer.run_console()
    assert profile.instructions == count_of(COUNTING)
    assert profile.title == str(path)
    assert {"begin", "count"} >= {row.label for row in profile.labels} >= {"count"}
    frame = pandas.DataFrame(profile.lines)
    assert set(frame["line"]) == {1}
    computer.load(computer.rom)
    assert computer.program is None, "it is another program now"


def test_instructions_from_before_the_jit_began_count_as_interpreted() -> None:
    total, runs = count_of(COUNTING), 0
    machine = machine_with(COUNTING, background=1)

    def has_jit() -> bool:
        nonlocal runs
        machine.run(0x100)
        runs += 1
        return machine.jit is not None

    with jitvm.profile(machine, mode="exact") as profile:
        assert machine.jit is None
        until(has_jit)
    native, interpreted = (row.instructions or 0 for row in profile.tiers)
    assert native + interpreted == total * runs
    assert interpreted > 0


def test_regions_that_are_gone_keep_their_counts() -> None:
    profile = profiled(PROGRAMS["generated code, rewritten now and then"], budget=BUDGET)
    gone = [row for row in profile.regions if row.removed]
    assert gone
    assert any(row.instructions for row in gone)
    assert any(row.exits for row in gone)
    assert any(abort.reason == "OVERWRITTEN" and abort.advice for abort in profile.aborts)


def test_labels_share_what_regions_executed() -> None:
    profile = profiled(CALLS)
    rows = {row.label: row for row in profile.labels}
    native = profile.tiers[0].instructions
    assert native is not None
    assert {"work", "tail", "on-reset/loop", "on-reset/again"} <= rows.keys()
    assert sum(row.native or 0 for row in rows.values()) == pytest.approx(native, abs=len(rows))
    # Eight thousand calls of five instructions each, the first few of them interpreted.
    assert rows["work"].instructions == pytest.approx(5 * 0x2000 + 0x2000, rel=0.1)
    assert rows["work"].line == 9, "of its first instruction"
    assert rows["work"].method is Method.ESTIMATED, "its region is others', too"


def test_a_label_with_a_region_of_its_own_is_exact() -> None:
    profile = profiled(COUNTING)
    (row,) = [row for row in profile.labels if row.label == "count"]
    if row.interpreted == 0:
        assert row.method is Method.EXACT
    assert row.native == profile.tiers[0].instructions


def test_the_opcode_mix_is_exact_where_it_is_counted() -> None:
    profile = profiled(COUNTING, Mode.OPCODES)
    counts = {row.name: row.executed for row in profile.opcodes}
    assert counts == {"INC2": 4096, "DUP2": 4096, "LIT2": 4097, "LTH2": 4096, "JCI": 4096, "BRK": 1}
    assert all(row.method is Method.EXACT for row in profile.opcodes)
    assert profile.native_share == 0


def test_the_estimated_opcode_mix_is_near() -> None:
    counts = {row.name: row.executed or 0 for row in profiled(COUNTING).opcodes}
    for name in ("INC2", "DUP2", "LIT2", "LTH2", "JCI"):
        assert counts[name] == pytest.approx(4096, rel=0.1)


def test_the_machine_counts_no_more_than_before_when_it_ends() -> None:
    machine = machine_with(COUNTING)
    assert not machine.counting
    with jitvm.profile(machine, mode="exact"):
        assert machine.counting
        machine.run(0x100)
    assert not machine.counting
    assert machine.listener is None
    with jitvm.profile(machine, mode="opcodes"):
        machine.run(0x100)
    assert not machine.profiling
    assert not machine.counting
