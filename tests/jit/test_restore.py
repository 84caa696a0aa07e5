"""What `Machine.restore` tells the JIT: regions go, but what the host puts back is no variable."""

from __future__ import annotations

import pytest

from tests.jit.rig import eager, jit_of

START = 0x0100
AGAIN = 50
PORT = "#0000 @again #13 DEI POP INC2 DUP2 #0400 NEQ2 ?again POP2 BRK"


def port_at(memory: memoryview) -> int:
    return bytes(memory[START : START + 64]).index(0x13)


def test_what_the_host_restores_is_not_taken_for_a_variable() -> None:
    machine = eager(f"|0100 {PORT}")
    at = START + port_at(machine.memory)
    asked: list[int] = []
    for port in (0x13, 0x14):
        machine.on_read(port, lambda port=port: asked.append(port) or 0)  # type: ignore[misc, func-returns-value]
    first = machine.snapshot()
    machine.memory[at] = 0x14
    machine.code_written(at, 1)
    second = machine.snapshot()
    for count in range(AGAIN):
        asked.clear()
        machine.restore((first, second)[count & 1])
        machine.run(START)
        assert asked == [0x13 + (count & 1)] * 0x400
    jit = jit_of(machine)
    assert jit.statistics.invalidated
    assert jit.planner.learned.written.isdisjoint([at])


@pytest.mark.parametrize(
    "source",
    [
        "|0100 #0000 @again LIT @x 05 INC ;x STA INC2 DUP2 #0400 NEQ2 ?again POP2 BRK",
        "|0100 #07 ;x STA #0000 @again LIT @x 05 POP INC2 DUP2 #0400 NEQ2 ?again POP2 BRK",
        "|0100 #07 ;x STA #0000 @wait INC2 DUP2 #0600 NEQ2 ?wait POP2 "
        "#0000 @again LIT @x 05 POP INC2 DUP2 #0400 NEQ2 ?again POP2 BRK",
    ],
    ids=["in the loop", "before it", "long before it"],
)
def test_rewinding_what_the_guest_wrote_settles(source: str) -> None:
    machine = eager(source)
    fresh = machine.snapshot()
    for _ in range(AGAIN):
        machine.restore(fresh)
        machine.run(START)
    assert jit_of(machine).statistics.invalidated <= 4
