"""Shapes of opcodes against the reference interpreter, and what is said about opcodes."""

from __future__ import annotations

import pytest

from jitvm.engine.machine.machine import Machine, Tier
from jitvm.guests.uxn import UXN
from jitvm.guests.uxn.encoding import MNEMONICS, mnemonic, opcode
from jitvm.guests.uxn.language.opcodes import opcode_help
from jitvm.guests.uxn.language.shapes import FLAG, OPERAND, OTHER, TAKEN, UNKNOWN, Goes, shape_of

MACHINE = Machine(UXN, tier=Tier.REFERENCE)
DEPTH = 0x40


def run(byte: int) -> tuple[list[bytes], list[bytes]]:
    """The stacks of the reference interpreter before and after an opcode."""
    memory, state = MACHINE.memory, MACHINE.state
    memory[0x100:0x104] = bytes([byte, 0x21, 0x22, 0])
    for stack, base in ((0, 0x80), (1, 0xC0)):
        state.pointers[stack] = DEPTH
        state.stacks[stack][:DEPTH] = bytes(range(base, base + DEPTH))
    before = [bytes(stack[:DEPTH]) for stack in state.stacks]
    MACHINE.run(0x100, max_instructions=1)
    after = [
        bytes(stack[:pointer]) for stack, pointer in zip(state.stacks, state.pointers, strict=True)
    ]
    return before, after


@pytest.mark.parametrize("byte", range(256), ids=mnemonic)
def test_shapes_are_what_the_reference_does(byte: int) -> None:
    shape = shape_of(byte)
    before, after = run(byte)
    for stack in (0, 1):
        kept = DEPTH - shape.drops[stack]
        gives = shape.gives[stack]
        assert len(after[stack]) == kept + len(gives)
        assert after[stack][:kept] == before[stack][:kept]
        for value, cell in zip(after[stack][kept:], gives, strict=True):
            if cell >= TAKEN:
                source, at = divmod(cell - TAKEN, OTHER)
                assert value == before[source][DEPTH - shape.needs[source] + at]
            elif cell >= OPERAND:
                assert value == 0x21 + cell - OPERAND
            elif cell == FLAG:
                assert value in (0, 1)
            else:
                assert cell == UNKNOWN or value in (0x01, 0x01 + 1, 0x03)  # the next address


def test_where_execution_goes_on() -> None:
    goes = {name: shape_of(byte).goes for byte, name in enumerate(MNEMONICS)}
    assert {name for name, where in goes.items() if where is Goes.ENDS} == {"BRK"}
    assert {name[:3] for name, where in goes.items() if where is Goes.MAY_JUMP} == {"JCN", "JCI"}
    jumps = {name[:3] for name, where in goes.items() if where is Goes.JUMPS}
    assert jumps == {"JMP", "JSR", "JMI", "JSI"}


@pytest.mark.parametrize("byte", range(256), ids=mnemonic)
def test_what_is_said_of_an_opcode_is_what_it_does(byte: int) -> None:
    """Its documented effect has the widths of its shape."""
    said = opcode_help(byte)
    shape = shape_of(byte)
    before, after = said.effect.strip("( )").split("--")
    assert _widths(before) == shape.needs
    kept = [shape.needs[stack] - shape.drops[stack] for stack in (0, 1)]
    given = tuple(kept[stack] + len(shape.gives[stack]) for stack in (0, 1))
    assert _widths(after) == given, said.effect
    assert said.meaning.endswith(".")


def _widths(side: str) -> tuple[int, int]:
    """Bytes on both stacks, of a side of an effect."""
    working, _, back = f" {side} ".partition(" | ")
    widths = [sum(2 if item[-1] == "*" else 1 for item in each.split()) for each in (working, back)]
    return widths[0], widths[1]


def test_an_opcode_in_words() -> None:
    byte = opcode("STH2kr")
    assert byte is not None
    said = opcode_help(byte)
    assert (said.name, said.effect) == ("STH2kr", "( | a* -- a* | a* )")
    assert [mode[0] for mode in said.modes] == ["2", "k", "r"]
