"""A guest program that draws, at every tier: the same layers, ports and memory."""

from __future__ import annotations

import numpy as np
import pytest

from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.tables.params import Parameters
from jitvm.guests.uxn import UXN
from jitvm.guests.uxn.assembler import assemble
from jitvm.guests.uxn.varvara.screen import Screen
from tests.varvara.screen.model import Model

TURNS = 400
PROGRAM = """
|20 @Screen &vector $2 &width $2 &height $2 &auto $1 $1 &x $2 &y $2 &addr $2 &pixel $1 &sprite $1
|0100
    #0080 .Screen/width DEO2
    #0060 .Screen/height DEO2
    #0000
    @turn
        ( every turn draws something else, somewhere else, also beyond the edges )
        DUP2 #000b MUL2 #00ff AND2 #0040 SUB2 .Screen/x DEO2
        DUP2 #0007 MUL2 #007f AND2 #0010 SUB2 .Screen/y DEO2
        DUP2 #0065 MUL2 .Screen/addr DEO2
        DUP2 #03 SFT2 NIP .Screen/auto DEO
        DUP2 #0025 MUL2 NIP .Screen/sprite DEO
        ( what drawing did to the ports )
        .Screen/x DEI2 .Screen/y DEI2 ADD2 .Screen/addr DEI2 ADD2
        OVR2 DUP2 ADD2 ;seen ADD2 STA2
        DUP2 #000d MUL2 NIP .Screen/pixel DEO
        .Screen/x DEI2 .Screen/width DEI2 EOR2
        OVR2 DUP2 ADD2 ;seen ADD2 LDA2k ROT2 ADD2 SWP2 STA2
        INC2 DUP2 #0190 NEQ2 ?turn
    POP2 BRK
|8000 @seen
"""


def expected(memory: bytes) -> tuple[Model, bytes]:
    """The program in Python: the model's picture, and what it has seen."""
    model, seen = Model(memory), b""
    model.write2(0x22, 0x80)
    model.write2(0x24, 0x60)
    for turn in range(TURNS):
        model.write2(0x28, (turn * 11 & 0xFF) - 0x40)
        model.write2(0x2A, (turn * 7 & 0x7F) - 0x10)
        model.write2(0x2C, turn * 101)
        model.write(0x26, turn >> 3 & 0xFF)
        model.write(0x2F, turn * 37 & 0xFF)
        value = model.get(0x28) + model.get(0x2A) + model.get(0x2C)
        model.write(0x2E, turn * 13 & 0xFF)
        value += model.get(0x28) ^ model.get(0x22)
        seen += (value & 0xFFFF).to_bytes(2, "big")
        model.memory = memory[:0x8000] + seen + memory[0x8000 + len(seen) :]
    return model, seen


LATE = """
|20 @Screen &vector $2 &width $2 &height $2 &auto $1 $1 &x $2 &y $2 &addr $2 &pixel $1 &sprite $1
|0100
    #0000
    @turn
        ( runs natively long before it draws )
        DUP2 .Screen/x DEO2
        DUP2 #0100 LTH2 ?{ #42 .Screen/pixel DEO }
        INC2 DUP2 #0180 NEQ2 ?turn
    POP2 BRK
"""


@pytest.mark.parametrize("tier", list(Tier), ids=str)
def test_the_first_point_comes_from_compiled_code(tier: Tier) -> None:
    machine = Machine(UXN, tier=tier, params=Parameters(background=0, hot=20))
    screen = Screen(machine)
    rom = assemble(LATE, name="late.tal").rom
    machine.memory[0x100 : 0x100 + len(rom)] = rom
    machine.run(0x100, max_instructions=1500)
    assert not screen.touched
    machine.run()
    assert screen.touched
    assert screen.layer(1)[0].tolist() == [0] * 0x100 + [2] * 0x80 + [0] * 0x80


@pytest.mark.parametrize("tier", list(Tier), ids=str)
def test_a_drawing_program(tier: Tier) -> None:
    machine = Machine(UXN, tier=tier, params=Parameters(background=0, hot=20))
    screen = Screen(machine)
    for at in range(0x10000):
        machine.memory[at] = at * 0x9D >> 3 & 0xFF
    rom = assemble(PROGRAM, name="draw.tal").rom
    machine.memory[0x100 : 0x100 + len(rom)] = rom
    model, seen = expected(bytes(machine.memory))
    machine.run(0x100)
    assert bytes(machine.memory[0x8000 : 0x8000 + 2 * TURNS]).hex() == seen.hex()
    assert bytes(machine.page[0x20:0x30]).hex() == model.ports[0x20:0x30].hex()
    for index in (0, 1):
        np.testing.assert_array_equal(screen.layer(index), model.layers[index])
    screen.compose()
    np.testing.assert_array_equal(screen.pixels, model.frame(bytes(6)))
    if tier in (Tier.JIT, Tier.IR):
        assert machine.jit is not None
        assert machine.jit.regions, "the loop did not become a region"
