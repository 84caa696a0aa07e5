"""Decoding natively: a machine of the wire VM, the program of a tree, and what it cannot read.

    offsets ──> a run of the program over messages first .. last ──> columns
                  │ stops at a message that it cannot read
                  └> the plain decoder tells what is wrong with it; or that nothing is, and writes it
                     anew as everybody writes messages, which the program then reads

So whatever is odd but right (tags with more bytes than they need, numbers that a closed enum does
not know) costs a Python function, and no other code has to know about it.
"""

from __future__ import annotations

import ctypes
from array import array
from bisect import bisect_right
from collections import deque

from jitvm.engine.machine.machine import Machine, Tier
from jitvm.guests.wire.columns import Shape
from jitvm.guests.wire.faults import Fault
from jitvm.guests.wire.instructions import (
    BIAS,
    CODE,
    DONE,
    INPUT,
    M32,
    OFFSETS,
    OUTPUT,
    STATE,
    guest,
)
from jitvm.guests.wire.plain import Batch, PlainDecoder
from jitvm.guests.wire.program import Program, make

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.engine.tables.params import Parameters
    from jitvm.guests.wire.columns import Layout, Tree
    from jitvm.guests.wire.plain import Mistake
    from jitvm.guests.wire.pool import OutputSpace
    from jitvm.guests.wire.where import Condition


class Decoder:
    """Decodes messages into the columns of a tree, natively.

    Args:
        tree, layout, errors, where, framing: as for `PlainDecoder`.
        tier: what executes the program.
        params: limits of the JIT.

    Raises:
        ProgramError: the VM cannot do what is asked for; the plain decoder can.
    """

    def __init__(
        self,
        tree: Tree,
        layout: Layout,
        *,
        errors: str = "raise",
        where: Condition | None = None,
        framing: str = "none",
        tier: Tier = Tier.JIT,
        params: Parameters | None = None,
    ) -> None:
        self.tree = tree
        self.layout = layout
        self.program: Program = make(tree, where)
        self._plain = PlainDecoder(tree, layout, errors=errors, where=where, framing=framing)
        self._errors = errors
        self._tier = tier
        self._params = params
        size = max(len(self.program.code), 1 << 16)
        bits = (size - 1).bit_length()
        self._guest = guest(bits if bits == 16 else 20, 32)
        self._idle: deque[_Runner] = deque()

    def decode(
        self, data: memoryview, offsets: memoryview | None, first: int, last: int, out: OutputSpace
    ) -> Batch:
        """Decode messages, as many as a batch may have; see `PlainDecoder.decode`. Any number of
        threads may do so at a time."""
        if offsets is None:
            return self._plain.decode(data, offsets, first, last, out)
        try:
            runner = self._idle.pop()
        except IndexError:
            runner = _Runner(self)
        try:
            return runner.decode(data, offsets, first, last, out)
        finally:
            runner.let_go()
            self._idle.append(runner)

    def machine(self) -> Machine:
        """A machine with the program."""
        made = Machine(self._guest, tier=self._tier, params=self._params)
        code = self.program.code
        made.memory[: len(code)] = code
        return made


class _Runner:
    """One machine, and the batch it works on."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self.machine = decoder.machine()
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
            return decoder._plain.decode(data, offsets, first, first + 1, out)
        begin = offsets[first]
        shown = data[begin : begin + (1 << 32)]
        size = self.machine.guest.spaces[OUTPUT].mapped
        memory = (ctypes.c_ubyte * size).from_address(out.address)
        memory.space = out  # type: ignore[attr-defined]
        machine.attach(OUTPUT, memory)
        for column in decoder.tree.columns:
            if column.offsets is not None:
                memory[column.offsets : column.offsets + decoder.tree.offset_width] = bytes(
                    decoder.tree.offset_width
                )
        mistakes: list[Mistake] = []
        rows, at = 0, first
        while at < last:
            rows, at = self._run(shown, offsets, begin, at, last, rows)
            if at == last:
                break
            rows, goes_on = self._odd(data, offsets, at, first, rows, mistakes, memory)
            at += 1
            if not goes_on:
                break
        return Batch(rows, mistakes, at)

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
        memory: ctypes.Array[ctypes.c_ubyte],
    ) -> tuple[int, bool]:
        """A message that the program could not read: how many rows there are behind it, and
        whether those after it are to be decoded."""
        plain = self._decoder._plain
        begin, end = offsets[at], offsets[at + 1]
        from jitvm.guests.wire.plain import _Wrong

        try:
            if end < begin:
                raise _Wrong(Fault.FRAME, begin, self._decoder.tree.root)
            state = plain._parsed(data, begin, end)
        except _Wrong as wrong:
            mistakes.append((at - first, wrong.offset - begin, wrong.fault, wrong.column.index))
            if self._decoder._errors == "raise" or wrong.fault is Fault.FRAME:
                return row, False
            if self._decoder._errors == "skip":
                return row, True
            raise NotImplementedError from None
        from jitvm.guests.wire.anew import written

        again = written(self._decoder.tree, state)
        rows, _ = self._run(memoryview(again), memoryview(array("q", (0, len(again)))), 0, 0, 1, row)
        return rows, True


__all__ = ["CODE", "Decoder", "Shape"]
