"""Going to any time: the state there is what it was, at every tier, and nothing happens twice."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest

from jitvm.debugger import history
from jitvm.debugger.armed import Armed
from jitvm.debugger.breakpoints import Kind
from jitvm.debugger.moments import Moment, Moments
from jitvm.engine.machine.machine import Tier
from tests.debugger.walking import CASES, TIERS, Case, debugger_of, state_of, walk


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With many snapshots, and a file."""
    monkeypatch.chdir(tmp_path)
    Path("in.txt").write_bytes(b"time goes by and comes back")
    for name in CASES:
        walk(name)
    monkeypatch.setattr(history, "INTERVAL", 0.0)
    monkeypatch.setattr(history, "FIRST_SLICE", 150)
    monkeypatch.setattr(history, "LONGEST_SLICE", 150)
    monkeypatch.setattr(history, "NEAR", 40)
    monkeypatch.setattr(history, "FAR", 120)


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("name", CASES)
def test_any_time_is_as_it_was(name: str, tier: Tier) -> None:
    known, out = walk(name), bytearray()
    assert known.last > 300
    debugger = debugger_of(CASES[name], tier, out)
    debugger.go_to(known.last)
    debugger.computer.output.flush()
    assert bytes(out) == known.output
    rng = random.Random(name)
    for _ in range(60):
        now = debugger.history.time
        time = rng.choice((rng.randint(0, known.last), now - rng.randint(0, 30), now + 7))
        time = min(max(time, 0), known.last)
        debugger.go_to(time)
        assert state_of(debugger) == known.states[time]
    debugger.go_to(known.last)
    debugger.computer.output.flush()
    assert bytes(out) == known.output, "written again, or not at all"
    assert any(each.base for each in debugger.history.moments) or name in ("console", "chip8")


@pytest.mark.parametrize("tier", TIERS)
def test_a_change_makes_another_future(tier: Tier) -> None:
    known, out = walk("console"), bytearray()
    debugger = debugger_of(CASES["console"], tier, out)
    debugger.go_to(known.last)
    debugger.go_to(400)
    place = debugger.expression("[0x00]").place
    assert place is not None
    debugger.write(place, 100)
    assert debugger.history.horizon == 400
    assert debugger.go_on().reason == "ended"
    debugger.computer.output.flush()
    end, state = debugger.history.time, state_of(debugger)
    written = bytes(out)
    assert written[: len(known.output)] == known.output, "what was heard was heard"
    assert any(byte > 90 for byte in written[len(known.output) :])
    for time in (10, 399, 401, 400, end):  # past the change, and over it again
        debugger.go_to(time)
        if time < 400:
            assert state_of(debugger) == known.states[time]
    assert state_of(debugger) == state
    assert bytes(out) == written


def test_files_go_on_where_the_new_future_begins() -> None:
    known = walk("files")
    debugger = debugger_of(CASES["files"], Tier.INTERPRETER)
    debugger.go_to(known.last)
    middle = known.last // 2
    debugger.go_to(middle)
    place = debugger.expression("port[0x70]").place
    assert place is not None
    debugger.write(place, debugger.machine.page[0x70])  # as it was, but nobody knows
    debugger.go_on()
    debugger.go_to(known.last)
    assert state_of(debugger) == known.states[known.last]


def test_input_that_was_read_comes_again() -> None:
    case = CASES["console"]
    debugger = debugger_of(case, Tier.INTERPRETER)
    debugger.go_on()
    end = state_of(debugger)
    debugger.go_to(300)
    debugger.set_register("wst", debugger.state.pointers[0])
    debugger.go_on()
    assert state_of(debugger) == end


def test_moments_take_no_more_than_they_may() -> None:
    moments = Moments(10_000)
    for time in range(2000):
        moments.add(Moment(time, 0, bytes(100), 0, (0, 0), 0, 0))
        assert moments.size <= 10_000
    times = [each.time for each in moments]
    assert times[0] == 0
    assert times == sorted(times)
    gaps = [b - a for a, b in pairwise(times)]
    assert max(gaps[-5:]) < max(gaps[:5]), "what is long ago is sparse"
    for time in (0, 1, 999, 1999):
        found = moments.at(time)
        assert found.time == max(each for each in times if each <= time)


def test_a_program_with_nothing_to_run_is_not_run_for_ever() -> None:
    debugger = debugger_of(Case("idle.tal", b"|0100 ;on #20 DEO2 #0000 #20 DEO2 BRK @on BRK"),
                           Tier.INTERPRETER)  # fmt: skip
    assert debugger.go_on().reason in ("input", "ended")


ENDLESS = Case("endless.tal", b"|0100 &loop #00 POP !&loop")


@pytest.mark.parametrize("tier", Tier)
def test_a_run_comes_back_when_it_is_to(tier: Tier, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long its slices are, and not for a call that came too late for the run before."""
    monkeypatch.setattr(history, "FIRST_SLICE", 1 << 40)
    debugger, logged = debugger_of(ENDLESS, tier), list[str]()

    def log(line: str) -> None:
        logged.append(line)
        if len(logged) == 3:
            debugger.history.pause()

    debugger.armed.log = log
    debugger.breakpoint(Kind.CODE, [0x100], "loop", log="round")
    assert debugger.go_on().reason == "pause"
    assert len(logged) >= 3
    debugger.history.pause()
    assert debugger.go_on().reason == "pause"
    debugger.history.pause()
    debugger.history.forget_pause()
    assert debugger.step(50).reason == "step"


@pytest.mark.parametrize("tier", Tier)
def test_where_ctrl_c_stops_a_run_is_known(tier: Tier) -> None:
    """So that going back from there is not running on to there."""
    debugger = debugger_of(ENDLESS, tier)

    def log(_: str) -> None:
        raise KeyboardInterrupt

    debugger.armed.log = log
    debugger.breakpoint(Kind.CODE, [0x103], "loop", log="round", ignore=50)
    with pytest.raises(KeyboardInterrupt):
        debugger.go_on()
    now = debugger.history.time
    assert now > 100
    assert debugger.history.horizon == now
    debugger.breakpoint(Kind.CODE, [0x100], "loop")
    assert debugger.past.back().reason == "step"
    assert debugger.history.time == now - 1


def test_going_somewhere_is_not_cut_short() -> None:
    times = []
    for pauses in (False, True):
        debugger = debugger_of(CASES["console"], Tier.INTERPRETER)
        debugger.go_to(600)
        if pauses:
            debugger.history.pause()
        debugger.go_to(550)
        times.append(debugger.history.time)
        debugger.past.back_line(over=True)
        times.append(debugger.history.time)
    assert times[:2] == times[2:]
    assert times[0] == 550 > times[1]


LOOP = b"|0100 #0000 &l INC2 DUP2 #ffff NEQ2 ?&l POP2 BRK"


@pytest.mark.parametrize("tier", [Tier.INTERPRETER, Tier.JIT])
def test_a_long_way_is_not_asked_about_each_hit(
    tier: Tier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a breakpoint in a hot loop, set after the loop has run."""
    asked: list[int] = []
    judge = Armed._judge

    def noted(self: Armed, pc: int) -> bool:
        asked.append(pc)
        return judge(self, pc)

    monkeypatch.setattr(Armed, "_judge", noted)
    monkeypatch.setattr(history, "INTERVAL", 1e9)
    debugger = debugger_of(Case("loop.tal", LOOP), tier)
    debugger.go_to(100_000)
    debugger.armed.table.add(Kind.CODE, frozenset((0x103,)), "l")
    debugger.armed.arm()
    debugger.past.back_line()
    assert debugger.history.time < 100_000
    assert len(asked) < 1000
    asked.clear()
    debugger.past.go_to(90_000)
    assert len(asked) < 1000
    assert debugger.past.reverse().reason == "breakpoint"
    assert debugger.state.pc == 0x103
    assert debugger.history.time > 89_990
