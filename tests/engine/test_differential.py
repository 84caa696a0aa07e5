"""Tier 1 against the oracle on random programs: all that a guest or a device can see agrees.

Programs are bytes that mean something: noise, and instructions biased towards what goes wrong
(jumps back, stores near the code, deep and shallow stacks). Devices answer reads, log writes in
order, set stack pointers and write to memory, also to the instruction that comes next.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitvm.engine.machine.machine import Machine
from jitvm.guest import Stop
from jitvm.guests.uxn import UXN
from tests.portlog import PortLog
from tests.tiers import NATIVE_TIERS, make_machine

LOGGED, ANSWERED, POINTERS, PATCH = (0x18, 0x23, 0x77), (0x12, 0x40), (0x04, 0x05), 0x66
INTERESTING = (0, 1, 2, 3, 4, 5, 6, 250, 251, 252, 253, 254, 255)


class Start(NamedTuple):
    """The whole state a run begins in, and how long it may be."""

    memory: bytes
    page: bytes
    stacks: tuple[bytes, bytes]
    pointers: tuple[int, int]
    pc: int
    budget: int


class Outcome(NamedTuple):
    """The whole state a run ends in, and what devices saw."""

    stop: Stop
    executed: int
    pc: int
    pointers: list[int]
    stacks: list[bytes]
    memory: bytes
    page: bytes
    log: list[tuple[int, int, tuple[int, ...]]]


class Rig:
    """A machine with devices that log, answer and interfere."""

    def __init__(self, tier: str) -> None:
        self.machine = make_machine(tier, UXN)
        self._ports = PortLog(self.machine)
        self._ports.watch(LOGGED)
        for port in ANSWERED:
            self.machine.on_read(port, self._answer(port))
        self._ports.connect_pointers(POINTERS)
        self.machine.on_write(PATCH, self._patch)

    @property
    def log(self) -> list[tuple[int, int, tuple[int, ...]]]:
        return self._ports.rows

    def _answer(self, port: int) -> Callable[[], int]:
        def answer() -> int:
            self._ports.note(port, -1)
            return (port + len(self.log)) & 0xFF

        return answer

    def _patch(self, byte: int) -> None:
        """Write over a page of memory, perhaps the one that runs."""
        at = (byte << 4) & 0xFFFF
        self.machine.memory[at : at + 8] = bytes([byte] * 8)

    def run(self, start: Start) -> Outcome:
        machine, state = self.machine, self.machine.state
        self.log.clear()
        machine.memory[:], machine.page[:] = start.memory, start.page
        for view, content in zip(state.stacks, start.stacks, strict=True):
            view[:] = content
        state.pointers[:] = start.pointers
        before = machine.executed
        stop = machine.run(start.pc, max_instructions=start.budget)
        return Outcome(
            stop, machine.executed - before, state.pc, list(state.pointers),
            [bytes(view) for view in state.stacks], bytes(machine.memory), bytes(machine.page),
            list(self.log),
        )  # fmt: skip


@pytest.fixture(scope="module", params=NATIVE_TIERS)
def pair(request: pytest.FixtureRequest) -> tuple[Rig, Rig]:
    return Rig("reference"), Rig(request.param)


def check(pair: tuple[Rig, Rig], start: Start) -> None:
    expected, got = (rig.run(start) for rig in pair)
    for name, a, b in zip(Outcome._fields, expected, got, strict=True):
        assert a == b, f"{name} from pc {start.pc:#x}, {start.budget} instructions"


# -- noise ---------------------------------------------------------------------------------------


def noise(rng: random.Random, memory: bytes) -> Start:
    """Random bytes everywhere, pointers and counters where things wrap."""
    changed = bytearray(memory)
    for _ in range(200):
        changed[rng.randrange(0x10000)] = rng.getrandbits(8)
    return Start(
        bytes(changed), rng.randbytes(256), (rng.randbytes(256), rng.randbytes(256)),
        (rng.choice(INTERESTING), rng.choice(INTERESTING)),
        rng.choice([0x100, 0xFFF0, 0xFFFE, 0xFFFF, rng.randrange(0x10000)]),
        rng.choice([1, 2, 3, 50, 300]),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_noise(pair: tuple[Rig, Rig], seed: int) -> None:
    rng = random.Random(seed)
    memory = rng.randbytes(0x10000)
    for _ in range(120):
        check(pair, noise(rng, memory))


# -- instructions --------------------------------------------------------------------------------

JUMPS = [0x0C, 0x0D, 0x0E, 0x2C, 0x2D, 0x2E, 0x6C]
PORTS = [*LOGGED, *ANSWERED, *POINTERS, PATCH, 0x03, 0x17, 0x65, 0x67, 0xFF]


def push_byte(byte: int) -> bytes:
    return bytes([0x80, byte & 0xFF])


def push_short(word: int) -> bytes:
    return bytes([0xA0]) + (word & 0xFFFF).to_bytes(2, "big")


def nearby(offset: int) -> bytes:
    """A store or load at an address close to the code, which stands from 0x100 on."""
    return push_short(0x100 + offset)


instruction = st.one_of(
    st.integers(0, 255).map(lambda code: bytes([code])),
    st.integers(0, 255).map(push_byte),
    st.integers(0, 0xFFFF).map(push_short),
    st.builds(lambda at, code: nearby(at) + bytes([code]), st.integers(-4, 96), st.sampled_from(
        [0x14, 0x15, 0x34, 0x35, 0x94, 0x95, 0xB4, 0xB5])),
    st.builds(lambda byte, code: push_byte(byte) + bytes([code]), st.integers(-128, 127),
              st.sampled_from([0x12, 0x13, 0x32, 0x33, *JUMPS])),
    st.builds(lambda at, code: nearby(at) + bytes([code]), st.integers(0, 96), st.sampled_from(
        [0x2C, 0x2D, 0x2E])),
    st.builds(lambda port, code: push_byte(port) + bytes([code]), st.sampled_from(PORTS),
              st.sampled_from([0x16, 0x17, 0x36, 0x37, 0x56, 0x57, 0x96, 0x97, 0xB7])),
    st.builds(lambda code, at: bytes([code]) + (at & 0xFFFF).to_bytes(2, "big"),
              st.sampled_from([0x20, 0x40, 0x60]), st.integers(-40, 40)),
)  # fmt: skip


@settings(max_examples=150)
@given(
    program=st.lists(instruction, min_size=1, max_size=40).map(b"".join),
    pointers=st.tuples(st.sampled_from(INTERESTING), st.sampled_from(INTERESTING)),
    fill=st.binary(min_size=16, max_size=16),
    budget=st.integers(0, 400),
)
def test_programs(
    pair: tuple[Rig, Rig], program: bytes, pointers: tuple[int, int], fill: bytes, budget: int
) -> None:
    memory = bytearray(0x10000)
    memory[0x100 : 0x100 + len(program)] = program
    stack = fill * 16
    start = Start(bytes(memory), stack, (stack, stack[::-1]), pointers, 0x100, budget)
    check(pair, start)


@settings(max_examples=25)
@given(
    program=st.lists(instruction, min_size=5, max_size=30).map(b"".join),
    pointers=st.tuples(st.sampled_from(INTERESTING), st.sampled_from(INTERESTING)),
)
def test_every_budget_stops_at_its_instruction(
    pair: tuple[Rig, Rig], program: bytes, pointers: tuple[int, int]
) -> None:
    memory = bytearray(0x10000)
    memory[0x100 : 0x100 + len(program)] = program
    blank = bytes(256)
    for budget in range(24):
        start = Start(bytes(memory), blank, (blank, blank), pointers, 0x100, budget)
        check(pair, start)


@settings(max_examples=25)
@given(
    program=st.lists(instruction, min_size=5, max_size=30).map(b"".join),
    pieces=st.lists(st.integers(0, 9), min_size=1, max_size=12),
)
def test_a_run_in_pieces_is_one_run(
    pair: tuple[Rig, Rig], program: bytes, pieces: list[int]
) -> None:
    memory = bytearray(0x10000)
    memory[0x100 : 0x100 + len(program)] = program
    blank = bytes(256)
    total = sum(pieces)
    start = Start(bytes(memory), blank, (blank, blank), (0, 0), 0x100, total)
    rig = pair[1]
    whole = rig.run(start)
    begin = rig.machine.executed
    rig.run(start._replace(budget=0))
    stop = Stop.BUDGET
    log = list(rig.log)
    for piece in pieces:
        if stop is Stop.BUDGET:
            stop = rig.machine.run(max_instructions=piece)
            log = list(rig.log)
    state: Machine = rig.machine
    assert (stop, rig.machine.executed - begin) == (whole.stop, whole.executed)
    assert (state.state.pc, list(state.state.pointers)) == (whole.pc, whole.pointers)
    assert (bytes(state.memory), log) == (whole.memory, whole.log)
