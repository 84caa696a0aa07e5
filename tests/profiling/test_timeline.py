"""Vectors, devices and compilations in the order of time, and what is exported of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jitvm.engine.machine.machine import Machine, Tier
from jitvm.facade import load
from jitvm.guests.uxn.assembler import assemble
from jitvm.guests.uxn.places import naming
from jitvm.profiling import Mode, Profile
from jitvm.profiling.entries import Entries
from jitvm.profiling.export import chrome_trace, speedscope
from jitvm.profiling.routines import HOST, WAITING, Stretch
from jitvm.profiling.timeline import _gap, spans
from tests.clock import HANGS
from tests.profiling.rig import machine_with

SOURCE = """
|0100 @on-reset ( -> ) #41 #18 DEO work #42 #18 DEO BRK
@on-console ( -> ) #12 DEI #18 DEO BRK
@work #0000 &loop INC2 DUP2 #1000 LTH2 ?&loop POP2 JMP2r
"""


def watched(mode: Mode = Mode.EXACT, tier: Tier = Tier.JIT) -> tuple[Profile, list[int]]:
    """A profile of a vector, and then of three events at once."""
    assembly = assemble(SOURCE)
    machine = machine_with(SOURCE, tier)
    names = naming(assembly.symbols, assembly.source_map)
    written: list[int] = []
    machine.on_write(0x18, written.append)
    (machine.vector,) = (each.address for each in assembly.symbols if each.name == "on-console")
    with Profile(machine, mode=mode, naming=names, title="it") as profile:
        machine.run(0x100)
        machine.deliver(b"abc", port=0x12, stop_port=0x0F)
    return profile, written


@pytest.mark.parametrize("tier", [Tier.REFERENCE, Tier.INTERPRETER, Tier.JIT])
def test_vectors_and_the_devices_in_them(tier: Tier) -> None:
    profile, written = watched(tier=tier)
    assert bytes(written) == b"ABabc"
    found = [span for span in spans(profile) if span.kind == "vector"]
    assert [span.name for span in found] == ["on-reset", "on-console, 3 events"]
    devices = [[each.name for each in span.inner if each.kind == "device"] for span in found]
    assert devices == [["write 18"] * 2, ["write 18"] * 3]
    if tier is Tier.JIT:
        kinds = [each.kind for each in found[0].inner]
        assert kinds.index("compiling") in range(1, len(kinds) - 1), "between the two"
    at = 0.0
    for span in found:
        assert at <= span.begin <= span.end <= profile.seconds
        at = span.begin
        for each in span.inner:
            assert at <= each.begin <= each.end <= span.end
            at = each.end
        at = span.end


def test_exports_have_them() -> None:
    profile, _ = watched()
    rows = [row for row in json.loads(chrome_trace(profile))["traceEvents"] if row["ph"] == "X"]
    (track,) = {row["tid"] for row in rows if row["cat"] == "vector"}
    rows = [row for row in rows if row["tid"] == track]
    assert [row["name"] for row in rows if row["cat"] == "device"] == ["write 18"] * 5
    assert [row["ts"] for row in rows] == sorted(row["ts"] for row in rows)
    content = json.loads(speedscope(profile))
    events = content["profiles"][-1]["events"]
    names = [frame["name"] for frame in content["shared"]["frames"]]
    open_: list[int] = []
    outer: list[str] = []
    for event in events:
        if event["type"] == "O":
            outer += [] if open_ else [names[event["frame"]]]
            open_.append(event["frame"])
        else:
            assert open_.pop() == event["frame"]
    assert not open_
    assert [name for name in outer if name not in (HOST, WAITING)] == [
        "on-reset", "on-console, 3 events",
    ]  # fmt: skip
    times = [event["at"] for event in events]
    assert times == sorted(times)
    assert times[-1] <= content["profiles"][-1]["endValue"]


def test_sampled_profiles_time_some_calls() -> None:
    profile, _ = watched(Mode.SAMPLED)
    assert [span.name for span in spans(profile) if span.kind == "vector"] == [
        "on-reset", "on-console, 3 events",
    ]  # fmt: skip
    calls = [each for span in spans(profile) for each in span.inner if each.kind == "device"]
    assert len(calls) == 1, "one in 32"


def test_the_rest_of_a_vector_is_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jitvm.profiling.entries.APART", HANGS)
    machine = machine_with(SOURCE, Tier.INTERPRETER)
    with Profile(machine, mode=Mode.EXACT) as profile:
        machine.run(0x100, max_instructions=3)
        machine.run(max_instructions=4)
    (entry,) = profile.collector.entries.told(profile.collector.began)
    assert (entry.address, entry.events) == (0x100, 1)


def test_a_machine_is_as_before() -> None:
    machine = machine_with(SOURCE)
    first, second = Entries(machine), Entries(machine)
    first.attach()
    second.attach()
    second.detach()
    first.detach()
    assert {"run", "deliver"}.isdisjoint(vars(machine))
    first.attach()
    second.attach()
    first.detach()
    machine.run(0x100, max_instructions=1)
    second.detach()
    assert len(list(second.told(0.0))) == 1
    with pytest.raises(ValueError, match="max_instructions"):
        machine.run(0x100, max_instructions=-1)


def test_programs_of_other_guests(tmp_path: Path) -> None:
    """Frames of CHIP-8, whose devices are native."""
    program = tmp_path / "it.ch8"
    program.write_bytes(bytes.fromhex("7001 1200"))
    computer = load(program)
    with Profile(computer.machine, mode=Mode.EXACT) as profile:
        computer.run_frames(5)
    found = [span for span in spans(profile) if span.kind == "vector"]
    assert 1 <= len(found) <= 5
    assert all(span.end <= profile.seconds for span in found)


@pytest.mark.parametrize(
    ("stretches", "expected"),
    [
        ([], WAITING),
        ([Stretch(0.0, 1.0, (WAITING,))], WAITING),
        ([Stretch(0.0, 1.0, (HOST,))], HOST),
        ([Stretch(0.0, 0.7, ("work",)), Stretch(0.7, 1.0, (WAITING,))], HOST),
        ([Stretch(0.0, 0.3, ("work",)), Stretch(0.3, 1.0, (WAITING,))], WAITING),
    ],
)
def test_what_is_between_vectors(stretches: list[Stretch], expected: str) -> None:
    assert _gap(0.0, 1.0, stretches).name == expected


def test_a_short_time_without_samples_is_the_host() -> None:
    assert _gap(0.0, 0.01, []).name == HOST


def test_machines_that_are_made_later() -> None:
    with Profile(mode=Mode.EXACT) as profile:
        machine = machine_with(SOURCE, Tier.INTERPRETER)
        assert isinstance(machine, Machine)
        machine.run(0x100)
    assert [span.inner for span in spans(profile) if span.kind == "vector"] == [()]
