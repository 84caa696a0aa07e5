"""Random states to run graphs in, and what can be seen of a graph that was run."""

from __future__ import annotations

import random
from typing import NamedTuple

from jitvm.engine.ir.graph import Exit, Graph
from jitvm.engine.ir.run import Host, run
from jitvm.engine.memory.layout import CODE, PAST_END, WIDEST
from jitvm.guest import Guest, Ports, State
from jitvm.guests.uxn import UXN

MOST_POLLS = 40
SHOWN = 600
"""Bytes that a window shows."""


class Seen(NamedTuple):
    """How a graph left, and the state then; stacks up to their pointers."""

    kind: str
    reason: str
    pc: int
    pointers: list[int]
    stacks: list[bytes]
    spaces: list[bytes]
    page: bytes
    told: tuple[int, int]
    log: list[tuple[int, ...]]


class LoggingHost(Host):
    """Devices that log and answer; polls leave after some."""

    def __init__(self, state: State, code_map: memoryview) -> None:
        super().__init__(state, code_map)
        self.log: list[tuple[int, ...]] = []
        self.polls = 0

    def host_in(self, port: int) -> int:
        self.log.append((port, *self.state.pointers))
        return (port * 7 + len(self.log)) & 0xFF

    def host_out(self, port: int, byte: int) -> None:
        self.log.append((port, byte, *self.state.pointers))

    def poll(self) -> bool:
        self.polls += 1
        return self.polls > MOST_POLLS


def new_state(guest: Guest, rng: random.Random) -> State:
    """Random memory, stacks and ports; stack pointers in the middle or near their wrap."""

    def view(size: int) -> memoryview:
        return memoryview(bytearray(rng.randbytes(size)))

    ports = Ports(view(guest.ports))
    ports.writers[0x18] = ports.writers[0x23] = lambda _: None
    ports.readers[0x18] = ports.readers[0x24] = lambda: 0
    return State(
        tuple(view(SHOWN if space.window else space.mapped) for space in guest.spaces),
        tuple(view(stack.size) for stack in guest.stacks),
        ports,
        [rng.choice((0, 1, 5, 100, 128, 250, 255)) for _ in guest.stacks],
        rng.randrange(0x10000),
    )


def begin(
    guest: Guest, seed: int, pointers: tuple[int, ...] | None = None
) -> tuple[State, memoryview]:
    """The state of a seed and its code map. Few bytes are watched, little memory is not zero."""
    rng = random.Random(seed)
    state = new_state(guest, rng)
    if pointers is not None:
        state.pointers[:] = pointers
    state.spaces[guest.code_index][0x200:] = bytes(guest.code_space.size - 0x200)
    code_map = memoryview(bytearray(guest.code_space.size) + bytes([CODE | PAST_END] * WIDEST))
    below = rng.choice((0x180, 0x10000))
    for _ in range(rng.choice((0, 0, below >> 5))):
        code_map[rng.randrange(below)] = rng.choice((1, 2, 3))
    return state, code_map


def seen(exit_: Exit, state: State, log: list[tuple[int, ...]]) -> Seen:
    """What can be seen where a graph was left."""
    return Seen(
        exit_.kind, exit_.reason, state.pc, list(state.pointers),
        [bytes(s[:p]) for s, p in zip(state.stacks, state.pointers, strict=True)],
        [bytes(space) for space in state.spaces], bytes(state.ports.page),
        (state.reason, state.place), log,
    )  # fmt: skip


def look(
    graph: Graph, seed: int, pointers: tuple[int, ...] | None = None, guest: Guest = UXN
) -> Seen:
    """Run a graph in the state of a seed."""
    state, code_map = begin(guest, seed, pointers)
    host = LoggingHost(state, code_map)
    return seen(run(graph, guest, host), state, host.log)
