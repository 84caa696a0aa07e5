"""What all decoders of the wire VM are: a program, its machines, and what is done behind a batch.

Decoding  a program and the columns that it writes, for any number of threads
  Run     one machine with the memory of one batch
"""

from __future__ import annotations

import ctypes
from collections import deque
from contextlib import contextmanager

from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.memory.block import BlockError
from jitvm.guests.wire.buffers import counted, extents
from jitvm.guests.wire.choice import Sample
from jitvm.guests.wire.machines import LARGE, SMALL, Programmed, address_bits
from jitvm.guests.wire.vm.operands import BIAS, INPUT, OFFSETS, OUTPUT, STATE

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from jitvm.engine.tables.params import Parameters
    from jitvm.guest import Guest
    from jitvm.guests.wire.buffers import Layout
    from jitvm.guests.wire.columns import Tree
    from jitvm.guests.wire.pool import OutputSpace
    from jitvm.guests.wire.writer import Program

FEW_BYTES = 1 << 13
"""Bytes of text that are copied to be looked at."""


class Decoding(Programmed):
    """A program that decodes into the columns of a tree.

    Args:
        tree, layout: the columns, and where they lie.
        program: what decodes.
        guest: makes the VM, by the bits of addresses in a program and in columns.
        errors: what becomes of what cannot be decoded: ``"raise"``, ``"null"`` or ``"skip"``.
        tier: what executes the program.
        params: limits of the JIT.

    Raises:
        ProgramError: the VM has no addresses for so much.

    Attributes:
        program: what the tree became.
        extents: buffers of columns, and how many bytes a row has had in them.
    """

    def __init__(
        self,
        tree: Tree,
        layout: Layout,
        program: Program,
        guest: Callable[[int, int], Guest],
        errors: str,
        tier: Tier,
        params: Parameters | None,
    ) -> None:
        self.tree = tree
        self.layout = layout
        self._make_guest = guest
        super().__init__(program, guest(*address_bits(program, layout)), tier, params)
        self.errors = errors
        self._idle: deque[Run] = deque()
        self._batches = 0
        self._has_chosen = self._is_sure = False
        self.extents: list[tuple[int, float]] = []

    @contextmanager
    def running(self) -> Iterator[Run]:
        """What decodes a batch, for one thread."""
        self._batches += 1
        try:
            run = self._idle.pop()
        except IndexError:
            run = self.run_of(self._tier)
        try:
            yield run
        finally:
            run.let_go()
            self._idle.append(run)

    def run_of(self, tier: Tier) -> Run:
        """A new one."""
        raise NotImplementedError

    @property
    def is_curious(self) -> bool:
        """Whether it is time to look at values: of the first batch, the second, the fourth ..."""
        return self._batches & (self._batches - 1) == 0

    @property
    def wants_to_learn(self) -> bool:
        """Whether a batch that is looked at may change what is chosen: not the first, where an
        earlier process has chosen, as somebody may wait for it."""
        return self._batches > 1 or not self._is_sure

    def machines(self) -> list[Machine]:
        """The machines that are at rest."""
        return [run.machine for run in list(self._idle)]

    def machine(self, tier: Tier) -> Machine:
        """A machine with the program."""
        try:
            return super().machine(tier)
        except BlockError:
            if self.guest is not self._make_guest(*LARGE) or self.layout.size > 1 << SMALL[1]:
                raise
            made = self._make_guest(LARGE[0], SMALL[1])
            self.guest, self._is_at_hand = made, False
            return self.machine(tier)


class Run:
    """One machine, and the batch it works on.

    Attributes:
        machine: which.
        nulls: rows that are null as a whole.
    """

    def __init__(self, decoder: Decoding, tier: Tier) -> None:
        self.decoder = decoder
        self.machine = decoder.machine(tier)
        self._spare = self.machine.state.spaces[OUTPUT]
        columns = decoder.tree.columns
        scratch = decoder.tree.scratch
        assert scratch is not None
        self._firsts = [column.offsets // 4 for column in columns if column.offsets is not None]
        self._firsts += [scratch // 4, scratch // 4 + 1]
        self._texts = [column for column in columns if column.is_utf8]
        state = self.machine.state
        self._frames = state.stacks[0].cast("I")
        self._bias = state.spaces[STATE][BIAS : BIAS + 8].cast("Q")
        self.nulls: list[int] = []

    def let_go(self) -> None:
        """Hold on to no memory of others."""
        self.machine.attach(OUTPUT, self._spare)
        self.machine.attach(INPUT, None)
        self.machine.attach(OFFSETS, None)

    def show(self, out: OutputSpace, rows: int) -> None:
        """Have columns written to some memory, of about so many rows."""
        size = self.machine.guest.spaces[OUTPUT].mapped
        memory = (ctypes.c_ubyte * size).from_address(out.address)
        memory.space = out  # type: ignore[attr-defined]
        self.machine.attach(OUTPUT, memory)
        out.expect(self.decoder.layout, rows, self.decoder.extents)

    def begin(self) -> None:
        """Before the first row: nothing is in any column."""
        ends = self._ends()
        for place in self._firsts:
            ends[place] = 0
        self.nulls = []

    def learn(self, rows: int, messages: Sequence[bytes]) -> None:
        """Have the decoder look at the columns of a batch and some of its messages, and follow what
        it chooses."""
        decoder, machine = self.decoder, self.machine
        found = self._counts(rows)
        sample = Sample(
            machine.state.spaces[OUTPUT], lambda column: found[column.space.index], messages
        )
        decoder.learn(sample)
        decoder.follow(machine)

    def measure(self, rows: int, seen: int) -> None:
        """Note how many bytes of columns a record takes, of so many that were seen."""
        found = extents(self.decoder.tree, rows, self.machine.state.spaces[OUTPUT])
        self.decoder.extents = [(place, size / seen) for place, size in found]

    def are_texts(self, rows: int, out: OutputSpace) -> bool:
        """Whether all strings of a batch are valid UTF-8."""
        if not self._texts:
            return True
        found, ends = self._counts(rows), self._ends()
        for column in self._texts:
            count = found[column.space.index]
            assert column.offsets is not None
            assert column.values is not None
            size = ends[column.offsets // 4 + count]
            text = out.buffer(column.values, size)
            if size <= FEW_BYTES and bytes(text).isascii():
                continue
            from jitvm.guests.wire.texts import are_texts

            if not are_texts(text, out.buffer(column.offsets, 4 * (count + 1))):
                return False
        return True

    def _ends(self) -> memoryview:
        """All of the output space as offsets."""
        return self.machine.state.spaces[OUTPUT].cast("I")

    def _counts(self, rows: int) -> list[int]:
        """Rows of each space, where the root has so many."""
        return counted(self.decoder.tree, rows, self.machine.state.spaces[OUTPUT], 4)

    def finish(self, rows: int, out: OutputSpace) -> None:
        """Presence of rows themselves, and offsets of 64 bits."""
        tree = self.decoder.tree
        if tree.root.validity is not None:
            there = bytearray(b"\1" * rows)
            for row in self.nulls:
                there[row] = 0
            out.write(tree.root.validity, there)
        if tree.offset_width == 8:
            found = self._counts(rows)
            for column in tree.columns:
                if column.offsets is not None:
                    from jitvm.guests.wire.texts import widened

                    size = 4 * (found[column.space.index] + 1)
                    out.write(column.offsets, widened(out.buffer(column.offsets, size)))
