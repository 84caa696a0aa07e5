"""What pages are told of real runs: counts, regions, states, steps, restarts, parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from jitvm.dashboard.computer import WatchedComputer
from jitvm.dashboard.feed import HEAT, SCREEN, LiveViewer
from jitvm.dashboard.runner import Activity
from jitvm.dashboard.series import Cost, Part, Sample
from jitvm.dashboard.session import Session
from jitvm.dashboard.source import CommandError
from jitvm.dashboard.tables import HEAT_CODE
from jitvm.engine.machine.inspect import Inspector
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.tables.events import Installed, Overwritten
from jitvm.engine.tables.params import Parameters
from jitvm.guests.uxn.platform import PLATFORM
from jitvm.guests.uxn.varvara.computer import Computer
from jitvm.guests.uxn.varvara.program import load_program
from tests.clock import until
from tests.dashboard.runs import (
    CALLS,
    CLOCK,
    COUNT,
    DRAW,
    ECHO,
    LAPS,
    SHORT,
    program,
    session,
    stand_still,
    target,
)


def regions(run: Session) -> int:
    """Regions that are installed, as the sampler has seen it."""
    found = run.sampler.run
    return 0 if found is None else len(found.regions.rows)


class Page:
    """A page without a browser: puts the news together."""

    def __init__(self, viewer: LiveViewer) -> None:
        self.viewer = viewer
        self.seen: dict[str, Any] = {}
        self.regions: dict[int, Any] = {}
        self.text = ""
        self.lines: list[str] = []

    def look(self) -> dict[str, Any]:
        """Take the news, which have to be JSON."""
        news = json.loads(json.dumps(self.viewer.news() or {}))
        for number in news.get("regions", {}).get("removed", ()):
            self.regions.pop(number, None)
        for facts in news.get("regions", {}).get("added", ()):
            self.regions[facts["number"]] = facts
        self.text += news.get("console", {}).get("text", "")
        self.lines += [row["line"] for row in news.get("events", {}).get("rows", ())]
        self.seen |= news
        return self.seen


def test_a_run_fills_every_part_of_the_news() -> None:
    with session(COUNT, counting=True) as run:
        until(lambda: regions(run))
        page = Page(run.viewer())
        until(lambda: page.look().get("exits") is not None and page.seen["totals"]["native"])
        assert page.seen["activity"] == "running"
        stand_still(run)
        frames = until(page.viewer.frames)
        page.look()
        assert page.text == "!"
        assert any("installed" in line for line in page.lines)
        assert page.seen["graph"]["nodes"] == list(page.regions) or page.regions
        assert page.seen["params"]["keep_text"] == 1
        (heat,) = (frame[1:] for frame in frames if frame[0] == HEAT)
        assert len(heat) == 65536
        start = next(iter(page.regions.values()))["start"]
        assert heat[start] & HEAT_CODE
        page.viewer.close()
        assert run.sampler.viewers == 0


def test_call_stacks_are_sampled_while_it_runs() -> None:
    with session(CALLS, hot=50) as run:
        page = Page(run.viewer())
        until(lambda: regions(run) and page.look().get("calls", {}).get("trace"))
        until(lambda: {"main", "outer", "inner"} <= set(page.look()["calls"]["trace"]["labels"]))
        run.command({"do": "pause"})
        until(lambda: run.runner.activity is Activity.PAUSED)
        found = run.sampler.run
        assert found is not None
        assert found.calls.samples
        assert sum(row.share for row in found.stacks()) == pytest.approx(1)
        assert {row.frames[0] for row in found.stacks()} == {"main"}
        run.command({"do": "restart"})
        until(lambda: run.sampler.run is not found)
        assert found.machine.listener is None


def test_tiers_add_up_to_the_exact_count() -> None:
    with session(SHORT, stdin=b"", counting=True, waits=True) as run:
        until(lambda: run.runner.activity is Activity.ENDED)
    found = run.sampler.run
    assert found is not None
    rows = found.series.samples
    native = sum(sample.native for sample in rows)
    interpreted = sum(sample.interpreted for sample in rows)
    exact = found.machine.executed
    plain = Computer(program(SHORT).rom, tier=Tier.JIT)
    plain.machine.counting = True
    plain.run_console(b"")
    assert native > 0
    assert native + interpreted == exact == found.executed == plain.machine.executed


def test_regions_that_are_missed_while_they_are_added_up_are_told_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Inspector, "native_executed", 0)
    with session(COUNT, counting=True) as run:
        until(lambda: run.sampler.run and run.sampler.run.executed and regions(run))
        stand_still(run)
        monkeypatch.undo()
        run.sampler.beat()
        found = run.sampler.run
        assert found is not None
        assert not found.native
        run.runner.resume()
        until(lambda: found.native)
    told = sum(sample.native + sample.interpreted for sample in found.series.samples)
    assert told == found.executed == found.machine.executed


def test_a_region_is_shown_at_every_stage() -> None:
    with session(COUNT) as run:
        until(lambda: regions(run))
        stand_still(run)
        number = next(iter(run.sampler.run.regions.rows)) if run.sampler.run else 0
        found = run.region(number)
        assert found is not None
        texts = [line["text"] for line in found["guest"]]
        assert "INC2" in texts
        assert any(line["seen"] for line in found["guest"])
        assert {line["line"] for line in found["guest"]} <= {f"test.tal:{n}" for n in (4, 5, 6)}
        assert found["ir"][0][0].startswith("graph")
        assert any("define" in line for line in found["llvm"])
        assembly = run.assembly(number)
        assert assembly
        assert not any(line.strip().startswith(".cfi") for line in assembly)
        assert run.region(10**6) is None
        assert run.assembly(10**6) is None


def test_places_have_their_line_of_source(tmp_path: Path) -> None:
    path = tmp_path / "count.tal"
    path.write_text(COUNT)
    watched = WatchedComputer(PLATFORM, load_program(path), "count.tal", options={"sandbox": None})
    with Session(watched, Parameters(hot=50)) as run:
        until(lambda: regions(run))
        stand_still(run)
        page = Page(run.viewer())
        page.look()
        number, facts = next(iter(page.regions.items()))
        assert facts["line"] in ("count.tal:5", "count.tal:6")
        found = run.region(number)
        assert found is not None
        assert found["source"]["count.tal:6"] == "@step INC2 DUP2 #00ff AND2 ORA ?{ #00 POP } JMP2r"
        place = until(lambda: page.look()["at"])
        assert place["line"].startswith("count.tal:")
        assert any("(count.tal:" in line for line in page.lines)


def test_a_new_region_is_told_with_when_it_came() -> None:
    with session(COUNT) as run:
        until(lambda: run.sampler.run)
        found = run.sampler.run
        assert found is not None
        viewer = run.viewer()
        told = until(lambda: (viewer.news() or {}).get("regions", {}).get("added"))
        now = found.now
        assert any(isinstance(event, Installed) for event in found.journal.since(0).events)
    assert 0 <= told[0]["born"] <= now


def test_without_exact_counts_interpreted_instructions_are_counted() -> None:
    with session(LAPS) as run:
        until(lambda: regions(run))
        found = run.sampler.run
        assert found is not None
        # What is interpreted is counted from when the budget is first looked at, some time later.
        until(lambda: found.executed)
        assert found.native == 0
        machine = run.target.machine
        until(lambda: _counted_in_laps(machine, 3) < 1 << 16)
        run.command({"do": "count", "on": True})
        until(lambda: found.native > 10**6)


def _counted_in_laps(machine: Machine, laps: int) -> int:
    """Instructions counted while LAPS executes some laps, each of more than 65536."""
    before = machine.executed_now
    for _ in range(laps):
        _await_lap(machine, machine.page[0xE1])
    return machine.executed_now - before


def _await_lap(machine: Machine, last: int) -> None:
    until(lambda: machine.page[0xE1] != last)


def test_pause_stands_still_and_steps_are_exact() -> None:
    with session(COUNT, counting=True) as run:
        until(lambda: regions(run))
        run.command({"do": "pause"})
        until(lambda: run.runner.activity is Activity.PAUSED)
        machine = run.target.machine
        before = machine.executed
        run.command({"do": "step", "instructions": 1})
        until(lambda: machine.executed != before)
        assert machine.executed == before + 1
        run.command({"do": "step", "instructions": 1000})
        until(lambda: machine.executed >= before + 1001)
        until(lambda: run.runner.activity is Activity.PAUSED)
        assert machine.executed == before + 1001
        viewer = run.viewer()
        place = until(viewer.news)["at"]
        assert place["pc"] == machine.state.pc
        assert place["text"]
        run.command({"do": "start"})
        until(lambda: run.runner.activity is Activity.RUNNING)


def test_a_run_that_begins_paused_has_done_nothing() -> None:
    with session(COUNT, paused=True) as run:
        until(lambda: run.runner.activity is Activity.PAUSED and run.sampler.run)
        assert run.target.machine.executed == 0
        run.command({"do": "start"})
        until(lambda: regions(run))


def test_a_command_just_before_the_guest_sleeps_is_obeyed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with session(COUNT, paused=True) as run:
        until(lambda: run.runner.activity is Activity.PAUSED and run.sampler.run)

        def take(_event: Mapping[str, object]) -> None:
            run.command({"do": "count", "on": True})

        monkeypatch.setattr(run.target, "input", take)
        run.command({"do": "input", "event": {}})
        until(lambda: run.target.machine.counting)


def test_restart_is_a_new_run_on_a_new_machine() -> None:
    with session(SHORT, stdin=b"") as run:
        page = Page(run.viewer())
        until(lambda: run.runner.activity is Activity.ENDED)
        page.look()
        first = run.target.machine
        run.command({"do": "restart"})
        until(lambda: run.target.machine is not first)
        until(lambda: page.look()["run"] == 2)
        assert page.seen["fresh"]
        until(lambda: page.look() and page.text.endswith("--- started over ---\ne"))
        until(lambda: run.runner.activity is Activity.ENDED)


def test_parameters_change_while_it_runs() -> None:
    with session(COUNT) as run:
        until(lambda: regions(run))
        run.command({"do": "set", "name": "hot", "value": "77"})
        run.command({"do": "set", "name": "longest", "value": 262144})
        jit = run.target.machine.jit
        assert jit is not None
        until(lambda: jit.params.hot == 77 and jit.params.longest == 262144)
        assert jit.block.words(jit.block.layout.fields["hot"], 1)[0] == 77
        run.command({"do": "restart"})
        until(lambda: run.target.machine.jit is not jit and run.target.machine.jit)
        assert run.target.machine.jit is not None
        assert run.target.machine.jit.params.hot == 77


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ({"do": "set", "name": "hot", "value": "0"}, "between 1 and"),
        ({"do": "set", "name": "warp", "value": "9"}, "no parameter"),
        ({"do": "set", "name": "keep_text", "value": 0}, "stays on"),
        ({"do": "step", "instructions": -1}, "no command"),
        ({"do": "fly"}, "no command"),
        ({}, "no command"),
    ],
)
def test_commands_that_cannot_be_done_say_why(message: dict[str, Any], why: str) -> None:
    run = Session(target(COUNT))
    with pytest.raises(CommandError, match=why):
        run.command(message)


def test_the_console_takes_lines_and_their_end() -> None:
    with session(ECHO) as run:
        until(lambda: run.runner.activity is Activity.WAITING)
        run.command({"do": "input", "event": {"kind": "line", "text": "hällo\n"}})
        until(lambda: "hällo\n" in run.transcript.since(0)[2])
        run.command({"do": "input", "event": {"kind": "end"}})
        until(lambda: run.runner.activity is Activity.ENDED)


def test_input_from_a_file_is_handed_over_whole() -> None:
    data = bytes(range(32, 127)) * 100
    with session(ECHO, stdin=data) as run:
        until(lambda: run.runner.activity is Activity.ENDED)
    assert run.transcript.since(0)[2].encode() == data


def test_a_screen_takes_keys_and_the_pointer() -> None:
    with session(DRAW) as run:
        viewer = run.viewer()
        size = 5 + 4 * 64 * 48  # before that it has the size that it had, or one half of each
        until(lambda: [each for each in viewer.frames() if each[0] == SCREEN and len(each) == size])
        for event in (
            {"kind": "keydown", "key": "k"},
            {"kind": "keyup", "key": "k"},
            {"kind": "keydown", "key": "Enter"},
            {"kind": "move", "x": 3, "y": 4},
            {"kind": "down", "button": 1},
            {"kind": "nonsense"},
            {"kind": "move", "x": -1, "y": 99999999},
        ):
            run.command({"do": "input", "event": event})
        until(lambda: {"k", "\r", "m"} <= set(run.transcript.since(0)[2]))
        page = run.target.machine.page
        assert page[0x92:0x96] == bytes([0, 3, 0, 4])


def test_a_viewer_that_comes_late_or_slowly_gets_a_whole_copy() -> None:
    with session(COUNT) as run:
        until(lambda: regions(run))
        stand_still(run)
        found = run.sampler.run
        assert found is not None
        first, late = Page(run.viewer()), run.viewer()
        first.look()
        found.regions._forgotten = found.regions.version + 1
        news = late.news()
        assert news is not None
        assert news["regions"]["whole"]
        assert {facts["number"] for facts in news["regions"]["added"]} >= set(first.regions)


def test_a_hundred_thousand_events_a_second_are_counted_and_bounded() -> None:
    with session(COUNT) as run:
        until(lambda: run.sampler.run)
        found = run.sampler.run
        assert found is not None
        before = found.journal.total
        viewer = run.viewer()
        viewer.news()
        for number in range(200_000):
            found.journal(Overwritten(0.0, number))
        news = viewer.news()
        assert news is not None
        assert len(news["events"]["rows"]) <= 1000
        told = len(news["events"]["rows"]) + news["events"]["missed"]
        assert told >= 200_000
        assert found.journal.total >= before + 200_000
        assert found.journal.totals()["overwritten"] >= 200_000
        overwritten = found.journal.places()[1]
        assert len(overwritten) <= 4097
        assert sum(overwritten.values()) >= 200_000


def test_a_run_that_is_over_tells_nothing_more() -> None:
    with session(SHORT) as run:
        until(lambda: run.runner.activity is Activity.ENDED)
        viewer = run.viewer()

        def says_nothing() -> bool:
            run.sampler.beat()
            return viewer.news() is None

        # Regions that were asked for before the end may still come; then it is quiet.
        until(lambda: all(says_nothing() for _ in range(5)))
        run.runner.restart()
        until(lambda: (viewer.news() or {}).get("fresh"))


def test_what_is_known_in_lumps_is_spread() -> None:
    part, total = Part(), 0.0
    told = []
    for number in range(200):
        total += 0.3 if number % 6 == 0 else 0.0
        told.append(part.of(0.1, total))
    assert sum(told) == pytest.approx(total, rel=0.1)
    assert max(told[20:]) < 1.5 * min(told[20:])
    assert part.of(0.0, total) == 0
    assert Part().of(0.1, 5.0) == 0.1, "never more than there is"


def test_time_is_parted_between_the_tiers_by_what_an_instruction_costs() -> None:
    cost = Cost()
    plain = [Sample(0, running=0.1, interpreted=n) for n in (40_000_000, 50_000_000)]
    for sample in plain:
        cost.part(sample)
    assert plain[0].interpreting == pytest.approx(0.06), "by the usual cost, 1.5 ns"
    assert plain[1].interpreting == pytest.approx(0.1), "by what it measured: 2 ns"
    mixed = Sample(0, running=0.1, recording=0.01, devices=0.03, interpreted=20_000_000)
    cost.part(mixed)
    assert mixed.interpreting == pytest.approx(0.04)
    assert mixed.in_native == pytest.approx(0.02)
    busy = Sample(0, running=0.1, interpreted=90_000_000, native=900_000_000)
    cost.part(busy)
    assert (busy.interpreting, busy.in_native) == (0.1, 0.0), "never more than there is"


def test_time_in_python_devices_is_told_apart() -> None:
    with session(CLOCK) as run:
        page = Page(run.viewer())
        until(lambda: page.look().get("totals", {}).get("devices"))
        (port, kind, calls, seconds), *_ = page.seen["totals"]["devices"]
        assert (port, kind) == (0xC6, "read")
        assert calls > 0
        assert seconds > 0
        assert run.sampler.run is not None
        samples = run.sampler.run.series
        until(lambda: sum(sample.devices for sample in samples.samples) > 0)
        assert all(sample.devices <= sample.running for sample in samples.samples)
