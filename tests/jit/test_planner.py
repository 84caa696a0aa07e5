"""What recordings tell, and what the planner makes of it."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import pytest

from jitvm.engine.jit.quick import Recording
from jitvm.engine.memory.layout import RECORD_OPCODE, RECORD_POINTERS
from jitvm.engine.region.forming import Forming
from jitvm.engine.region.window import Window, starts
from jitvm.engine.region.world import NOTHING_WRITTEN, Assumptions, World, Written
from jitvm.engine.tables.params import DEFAULTS, Parameters
from jitvm.guests.uxn import UXN
from tests.jit.programs import PROGRAMS
from tests.jit.rig import again, eager, jit_of

BRK, INC, LIT, JMP = 0x00, 0x01, 0x80, 0x0C
LOOP = ((0x100, LIT), (0x102, INC), (0x103, JMP))
"""Addresses and opcodes of a loop: LIT takes two bytes."""


def recorded(*entries: tuple[int, int, int]) -> Window:
    """A window of (address, opcode, pointer of the working stack)."""
    shift, other = RECORD_POINTERS
    raw = array(
        "Q", [pc | op << RECORD_OPCODE | top << shift | 7 << other for pc, op, top in entries]
    )
    sizes = tuple(stack.size for stack in UXN.stacks)
    return Window(0x100, raw.tobytes(), bytes(0x10000), NOTHING_WRITTEN, sizes)


def rounds(tops: Sequence[int]) -> Window:
    """The loop once for each pointer at its start."""
    return recorded(*[(pc, op, top) for top in tops for pc, op in LOOP])


def headroom(tops: Sequence[int]) -> tuple[tuple[int, int], ...] | None:
    planner = jit_of(eager("BRK")).planner
    planner.expect_pointers(0x100, rounds(tops))
    return planner.about(0x100).headroom


def test_a_window_counts_what_was_executed() -> None:
    window = rounds([1, 2, 1])
    assert len(window) == 9
    assert window.decoded == dict.fromkeys(LOOP, 3)
    assert window.edges(UXN.lengths, UXN.code_space.size - 1) == {
        (0x100, 0x102): 3, (0x102, 0x103): 3, (0x103, 0x100): 2,
    }  # fmt: skip
    assert window.pointers(0x102) == [(1, 2), (7, 7)]
    assert window.pointers(0x101) == []


def test_edges_are_those_between_consecutive_steps() -> None:
    """However they are counted; also of an opcode that is rewritten, and to where it would fall."""
    steps = [(0x100, LIT, 0), (0x102, INC, 0), (0x103, INC, 0), (0x100, INC, 0), (0x101, INC, 0)]
    steps += [(0x103, INC, 0), (0x104, INC, 0), (0x102, LIT, 0), (0x103, INC, 0), (0x100, LIT, 0)]
    pcs = [pc for pc, _, _ in steps]
    found = recorded(*steps).edges(UXN.lengths, UXN.code_space.size - 1)
    assert found == Counter(pairwise(pcs))


def test_jumps_are_told_from_steps() -> None:
    mask = UXN.code_space.size - 1
    assert rounds([1, 1, 1]).arrivals(UXN.lengths, mask) == [3, 6]
    # An opcode that is rewritten while it is recorded may be followed by another address.
    rewritten = recorded((0x100, LIT, 0), (0x102, INC, 0), (0x100, INC, 0), (0x101, INC, 0))
    assert rewritten.arrivals(UXN.lengths, mask) == [2]


def test_a_loop_is_come_back_to_with_the_same_pointers() -> None:
    assert starts(rounds([1] * 20), UXN)[0] == 0x100
    assert starts(rounds(list(range(20))), UXN) == [0x100]  # only as it is hot


def test_an_entry_asks_for_what_pointers_were_seen_to_leave() -> None:
    assert headroom([30, 30]) == ((30, 255 - 30), (7, 255 - 7))


def test_pointers_that_moved_may_move_further() -> None:
    slack = Parameters().slack
    assert headroom([30, 34]) == ((30 - slack, 255 - 34 - slack), (7, 255 - 7))
    assert headroom([2, 252]) == ((0, 0), (7, 255 - 7))


def test_a_loop_does_not_go_round_through_the_host() -> None:
    """Events that begin at 0x100 and mostly end behind a jump to 0x180: both are come back to."""
    event = [(0x100, LIT, 0), (0x102, JMP, 1), (0x180, BRK, 0)]
    seldom = [(0x100, LIT, 0), (0x102, JMP, 1), (0x190, BRK, 0)]
    entries = [each for _ in range(20) for each in event * 3 + seldom]
    window = recorded(*entries)
    assert starts(window, UXN)[0] != 0x100
    window.events = frozenset((0x100,))
    assert starts(window, UXN) == [0x100]


def test_what_is_written_is_named_or_differs_between_copies() -> None:
    before, after = bytes([1, 2, 3, 4]), bytes([1, 2, 0, 4])
    written = Written([1], ((before, after),))
    assert [at in written for at in range(4)] == [False, True, True, False]
    assert (written | [3]).among(range(4)) == {1, 2, 3}
    assert written.among(range(4)) == {1, 2}
    assert written.isdisjoint([0, 3])
    assert not written.isdisjoint([0, 2])
    assert written.and_since(after, bytes(4)).among(range(4)) == {0, 1, 2, 3}
    assert NOTHING_WRITTEN.isdisjoint(range(4))
    assert written.isdisjoint([4, 0x10000]), "cells of other spaces have such numbers"


def test_an_operand_behind_the_end_of_memory_is_at_its_beginning() -> None:
    window = recorded((0xFFFF, LIT, 0), (0x0001, JMP, 1))
    window.changed = Written([0x0000])
    planner = jit_of(eager("BRK")).planner
    planner.learn(window)
    assert planner.learned.written == {0x0000}


def test_a_variable_in_a_register_file_is_asked_about_like_others() -> None:
    """Its number lies behind the code space, of which there are copies."""
    memory = bytes(0x10000)
    world = World(memory, Written(copies=((memory, memory),)))
    forming = Forming(UXN, world, {}, {}, DEFAULTS)
    assert not forming.doubts(Assumptions(cells={0x10008}))


def test_what_the_host_loads_later_is_not_in_a_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    """The compile thread may be reading it; and it would count as what the guest has written."""
    machine = eager(PROGRAMS["three nested loops"])
    machine.run(0, max_instructions=0)  # which makes the JIT
    quick, seen = jit_of(machine).quick, []

    def begin(recording: Recording, world: World) -> None:
        machine.memory[0x8000] ^= 1
        machine.code_written(0x8000, 1)
        seen.append(0x8000 in quick._window(recording, world)[1].written)

    monkeypatch.setattr(quick, "begin", begin)
    again(machine)
    assert seen
    assert not any(seen)
