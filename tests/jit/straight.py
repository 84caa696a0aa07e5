"""Instructions in a straight line, built by a `RegionCore` and run beside the reference.

`Line` gives a declared guest one opcode for each of some semantic functions, puts them one behind
the other, and has a `RegionCore` build the graph of all of them. `agrees` interprets the graph in
random states; wherever it leaves, the reference must be in the same state after as many
instructions.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from functools import partial

from jitvm.engine.ir.graph import Exit, Graph, Leave, Value
from jitvm.engine.ir.ops import Op
from jitvm.engine.ir.passes import optimise
from jitvm.engine.ir.run import run
from jitvm.engine.ir.stacks import VirtualStack
from jitvm.engine.ir.text import parse, show
from jitvm.engine.ir.verify import verify
from jitvm.engine.region.core import RegionCore, RegionState
from jitvm.engine.region.world import Assumptions, Headroom, World
from jitvm.engine.tables.reasons import Reason
from jitvm.guest import ReferenceInterpreter, State
from tests.engine.declared import CODE, LENGTH, Semantics, declared
from tests.ir.states import LoggingHost, Seen, begin, seen

START = 0x400
POINTERS = (100, 90)
ROOMY: Headroom = ((99, 99), (89, 99))


class Line:
    """Some instructions as a graph.

    Args:
        meanings: what each does.
        byte_order: of the guest.
        operands: bytes behind each opcode.
        headroom: what an entry has made sure of.
        world: what is known of the machine; memory is put in.
        plain: addresses whose computed ports have no device, as for `RegionCore`.
    """

    def __init__(
        self,
        *meanings: Semantics,
        byte_order: str = "little",
        operands: bytes = bytes(range(0x21, 0x29)),
        headroom: Headroom = ROOMY,
        world: World | None = None,
        plain: frozenset[int] = frozenset(),
    ) -> None:
        self.guest = guest = declared(byte_order, 64, meanings)
        rows = range(len(meanings))
        self.code = b"".join(bytes([row]) + operands for row in rows)
        memory = bytearray(guest.code_space.size)
        memory[START : START + len(self.code)] = self.code
        self.world = (world or World(b"")).but(memory=bytes(memory))
        self.graph = Graph(guest.word_bits, "line")
        self.assumptions = Assumptions()
        self.core = core = RegionCore(guest, self.graph, self.world, self.assumptions, plain)
        big = byte_order == "big"
        stacks = [VirtualStack(self.graph, i, big) for i in range(2)]
        self.state = RegionState(stacks, {}, headroom)
        for row in rows:
            core.bake(START + row * LENGTH)
            core.begin(guest.opcodes[row], START + row * LENGTH, self.state)
            guest.opcodes[row].semantics(core)
            core.finish()
        end = core.next_pc if core.outcome is None else core.continues()
        kind = Leave.HALT if core.halted else Leave.JUMP
        self.graph.block.end = core.leave(self.state, end, kind, Reason.BRANCH)

    # -- what was built ----------------------------------------------------------------------

    def all(self, op: Op) -> list[Value]:
        """Its operations of one kind, in order."""
        return [value for value in self.graph.block.values if value.op is op]

    @property
    def guards(self) -> list[str]:
        """The reasons of its guards, in order."""
        return [value.exit.reason for value in self.all(Op.GUARD) if value.exit is not None]

    @property
    def text(self) -> str:
        return show(self.graph)

    # -- what it does ------------------------------------------------------------------------

    def agrees(
        self, seeds: Iterable[int] = range(6), pointers: tuple[int, ...] | None = POINTERS
    ) -> set[str]:
        """Compare with the reference, before the passes and after; the reasons it was left for."""
        formed = parse(self.text)
        verify(formed, self.guest)
        better = parse(self.text)
        optimise(better, quick=False)
        verify(better, self.guest)
        reasons = set()
        for graph in (formed, better):
            for seed in seeds:
                reasons.add(self._compare(graph, seed, pointers))
        return reasons

    def _start(self, seed: int, pointers: tuple[int, ...] | None) -> tuple[State, memoryview]:
        state, code_map = begin(self.guest, seed, pointers)
        state.pc = START
        state.spaces[CODE][0x200:0x300] = random.Random(seed).randbytes(256)
        state.spaces[CODE][START : START + len(self.code)] = self.code
        return state, code_map

    def _compare(self, graph: Graph, seed: int, pointers: tuple[int, ...] | None) -> str:
        state, code_map = self._start(seed, pointers)
        self._connect(host := LoggingHost(state, code_map))
        exit_ = run(graph, self.guest, host)
        got = seen(exit_, state, host.log)
        expected = self._expected(seed, pointers, exit_, got.pc)
        assert got == expected, self.text
        return exit_.reason

    def _expected(self, seed: int, pointers: tuple[int, ...] | None, exit_: Exit, pc: int) -> Seen:
        """What the reference sees after as many instructions."""
        state, code_map = self._start(seed, pointers)
        self._connect(host := LoggingHost(state, code_map))
        reference = ReferenceInterpreter(self.guest, state)
        last = exit_.reason == Reason.BRANCH.name
        for _ in range(len(self.code) // LENGTH):
            if not last and state.pc == pc:
                break
            reference.step()
        return seen(exit_, state, host.log)

    def _connect(self, host: LoggingHost) -> None:
        """Have the host answer on the ports that the world has devices on."""
        ports = host.state.ports
        ports.writers.clear()
        ports.readers.update({port: partial(host.host_in, port) for port in self.world.readers})
        ports.writers.update({port: partial(host.host_out, port) for port in self.world.writers})
