"""Graphs as machine code: lowered as regions are, run in a block of their own, and looked at.

What is lowered by LLVM is also lowered without it, and leaves the same behind.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from functools import cache
from typing import Any

from jitvm.engine.codegen.native import Compiler, host_compiler
from jitvm.engine.ir.graph import Exit, Graph
from jitvm.engine.ir.ops import Op
from jitvm.engine.ir.text import parse
from jitvm.engine.machine.native import UNLIMITED
from jitvm.engine.memory.arena import shared_arena
from jitvm.engine.memory.block import Reservation
from jitvm.engine.memory.layout import EXITS, NEVER, RING, WIDEST
from jitvm.engine.region.direct import ARCHITECTURE, KNOWN, DirectLowering
from jitvm.engine.region.lower import RegionLowering
from jitvm.engine.tables.status import Status
from jitvm.guest import Guest, Ports, State
from tests.engine.bare import Bare
from tests.ir.spoiling import Spoiling
from tests.ir.states import SHOWN, LoggingHost, Seen, begin, seen

_PORT_FUNCTION: Any = ctypes.CFUNCTYPE(
    ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint64
)
FIRST_EXIT, COUNTER = 70, 5
"""Numbers a region may have got; not 0, so that they have to be added."""
_NUMBERS: Any = {
    "first_exit": FIRST_EXIT,
    "counter": COUNTER,
    "report_every": {"ENTRY": "patience"},
}
RUNS_DIRECTLY = os.uname().machine == ARCHITECTURE
Lower = Callable[[Graph], tuple[bytes, list[Exit]]]


def _ops(graph: Graph) -> set[Op]:
    return {value.op for block in graph.blocks for value in block.values}


class Native:
    """A block that graphs of one guest are run in.

    Whatever a graph goes on to comes back at once: the code table and the dispatch table hold the
    stub that stops.

    Attributes:
        map: the code map, with what runs have marked.
        patience: every how many times the exit of an entry returns to the host.
    """

    def __init__(self, guest: Guest) -> None:
        self.guest = guest
        self.patience = NEVER
        self.bare = bare = Bare("interpreter", guest)
        layout = bare.layout
        self.compiler: Compiler = host_compiler()
        self.map = bare.block.view(layout.code_map, layout.size + WIDEST)
        self.page = bare.block.view(layout.ports, guest.ports)
        self.exits = bare.block.view(layout.exits, 4 * EXITS).cast("I")
        self.executed = bare.block.words(layout.executed, COUNTER + 1)
        self.spaces = [
            Reservation(space.mapped).view if space.large
            else memoryview(bytearray(SHOWN)) if space.window
            else bare.block.view(at, space.size)
            for at, space in zip(layout.spaces, guest.spaces, strict=True)
        ]  # fmt: skip
        for index in layout.attached:
            bare.block.attach(index, self.spaces[index])
        self._readers = bare.block.words(layout.readers, guest.ports)
        self._writers = bare.block.words(layout.writers, guest.ports)
        self._ring = bare.block.view(layout.ring, 2 * RING)
        self._told = bare.block.words(layout.told["reason"], 2)
        self._entries = bare.block.words(layout.tables["checked"], 256)
        bare.code[:] = memoryview((ctypes.c_uint64 * layout.size)(
            *[bare.handlers.address("stop")] * layout.size
        )).cast("B").cast("Q")  # fmt: skip

    def look(self, graph: Graph, seed: int, pointers: tuple[int, ...] | None = None) -> Seen:
        """Run a graph in the state of a seed; it must not be one that only a poll ends."""
        expected = self._look(graph, self._by_llvm, seed, pointers)
        if RUNS_DIRECTLY and all(op in KNOWN for op in _ops(graph)):
            left = self._left()
            assert self._look(graph, self._directly, seed, pointers) == expected
            assert left == self._left()
        return expected

    def _left(self) -> tuple[object, ...]:
        """What the last run has left behind that the interpreter of graphs has not."""
        return bytes(self.map), self.executed[COUNTER], self.budget_used, self.bare["status"]

    def reports(self, text: str) -> bool:
        """Whether the exit that a graph takes returns to the host to tell of itself; each time one
        of its reason that is told of does."""
        self.patience = 1
        try:
            self.look(parse(text), 0)
        finally:
            self.patience = NEVER
        if self.bare["status"] != Status.HOT_EXIT:
            return False
        assert self.exits[self.bare["exit"]] == 1
        return True

    def _look(
        self, graph: Graph, lower: Lower, seed: int, pointers: tuple[int, ...] | None
    ) -> Seen:
        state, code_map = begin(self.guest, seed, pointers)
        self._give(state, code_map)
        ring = self.bare["ring_head"] = RING * (seed % 2)  # every other time it is full
        host = LoggingHost(self._state(), code_map)
        functions = self._connect(state.ports, host)
        spoiling = self._spoil(functions)
        code, exits = lower(graph)
        span = shared_arena().install(code)
        try:
            self._entries[:] = memoryview((ctypes.c_uint64 * 256)(*[span.address] * 256)).cast(
                "B"
            ).cast("Q")  # fmt: skip
            self.bare.handlers.step(self.bare.block.base)
        finally:
            span.free()
            for each in spoiling:
                each.free()
        assert not sum(each.crooked_calls for each in spoiling)
        (taken,) = [n for n, count in enumerate(self.exits[FIRST_EXIT:][:4096]) if count]
        assert self.exits[FIRST_EXIT + taken] == 1
        return seen(exits[taken], self._state(), [*host.log, *self._collected(ring)])

    def _by_llvm(self, graph: Graph) -> tuple[bytes, list[Exit]]:
        lowering = RegionLowering(self.bare.layout, graph, **_NUMBERS)
        code = self.compiler.compile(lowering.module("region", {}, table=2), speed=0)
        return code.machine_code[code.symbols["region"] :], lowering.exits

    def _directly(self, graph: Graph) -> tuple[bytes, list[Exit]]:
        lowering = DirectLowering(self.bare.layout, graph, **_NUMBERS)
        code, _ = lowering.code({})
        return code, lowering.exits

    @property
    def budget_used(self) -> int:
        """Instructions that the last run has paid for and not been given back."""
        return UNLIMITED - self.bare["budget"]

    def _give(self, state: State, code_map: memoryview) -> None:
        """Take over a state."""
        bare = self.bare
        for mine, given in zip(self.spaces, state.spaces, strict=True):
            mine[:] = given
        for mine, given in zip(bare.stacks, state.stacks, strict=True):
            mine[:] = given
        self.page[:] = state.ports.page
        self.map[:] = code_map
        marks = bytes(code_map[: bare.layout.size])
        bare["watermark"] = max(0, len(marks.rstrip(b"\0")) - 1)
        bare.pointers = state.pointers
        bare["pc"], bare["budget"], bare["patience"] = state.pc, UNLIMITED, self.patience
        bare["interrupt"] = bare["stop"] = 0
        bare["ring_tail"] = 0
        self._told[0] = self._told[1] = 0
        self.exits[:] = memoryview(bytes(4 * EXITS)).cast("I")
        self.executed[COUNTER] = 0

    def _collected(self, begin: int) -> list[tuple[int, int]]:
        """Ports and bytes that the ring got."""
        places = [at % RING for at in range(begin, self.bare["ring_head"])]
        return [(self._ring[RING + at], self._ring[at]) for at in places]

    def _state(self) -> State:
        bare = self.bare
        state = State(
            tuple(self.spaces), tuple(bare.stacks), Ports(self.page), bare.pointers, bare["pc"]
        )
        state.reason, state.place = self._told
        return state

    def _connect(self, ports: Ports, host: LoggingHost) -> list[Any]:
        """Have the host answer for ports."""
        bare = self.bare

        def read(_base: int, port: int, _byte: int) -> int:
            host.state.pointers[:] = bare.pointers
            return host.host_in(port)

        def write(_base: int, port: int, byte: int) -> int:
            host.state.pointers[:] = bare.pointers
            host.host_out(port, byte)
            return 0

        def drain(_base: int, _port: int, _byte: int) -> int:
            bare["ring_tail"] = bare["ring_head"]
            return 0

        functions = [_PORT_FUNCTION(each) for each in (read, write, drain)]
        reader, writer, drain_ring = map(_address, functions)
        for port in range(self.guest.ports):
            self._readers[port] = reader if port in ports.readers else 0
            self._writers[port] = writer if port in ports.writers else 0
        bare["ring_full"] = drain_ring
        return functions

    def _spoil(self, functions: list[Any]) -> list[Spoiling]:
        """Have functions called by what leaves nothing in registers that it need not."""
        if not RUNS_DIRECTLY:
            return []
        spoiling = [Spoiling(_address(function)) for function in functions]
        instead = {_address(f): each.address for f, each in zip(functions, spoiling, strict=True)}
        for table in (self._readers, self._writers):
            for port in range(self.guest.ports):
                table[port] = instead.get(table[port], 0)
        self.bare["ring_full"] = spoiling[2].address
        return spoiling


def _address(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0


@cache
def native(guest: Guest) -> Native:
    """The block of a guest."""
    return Native(guest)
