"""Decoding natively: a machine of the wire VM, the program of a tree, and what it cannot read.

    offsets ──> a run of the program over messages first .. last ──> columns
                  │ stops at a message that it cannot read
                  └> the plain decoder tells what is wrong with it; or that nothing is, and then
                     it is written anew as everybody writes messages, and the program reads that

So whatever is odd but right (tags with more bytes than they need, numbers that a closed enum does
not know) costs a Python function, and no other code has to know about it.
"""

from __future__ import annotations

import ctypes
from array import array
from bisect import bisect_right
from collections import deque
from functools import partial

from jitvm.engine.interpreter.installed import handlers_are_ready
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.memory.cache import CodeCache
from jitvm.guests.wire.anew import written
from jitvm.guests.wire.choice import Sample
from jitvm.guests.wire.faults import Fault
from jitvm.guests.wire.instructions import (
    ALL,
    BIAS,
    DONE,
    INPUT,
    M32,
    OFFSETS,
    OUTPUT,
    STATE,
    guest,
)
from jitvm.guests.wire.plain import Batch, PlainDecoder, Wrong
from jitvm.guests.wire.program import Program, ProgramError, Site, make

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.engine.tables.params import Parameters
    from jitvm.guests.wire.columns import Column, Layout, Tree
    from jitvm.guests.wire.plain import Mistake
    from jitvm.guests.wire.pool import OutputSpace
    from jitvm.guests.wire.where import Condition


SAMPLE = 128
"""Messages of the first batch that are decoded to choose instructions by, before all of it is."""
PIECE = 1 << 15
"""Bytes that are looked at together: few enough to stay in the cache."""
SMALL, LARGE = (16, 32), (20, 36)
"""Bits of addresses in programs and in columns: two machines for all, so that there is native code
for one at hand."""


class Decoder:
    """Decodes messages into the columns of a tree, natively.

    Args:
        tree, layout, errors, where: as for `PlainDecoder`.
        tier: what executes the program.
        params: limits of the JIT.

    Raises:
        ProgramError: the VM cannot do what is asked for; the plain decoder can.

    Attributes:
        program: what the tree became.
        guest: the VM that executes it.
    """

    def __init__(
        self,
        tree: Tree,
        layout: Layout,
        *,
        errors: str = "raise",
        where: Condition | None = None,
        tier: Tier = Tier.JIT,
        params: Parameters | None = None,
    ) -> None:
        self.tree = tree
        self.layout = layout
        self.program: Program = make(tree, where)
        self.errors = errors
        self._make_plain = partial(PlainDecoder, tree, layout, errors=errors, where=where)
        self._tier = tier
        self._params = params
        is_small = len(self.program.code) <= 1 << SMALL[0] and layout.size <= 1 << SMALL[1]
        bits = SMALL if is_small else LARGE
        if len(self.program.code) > 1 << bits[0] or layout.size > 1 << bits[1]:
            raise ProgramError("a program or columns that are too large for the VM")
        self.guest = guest(*bits)
        self._idle: deque[_Runner] = deque()
        self._batches = 0

    @property
    def is_ready(self) -> bool:
        """Whether it decodes at once. On the first call on a computer its native code has to be
        made, which somebody has begun when this returns: the plain decoder may serve until then."""
        return self._tier is Tier.REFERENCE or handlers_are_ready(self.guest, CodeCache())

    def decode(
        self, data: memoryview, offsets: memoryview, first: int, last: int, out: OutputSpace
    ) -> Batch:
        """Decode messages, as many as a batch may have; see `PlainDecoder.decode`. Any number of
        threads may do so at a time."""
        self._batches += 1
        if self._batches == 1 and last > first and self._tier is Tier.JIT:
            with_sample = _Runner(self, Tier.INTERPRETER)
            with_sample.decode(data, offsets, first, min(last, first + SAMPLE), out)
            with_sample.let_go()
        try:
            runner = self._idle.pop()
        except IndexError:
            runner = _Runner(self, self._tier)
        try:
            return runner.decode(data, offsets, first, last, out)
        finally:
            runner.let_go()
            self._idle.append(runner)

    def learn(self, sample: Sample) -> None:
        """Take the variants of instructions that fit some values."""
        for site in self.program.sites:
            variant = sample.variant(site)
            if variant != site.chosen:
                self.choose(site, variant)

    @property
    def is_curious(self) -> bool:
        """Whether it is time to look at values: of the first batch, the second, the fourth ..."""
        return self._batches & (self._batches - 1) == 0

    def plain(self) -> PlainDecoder:
        """A decoder of the same columns that is not native."""
        return self._make_plain()

    def choose(self, site: Site, variant: str) -> None:
        """Take another variant of an instruction, between batches."""
        at = self.program.choose(site, variant)
        for machine in self.machines():
            machine.memory[at] = self.program.code[at]
            machine.code_written(at, 1)

    def machines(self) -> list[Machine]:
        """The machines that are at rest."""
        return [runner.machine for runner in list(self._idle)]

    def machine(self, tier: Tier) -> Machine:
        """A machine with the program."""
        made = Machine(self.guest, tier=tier, params=self._params)
        code = self.program.code
        made.memory[: len(code)] = code
        return made


class _Runner:
    """One machine, and the batch it works on."""

    def __init__(self, decoder: Decoder, tier: Tier) -> None:
        self._decoder = decoder
        self._plain = decoder.plain()
        self.machine = decoder.machine(tier)
        self._spare = self.machine.state.spaces[OUTPUT]
        state = self.machine.state
        self._frames = state.stacks[0].cast("I")
        self._bias = state.spaces[STATE][BIAS : BIAS + 8].cast("Q")

    def let_go(self) -> None:
        """Hold on to no memory of others."""
        self.machine.attach(OUTPUT, self._spare)
        self.machine.attach(INPUT, None)
        self.machine.attach(OFFSETS, None)

    def decode(
        self, data: memoryview, offsets: memoryview, first: int, last: int, out: OutputSpace
    ) -> Batch:
        """As `Decoder.decode`."""
        decoder, layout, machine = self._decoder, self._decoder.layout, self.machine
        last = min(last, first + layout.rows)
        if offsets[last] - offsets[first] > layout.bytes:
            last = bisect_right(offsets, offsets[first] + layout.bytes, first, last + 1) - 1
        if last <= first:  # one that is too large
            return self._plain.decode(data, offsets, first, first + 1, out)
        size = self.machine.guest.spaces[OUTPUT].mapped
        memory = (ctypes.c_ubyte * size).from_address(out.address)
        memory.space = out  # type: ignore[attr-defined]
        machine.attach(OUTPUT, memory)
        batch = self._batch(data, offsets, first, last, frozenset())
        if wrong := self._wrong_texts(data, offsets, first, batch):
            batch = self._batch(data, offsets, first, last, frozenset(wrong))
        if decoder.is_curious and batch.rows:
            self.learn(batch.rows)
        self._finish(batch.rows, out)
        return batch

    def learn(self, rows: int) -> None:
        """Have the decoder look at the columns of a batch, and follow what it chooses."""
        decoder, machine = self._decoder, self.machine
        decoder.learn(Sample(machine.state.spaces[OUTPUT], lambda column: self._rows(column, rows)))
        for site in decoder.program.sites:
            byte = decoder.program.code[site.at]
            if machine.memory[site.at] != byte:
                machine.memory[site.at] = byte
                machine.code_written(site.at, 1)

    def _batch(
        self, data: memoryview, offsets: memoryview, first: int, last: int, wrong: frozenset[int]
    ) -> Batch:
        """Decode messages, of which some are known to be wrong."""
        decoder = self._decoder
        output = self.machine.state.spaces[OUTPUT]
        for column in decoder.tree.columns:
            if column.offsets is not None:
                output[column.offsets : column.offsets + 4] = bytes(4)
        begin = offsets[first]
        shown = data[begin : begin + (1 << 32)]
        mistakes: list[Mistake] = []
        self._nulls: list[int] = []
        rows, at = 0, first
        todo = sorted(wrong, reverse=True)
        while at < last:
            while todo and todo[-1] < at:
                todo.pop()
            until = todo[-1] if todo else last
            if at < until:
                rows, at = self._run(shown, offsets, begin, at, until, rows)
            if at == last:
                break
            if offsets[at + 1] < offsets[at]:
                mistakes.append((at - first, 0, Fault.FRAME, 0))
                break
            rows, goes_on = self._odd(data, offsets, at, first, rows, mistakes)
            at += 1
            if not goes_on:
                break
        return Batch(rows, mistakes, at, at - first)

    def _run(
        self, shown: memoryview, offsets: memoryview, bias: int, first: int, last: int, row: int
    ) -> tuple[int, int]:
        """Decode from a message and a row on; how many rows there are then, and the message that
        could not be read, or the last."""
        machine = self.machine
        machine.attach(INPUT, shown)
        machine.attach(OFFSETS, offsets)
        self._bias[0] = bias
        for i, word in enumerate((last, first - 1, row - 1, 0, 0)):
            self._frames[i] = word & M32
        state = machine.state
        state.pointers[0] = 20
        machine.run(self._decoder.program.start)
        return self._frames[2], last if state.reason == DONE else self._frames[1]

    def _odd(
        self,
        data: memoryview,
        offsets: memoryview,
        at: int,
        first: int,
        row: int,
        mistakes: list[Mistake],
    ) -> tuple[int, bool]:
        """A message that the program could not read: how many rows there are behind it, and
        whether those after it are to be decoded."""
        decoder = self._decoder
        begin, end = offsets[at], offsets[at + 1]
        try:
            state = self._plain.row(data, begin, end)
        except Wrong as wrong:
            mistakes.append((at - first, wrong.offset - begin, wrong.fault, wrong.column.index))
            if decoder.errors == "raise":
                return row, False
            if decoder.errors == "null":
                self._nulls.append(row)
                return self._one(b"", row, is_asked=False), True
            return row, True
        if state is None:
            return row, True
        return self._one(written(decoder.tree, state), row), True

    def _one(self, message: bytes, row: int, *, is_asked: bool = True) -> int:
        """Decode one message; how many rows there are behind it."""
        state = self.machine.state.spaces[STATE]
        state[ALL] = not is_asked
        bounds = memoryview(array("q", (0, len(message))))
        try:
            rows, at = self._run(memoryview(message), bounds, 0, 0, 1, row)
        finally:  # Ctrl-C may end a run
            state[ALL] = 0
        if at != 1:
            raise RuntimeError(f"the wire VM cannot read {message[:200].hex()}; please report it")
        return rows

    # -- behind the program ------------------------------------------------------------------

    def _wrong_texts(
        self, data: memoryview, offsets: memoryview, first: int, batch: Batch
    ) -> set[int]:
        """Messages with strings that are not valid UTF-8."""
        decoder = self._decoder
        for column in decoder.tree.columns:
            if not column.is_utf8:
                continue
            rows = self._rows(column, batch.rows)
            assert column.offsets is not None
            assert column.values is not None
            output = self.machine.state.spaces[OUTPUT]
            ends = output[column.offsets : column.offsets + 4 * (rows + 1)].cast("I")
            text = output[column.values : column.values + ends[rows]]
            if not _is_ascii(text) and not _are_texts(bytes(text), ends):
                break
        else:
            return set()
        wrong = set()
        for at in range(first, batch.next):
            try:
                self._plain.row(data, offsets[at], offsets[at + 1])
            except Wrong as error:
                if error.fault is Fault.UTF8:
                    wrong.add(at)
        return wrong

    def _rows(self, column: Column, rows: int) -> int:
        """How many rows a column has, where the root has so many."""
        counted = column.space.counted_by
        if counted is None:
            return rows
        assert counted.offsets is not None
        at = counted.offsets + 4 * self._rows(counted, rows)
        return int.from_bytes(self.machine.state.spaces[OUTPUT][at : at + 4], "little")

    def _finish(self, rows: int, out: OutputSpace) -> None:
        """Presence of rows themselves, and offsets of 64 bits."""
        tree = self._decoder.tree
        if tree.root.validity is not None:
            there = bytearray(b"\1" * rows)
            for row in self._nulls:
                there[row] = 0
            out.write(tree.root.validity, there)
        if tree.offset_width == 8:
            output = self.machine.state.spaces[OUTPUT]
            counts = [self._rows(column, rows) for column in tree.columns]
            for column, count in zip(tree.columns, counts, strict=True):
                if column.offsets is not None:
                    narrow = output[column.offsets : column.offsets + 4 * (count + 1)].cast("I")
                    out.write(column.offsets, array("Q", narrow))


def _is_ascii(text: memoryview) -> bool:
    """Whether all bytes are ASCII; a copy of them all would cost fresh pages."""
    pieces = range(0, len(text), PIECE)
    return all(bytes(text[at : at + PIECE]).isascii() for at in pieces)


def _are_texts(text: bytes, ends: memoryview) -> bool:
    """Whether all pieces of some bytes are valid UTF-8, each on its own."""
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    total = len(text)
    return all(end == total or text[end] & 0xC0 != 0x80 for end in ends)
