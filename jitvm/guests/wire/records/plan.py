"""How records of one schema become columns: trees, layouts and decoders, for any number of threads.

    Plan (makes a tree, and a program of it)
      ├ of each size of batch: a tree that is laid out, a decoder
      └ tables(data, blocks) ──> chunks, and what could not be decoded

What a format has in front of that (files, schemas, frames) is its own.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque

from jitvm.engine.memory.block import BlockError
from jitvm.guests.wire.buffers import ADDRESS_BITS, layout
from jitvm.guests.wire.faults import Fault
from jitvm.guests.wire.pool import POOL, PoolError
from jitvm.guests.wire.reading import (
    BATCH_BYTES,
    BATCH_ROWS,
    LARGEST,
    DecodeError,
    batch_bytes,
    refused,
)
from jitvm.guests.wire.records.decoder import ENTRY, Place, RecordDecoder
from jitvm.guests.wire.table import Chunk, RowError

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jitvm.guests.wire.buffers import Layout
    from jitvm.guests.wire.columns import Tree
    from jitvm.guests.wire.pool import OutputSpace
    from jitvm.guests.wire.records.decoder import Decoded
    from jitvm.guests.wire.records.program import RecordProgram

TRIAL_ROWS, TRIAL_BYTES = 16, 1 << 12
"""A batch for which columns are laid out to see what a program adds to them."""


class _Ready:
    """A decoder, and what its batches may have."""

    __slots__ = ("decoder", "layout", "tree")

    def __init__(self, tree: Tree, layout: Layout, decoder: RecordDecoder) -> None:
        self.tree = tree
        self.layout = layout
        self.decoder = decoder


class Plan:
    """What decodes records of one schema.

    Args:
        make_tree: makes the columns.
        make_program: makes the program of columns that are laid out.
        errors: ``"raise"``, ``"null"`` or ``"skip"``.

    Raises:
        what both of them raise.
        ProgramError: the VM cannot do what is asked for.

    Attributes:
        tree: the columns, for tables of no rows.
    """

    def __init__(
        self,
        make_tree: Callable[[], Tree],
        make_program: Callable[[Tree], RecordProgram],
        errors: str,
    ) -> None:
        self._make_tree = make_tree
        self._make_program = make_program
        self.errors = errors
        self.tree = self._tree()
        self._spaces: tuple[int, ...] = ADDRESS_BITS
        self._size = batch_bytes(self.tree, self._spaces)
        self._free: deque[_Ready] = deque()

    def _tree(self) -> Tree:
        """Columns that know what a program adds to them."""
        made = self._make_tree()
        layout(made, TRIAL_ROWS, TRIAL_BYTES)
        self._make_program(made)
        return made

    def chunks(
        self, data: memoryview, blocks: memoryview, nulls: frozenset[int], seen: int, rows: int
    ) -> Iterator[tuple[Chunk, list[RowError], int]]:
        """Decode all records of some blocks, batch by batch of at most so many rows.

        Args:
            data: what they are in.
            blocks: int64, `ENTRY` words a block.
            nulls: records that are none, by their number.
            seen: records before the first, for errors.
            rows: of a batch at most.

        Yields:
            A chunk, what could not be decoded, and how many records were looked at. The last one
            has a mistake, and its chunk what was right before it, where these are raised.

        Raises:
            PoolError: the system refused memory.
        """
        count = len(blocks) // ENTRY
        place = Place(0, 0, blocks[0] if count else 0)
        first = seen
        while place.block < count:
            ready, found, out = self._decoded(data, blocks, place, count, rows)
            mistakes = [
                RowError(seen + each.row, 0, "", Fault.NULL)
                if seen + each.row - first in nulls
                else RowError(seen + each.row, each.offset, each.path, each.fault)
                for each in found.mistakes
            ]
            seen += found.seen
            yield Chunk(ready.tree, found.rows, out), mistakes, found.seen
            if mistakes and self.errors == "raise":
                return
            place = found.next

    def _decoded(
        self, data: memoryview, blocks: memoryview, place: Place, count: int, rows: int
    ) -> tuple[_Ready, Decoded, OutputSpace]:
        """One batch."""
        while True:
            size = self._size
            ends = blocks[1::ENTRY]
            last = bisect_right(ends, place.at + size, place.block, count)
            if last == place.block:  # a block that is large
                last, size = place.block + 1, ends[place.block] - place.at
            try:
                return self._in(size, data, blocks, place, last, rows)
            except PoolError:
                if self._spaces == ADDRESS_BITS[:1] or size > BATCH_BYTES:
                    raise
                self._spaces = ADDRESS_BITS[:1]
                self._size = batch_bytes(self.tree, self._spaces)
                self._free.clear()

    def _in(
        self, size: int, data: memoryview, blocks: memoryview, place: Place, last: int, rows: int
    ) -> tuple[_Ready, Decoded, OutputSpace]:
        ready = self._taken(size)
        try:
            out = POOL.take(ready.layout.size)
            found = ready.decoder.decode(data, blocks, place, last, out, rows)
        except BlockError as error:
            raise refused(error) from None
        finally:
            self._free.append(ready)
        out.used(4 * size if found.next.block == last else 0)
        return ready, found, out

    def _taken(self, size: int) -> _Ready:
        """A decoder that nobody uses, for batches of so many bytes."""
        size = LARGEST if size > self._size else self._size
        for _ in range(len(self._free)):
            try:
                ready = self._free.pop()
            except IndexError:
                break
            if ready.layout.bytes == size:
                return ready
            self._free.appendleft(ready)
        made = self._tree()
        placed = layout(made, BATCH_ROWS, size)
        program = self._make_program(made)
        return _Ready(made, placed, RecordDecoder(made, placed, program, errors=self.errors))

    def native(self) -> RecordDecoder | None:
        """The decoder that was used last."""
        return self._free[-1].decoder if self._free else None


class Gathered:
    """Chunks and mistakes, as they come.

    Args:
        errors: as of the plan.

    Raises:
        DecodeError: from `add`, at the first mistake, where these are raised.
    """

    def __init__(self, errors: str) -> None:
        self._errors = errors
        self.chunks: list[Chunk] = []
        self.errors: list[RowError] = []

    def add(self, chunk: Chunk, mistakes: list[RowError]) -> None:
        """Keep a chunk, if it has rows."""
        if mistakes and self._errors == "raise":
            raise DecodeError(mistakes[0])
        self.errors += mistakes
        if chunk.rows:
            self.chunks.append(chunk)
