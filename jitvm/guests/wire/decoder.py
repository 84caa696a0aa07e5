"""Decoding natively: a machine of the wire VM, the program of a tree, and what it cannot read.

    offsets ──> a run of the program over messages first .. last ──> columns
                  │ stops at a message that it cannot read
                  └> the plain decoder tells what is wrong with it; or that nothing is, and then
                     it is written anew as everybody writes messages, and the program reads that

So whatever is odd but right (tags with more bytes than they need, numbers that a closed enum does
not know) costs a Python function, and no other code has to know about it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right

from jitvm.engine.interpreter.installed import make_handlers
from jitvm.engine.machine.machine import Tier
from jitvm.engine.memory.cache import CodeCache
from jitvm.guest.light import cached_property
from jitvm.guests.wire.batch import Batch, Wrong
from jitvm.guests.wire.buffers import counted
from jitvm.guests.wire.choice import Sample
from jitvm.guests.wire.decoding import Decoding, Run
from jitvm.guests.wire.faults import Fault
from jitvm.guests.wire.instructions import guest
from jitvm.guests.wire.order import sampled
from jitvm.guests.wire.program import make
from jitvm.guests.wire.vm.frames import DONE
from jitvm.guests.wire.vm.operands import ALL, INPUT, M32, OFFSETS, STATE

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.engine.tables.params import Parameters
    from jitvm.guests.wire.batch import Mistake
    from jitvm.guests.wire.buffers import Layout
    from jitvm.guests.wire.columns import Tree
    from jitvm.guests.wire.plain import PlainDecoder
    from jitvm.guests.wire.pool import OutputSpace
    from jitvm.guests.wire.where import Condition


SAMPLE = 128
"""Messages of the first batch that are decoded to choose instructions by, before all of it is."""
FEW_MESSAGES = 32
"""Messages that are looked at one by one when some string among them is wrong."""


class Decoder(Decoding):
    """Decodes messages into the columns of a tree, natively.

    Args:
        tree, layout, errors, where: as for `PlainDecoder`.
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
        tier: Tier = Tier.JIT,
        params: Parameters | None = None,
    ) -> None:
        super().__init__(tree, layout, make(tree, where), guest, errors, tier, params)
        self._where = where

    @property
    def is_ready(self) -> bool:
        """Whether it decodes at once. On the first call on a computer its native code has to be
        made: `decode_plainly` may serve until then."""
        return self._tier is Tier.REFERENCE or self.is_native_at_hand

    def decode_plainly(
        self, data: memoryview, offsets: memoryview, first: int, last: int, out: OutputSpace
    ) -> Batch:
        """As `decode`, in Python, while native code is made on another thread."""
        make_handlers(self.guest, CodeCache(), self.program.opcodes)
        return self.plain().decode(data, offsets, first, last, out)

    def decode(
        self, data: memoryview, offsets: memoryview, first: int, last: int, out: OutputSpace
    ) -> Batch:
        """Decode messages, as many as a batch may have; see `PlainDecoder.decode`. Any number of
        threads may do so at a time."""
        self.get_ready(data, offsets, first, last, out)
        with self.running() as run:
            assert isinstance(run, OfMessages)
            return run.decode(data, offsets, first, last, out)

    def run_of(self, tier: Tier) -> OfMessages:
        return OfMessages(self, tier)

    # -- the choice of instructions ----------------------------------------------------------

    def get_ready(
        self, data: memoryview, offsets: memoryview, first: int, last: int, out: OutputSpace
    ) -> None:
        """Before the first messages are decoded: choose instructions that fit them, as an earlier
        process has for this program, or by decoding some."""
        if self._has_chosen or last <= first or self._tier is not Tier.JIT:
            return
        self._has_chosen = True
        if self.choices.take():
            self._is_sure = True
            return
        last = min(last, first + SAMPLE)
        if self.is_native_at_hand:
            with_sample = OfMessages(self, Tier.INTERPRETER)
            with_sample.decode(data, offsets, first, last, out)
            with_sample.let_go()
            return
        rows = self.plain().decode(data, offsets, first, last, out).rows
        if rows and self.tree.offset_width == 4:
            output = memoryview(out.buffer(0, out.size)).cast("B")
            found = counted(self.tree, rows, output, 4)
            messages = sampled(data, offsets, first, last)
            self.learn(Sample(output, lambda column: found[column.space.index], messages))

    def plain(self) -> PlainDecoder:
        """A decoder of the same columns that is not native."""
        from jitvm.guests.wire.plain import PlainDecoder

        return PlainDecoder(self.tree, self.layout, errors=self.errors, where=self._where)


class OfMessages(Run):
    """One machine, and the batch it works on."""

    decoder: Decoder

    def __init__(self, decoder: Decoder, tier: Tier) -> None:
        super().__init__(decoder, tier)
        self._shown: memoryview | None = None

    @cached_property
    def _plain(self) -> PlainDecoder:
        return self.decoder.plain()

    def let_go(self) -> None:
        super().let_go()
        self._shown = None

    def decode(
        self, data: memoryview, offsets: memoryview, first: int, last: int, out: OutputSpace
    ) -> Batch:
        """As `Decoder.decode`."""
        decoder, layout = self.decoder, self.decoder.layout
        last = min(last, first + layout.rows)
        if offsets[last] - offsets[first] > layout.bytes:
            last = bisect_right(offsets, offsets[first] + layout.bytes, first, last + 1) - 1
        if last <= first:  # one that is too large
            return self._plain.decode(data, offsets, first, first + 1, out)
        self.show(out, last - first)
        batch = self._batch(data, offsets, first, last, frozenset())
        if not self.are_texts(batch.rows, out):
            wrong = self._wrong_texts(data, offsets, first, batch.next, out)
            batch = self._batch(data, offsets, first, last, frozenset(wrong))
        if decoder.is_curious and batch.rows:
            if decoder.wants_to_learn:
                self.learn(batch.rows, sampled(data, offsets, first, batch.next))
            self.measure(batch.rows, batch.seen)
        self.finish(batch.rows, out)
        return batch

    def _batch(
        self, data: memoryview, offsets: memoryview, first: int, last: int, wrong: frozenset[int]
    ) -> Batch:
        """Decode messages, of which some are known to be wrong."""
        self.begin()
        begin = offsets[first]
        shown = data[begin : begin + (1 << 32)]
        mistakes: list[Mistake] = []
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
        if shown is not self._shown:  # else it stopped at an odd message, and goes on
            machine.attach(INPUT, shown)
            machine.attach(OFFSETS, offsets)
            self._shown = shown
        self._bias[0] = bias
        for i, word in enumerate((last, first - 1, row - 1, 0, 0)):
            self._frames[i] = word & M32
        state = machine.state
        state.pointers[0] = 20
        machine.run(self.decoder.program.start)
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
        decoder = self.decoder
        begin, end = offsets[at], offsets[at + 1]
        try:
            state = self._plain.row(data, begin, end)
        except Wrong as wrong:
            mistakes.append((at - first, wrong.offset - begin, wrong.fault, wrong.column.index))
            if decoder.errors == "raise":
                return row, False
            if decoder.errors == "null":
                self.nulls.append(row)
                return self._one(b"", row, is_asked=False), True
            return row, True
        if state is None:
            return row, True
        from jitvm.guests.wire.anew import written

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
        self, data: memoryview, offsets: memoryview, first: int, last: int, out: OutputSpace
    ) -> set[int]:
        """Messages with strings that are not valid UTF-8, of some that are not all right; where
        mistakes are raised, the first is enough."""
        if last - first <= FEW_MESSAGES:
            return {at for at in range(first, last) if self._is_wrong_text(data, offsets, at)}
        wrong: set[int] = set()
        middle = (first + last) // 2
        for begin, end in ((first, middle), (middle, last)):
            batch = self._batch(data, offsets, begin, end, frozenset())
            if not self.are_texts(batch.rows, out):
                wrong |= self._wrong_texts(data, offsets, begin, batch.next, out)
            if batch.next < end or (wrong and self.decoder.errors == "raise"):
                break
        return wrong

    def _is_wrong_text(self, data: memoryview, offsets: memoryview, at: int) -> bool:
        try:
            self._plain.row(data, offsets[at], offsets[at + 1])
        except Wrong as error:
            return error.fault is Fault.UTF8
        return False
