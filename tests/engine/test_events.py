"""What the JIT tells listeners, and exact counts of what regions executed."""

from __future__ import annotations

import json

import pytest

from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.tables.events import Event, Hot
from jitvm.engine.tables.params import Parameters
from jitvm.guests.uxn import UXN
from jitvm.guests.uxn.assembler import assemble
from tests.jit.programs import PROGRAMS
from tests.jit.rig import jit_of


def machine_with(source: str, tier: Tier = Tier.JIT, **params: int) -> Machine:
    given = {"background": 0, "hot": 4, "window": 256, **params}
    machine = Machine(UXN, tier=tier, params=Parameters().changed(given))
    rom = assemble(source).rom
    machine.memory[0x100 : 0x100 + len(rom)] = rom
    return machine


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_what_regions_and_the_interpreter_execute_is_all(name: str) -> None:
    exact = machine_with(PROGRAMS[name], Tier.INTERPRETER)
    machine = machine_with(PROGRAMS[name])
    for each in (exact, machine):
        each.counting = True
        each.run(0x100, max_instructions=300_000)
    jit = jit_of(machine)
    assert machine.executed == exact.executed
    assert 0 <= jit.regions.executed <= machine.executed
    if jit.regions and not jit.statistics.invalidated:
        assert jit.regions.executed > 0


def test_events_tell_the_life_of_a_region() -> None:
    machine = machine_with(PROGRAMS["three nested loops"])
    told: list[Event] = []
    machine.listen(told.append)
    machine.run(0x100)
    kinds = [event.kind for event in told]
    assert kinds[:4] == ["hot", "recorded", "compiled", "installed"]
    assert jit_of(machine).regions
    machine.code_written(0x100, 0x100)
    assert "overwritten" in [event.kind for event in told]
    seconds = [event.seconds for event in told]
    assert seconds == sorted(seconds)
    for event in told:
        assert json.loads(json.dumps(event.row()))["kind"] == event.kind
        assert event.kind in event.line()
        assert "\n" not in event.line()


def test_nobody_is_told_after_listening_ends() -> None:
    machine = machine_with(PROGRAMS["counting"])
    told: list[Event] = []
    machine.listen(told.append)
    machine.listen(None)
    machine.run(0x100)
    assert not told


def test_lines_name_addresses_as_they_are_asked_to() -> None:
    assert Hot(1.5, 0x123).line(lambda address: f"label-{address}") == (
        "   1.5000 hot        label-291"
    )
