"""Call stacks: found right at every tier, and told right by tables, formats and pages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from jitvm.cli.main import main
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.tables.params import Parameters
from jitvm.engine.tables.place import Place
from jitvm.guest import Guest, Stop
from jitvm.guests.uxn import UXN
from jitvm.guests.uxn.assembler import assemble
from jitvm.guests.uxn.places import naming
from jitvm.platform import registry
from jitvm.platform.callstacks import Walker
from jitvm.platform.probe import OpcodeKinds, probe
from jitvm.profiling import difference, stacks
from jitvm.profiling.collector import Collector, Mode
from jitvm.profiling.export import chrome_trace, collapsed, speedscope
from jitvm.profiling.flame import flame_page, tree
from jitvm.profiling.measured import Measured
from jitvm.profiling.report import report
from jitvm.profiling.routines import (
    HOST,
    OTHERS,
    WAITING,
    Inside,
    Named,
    call_rows,
    in_order,
    routine_rows,
    stack_rows,
)
from jitvm.profiling.rows import StackRow
from jitvm.profiling.stacks import Spot
from jitvm.profiling.text import plain
from tests.profiling.rig import EAGER
from tests.toy import wide
from tests.toy.guest import TOY
from tests.toy.guest import assemble as assemble_toy

Stack = tuple[int, ...]
DEEP = """
|0100 @on-reset ( -> )
    #00 &turn #04 down INC DUP #10 LTH ?&turn POP BRK
@down ( n -- )
    STH #00 #20 DEO STHkr ?{ POPr tick JMP2r }
    STHkr #01 SUB ;down JSR2 STHr #01 AND ?{ JMP2r } tick JMP2r
@tick ( -- )
    #0000 &again INC2 DUP #20 DEO DUP2 #0006 LTH2 ?&again POP2 JMP2r
"""
"""Calls by operand and by address, recursion, and numbers among the return addresses."""
CHIP8 = bytes.fromhex("6105 2208 71ff 1202 6203 220e 00ee 72ff 3200 220e 00ee".replace(" ", ""))
WIDE = wide.assemble(
    "lit8 40 set 7 loop: call one again 7 loop halt one: call two call two ret "
    "two: out 0x20 lit8 3 tuck call three untuck drop8 ret three: out 0x20 ret",
    0x100,
)
LOOP = "loop: add r1 r0\n jmp loop"


def machine_of(guest: Guest, code: bytes, tier: Tier) -> Machine:
    machine = Machine(guest, tier=tier, params=Parameters().changed(EAGER))
    start = 0x200 if code == CHIP8 else 0x100
    machine.memory[start : start + len(code)] = code
    machine.state.pc = start
    return machine


def true_stacks(guest: Guest, code: bytes, most: int) -> dict[int, set[Stack]]:
    """All stacks by the instruction at hand, found by following calls one by one."""
    machine = machine_of(guest, code, Tier.REFERENCE)
    found: dict[int, set[Stack]] = {}
    open_: list[tuple[int, int, int]] = []
    calls = OpcodeKinds(guest).calls
    keep = next(i for i, stack in enumerate(guest.stacks) if stack.return_addresses)
    for _ in range(most):
        state = machine.state
        found.setdefault(state.pc, set()).add((*[call for call, _, _ in open_], state.pc))
        at, pointer, link = state.pc, state.pointers[keep], None
        if state.spaces[guest.code_index][at] in calls:
            effects = probe(guest, state)
            link = effects.link if effects.is_call else None
        if machine.step() is Stop.HALT:
            break
        if link is not None:
            open_.append((at, link, pointer))
        elif open_ and (state.pc, state.pointers[keep]) == open_[-1][1:]:
            open_.pop()
    return found


GUESTS: dict[str, tuple[Callable[[], Guest], Callable[[], bytes], int]] = {
    "uxn": (lambda: UXN, lambda: assemble(DEEP).rom, 6_000),
    "chip8": (lambda: registry.named("chip8").guest, lambda: CHIP8, 1_000),
    "wide": (lambda: wide.WIDE, lambda: WIDE, 3_000),
}


@pytest.mark.parametrize("tier", [Tier.INTERPRETER, Tier.JIT])
@pytest.mark.parametrize("name", GUESTS)
def test_stacks_are_those_of_the_program(name: str, tier: Tier) -> None:
    make, code, most = GUESTS[name]
    guest = make()
    known = true_stacks(guest, code(), most)
    machine, walker = machine_of(guest, code(), tier), Walker(guest)
    seen: list[Stack] = []

    def look(pc: int) -> None:
        seen.append(walker.addresses(machine.state, pc))
        frames = walker.frames(machine.state, pc)
        assert tuple(frame.pc for frame in reversed(frames)) == seen[-1]

    if guest.ports:
        machine.on_write(0x20, lambda _byte: machine.wake())
    machine.on_stop(look)
    for _ in range(most // 37):
        machine.wake()
        if machine.run(machine.state.pc, max_instructions=37) is Stop.HALT:
            break
    assert all(stack in known[stack[-1]] for stack in seen)
    assert max(map(len, seen)) >= 3
    assert len(set(seen)) >= 8


def test_a_guest_that_hides_its_calls_has_stacks_of_one() -> None:
    machine = machine_of(TOY, assemble_toy(LOOP, 0x100), Tier.INTERPRETER)
    walker = Walker(TOY)
    assert not walker.sees_calls
    assert [frame.pc for frame in walker.frames(machine.state, 0x104)] == [0x104]


# -- what is made of them ------------------------------------------------------------------------


def measured(*, labels: bool = True) -> Measured:
    """A run of `DEEP` with a sample at each stop, by a clock of its own; two spots each."""
    assembly = assemble(DEEP, name="test.tal")
    machine = machine_of(UXN, assembly.rom, Tier.JIT)
    collector = Collector(machine, Mode.SAMPLED, sampling=False)
    collector.start()
    collector.stacks.begin()
    now = 0.0

    def look(pc: int) -> None:
        nonlocal now
        now += 0.01
        collector.spots[Spot.NATIVE] += 2
        collector.stops[Spot.NATIVE] += 2
        is_host = len(collector.stacks.in_order) % 10 == 9
        spots = {Spot.ELSEWHERE: 1} if is_host else {Spot.NATIVE: 2}
        collector.stacks.worked(now, 0.01, spots)
        collector.stacks.sample(now, pc)
        now += 0.005  # idle

    machine.on_write(0x20, lambda _byte: machine.wake())
    machine.on_stop(look)
    machine.run(0x100)
    collector.stop()
    collector.seconds, collector.cpu_seconds, collector.compiled_on_guest_thread = now, now / 2, 0.0
    names = naming(assembly.symbols, assembly.source_map) if labels else Place
    return Measured(collector, naming=names, title="test.tal")


@pytest.fixture(scope="module")
def profile() -> Measured:
    return measured()


def test_routines_hold_what_they_call(profile: Measured) -> None:
    rows = {row.routine: row for row in profile.routines}
    assert rows.keys() <= {"on-reset", "down", "tick"}
    assert rows["on-reset"].total_share == pytest.approx(1)
    assert sum(row.share for row in rows.values()) == pytest.approx(1)
    assert all(row.share <= row.total_share <= 1.000001 for row in rows.values())
    assert rows["tick"].share == rows["tick"].total_share > 0.1
    pairs = {(row.caller, row.callee) for row in profile.calls}
    assert pairs == {("on-reset", "down"), ("down", "down"), ("down", "tick")}
    assert "by routine, with what it calls" in plain(profile)


def test_a_recursive_routine_counts_once() -> None:
    rows = [StackRow(("a", "b", "a", "b"), 2.0, 0.5), StackRow(("a",), 2.0, 0.5)]
    by_name = {row.routine: row for row in routine_rows(rows)}
    assert (by_name["a"].share, by_name["a"].total_share) == (0.5, 1.0)
    assert (by_name["b"].share, by_name["b"].total_share) == (0.5, 0.5)
    assert {(c.caller, c.callee): c.share for c in call_rows(rows)} == {
        ("a", "b"): 0.5, ("b", "a"): 0.5,
    }  # fmt: skip


def test_what_a_region_holds_is_divided_as_recorded() -> None:
    places = {0: "main", 1: "outer", 2: "inner", 3: "leaf", 4: "odd"}

    def names(address: int) -> Place:
        return Place(address, places[address])

    parts = [(1, 0.1), (2, 0.2), (3, 0.5), (0, 0.15), (4, 0.05)]
    inside = Inside(parts, {1: 2, 2: 3, 3: None}, names)
    assert dict(inside.divided(("main", "outer"))) == {
        ("main", "outer"): 0.1, ("main", "outer", "inner"): 0.2,
        ("main", "outer", "inner", "leaf"): 0.5, ("main",): 0.15, ("main", "outer", "odd"): 0.05,
    }  # fmt: skip


def test_a_leaf_without_a_loop_is_seen() -> None:
    source = "|0100 @on-reset #0000 &loop work INC2 ORAk ?&loop BRK @work DUP2 POP2 DUP2 POP2 JMP2r"
    assembly = assemble(source)
    machine = machine_of(UXN, assembly.rom, Tier.JIT)
    machine.run(0x100)
    collector = Collector(machine, Mode.SAMPLED, sampling=False)
    collector.start()
    collector.stacks.begin()
    (region,) = collector.watched()
    collector.stacks.worked(0.01, 0.01, {Spot.NATIVE: 2})
    collector.stacks.sample(0.01, region.start, region)
    collector.stop()
    shares = {row.frames: row.share for row in stack_rows(collector, naming(assembly.symbols))}
    assert shares.keys() == {("on-reset",), ("on-reset", "work")}
    assert shares["on-reset", "work"] == pytest.approx(0.5, abs=0.2)


def test_a_call_that_leads_to_no_label_is_none(profile: Measured) -> None:
    collector = profile.collector
    stack = max((stack for stack, _ in collector.stacks.weights), key=len)
    false = stack[0] + 1
    collector.stacks.targets[false] = 0x103  # on-reset+3
    try:
        names = Named(collector.stacks, profile.naming)
        assert names.stack((false, *stack)) == names.stack(stack)
        collector.stacks.targets[false] = None  # computed: nobody can tell
        assert len(Named(collector.stacks, profile.naming).stack((false, *stack))) > len(stack)
    finally:
        del collector.stacks.targets[false]


def test_without_labels_routines_are_pages() -> None:
    assert {row.routine for row in measured(labels=False).routines} == {"0x0100.."}


def test_time_has_an_order_and_no_gap(profile: Measured) -> None:
    stretches = list(in_order(profile.collector, profile.naming))
    assert stretches[0].begin == 0.0
    assert stretches[-1].end == pytest.approx(profile.seconds)
    for one, next_ in pairwise(stretches):
        assert one.end == next_.begin
        assert one.frames != next_.frames
    kinds = {stretch.frames[0] for stretch in stretches}
    assert kinds == {"on-reset", HOST, WAITING}


def test_stacks_that_are_too_many_are_summed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacks, "MOST_STACKS", 3)
    rows = measured().stacks
    assert (OTHERS,) in {row.frames for row in rows}
    assert sum(row.share for row in rows) == pytest.approx(1)


def test_collapsed_stacks_have_callers(profile: Measured) -> None:
    lines = collapsed(profile).splitlines()
    assert all(re.fullmatch(r"[^;]+(;[^;]+)* [1-9][0-9]*", line) for line in lines)
    assert any(line.startswith("on-reset;down;down;tick ") for line in lines)
    guest = sum(int(line.rpartition(" ")[2]) for line in lines if line[0] != "(")
    assert guest == pytest.approx(1e6 * sum(row.seconds for row in profile.stacks), abs=100)


def test_speedscope_has_the_order_of_time(profile: Measured) -> None:
    content = json.loads(speedscope(profile))
    names = [frame["name"] for frame in content["shared"]["frames"]]
    last = content["profiles"][-2]
    assert last["name"] == "test.tal: call stacks in order of time"
    told = [tuple(names[i] for i in sample) for sample in last["samples"]]
    assert told == [s.frames for s in in_order(profile.collector, profile.naming)]
    assert sum(last["weights"]) == pytest.approx(profile.seconds)


def test_spans_of_a_trace_lie_in_each_other(profile: Measured) -> None:
    rows = json.loads(chrome_trace(profile))["traceEvents"]
    spans = [(r["ts"], r["ts"] + r["dur"], r["name"]) for r in rows if r.get("cat") == "call"]
    assert {name for _, _, name in spans} == {"on-reset", "down", "tick", HOST, WAITING}
    around: list[float] = []
    for begin, end, _ in sorted(spans, key=lambda span: (round(span[0]), -span[1])):
        while around and around[-1] <= begin + 1:
            around.pop()
        assert not around or end <= around[-1] + 1
        around.append(end)


# -- pages ---------------------------------------------------------------------------------------


def boxes(page: str) -> dict[str, Any]:
    found = re.search(r"^const trace = (.*);$", page, re.MULTILINE)
    assert found is not None
    trace: dict[str, Any] = json.loads(found[1])
    return trace


def test_the_flame_page_has_every_stack(profile: Measured) -> None:
    page = flame_page("<test>", profile.stacks, "/* charts */")
    trace = boxes(page)
    nodes = {id_: (name, parent) for id_, name, parent in
             zip(trace["ids"], trace["labels"], trace["parents"], strict=True)}  # fmt: skip

    def path(id_: str) -> tuple[str, ...]:
        name, parent = nodes[id_]
        return (*path(parent), name) if parent else (name,)

    paths = {path(id_) for id_ in nodes}
    assert {("all", *row.frames) for row in profile.stacks} <= paths
    assert sum(trace["values"]) == pytest.approx(1)
    assert "<test>" not in page
    assert not re.search(r"""(src|href)\s*=|@import|https?://""", page)


def test_the_report_draws_them(profile: Measured) -> None:
    chart = re.search(r'<svg[^>]*aria-label="call stacks">.*?</svg>', report(profile))
    assert chart is not None
    titles = re.findall("<title>(.*?) [^ ]*</title>", chart[0])
    assert titles.count("all") == titles.count("on-reset") == 1
    assert titles.count("down") == 5
    assert "tick" in titles


def test_labels_cannot_leave_the_page() -> None:
    page = flame_page("a", [StackRow(("</script><b>",), 1.0, 1.0)], "")
    assert page.count("</script>") == 2
    assert boxes(page)["labels"] == ["all", "&lt;/script&gt;&lt;b&gt;"]


def test_the_largest_boxes_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jitvm.profiling.flame.MOST_BOXES", 3)
    rows = [StackRow(("a", "b"), 1.0, 0.7), StackRow(("a", "c"), 1.0, 0.1),
            StackRow(("d",), 1.0, 0.2)]  # fmt: skip
    assert tree(rows).depth == 3
    trace = boxes(flame_page("a", rows, ""))
    assert trace["labels"] == ["all", "a", "b"]
    assert trace["values"] == pytest.approx([0.2, 0.1, 0.7])


# -- two profiles --------------------------------------------------------------------------------


def saved(path: Path, shares: dict[str, float], samples: int = 1000) -> Path:
    rows = [asdict(StackRow(("main", name), share, share)) for name, share in shares.items()]
    path.write_text(json.dumps({"title": path.stem, "stack_samples": samples, "stacks": rows}))
    return path


def test_what_differs_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = saved(tmp_path / "a.json", {"read": 0.7, "write": 0.295, "close": 0.005})
    b = saved(tmp_path / "b.json", {"read": 0.4, "write": 0.3, "draw": 0.3})
    rows = difference.differences(difference.load(a), difference.load(b))
    assert [row.routine for row in rows[:2]] == ["draw", "read"]
    assert {row.routine for row in rows if row.is_clear} == {"draw", "read"}
    page = tmp_path / "d.html"
    assert main(["profile", "--diff", str(a), str(b), "--flame", str(page)]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[2].split()[:4] == ["draw", "0.0%", "30.0%", "+30.0"]
    assert "may be chance" in next(line for line in out if line.startswith("write"))
    trace = boxes(page.read_text("utf-8"))
    said = dict(zip(trace["labels"], trace["customdata"], strict=True))
    assert said["draw"] == "30.0%, +30.0 points"
    assert said["read"] == "40.0%, -30.0 points"
    assert main(["profile", "--diff", str(a), str(b), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["routines"][0]["change"] == pytest.approx(0.3)


def test_a_profile_does_not_differ_from_itself(tmp_path: Path) -> None:
    a = difference.load(saved(tmp_path / "a.json", {"read": 0.7, "write": 0.3}))
    assert not any(row.change or row.is_clear for row in difference.differences(a, a))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no", "is not JSON"), ("[]", "has no call stacks"), ("[" * 100_000, "is not JSON"),
        ('{"stacks": []}', "how many samples"),
        ('{"stacks": [], "stack_samples": 0}', "no sample fell into guest code"),
        ('{"stacks": [3], "stack_samples": 1}', "damaged call stack, number 0"),
        ('{"stacks": [{"frames": [], "seconds": 1, "share": 1}], "stack_samples": 1}', "damaged"),
        ('{"stacks": [{"frames": ["a"], "seconds": NaN, "share": 1}], "stack_samples": 1}',
         "damaged"),
    ],
)  # fmt: skip
def test_other_files_are_no_profiles(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(difference.SavedProfileError, match=said):
        difference.load(path)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--diff", "a", "b"], "a: cannot be read"),
        (["--diff", "a", "b", "c.tal"], "leave the program out"),
        (["--diff", "a", "b", "--report", "c"], "--report is of a run"),
        ([], "PROGRAM"),
    ],
)
def test_what_makes_no_sense_is_refused(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    with suppress(SystemExit):
        assert main(["profile", *words]) != 0
    assert said in capsys.readouterr().err
