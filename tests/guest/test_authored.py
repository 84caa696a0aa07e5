"""Random semantic functions: each is refused at every tier, or all tiers agree on what it does."""

from __future__ import annotations

import random
from functools import cache
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitvm.engine.interpreter.cores import fast_graph, full_graph
from jitvm.engine.interpreter.making import make_unit
from jitvm.engine.ir.graph import Leave
from jitvm.engine.ir.run import Host, run
from jitvm.engine.ir.verify import verify
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.memory.layout import WIDEST
from jitvm.guest import DescriptionError, Guest, ReferenceInterpreter, State
from tests.guest.author import Author, Meaning, guest_of
from tests.ir.states import new_state
from tests.tiers import NATIVE_TIERS, shared_machine

SORTS = [(32, "big"), (32, "little"), (64, "big"), (64, "little")]
AT = 0x1000


def seen(state: State, before: list[int]) -> tuple[object, ...]:
    """All there is to see: bytes above a stack's pointer are not, as far as it may have moved."""
    stacks = []
    for cells, start, pointer in zip(state.stacks, before, state.pointers, strict=True):
        size = len(cells)
        moved = (pointer - start + size // 2) % size - size // 2
        below = max(size // 2, WIDEST)
        stacks.append([cells[(start + moved - 1 - i) % size] for i in range(below)])
    spaces = [bytes(space) for space in state.spaces]
    return state.pc, list(state.pointers), stacks, spaces, bytes(state.ports.page)


def mistake_in(guest: Guest) -> str:
    """What is wrong with a guest."""
    try:
        guest.check_semantics()
    except DescriptionError as error:
        return str(error)
    return ""


@settings(max_examples=150)
@given(
    st.randoms(use_true_random=False),
    st.integers(1, 10),
    st.sampled_from([0.7, 0.95, 1.0]),
    st.sampled_from(SORTS),
)
def test_refused_or_right(
    rng: random.Random, count: int, care: float, sort: tuple[int, Any]
) -> None:
    guest = guest_of([Author(rng, care).meaning(count)], *sort)
    row = guest.opcodes[0]
    if mistake := mistake_in(guest):
        assert mistake.startswith("guest authored, opcode 0x00 op00: ")
        for attempt in (lambda: Machine(guest, tier=Tier.REFERENCE), lambda: make_unit(guest)):
            with pytest.raises(DescriptionError) as caught:
                attempt()
            assert str(caught.value) == mistake
        return
    graphs = [fast_graph(guest, row, checked=checked) for checked in (True, False)]
    full = full_graph(guest, row)
    for graph in (*graphs, full):
        verify(graph, guest)
    for seed in range(6):
        draw = random.Random(seed)
        states = [new_state(guest, random.Random(seed)) for _ in range(4)]
        pointers = [draw.choice((0, 1, len(s) // 2, len(s) - 1)) for s in states[0].stacks]
        for state in states:
            state.pointers[:] = pointers
            state.spaces[0][state.pc] = 0
        ReferenceInterpreter(guest, states[0]).step()
        for state, graph in zip(states[1:], (*graphs, full), strict=True):
            host = Host(state, memoryview(bytearray(0x10000 + WIDEST)))
            if run(graph, guest, host).kind is Leave.RETRY:
                run(full, guest, host)
            assert seen(state, pointers) == seen(states[0], pointers)


@cache
def authored(word_bits: int, byte_order: str) -> Guest:
    """A guest of 200 functions that passed."""

    def good() -> Any:
        for seed in range(100_000):
            rng = random.Random(seed)
            meaning: Meaning = Author(rng, 0.97).meaning(rng.randrange(2, 9))
            if not mistake_in(guest_of([meaning], word_bits, byte_order)):
                yield meaning

    meanings = list(islice(good(), 200))
    return guest_of(meanings, word_bits, byte_order, name=f"authored-{word_bits}-{byte_order}")


@pytest.mark.parametrize("tier", NATIVE_TIERS)
@pytest.mark.parametrize(("word_bits", "byte_order"), [(32, "big"), (64, "little")])
def test_native_code_agrees(word_bits: int, byte_order: str, tier: str) -> None:
    guest = authored(word_bits, byte_order)
    oracle, machine = (shared_machine(name, guest) for name in ("reference", tier))
    for code in range(200):
        for seed in range(4):
            results = []
            for each in (oracle, machine):
                rng = random.Random(seed)
                each.memory[:] = rng.randbytes(0x10000)
                each.memory[AT] = code
                for view in (*each.state.spaces[1:], *each.state.stacks, each.page):
                    view[:] = rng.randbytes(len(view))
                pointers = [rng.choice((0, 1, len(s) // 2, len(s) - 1)) for s in each.state.stacks]
                each.state.pointers[:] = pointers
                stop = each.run(AT, max_instructions=1)
                results.append((stop, seen(each.state, pointers)))
            assert results[0] == results[1], f"opcode {code}"
