"""Writing natively: a machine of the wire VM, and the program of a tree.

    columns of a batch ──> a run of the program over its rows, last to first ──> messages, which end
                                                                                 where they are to

Nothing can go wrong in between: what columns have was looked at before, and there is room for all
of it.
"""

from __future__ import annotations

import ctypes
from array import array
from collections import deque
from contextlib import contextmanager

from jitvm.engine.machine.machine import Machine, Tier
from jitvm.guests.wire.buffers import ADDRESS_BITS
from jitvm.guests.wire.choice import Sample
from jitvm.guests.wire.encode.bound import Bound
from jitvm.guests.wire.encode.frames import DONE
from jitvm.guests.wire.encode.instructions import guest
from jitvm.guests.wire.encode.operands import (
    COLUMNS,
    HEAD,
    HEAD_ROOM,
    HEAD_SIZE,
    OUTPUT,
    STARTS,
    STATE,
)
from jitvm.guests.wire.encode.program import make
from jitvm.guests.wire.machines import Programmed, address_bits

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from jitvm.engine.tables.params import Parameters
    from jitvm.guests.wire.buffers import Layout
    from jitvm.guests.wire.columns import Tree
    from jitvm.guests.wire.pool import OutputSpace

BOTTOM = 4
"""Words below the first frame: fast handlers look whether a stack may wrap, by 16 bytes."""
OUTPUT_SIZE = 1 << ADDRESS_BITS[0]
"""Bytes of addresses for messages."""


class Encoder(Programmed):
    """Writes messages of the columns of a tree, natively.

    Args:
        tree: the columns, laid out; offsets have 32 bits.
        layout: where they lie, and how much a batch may have.
        has_head: whether a header stands in front of each message.
        is_delimited: whether its length (with its header) does.
        tier: what executes the program.
        params: limits of the JIT.

    Raises:
        ProgramError: the VM has no addresses for so many columns.
    """

    def __init__(
        self,
        tree: Tree,
        layout: Layout,
        *,
        has_head: bool = False,
        is_delimited: bool = False,
        tier: Tier = Tier.JIT,
        params: Parameters | None = None,
    ) -> None:
        program = make(tree, has_head=has_head, is_delimited=is_delimited)
        super().__init__(program, guest(*address_bits(program, layout)), tier, params)
        self.tree = tree
        self.layout = layout
        self.bound = Bound(tree)
        self._idle: deque[Run] = deque()
        self._batches = 0
        self._is_sure = tier is Tier.JIT and self.choices.take()

    def machines(self) -> list[Machine]:
        """The machines that are at rest."""
        return [run.machine for run in list(self._idle)]

    @contextmanager
    def running(self, columns: OutputSpace) -> Iterator[Run]:
        """What writes messages of the columns that are in some memory. Any number of threads may do
        so at a time, each by its own."""
        try:
            run = self._idle.pop()
        except IndexError:
            run = Run(self, self.machine(self._tier))
        run.show(COLUMNS, columns)
        try:
            yield run
        finally:
            run.let_go()
            self._idle.append(run)

    def wants_to_look(self, rows: int) -> bool:
        """Whether it is time to look at values: of the first batch, the second, the fourth ..., but
        not of the first where an earlier process has chosen."""
        if self._tier is not Tier.JIT:
            return False
        self._batches += 1
        is_time = self._batches & (self._batches - 1) == 0
        return is_time and rows > 0 and (self._batches > 1 or not self._is_sure)


class Run:
    """One machine, and the memory it works on."""

    def __init__(self, encoder: Encoder, machine: Machine) -> None:
        self.machine = machine
        self._encoder = encoder
        self._own = machine.state.spaces
        self._frame = machine.state.stacks[0].cast("I")
        self._state = machine.state.spaces[STATE]
        self._out: OutputSpace | None = None
        self._version = -1

    def show(self, space: int, memory: OutputSpace) -> None:
        """Have it work on memory of the pool."""
        size = self.machine.guest.spaces[space].mapped
        shown: Any = (ctypes.c_ubyte * size).from_address(memory.address)
        shown.space = memory  # it lives as long as it is shown
        self.machine.attach(space, shown)

    def let_go(self) -> None:
        """Hold on to no memory of others."""
        for space in (COLUMNS, OUTPUT):
            self.machine.attach(space, self._own[space])
        self._out = None

    def encode(
        self, counts: list[int], out: OutputSpace, starts: int, end: int, head: bytes = b""
    ) -> int:
        """Write the messages of a batch.

        Args:
            counts: rows of each space of the tree.
            out: where messages are written.
            starts: address there of words of 4 bytes, one more than there are messages: they become
                the addresses where each begins, and the last one ends.
            end: address there where the last one is to end; before it there has to be room for as
                much as `bound` says.
            head: the header, `HEAD_ROOM` bytes at most.

        Returns:
            The address where the first one begins.
        """
        encoder, machine = self._encoder, self.machine
        if encoder.wants_to_look(counts[0]):
            shown = machine.state.spaces[COLUMNS]
            encoder.learn(Sample(shown, lambda column: counts[column.space.index], ()))
        if encoder.version != self._version:  # another thread may have chosen, too
            self._version = encoder.version
            encoder.follow(machine)
        if out is not self._out:
            self.show(OUTPUT, out)
            self._out = out
        state = self._state
        state[STARTS : STARTS + 8] = starts.to_bytes(8, "little")
        state[HEAD_SIZE] = len(head)
        state[HEAD : HEAD + HEAD_ROOM] = head.rjust(HEAD_ROOM, b"\0")
        self._frame[BOTTOM : BOTTOM + 3] = memoryview(array("I", (counts[0], end, end)))
        machine.state.pointers[0] = 4 * (BOTTOM + 3)
        machine.run(encoder.program.start)
        if machine.state.reason != DONE:
            raise RuntimeError("the wire VM did not come to an end; please report it")
        return machine.state.place
