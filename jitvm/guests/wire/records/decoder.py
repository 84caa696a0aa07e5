"""Decoding records natively: blocks in, columns out.

    blocks ──> a run of the program over records first .. last ──> columns
                 │ stops at a record that it cannot read
                 └> a walk through that record tells what is wrong with it

A block is a piece of the input with so many records, one behind the other. Where one of them cannot
be read nobody knows where the next one begins, so all that are left in its block are lost with it.
Records that have a length of their own are blocks of one.
"""

from __future__ import annotations

from jitvm.engine.machine.machine import Tier
from jitvm.guest.light import cached_property
from jitvm.guests.wire.decoding import Decoding, Run
from jitvm.guests.wire.faults import Fault
from jitvm.guests.wire.records.faulty import WORDS, Walker
from jitvm.guests.wire.records.frames import DEPTH
from jitvm.guests.wire.table import RowError
from jitvm.guests.wire.vm.frames import DONE
from jitvm.guests.wire.vm.operands import INPUT, M32, OFFSETS, STATE

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.engine.tables.params import Parameters
    from jitvm.guests.wire.buffers import Layout
    from jitvm.guests.wire.columns import Tree
    from jitvm.guests.wire.data import Array
    from jitvm.guests.wire.pool import OutputSpace
    from jitvm.guests.wire.records.program import RecordProgram

SAMPLE = 128
"""Records that are decoded to choose instructions by, before any others are."""
ENTRY = 3
"""Words of 8 bytes of a block: where it begins, where it ends, how many records it has."""


class Place:
    """A place among the records of blocks.

    Attributes:
        block: which block; as many as there are, behind the last.
        index: how many records of it are before the place.
        at: where the next one begins in the data.
    """

    __slots__ = ("at", "block", "index")

    def __init__(self, block: int, index: int, at: int) -> None:
        self.block = block
        self.index = index
        self.at = at


class Decoded:
    """What decoding some records gave.

    Attributes:
        rows: rows of the root that are in the columns.
        mistakes: what could not be decoded, in order; their rows are counted from the first record
            of the batch.
        next: the place behind the last record that was looked at.
        seen: how many records were.
    """

    __slots__ = ("mistakes", "next", "rows", "seen")

    def __init__(self, rows: int, mistakes: list[RowError], next: Place, seen: int) -> None:
        self.rows = rows
        self.mistakes = mistakes
        self.next = next
        self.seen = seen


class RecordDecoder(Decoding):
    """Decodes records into the columns of a tree, natively.

    Args:
        tree, layout: the columns, and where they lie.
        program: what decodes.
        errors: ``"raise"``, ``"null"`` or ``"skip"``.
        tier: what executes the program.
        params: limits of the JIT.
    """

    program: RecordProgram

    def __init__(
        self,
        tree: Tree,
        layout: Layout,
        program: RecordProgram,
        *,
        errors: str = "raise",
        tier: Tier = Tier.JIT,
        params: Parameters | None = None,
    ) -> None:
        super().__init__(tree, layout, program, program.dialect.guest, errors, tier, params)

    def run_of(self, tier: Tier) -> OfRecords:
        return OfRecords(self, tier)

    def _try(
        self, data: memoryview, blocks: memoryview, begin: Place, last: int, out: OutputSpace
    ) -> None:
        """Decode a few records, and choose instructions by what they have."""
        run = self.run_of(Tier.INTERPRETER)
        found = run.decode(data, blocks, begin, last, out, SAMPLE)
        if found.rows:
            run.learn(found.rows, ())
        run.let_go()

    def decode(
        self, data: memoryview, blocks: memoryview, begin: Place, last: int, out: OutputSpace,
        rows: int,
    ) -> Decoded:  # fmt: skip
        """Decode records, as many as a batch may have. Any number of threads may do so at a time.

        Args:
            data: what blocks are in.
            blocks: int64, `ENTRY` words a block.
            begin: the first record.
            last: the block behind the last to decode. Together they have no more bytes than the
                layout is for; but the first alone may have any number of records.
            out: where columns are written.
            rows: of a batch at most.
        """
        if not self._has_chosen and self._tier is Tier.JIT:
            self._has_chosen = True
            if self.choices.take():
                self._is_sure = True
            else:
                self._try(data, blocks, begin, last, out)
        with self.running() as run:
            assert isinstance(run, OfRecords)
            return run.decode(data, blocks, begin, last, out, min(rows, self.layout.rows))


class OfRecords(Run):
    """One machine, and the batch it works on.

    Records of the batch are numbered from the first of the block that it begins in.
    """

    decoder: RecordDecoder

    def __init__(self, decoder: RecordDecoder, tier: Tier) -> None:
        super().__init__(decoder, tier)
        self._depth = self.machine.state.spaces[STATE][DEPTH : DEPTH + 4].cast("I")

    @cached_property
    def _walker(self) -> Walker:
        return Walker(self.decoder.tree, self.decoder.program, self.decoder.guest)

    def decode(
        self, data: memoryview, blocks: memoryview, begin: Place, last: int, out: OutputSpace,
        most: int,
    ) -> Decoded:  # fmt: skip
        """As `RecordDecoder.decode`, so many records at most."""
        import numpy as np

        shown = blocks[ENTRY * begin.block : ENTRY * last]
        self._data, self._base = data, begin.at
        self._blocks: Array = np.frombuffer(shown, np.int64).reshape(-1, ENTRY)
        self._before: Array = np.concatenate(([0], np.cumsum(self._blocks[:, 2])))
        start = begin.index
        stop = min(start + most, int(self._before[-1]))
        self.show(out, stop - start)
        self.machine.attach(INPUT, data[self._base : self._base + (1 << 32)])
        self.machine.attach(OFFSETS, shown)
        self._bias[0] = self._base
        found = self._all(start, stop, {})
        if not self.are_texts(found.rows, out):
            found = self._without_wrong_texts(found, start, stop, out)
        if self.decoder.is_curious and found.rows:
            if self.decoder.wants_to_learn:
                self.learn(found.rows, ())
            self.measure(found.rows, found.seen)
        self.finish(found.rows, out)
        found.next.block += begin.block
        return found

    # -- runs ----------------------------------------------------------------------------------

    def _all(self, start: int, stop: int, excluded: dict[int, RowError]) -> Decoded:
        """Decode records from a number to another; those that are `excluded`, by their numbers, are
        known to be wrong."""
        self.begin()
        self._starts: list[tuple[int, int, int]] = []
        errors, is_open = self.decoder.errors, self.decoder.program.is_open
        end = int(self._blocks[-1, 1]) if len(self._blocks) else 0
        number, at, rows = start, self._base, 0
        found: list[RowError] = []
        todo = sorted(excluded, reverse=True)
        while number < stop:
            if todo and todo[-1] == number:
                found.append(excluded[todo.pop()])
                _, number, at, _ = self._run(number, at, number + 1, rows)
                continue
            until = todo[-1] if todo else stop
            rows, number, at, failed = self._run(number, at, until, rows)
            if failed is None:
                if is_open and at == end:
                    return Decoded(rows, found, Place(len(self._blocks), 0, 0), number - start)
                continue
            fault, offset, path = failed
            block = self._block(number)
            first, behind = (int(self._before[each]) for each in (block, block + 1))
            lost = 1 if is_open else behind - number
            if fault is Fault.REST and behind - first > 1:
                lost = 0  # all are there, but something else is as well
            found.append(RowError(number - start - (not lost), offset, path, fault))
            if errors == "raise":
                break
            found += [RowError(number - start + i, 0, "", Fault.LOST) for i in range(1, lost)]
            if errors == "null":
                rows = self._blank(rows, lost)
            while todo and todo[-1] < behind:
                todo.pop()
            if is_open:  # nobody knows how many there would have been
                return Decoded(rows, found, Place(len(self._blocks), 0, 0), number + 1 - start)
            number, at = behind, -1
        return Decoded(rows, found, self._place(number, at), number - start)

    def _block(self, number: int) -> int:
        """The block of a record."""
        return int(self._before.searchsorted(number, "right")) - 1

    def _place(self, number: int, at: int) -> Place:
        """The place of a record, that begins somewhere if that is known, else with its block."""
        block = self._block(number)
        if block == len(self._blocks):
            return Place(block, 0, 0)
        index = number - int(self._before[block])
        return Place(block, index, int(self._blocks[block, 0]) if at < 0 else at)

    def _run(
        self, number: int, at: int, until: int, row: int
    ) -> tuple[int, int, int, tuple[Fault, int, str] | None]:
        """Decode records, the first of which begins somewhere, or with its block, and a row on.

        Returns:
            Rows there are then; the next record, and where it begins, or -1 where it is the first
            of a block; and what is wrong with it. Of bytes that are left behind a block it is the
            record before, if that has its block for itself.
        """
        machine, frames, before = self.machine, self._frames, self._before
        block, to = self._block(number), self._block(until - 1)
        index, count = number - int(before[block]), int(before[block + 1] - before[block])
        left, last = min(until - number, count - index), to + 1
        if to != block and until < before[to + 1]:
            last = to  # the last block is begun in a run of its own: it is left in its middle
        begin, end = int(self._blocks[block, 0]), int(self._blocks[block, 1])
        at = (begin if at < 0 else at) - self._base
        self._starts.append((at, number, left))
        for i, word in enumerate((last, block, at, left, row, end - self._base, at)):
            frames[i] = word & M32
        machine.state.pointers[0] = 4 * WORDS
        self._depth[0] = 0
        machine.run(self.decoder.program.start)
        now, at, rest, rows = frames[1], frames[2] + self._base, frames[3], frames[4]
        total = index + left if now == block else int(before[now + 1] - before[now])
        number = int(before[now]) + total - rest
        first, end = int(self._blocks[now, 0]), int(self._blocks[now, 1])
        if machine.state.reason == DONE:
            if number < before[now + 1]:
                return rows, number, at, None
            if at == end:
                return rows, number, -1, None
        elif rest:
            finding = self._walker.walk(self._data[at:end])
            if finding.fault is None:
                raise RuntimeError("the wire VM cannot read a record; please report it")
            return rows, number, at, (finding.fault, finding.offset, finding.path)
        if before[now + 1] - before[now] > 1:
            return rows, number, at, (Fault.REST, 0, "")
        finding = self._walker.walk(self._data[first:end], checks_texts=False)
        return rows - finding.rows, number - 1, first, (Fault.REST, finding.end, "")

    def _blank(self, row: int, count: int) -> int:
        """Rows of nothing; how many there are then."""
        if count:
            self.nulls += range(row, row + count)
            for i, word in enumerate((1, 0, 0, count, row, 0, 0)):
                self._frames[i] = word
            self.machine.state.pointers[0] = 4 * WORDS
            self.machine.run(self.decoder.program.blank)
        return row + count

    # -- texts ---------------------------------------------------------------------------------

    def _without_wrong_texts(
        self, found: Decoded, start: int, stop: int, out: OutputSpace
    ) -> Decoded:
        """What was decoded without records that have strings which are not valid UTF-8: made null,
        left out, or the first of them named."""
        from jitvm.guests.wire.records.wrong import wrong_rows

        mark, errors = self.decoder.program.mark, self.decoder.errors
        assert mark is not None
        words = memoryview(out.buffer(mark, 8 * found.rows)).cast("B").cast("I")
        counts = self._counts(found.rows)
        rows = wrong_rows(counts, self._texts, out, are_replaced=errors == "null")
        wrong: dict[int, RowError] = {}
        for row in rows[:1] if errors == "raise" else rows:
            number, at, end = self._record(words[2 * row], words[2 * row + 1])
            finding = self._walker.walk(self._data[at:end])
            wrong[number] = RowError(number - start, finding.offset, finding.path, Fault.UTF8)
        if errors == "skip":
            return self._all(start, stop, wrong)
        found.mistakes = sorted([*found.mistakes, *wrong.values()], key=_row_of)
        if errors == "raise":  # what failed came behind all rows
            found.rows = rows[0]
            del found.mistakes[1:]
        else:
            self.nulls += rows
        return found

    def _record(self, at: int, left: int) -> tuple[int, int, int]:
        """Of a record that begins somewhere, of which so many were left: its number, where it
        begins in the data, and where its block ends."""
        _, number, first_left = max(each for each in self._starts if each[0] <= at)
        at += self._base
        block = int(self._blocks[:, 0].searchsorted(at, "right")) - 1
        while self._before[block + 1] == self._before[block]:
            block -= 1
        if block == self._block(number):
            number += first_left - left
        else:
            number = int(self._before[block + 1]) - left
        return number, at, int(self._blocks[block, 1])


def _row_of(mistake: RowError) -> int:
    return mistake.row
