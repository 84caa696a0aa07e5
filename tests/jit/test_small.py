"""Regions over spaces and stacks that are hardly larger than a word."""

from __future__ import annotations

import pytest

from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.tables.params import Parameters
from jitvm.guest import Core, Guest, Opcode, Space, Stack
from tests.jit.rig import EAGER

RAM, CELLS, ONE = 0, 1, 2
TINY, COUNT = 0, 1
TIMES = 2000


def loop(core: Core) -> None:
    left = core.pop(COUNT, 2)
    core.push(COUNT, left - 1, 2)
    core.jump_if(left, 0)


def over_the_end(core: Core) -> None:
    """Eight bytes of a space of eight, from an address below four."""
    word = core.load(CELLS, core.peek(COUNT, 2, 1) & 3, 8)
    core.store(CELLS, core.peek(COUNT, 2, 1) & 1, word + 0x0102030405060708, 8)


def wider_than_the_space(core: Core) -> None:
    core.store(ONE, core.peek(COUNT, 2, 1), core.load(ONE, 5, 4) + 1, 2)


def wider_than_the_stack(core: Core) -> None:
    core.push(TINY, core.peek(TINY, 4, 4) + 3, 4)
    core.pop(TINY, 8)


def near_the_stack(core: Core) -> None:
    core.push(TINY, core.pop(TINY, 2) + 1, 2)


def looks_into_words(core: Core) -> None:
    """What is left of a word has seven and three bytes."""
    core.push(COUNT, 0x1122334455667788, 8)
    core.push(COUNT, core.peek(COUNT, 8, 1), 4)
    core.push(COUNT, core.peek(COUNT, 4, 1), 1)
    core.store(CELLS, 0, core.pop(COUNT, 1) + core.pop(COUNT, 4) + core.pop(COUNT, 8), 8)


MEANINGS = {
    1: over_the_end, 2: wider_than_the_space, 3: wider_than_the_stack, 4: near_the_stack,
    5: looks_into_words, 6: loop,
}  # fmt: skip


@pytest.mark.parametrize("order", ["big", "little"])
def test_small_ones(order: str) -> None:
    rows = tuple(
        Opcode(code, f"op{code}", MEANINGS.get(code, lambda core: core.halt()))
        for code in range(256)
    )
    guest = Guest(
        f"small-{order}", rows,
        (Space("ram", 0x10000, code=True), Space("cells", 8), Space("one", 1), Space("next", 8)),
        (Stack("tiny", 2), Stack("count", 64)), word_bits=64, byte_order=order,  # type: ignore[arg-type]
    )  # fmt: skip
    for code in range(1, 6):
        seen = []
        for tier in (Tier.REFERENCE, Tier.INTERPRETER, Tier.IR, Tier.JIT):
            params = Parameters(**EAGER, verify=1)
            machine = Machine(guest, tier=tier, params=params)
            machine.memory[:3] = bytes([code, 6, 0])
            machine.state.stacks[COUNT][:2] = TIMES.to_bytes(2, guest.byte_order)
            machine.state.pointers[COUNT] = 2
            machine.run(0)
            state = machine.state
            seen.append((
                state.pc, list(state.pointers), bytes(state.stacks[COUNT][:2]),
                [bytes(space) for space in state.spaces], bytes(state.stacks[TINY]),
            ))  # fmt: skip
            if machine.jit is not None:
                assert not machine.jit.statistics.errors, code
        assert seen[1:] == seen[:1] * 3, code
